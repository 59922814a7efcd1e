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
