// SPDX-License-Identifier: MIT

/// The header lines of a head so far, and what those say that requests and answers share.
///
/// Offsets count from the head's first byte.
struct HTTPFieldLines: Sendable {
    /// How the end of the body is found (RFC 9112 §6.3).
    enum Framing: Sendable, Equatable {
        case length(Int)
        case chunked
    }

    /// A line as the reader of the head looks at it once more.
    struct Line {
        var name: ArraySlice<UInt8>
        var value: ArraySlice<UInt8>
        /// Where the value lies in the head.
        var valueRange: Range<Int>
        /// Where the line begins in the head.
        var offset: Int
    }

    /// What the next line is.
    enum Next {
        case needMore
        case field(Line)
        /// The empty line behind the head, which `input.takeScanned()` then takes out.
        case headEnd
    }

    private(set) var fields: [HTTPHeaders.Field] = []
    /// Offset of the line that is being read, nil before the first one.
    private(set) var end: Int?
    private var contentLength: Range<Int>?
    private var transferEncoding: Range<Int>?
    private var hasClose = false
    private var hasKeepAlive = false

    /// Whether the peer leaves the connection open behind the message (RFC 9112 §9.3).
    func isKeepAlive(_ version: HTTPVersion) -> Bool {
        !hasClose && (version == .http11 || hasKeepAlive)
    }

    /// Reads the next header line from `input`.
    mutating func readNext(
        from input: inout HTTPMessageInput, limits: HTTPLimits
    ) throws(HTTPRejection) -> Next {
        let lineStart = end ?? input.scanned
        end = lineStart
        switch try input.scanLine(limit: limits.maxHeadBytes) {
        case .needMore: return .needMore
        case .overLimit: throw HTTPFieldLines.headTooLarge(input, limits)
        case .ends(let lineEnd) where lineEnd == lineStart:
            return .headEnd
        case .ends(let lineEnd):
            guard fields.count < limits.maxHeaderCount else {
                throw input.reject(
                    431, "The head has more than \(limits.maxHeaderCount) header fields.",
                    at: lineStart)
            }
            let line = try read(input[lineStart..<lineEnd], offset: lineStart)
            end = input.scanned
            return .field(line)
        }
    }

    /// The rejection of a head that goes on behind the limit.
    static func headTooLarge(_ input: HTTPMessageInput, _ limits: HTTPLimits) -> HTTPRejection {
        input.reject(
            431, "The first line and the headers exceed \(limits.maxHeadBytes) bytes.",
            at: limits.maxHeadBytes)
    }

    private mutating func read(
        _ line: ArraySlice<UInt8>, offset: Int
    ) throws(HTTPRejection) -> Line {
        let (name, value) = try HTTPFieldLines.split(line, offset: offset)
        fields.append(
            HTTPHeaders.Field(
                nameStart: UInt32(offset), nameEnd: UInt32(offset + name.upperBound),
                valueStart: UInt32(offset + value.lowerBound),
                valueEnd: UInt32(offset + value.upperBound)))
        let base = line.startIndex
        let range = (offset + value.lowerBound)..<(offset + value.upperBound)
        let nameBytes = line[base..<(base + name.upperBound)]
        let valueBytes = line[(base + value.lowerBound)..<(base + value.upperBound)]
        switch name.count {
        case 10 where ASCII.equals(nameBytes, "connection"):
            readConnection(valueBytes)
        case 14 where ASCII.equals(nameBytes, "content-length"):
            try HTTPFieldLines.set(&contentLength, range, "Content-Length", offset)
        case 17 where ASCII.equals(nameBytes, "transfer-encoding"):
            try HTTPFieldLines.set(&transferEncoding, range, "Transfer-Encoding", offset)
        default:
            break
        }
        return Line(name: nameBytes, value: valueBytes, valueRange: range, offset: offset)
    }

    /// Notes a field that may come once; a second one is ambiguous even if it says the same.
    static func set(
        _ field: inout Range<Int>?, _ range: Range<Int>, _ name: StaticString, _ offset: Int
    ) throws(HTTPRejection) {
        guard field == nil else {
            throw HTTPRejection(
                status: 400, reason: "The head has two \(name) fields; send exactly one.",
                position: offset)
        }
        field = range
    }

    private mutating func readConnection(_ value: ArraySlice<UInt8>) {
        for element in value.split(separator: UInt8(ascii: ",")) {
            let option = HTTPFieldLines.trimmed(element)
            if ASCII.equals(option, "close") { hasClose = true }
            if ASCII.equals(option, "keep-alive") { hasKeepAlive = true }
        }
    }

    /// Splits a field line into name and value, as offsets from the line's first byte.
    ///
    /// `offset` is where the line begins in the message, for the error's position.
    static func split(
        _ line: ArraySlice<UInt8>, offset: Int
    ) throws(HTTPRejection) -> (name: Range<Int>, value: Range<Int>) {
        func reject(_ reason: String, at index: Int) -> HTTPRejection {
            HTTPRejection(
                status: 400, reason: reason, position: offset + index - line.startIndex)
        }
        if isBlank(line[line.startIndex]) {
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

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.tab
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }
}

extension HTTPFieldLines {
    /// How the head says that its body is framed, or nil if it says nothing.
    func framing(
        in head: ArraySlice<UInt8>, version: HTTPVersion, maxBodyBytes: Int
    ) throws(HTTPRejection) -> Framing? {
        func reject(_ status: Int, _ reason: String) -> HTTPRejection {
            HTTPRejection(status: status, reason: reason, position: head.count)
        }
        func slice(_ range: Range<Int>) -> ArraySlice<UInt8> {
            head[(head.startIndex + range.lowerBound)..<(head.startIndex + range.upperBound)]
        }
        if let transferEncoding {
            guard version == .http11 else {
                throw reject(400, "HTTP/1.0 has no Transfer-Encoding; send a Content-Length.")
            }
            guard contentLength == nil else {
                throw reject(400, "The head has Transfer-Encoding and Content-Length; send one.")
            }
            let coding = slice(transferEncoding)
            if ASCII.equals(coding, "chunked") { return .chunked }
            if HTTPFieldLines.namesUnknownCoding(coding) {
                throw reject(501, "The only transfer coding that is known is chunked.")
            }
            throw reject(400, "The Transfer-Encoding is not exactly chunked.")
        }
        guard let contentLength else { return nil }
        return .length(
            try HTTPFieldLines.length(
                slice(contentLength), position: contentLength.lowerBound,
                maxBodyBytes: maxBodyBytes))
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
