// SPDX-License-Identifier: MIT

extension HTTPResponse {
    /// The head of an answer whose body has no end yet: it goes on until the connection is closed
    /// (RFC 9112 §6.3), which a peer of either version understands.
    ///
    /// `body` is not part of it.
    public func serializedStreamHead() -> [UInt8] {
        var output = Array("HTTP/1.1 ".utf8)
        HTTPResponse.append(decimal: status, to: &output)
        output.append(ASCII.space)
        output.append(contentsOf: HTTPResponse.phrase(of: status).utf8)
        output.append(contentsOf: "\r\n".utf8)
        headers.write(to: &output)
        output.append(contentsOf: "Connection: close\r\n\r\n".utf8)
        return output
    }
}
