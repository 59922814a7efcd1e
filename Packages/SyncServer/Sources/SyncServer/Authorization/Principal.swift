// SPDX-License-Identifier: MIT

import Cryptography
import SyncProtocol

/// Who makes a request, and what that permits.
struct Principal: Equatable, Sendable {
    /// What the principal has shown.
    enum Credential: Equatable, Sendable {
        /// Nothing: whoever reaches the server.
        case none
        /// The token with this hash in the token file.
        case token(SHA256Digest)
        /// A token that this key has signed.
        case key(SHA256Digest)
    }

    /// Names the principal in the log and for rate limits: printable ASCII, at most 80 bytes.
    let subject: String
    let grants: Grants
    /// From when on it is refused, in milliseconds since 1970, the skew that is allowed for
    /// included; `UInt64.max` is never.
    let expiresAtMilliseconds: UInt64
    let credential: Credential

    init(
        subject: String, grants: Grants, expiresAtMilliseconds: UInt64, credential: Credential
    ) {
        self.subject = Self.printable(subject)
        self.grants = grants
        self.expiresAtMilliseconds = expiresAtMilliseconds
        self.credential = credential
    }

    /// Whoever reaches a server without authentication.
    static let anyone = Principal(
        subject: "anyone", grants: .all, expiresAtMilliseconds: .max, credential: .none)

    /// What a device chose to be called can hold line ends, and end a line of the log.
    private static func printable(_ text: String) -> String {
        let bytes = text.utf8.prefix(80).map { 0x21...0x7E ~= $0 ? $0 : UInt8(ascii: "?") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
