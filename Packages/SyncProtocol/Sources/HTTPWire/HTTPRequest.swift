// SPDX-License-Identifier: MIT

/// One whole request: head and body, framing removed.
public struct HTTPRequest: Sendable, Equatable {
    /// The method; an ASCII token.
    public var method: HTTPMethod
    /// The target as sent: origin-form, absolute-form, or `*` with OPTIONS.
    public var target: String
    /// The target's path as sent, still percent-encoded; begins with `/` unless it is `*`.
    ///
    /// Dot segments are not removed: compare it with whole route names only.
    public var path: String
    /// What follows the first `?` as sent, or nil if there is none.
    public var query: String?
    /// The version of the request line.
    public var version: HTTPVersion
    /// The header fields. `Content-Length`, `Transfer-Encoding` and `Host` have been checked.
    public var headers: HTTPHeaders
    /// The body with its chunks joined; trailers were dropped.
    public var body: [UInt8]
    /// Whether the peer expects to send another request on the connection (RFC 9112 §9.3).
    public var isKeepAlive: Bool

    /// Creates a request as a parser would return it; nothing is checked.
    public init(
        method: HTTPMethod, target: String, version: HTTPVersion = .http11,
        headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [], isKeepAlive: Bool = true
    ) {
        let parts = target.utf8.split(
            separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        self.init(
            method: method, target: target,
            path: parts.count == 2 ? String(Substring(parts[0])) : target,
            query: parts.count == 2 ? String(Substring(parts[1])) : nil, version: version,
            headers: headers, body: body, isKeepAlive: isKeepAlive)
    }

    init(
        method: HTTPMethod, target: String, path: String, query: String?, version: HTTPVersion,
        headers: HTTPHeaders, body: [UInt8], isKeepAlive: Bool
    ) {
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.version = version
        self.headers = headers
        self.body = body
        self.isKeepAlive = isKeepAlive
    }

    /// The items of the query, split at `&` and the first `=`, not yet decoded.
    ///
    /// Computed on each call, linear in the query's length. Empty items are left out; an item
    /// without `=` has an empty value. Repeated names are kept in order.
    public func queryItems() -> [HTTPQueryItem] {
        guard let query else { return [] }
        return query.utf8.split(separator: UInt8(ascii: "&")).map { item in
            let equals = item.firstIndex(of: UInt8(ascii: "="))
            return HTTPQueryItem(
                rawName: String(Substring(item[..<(equals ?? item.endIndex)])),
                rawValue: equals.map { String(Substring(item[item.index(after: $0)...])) } ?? "")
        }
    }
}

/// A name and a value of a query.
public struct HTTPQueryItem: Sendable, Hashable {
    /// The name as sent.
    public var rawName: String
    /// The value as sent, for values that are split at a comma before they are decoded.
    public var rawValue: String

    /// Creates an item from parts that are still percent-encoded.
    public init(rawName: String, rawValue: String) {
        self.rawName = rawName
        self.rawValue = rawValue
    }

    /// The decoded name, or nil if it is not UTF-8.
    public var name: String? { HTTPPercentEncoding.decodedString(rawName) }

    /// The decoded value, or nil if it is not UTF-8.
    public var value: String? { HTTPPercentEncoding.decodedString(rawValue) }
}
