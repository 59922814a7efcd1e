// SPDX-License-Identifier: MIT

/// A request method, case-sensitive (RFC 9110 §9.1).
///
/// Those that a parser returns are ASCII tokens, so comparing them compares bytes.
public struct HTTPMethod: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The method as sent.
    public var rawValue: String

    /// Creates a method; nothing is checked.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Reads a representation.
    public static let get = HTTPMethod(rawValue: "GET")
    /// Reads the headers that `get` would answer.
    public static let head = HTTPMethod(rawValue: "HEAD")
    /// Hands a body to the server.
    public static let post = HTTPMethod(rawValue: "POST")
    /// Replaces a representation.
    public static let put = HTTPMethod(rawValue: "PUT")
    /// Changes a representation.
    public static let patch = HTTPMethod(rawValue: "PATCH")
    /// Removes a representation.
    public static let delete = HTTPMethod(rawValue: "DELETE")
    /// Asks what is possible; the one method whose target may be `*`.
    public static let options = HTTPMethod(rawValue: "OPTIONS")

    /// The method as sent.
    public var description: String { rawValue }
}

/// The two versions that are spoken.
public enum HTTPVersion: Sendable, Hashable {
    /// HTTP/1.0: closes after each answer unless asked otherwise; no chunked bodies.
    case http10
    /// HTTP/1.1.
    case http11
}

extension HTTPVersion {
    /// Reads `HTTP/1.x`, whose place in the message is `position`.
    static func read(
        _ bytes: ArraySlice<UInt8>, position: Int
    ) throws(HTTPRejection) -> HTTPVersion {
        let first = bytes.startIndex
        // The name is case-sensitive (RFC 9112 §2.3).
        guard bytes.count == 8, bytes.starts(with: "HTTP/".utf8), ASCII.isDigit(bytes[first + 5]),
            bytes[first + 6] == UInt8(ascii: "."), ASCII.isDigit(bytes[first + 7])
        else {
            throw HTTPRejection(
                status: 400, reason: "The version is not written as HTTP/1.0 or HTTP/1.1.",
                position: position)
        }
        switch (bytes[first + 5], bytes[first + 7]) {
        case (UInt8(ascii: "1"), UInt8(ascii: "1")): return .http11
        case (UInt8(ascii: "1"), UInt8(ascii: "0")): return .http10
        default:
            throw HTTPRejection(
                status: 505, reason: "The version is not one of HTTP/1.0 and HTTP/1.1.",
                position: position)
        }
    }
}
