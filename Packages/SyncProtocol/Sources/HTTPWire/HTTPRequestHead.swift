// SPDX-License-Identifier: MIT

/// What the lines of a head have said so far. Offsets count from the head's first byte.
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
    var fields: [HTTPHeaders.Field] = []
    /// Offset of the line that is being read, nil before the first one.
    var end: Int?
    var bytes: [UInt8] = []
    private var host: Range<Int>?
    private var contentLength: Range<Int>?
    private var transferEncoding: Range<Int>?
    private var hasClose = false
    private var hasKeepAlive = false
    private var hasUnknownExpectation = false
    private(set) var expectsContinue = false

    /// The request of this head, which is complete, with `body`.
    func request(body: [UInt8]) -> HTTPRequest {
        HTTPRequest(
            method: method, target: target, path: path, query: query, version: version,
            headers: HTTPHeaders(bytes: bytes, fields: fields), body: body,
            isKeepAlive: !hasClose && (version == .http11 || hasKeepAlive))
    }

    /// Splits a field line into name and value, as offsets from the line's first byte.
    ///
    /// `offset` is where the line begins in the request, for the error's position.
    static func splitField(
        _ line: ArraySlice<UInt8>, offset: Int
    ) throws(HTTPRejection) -> (name: Range<Int>, value: Range<Int>) {
        func reject(_ reason: String, at index: Int) -> HTTPRejection {
            HTTPRejection(
                status: 400, reason: reason, position: offset + index - line.startIndex)
        }
        let first = line[line.startIndex]
        if first == ASCII.space || first == ASCII.tab {
            throw reject(
                "A header line begins with a blank; folded lines are not allowed.",
                at: line.startIndex)
        }
        var colon = line.startIndex
        while colon < line.endIndex && line[colon] != UInt8(ascii: ":") {
            guard ASCII.isToken(line[colon]) else {
                throw reject(
                    "A header name holds a character that no token may hold.", at: colon)
            }
            colon += 1
        }
        guard colon < line.endIndex else {
            throw reject("A header line has no colon.", at: colon)
        }
        guard colon > line.startIndex else {
            throw reject("A header has an empty name.", at: colon)
        }
        var valueStart = colon + 1
        var valueEnd = line.endIndex
        while valueStart < valueEnd && isBlank(line[valueStart]) { valueStart += 1 }
        while valueEnd > valueStart && isBlank(line[valueEnd - 1]) { valueEnd -= 1 }
        let base = line.startIndex
        return (0..<(colon - base), (valueStart - base)..<(valueEnd - base))
    }

    static func isBlank(_ byte: UInt8) -> Bool { byte == ASCII.space || byte == ASCII.tab }

    /// Reads a header line that begins at `offset`.
    mutating func readField(
        _ line: ArraySlice<UInt8>, offset: Int
    ) throws(HTTPRejection) {
        let (name, value) = try HTTPRequestHead.splitField(line, offset: offset)
        fields.append(
            HTTPHeaders.Field(
                nameStart: UInt32(offset), nameEnd: UInt32(offset + name.upperBound),
                valueStart: UInt32(offset + value.lowerBound),
                valueEnd: UInt32(offset + value.upperBound)))
        let base = line.startIndex
        let nameBytes = line[base..<(base + name.upperBound)]
        let valueBytes = line[(base + value.lowerBound)..<(base + value.upperBound)]
        let range = (offset + value.lowerBound)..<(offset + value.upperBound)
        switch name.count {
        case 4 where ASCII.equals(nameBytes, "host"):
            try set(&host, range, "Host", offset)
        case 6 where ASCII.equals(nameBytes, "expect"):
            if ASCII.equals(valueBytes, "100-continue") {
                expectsContinue = true
            } else {
                hasUnknownExpectation = true
            }
        case 10 where ASCII.equals(nameBytes, "connection"):
            readConnection(valueBytes)
        case 14 where ASCII.equals(nameBytes, "content-length"):
            try set(&contentLength, range, "Content-Length", offset)
        case 17 where ASCII.equals(nameBytes, "transfer-encoding"):
            try set(&transferEncoding, range, "Transfer-Encoding", offset)
        default:
            break
        }
    }

    /// Notes a field that may come once; a second one is ambiguous even if it says the same.
    private func set(
        _ field: inout Range<Int>?, _ range: Range<Int>, _ name: StaticString, _ offset: Int
    ) throws(HTTPRejection) {
        guard field == nil else {
            throw HTTPRejection(
                status: 400, reason: "The request has two \(name) fields; send exactly one.",
                position: offset)
        }
        field = range
    }

    private mutating func readConnection(_ value: ArraySlice<UInt8>) {
        for element in value.split(separator: UInt8(ascii: ",")) {
            let option = HTTPRequestHead.trimmed(element)
            if ASCII.equals(option, "close") { hasClose = true }
            if ASCII.equals(option, "keep-alive") { hasKeepAlive = true }
        }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }
}

