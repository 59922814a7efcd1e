// SPDX-License-Identifier: MIT

extension HTTPRequest {
    /// The request's bytes for an HTTP/1.1 server, head and body.
    ///
    /// - Throws: as `serializedHead(host:)`.
    public func serialized(host: String) throws(HTTPRejection) -> [UInt8] {
        try serializedHead(host: host) + body
    }

    /// The bytes of the request line and the headers with the empty line, without the body.
    ///
    /// `Host`, `Content-Length` and `Connection` are written here, `headers` holds none of them.
    /// There is a `Content-Length` where a body is or could be: always with POST, PUT and PATCH.
    /// `path`, `query` and `version` are not looked at: the target is sent, as HTTP/1.1.
    ///
    /// - Parameter host: The server's name or address, an IPv6 one in brackets, with its port
    ///   unless that is the scheme's own.
    /// - Throws: `HTTPRejection` if a server could read something else than is meant: the method is
    ///   no token, the target has characters that must be encoded, or `host` is none. Header
    ///   values cannot end their line; see `HTTPHeaders.append(_:_:)`.
    public func serializedHead(host: String) throws(HTTPRejection) -> [UInt8] {
        let method = method.rawValue
        guard !method.isEmpty, method.utf8.allSatisfy(ASCII.isToken) else {
            throw HTTPRejection(status: 400, reason: "The method is not a token.")
        }
        guard HTTPRequestHead.isAuthority(Array(host.utf8)[...]) else {
            throw HTTPRejection(
                status: 400, reason: "The Host is not a host name or address with a port.")
        }
        // What the parser would refuse is not sent.
        var head = HTTPRequestHead()
        head.method = self.method
        try head.readTarget(Array(target.utf8)[...], offset: 0)

        var output: [UInt8] = []
        output.reserveCapacity(256)
        output.append(contentsOf: method.utf8)
        output.append(ASCII.space)
        output.append(contentsOf: target.utf8)
        output.append(contentsOf: " HTTP/1.1\r\nHost: ".utf8)
        output.append(contentsOf: host.utf8)
        output.append(contentsOf: "\r\n".utf8)
        headers.write(to: &output)
        if !body.isEmpty || HTTPRequestHead.needsLength(self.method) {
            output.append(contentsOf: "Content-Length: ".utf8)
            HTTPResponse.append(decimal: body.count, to: &output)
            output.append(contentsOf: "\r\n".utf8)
        }
        if !isKeepAlive { output.append(contentsOf: "Connection: close\r\n".utf8) }
        output.append(contentsOf: "\r\n".utf8)
        return output
    }
}
