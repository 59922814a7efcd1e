// SPDX-License-Identifier: MIT

/// Bytes of a connection in, whole requests out (RFC 9112). Holds no I/O and no clock.
///
/// What it finds depends on the bytes alone, never on how they were split, and each byte is
/// looked at a bounded number of times. Memory follows what has arrived, never what was
/// declared. Anything malformed or ambiguous is refused, so that no two readers of the same
/// bytes can see different requests.
public struct HTTPRequestParser: Sendable {
    /// What `next()` found.
    public enum Output: Sendable, Equatable {
        /// The bytes so far hold no further whole request.
        case needMore
        /// The peer waits for `100 Continue` before it sends the body. Given once a request.
        case expectContinue
        /// A whole request. Bytes behind it are kept for the next.
        case request(HTTPRequest)
        /// The request is refused. From now on every call returns this and bytes are dropped.
        case reject(HTTPRejection)
    }

    /// Where in a request the bytes so far end; it selects the timeout that applies.
    public enum Phase: Sendable, Hashable {
        /// Between requests: not a byte of the next one has come.
        case idle
        /// Within the request line or the headers.
        case head
        /// Within the body or its trailers.
        case body
    }

    /// The limits in force.
    public let limits: HTTPLimits

    private enum Step: Sendable {
        case begin(blankLines: Int)
        case requestLine
        case fields
        case body
        case refused(HTTPRejection)
    }

    private var step = Step.begin(blankLines: 0)
    private var input = HTTPMessageInput()
    private var head = HTTPRequestHead()
    private var body: HTTPBodyReader

    /// Creates a parser for a new connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
        body = HTTPBodyReader(.fixed(remaining: 0), limits: limits)
    }

    /// Where the bytes that `next()` has seen end.
    public var phase: Phase {
        switch step {
        case .begin: input.isEmpty ? .idle : .head
        case .requestLine, .fields: .head
        case .body: .body
        case .refused: .idle
        }
    }

    /// Whether bytes have come that no request given out has consumed.
    public var hasUnparsedBytes: Bool { !input.isEmpty }

    /// Takes bytes in the order of the connection. Call `next()` until it needs more.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Takes bytes in the order of the connection; they are copied.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes[...]
        if case .refused = step { return }
        if case .body = step, input.isEmpty { body.take(&bytes, input: &input) }
        if bytes.isEmpty { return }
        input.append(UnsafeRawBufferPointer(rebasing: bytes))
    }

    /// Returns the next request if its last byte has come.
    ///
    /// Call it again after a request: another may already be there.
    public mutating func next() -> Output {
        do throws(HTTPRejection) {
            while true {
                if let output = try advance() { return output }
            }
        } catch {
            self = HTTPRequestParser(limits: limits)
            step = .refused(error)
            return .reject(error)
        }
    }

    /// Takes out what has come behind the last request, for whoever speaks another protocol on the
    /// connection from there on.
    ///
    /// - Precondition: `next()` returned a request last.
    public mutating func takeRemainder() -> [UInt8] {
        let remainder = Array(input[0..<input.count])
        self = HTTPRequestParser(limits: limits)
        return remainder
    }

    /// Does one step; nil means that another step may follow at once.
    private mutating func advance() throws(HTTPRejection) -> Output? {
        switch step {
        case .begin(let blankLines): return try skipBlankLine(blankLines)
        case .requestLine: return try readRequestLine()
        case .fields: return try readFields()
        case .body:
            switch try body.advance(&input) {
            case .needMore: return .needMore
            case .another: return nil
            case .complete: return complete()
            }
        case .refused(let rejection): return .reject(rejection)
        }
    }

    /// One empty line before a request is tolerated (RFC 9112 §2.2), a second is not.
    private mutating func skipBlankLine(_ blankLines: Int) throws(HTTPRejection) -> Output? {
        guard !input.isEmpty else { return .needMore }
        guard input[0] == ASCII.carriageReturn else {
            step = .requestLine
            return nil
        }
        guard blankLines == 0 else {
            throw input.reject(
                400, "More than one empty line precedes the request line; send none.")
        }
        guard input.count > 1 else { return .needMore }
        guard input[1] == ASCII.lineFeed else {
            throw input.reject(400, "A CR stands alone; end each line with CRLF.", at: 1)
        }
        input.consume(2)
        input.beginMessage()
        step = .begin(blankLines: 1)
        return nil
    }

    private mutating func readRequestLine() throws(HTTPRejection) -> Output? {
        switch try input.scanLine(limit: limits.maxHeadBytes) {
        case .needMore: return .needMore
        case .overLimit: throw HTTPFieldLines.headTooLarge(input, limits)
        case .ends(let end):
            try head.readRequestLine(input[0..<end])
            step = .fields
            return nil
        }
    }

    private mutating func readFields() throws(HTTPRejection) -> Output? {
        guard let framing = try head.readFields(from: &input, limits: limits) else {
            return .needMore
        }
        switch framing {
        case .none, .length(0): return complete()
        case .length(let length): body = HTTPBodyReader(.fixed(remaining: length), limits: limits)
        case .chunked: body = HTTPBodyReader(.chunkSize, limits: limits)
        }
        step = .body
        return head.expectsContinue ? .expectContinue : nil
    }

    /// Finishes the current request and makes ready for the next.
    private mutating func complete() -> Output {
        let request = head.request(body: body.bytes)
        head = HTTPRequestHead()
        body = HTTPBodyReader(.fixed(remaining: 0), limits: limits)
        input.beginMessage()
        step = .begin(blankLines: 0)
        return .request(request)
    }
}
