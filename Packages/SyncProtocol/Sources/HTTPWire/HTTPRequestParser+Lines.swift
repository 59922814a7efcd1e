// SPDX-License-Identifier: MIT

extension HTTPRequestParser {
    /// What the scan for a line end found.
    enum Line {
        case needMore
        /// `limit` bytes have come without a line end among them.
        case overLimit
        /// The line ends in front of this offset from `start`; `scanned` is behind its CRLF.
        case ends(at: Int)
    }

    /// Scans on from `scanned` to the next CRLF, at most to `limit` bytes behind `start`.
    ///
    /// Control characters are refused where they stand, so binary garbage is answered at once.
    mutating func scanLine(limit: Int) throws(HTTPRejection) -> Line {
        let end = min(input.count, start + limit)
        let index = HTTPRequestParser.firstNonText(in: input, from: start + scanned, to: end)
        scanned = index - start
        guard index < end else { return scanned >= limit ? .overLimit : .needMore }
        switch input[index] {
        case ASCII.carriageReturn:
            if scanned + 1 >= limit { return .overLimit }
            guard index + 1 < input.count else { return .needMore }
            guard input[index + 1] == ASCII.lineFeed else {
                throw reject(400, "A CR stands alone; end each line with CRLF.", at: scanned)
            }
            defer { scanned += 2 }
            return .ends(at: scanned)
        case ASCII.lineFeed:
            throw reject(400, "An LF stands alone; end each line with CRLF.", at: scanned)
        default:
            throw reject(400, "A control character stands in the head; remove it.", at: scanned)
        }
    }

    private static func firstNonText(in bytes: [UInt8], from first: Int, to end: Int) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            var index = first
            while index < end && ASCII.isValue(bytes[index]) { index += 1 }
            return index
        }
    }

    mutating func readRequestLine() throws(HTTPRejection) -> Output? {
        switch try scanLine(limit: limits.maxHeadBytes) {
        case .needMore: return .needMore
        case .overLimit: throw headTooLarge()
        case .ends(let end):
            try head.readRequestLine(input[start..<(start + end)])
            step = .fields
            return nil
        }
    }

    /// Reads one header line or, at the empty line, ends the head.
    mutating func readField() throws(HTTPRejection) -> Output? {
        let lineStart = head.end ?? scanned
        head.end = lineStart
        switch try scanLine(limit: limits.maxHeadBytes) {
        case .needMore: return .needMore
        case .overLimit: throw headTooLarge()
        case .ends(let end) where end == lineStart:
            return try finishHead()
        case .ends(let end):
            guard head.fields.count < limits.maxHeaderCount else {
                throw reject(
                    431, "The request has more than \(limits.maxHeaderCount) header fields.",
                    at: lineStart)
            }
            let line = (start + lineStart)..<(start + end)
            try head.readField(input[line], offset: lineStart)
            head.end = scanned
            return nil
        }
    }

    /// Takes the head out of the input and decides how the body is framed.
    private mutating func finishHead() throws(HTTPRejection) -> Output? {
        let length = scanned
        let framing = try head.framing(
            in: input[start..<(start + length)], maxBodyBytes: limits.maxBodyBytes)
        if start == 0 && input.count == length {
            head.bytes = input
            input = []
            scanned = 0
            consumed = length
        } else {
            head.bytes = Array(input[start..<(start + length)])
            consume(length)
        }
        switch framing {
        case .none: return complete()
        case .length(0): return complete()
        case .length(let length): step = .fixedBody(remaining: length)
        case .chunked: step = .chunkSize
        }
        return head.expectsContinue ? .expectContinue : nil
    }

    private func headTooLarge() -> HTTPRejection {
        reject(
            431, "Request line and headers exceed \(limits.maxHeadBytes) bytes.",
            at: limits.maxHeadBytes)
    }
}
