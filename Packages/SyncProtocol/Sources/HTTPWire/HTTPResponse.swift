// SPDX-License-Identifier: MIT

/// One whole answer. `Content-Length` and `Connection` are written by `serialized`.
public struct HTTPResponse: Sendable, Equatable {
    /// The status code, 200 to 599.
    public var status: Int
    /// Fields beside `Content-Length`, `Transfer-Encoding` and `Connection`, which are never
    /// set here.
    public var headers: HTTPHeaders
    /// The body; not sent with 204 and 304, nor in answer to HEAD.
    public var body: [UInt8]
    /// What follows `body`, in parts that were not copied together. Empty unless set.
    public var bodyParts: [ArraySlice<UInt8>] = []

    /// The length of the whole body in bytes. O(n) in the parts.
    public var bodyLength: Int { bodyParts.reduce(body.count) { $0 + $1.count } }

    /// Creates an answer.
    ///
    /// - Precondition: `status` is 200 to 599.
    public init(status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        precondition((200...599).contains(status), "A final status is 200 to 599")
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The answer's bytes for an HTTP/1.1 peer, head and body.
    ///
    /// Without `keepAlive` it says `Connection: close`, and the caller closes after it.
    public func serialized(keepAlive: Bool) -> [UInt8] {
        serializedHead(keepAlive: keepAlive) + (hasBody ? body + bodyParts.joined() : [])
    }

    /// The bytes of the status line and the headers with the empty line, without the body.
    ///
    /// With `version` 1.0 and `keepAlive` it says `Connection: keep-alive`, which such a peer
    /// needs to hear (RFC 9112 §9.3).
    public func serializedHead(keepAlive: Bool, version: HTTPVersion = .http11) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(128)
        output.append(contentsOf: "HTTP/1.1 ".utf8)
        HTTPResponse.append(decimal: status, to: &output)
        output.append(ASCII.space)
        output.append(contentsOf: HTTPResponse.phrase(of: status).utf8)
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
        headers.write(to: &output)
        if status != 204 && status != 304 {
            output.append(contentsOf: "Content-Length: ".utf8)
            HTTPResponse.append(decimal: bodyLength, to: &output)
            output.append(ASCII.carriageReturn)
            output.append(ASCII.lineFeed)
        }
        if !keepAlive {
            output.append(contentsOf: "Connection: close\r\n".utf8)
        } else if version == .http10 {
            output.append(contentsOf: "Connection: keep-alive\r\n".utf8)
        }
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
        return output
    }

    /// Whether the status allows a body (RFC 9112 §6.3).
    public var hasBody: Bool { status != 204 && status != 304 && bodyLength > 0 }

    /// The interim answer that lets a peer with `Expect: 100-continue` send its body.
    public static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// Writes a number that is not negative.
    static func append(decimal value: Int, to output: inout [UInt8]) {
        if value >= 10 { append(decimal: value / 10, to: &output) }
        output.append(UInt8(ascii: "0") + UInt8(value % 10))
    }

    /// The phrase of RFC 9110 §15 for a status, empty for those this project does not use.
    static func phrase(of status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 417: "Expectation Failed"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
