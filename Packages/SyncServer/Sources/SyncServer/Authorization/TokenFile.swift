// SPDX-License-Identifier: MIT

import Cryptography

// A token file is text, a token on each line, as an object with these members; empty lines, and
// lines that begin with #, say nothing:
//
//     {"sha256": HEX, "name": TEXT, "db": …, "device": …, "collections": …, "exp": SECONDS}
//
// `collections` and `exp` may be left out. A token is `est_` and 32 random bytes in base64url.

/// The tokens of `--auth token`, by their hashes.
///
/// Tokens are stored hashed, so whoever reads the file, or a copy of it, has none. SHA-256 is the
/// right hash here, and a slow one would not be: slow hashes protect what a person thought up and
/// others can guess; a token is 256 random bits, which nobody can go through, and each request
/// would pay for the slowness. Looking a hash up tells a stopwatch nothing: nobody can choose
/// tokens by their hashes.
struct TokenFile {
    struct Entry: Equatable {
        var name: String
        var grants: Grants
        /// From when on it is refused; `UInt64.max` is never.
        var expiresAtMilliseconds: UInt64 = .max
    }

    private(set) var entries: [SHA256Digest: Entry] = [:]

    /// How long a file may be.
    static let bytesMax = 16 << 20
    private static let lineBytesMax = 64 << 10

    /// Reads a file.
    ///
    /// - Throws: `KeySourceError` that names the line.
    init(_ bytes: [UInt8]) throws(KeySourceError) {
        var names: Set<[UInt8]> = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.first == UInt8(ascii: "#") || line.allSatisfy({ $0 == 0x20 }) { continue }
            do throws(ClaimError) {
                let (digest, entry) = try Self.entry(Array(line))
                guard names.insert(Array(entry.name.utf8)).inserted,
                    entries.updateValue(entry, forKey: digest) == nil
                else { throw ClaimError(description: "The name or the token came before") }
            } catch {
                throw KeySourceError(description: "Line \(index + 1): \(error).")
            }
        }
    }

    /// Reads the file at `path`.
    static func read(_ path: String) throws(KeySourceError) -> TokenFile {
        do throws(KeySourceError) {
            return try TokenFile(try readFile(path, bytesMax: bytesMax))
        } catch {
            throw KeySourceError(description: "\(path): \(error)")
        }
    }

    private static func entry(
        _ line: [UInt8]
    ) throws(ClaimError) -> (SHA256Digest, Entry) {
        guard line.count <= lineBytesMax else {
            throw ClaimError(description: "It is longer than \(lineBytesMax) bytes")
        }
        let object: ParsedJSON
        do throws(ParsedJSONError) { object = try ParsedJSON(line) } catch {
            throw ClaimError(description: "It is no JSON: \(error)")
        }
        guard let digest = object["sha256"]?.text.flatMap({ SHA256Digest(hex: $0) }) else {
            throw ClaimError(description: "\"sha256\" has to be 64 hexadecimal digits")
        }
        guard let name = object["name"]?.text, isName(name) else {
            throw ClaimError(
                description: "\"name\" has to be 1 to 64 printable characters of ASCII")
        }
        var entry = Entry(name: name, grants: try Grants(object))
        if let end = object["exp"] {
            guard let seconds = end.number, (0...1e13).contains(seconds) else {
                throw ClaimError(description: "\"exp\" has to be seconds since 1970")
            }
            entry.expiresAtMilliseconds = UInt64(seconds * 1_000)
        }
        return (digest, entry)
    }

    /// Whether a token may be called so.
    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { 0x21...0x7E ~= $0 }
    }

    /// Whose token it is.
    ///
    /// - Throws: `AccessRefusal` of kind 401.
    func principal(
        of token: ArraySlice<UInt8>, nowMilliseconds: UInt64
    ) throws(AccessRefusal) -> Principal {
        let digest = SHA256().digest(of: Array(token))
        guard let entry = entries[digest] else {
            throw .invalidToken("it is not in the token file")
        }
        guard nowMilliseconds < entry.expiresAtMilliseconds else { throw .expired }
        return Principal(
            subject: "token:" + entry.name, grants: entry.grants,
            expiresAtMilliseconds: entry.expiresAtMilliseconds, credential: .token(digest))
    }

    /// Makes a token, and the line that admits it.
    static func issue(
        _ entry: Entry, using generator: inout some RandomNumberGenerator
    ) -> (token: String, line: String) {
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let token = "est_" + Base64.encode(bytes, .url)
        let digest = SHA256().digest(of: Array(token.utf8))
        let end: [JSONValue.Member] =
            entry.expiresAtMilliseconds == .max
            ? [] : [.init("exp", .number(entry.expiresAtMilliseconds / 1_000))]
        let line = JSONValue.object(
            [.init("sha256", .text(digest.hex)), .init("name", .text(entry.name))]
                + entry.grants.members + end)
        return (token, line.line)
    }
}

extension SHA256Digest {
    /// 64 digits.
    fileprivate var hex: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    fileprivate init?(hex: String) {
        let digits = hex.unicodeScalars.map { Character($0).hexDigitValue }
        guard digits.count == 2 * Self.count, hex.utf8.count == digits.count else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap { index -> UInt8? in
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            return UInt8(high << 4 | low)
        }
        self.init(bytes)
    }
}
