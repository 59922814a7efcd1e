// SPDX-License-Identifier: MIT

/// Where a server is: `http://HOST:PORT/PATH`, taken apart.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// The host's name or address, an IPv6 one without brackets.
    public var host: String
    /// The TCP port.
    public var port: UInt16
    /// What stands before `/v1/push` in a request, empty or beginning with a slash.
    public var path: String

    /// Reads a URL.
    ///
    /// - Returns: nil unless it is `http://` with a host, and perhaps a port (80 without) and a
    ///   path, and nothing else.
    public init?(parsing url: String) {
        let scheme = "http://"
        guard url.lowercased().hasPrefix(scheme) else { return nil }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path.removeLast() }
        guard !path.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x3F || $0 == 0x23 })
        else { return nil }
        self.path = String(path)
        var host = authority
        var port = Substring("80")
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            let behind = authority[authority.index(after: end)...]
            guard behind.isEmpty || behind.hasPrefix(":") else { return nil }
            if !behind.isEmpty { port = behind.dropFirst() }
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty, !host.contains("@"), let number = UInt16(port), number > 0 else {
            return nil
        }
        self.host = String(host)
        self.port = number
    }

    /// The value of the `Host` header.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// The URL.
    public var description: String { "http://\(authority)\(path)" }
}
