// SPDX-License-Identifier: MIT

/// What the lines of a request's head have said so far. Offsets count from the head's first byte.
struct HTTPRequestHead: Sendable {
    /// How the end of the body is found (RFC 9112 §6.3).
    enum Framing: Sendable, Equatable {
        case none
        case length(Int)
        case chunked
    }

    var method = HTTPMethod.get
    var version = HTTPVersion.http11
    var target = ""
    var path = ""
    var query: String?
    /// Where the host of an absolute-form target lies.
    var authority: Range<Int>?
    private var lines = HTTPFieldLines()
    private var bytes: [UInt8] = []
    private var host: Range<Int>?
    private var hasUnknownExpectation = false
    private(set) var expectsContinue = false

    /// The request of this head, which is complete, with `body`.
    func request(body: [UInt8]) -> HTTPRequest {
        HTTPRequest(
            method: method, target: target, path: path, query: query, version: version,
            headers: HTTPHeaders(bytes: bytes, fields: lines.fields), body: body,
            isKeepAlive: lines.isKeepAlive(version))
    }

    /// Reads the next header line. At the empty line it takes the head out of the input and
    /// decides how the body is framed.
    ///
    /// - Returns: nil until the head is whole.
    mutating func readFields(
        from input: inout HTTPMessageInput, limits: HTTPLimits
    ) throws(HTTPRejection) -> Framing? {
        while true {
            switch try lines.readNext(from: &input, limits: limits) {
            case .needMore: return nil
            case .field(let line): try note(line)
            case .headEnd:
                let framing = try framing(
                    in: input[0..<input.scanned], maxBodyBytes: limits.maxBodyBytes)
                bytes = input.takeScanned()
                return framing
            }
        }
    }

    private mutating func note(_ line: HTTPFieldLines.Line) throws(HTTPRejection) {
        switch line.name.count {
        case 4 where ASCII.equals(line.name, "host"):
            try HTTPFieldLines.set(&host, line.valueRange, "Host", line.offset)
        case 6 where ASCII.equals(line.name, "expect"):
            if ASCII.equals(line.value, "100-continue") {
                expectsContinue = true
            } else {
                hasUnknownExpectation = true
            }
        default:
            break
        }
    }

    /// Checks the rules about the head as a whole and says how the body is framed.
    private mutating func framing(
        in head: ArraySlice<UInt8>, maxBodyBytes: Int
    ) throws(HTTPRejection) -> Framing {
        try checkHost(in: head)
        if hasUnknownExpectation {
            throw HTTPRejection(
                status: 417, reason: "The only expectation that can be met is 100-continue.",
                position: head.count)
        }
        // An HTTP/1.0 peer cannot take an interim answer (RFC 9110 §10.1.1).
        if version == .http10 { expectsContinue = false }
        switch try lines.framing(in: head, version: version, maxBodyBytes: maxBodyBytes) {
        case .chunked: return .chunked
        case .length(let length): return .length(length)
        case nil:
            guard !HTTPRequestHead.needsLength(method) else {
                throw HTTPRejection(
                    status: 411,
                    reason: "The request has a body of unknown length; send a Content-Length.",
                    position: head.count)
            }
            return .none
        }
    }

    /// Whether a request without a length is probably one whose body nobody could find.
    static func needsLength(_ method: HTTPMethod) -> Bool {
        method == .post || method == .put || method == .patch
    }

    private func checkHost(in head: ArraySlice<UInt8>) throws(HTTPRejection) {
        func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
            head[(head.startIndex + range.lowerBound)..<(head.startIndex + range.upperBound)]
        }
        guard let host else {
            if version == .http10 { return }
            throw HTTPRejection(
                status: 400, reason: "The request has no Host; HTTP/1.1 requires exactly one.",
                position: head.count)
        }
        guard HTTPRequestHead.isAuthority(slice(host)) else {
            throw HTTPRejection(
                status: 400, reason: "The Host is not a host name or address with a port.",
                position: host.lowerBound)
        }
        if let authority, !ASCII.equalIgnoringCase(slice(authority), slice(host)) {
            throw HTTPRejection(
                status: 400, reason: "The Host differs from the host of the target; send one.",
                position: host.lowerBound)
        }
    }
}