extension HTTPRequestHead {
    /// Checks the rules about the head as a whole and says how the body is framed.
    mutating func framing(
        in head: ArraySlice<UInt8>, maxBodyBytes: Int
    ) throws(HTTPRejection) -> Framing {
        func reject(_ status: Int, _ reason: String) -> HTTPRejection {
            HTTPRejection(status: status, reason: reason, position: head.count)
        }
        func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
            head[(head.startIndex + range.lowerBound)..<(head.startIndex + range.upperBound)]
        }
        try checkHost(in: head)
        if hasUnknownExpectation {
            throw reject(417, "The only expectation that can be met is 100-continue.")
        }
        // An HTTP/1.0 peer cannot take an interim answer (RFC 9110 §10.1.1).
        if version == .http10 { expectsContinue = false }
        if let transferEncoding {
            guard version == .http11 else {
                throw reject(400, "HTTP/1.0 has no Transfer-Encoding; send a Content-Length.")
            }
            guard contentLength == nil else {
                throw reject(
                    400, "The request has Transfer-Encoding and Content-Length; send one.")
            }
            let coding = slice(transferEncoding)
            if ASCII.equals(coding, "chunked") { return .chunked }
            if HTTPRequestHead.namesUnknownCoding(coding) {
                throw reject(501, "The only transfer coding that is known is chunked.")
            }
            throw reject(400, "The Transfer-Encoding is not exactly chunked.")
        }
        if let contentLength {
            return .length(
                try HTTPRequestHead.length(
                    slice(contentLength), position: contentLength.lowerBound,
                    maxBodyBytes: maxBodyBytes))
        }
        if method == .post || method == .put || method == .patch {
            throw reject(411, "The request has a body of unknown length; send a Content-Length.")
        }
        return .none
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

    /// Whether a Transfer-Encoding is a list of tokens with another coding than chunked in it.
    private static func namesUnknownCoding(_ value: ArraySlice<UInt8>) -> Bool {
        let codings = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            .map(trimmed)
        return codings.allSatisfy { !$0.isEmpty && $0.allSatisfy(ASCII.isToken) }
            && codings.contains { !ASCII.equals($0, "chunked") }
    }

    /// The value of a Content-Length: decimal digits and nothing else.
    private static func length(
        _ digits: ArraySlice<UInt8>, position: Int, maxBodyBytes: Int
    ) throws(HTTPRejection) -> Int {
        guard !digits.isEmpty && digits.allSatisfy(ASCII.isDigit) else {
            throw HTTPRejection(
                status: 400, reason: "The Content-Length is not a number of decimal digits.",
                position: position)
        }
        var length = 0
        for digit in digits {
            // Cannot overflow: `length` is at most the limit, which is checked after each digit.
            length = length * 10 + Int(digit - UInt8(ascii: "0"))
            guard length <= maxBodyBytes else {
                throw HTTPRejection(
                    status: 413, reason: "The body exceeds \(maxBodyBytes) bytes; send less.",
                    position: position)
            }
        }
        return length
    }
}
