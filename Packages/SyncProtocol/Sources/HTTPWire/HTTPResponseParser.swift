// SPDX-License-Identifier: MIT

/// One whole answer as it was received: framing removed, interim answers left out.
public struct HTTPReceivedResponse: Sendable, Equatable {
    /// The status code, 200 to 999; one from 600 on counts as a 5xx (RFC 9110 §15).
    public var status: Int
    /// The header fields.
    public var headers: HTTPHeaders
    /// The body with its chunks joined; trailers were dropped.
    public var body: [UInt8]
    /// Whether the peer takes another request on the connection (RFC 9112 §9.3).
    public var isKeepAlive: Bool

    /// Creates an answer as a parser would return it; nothing is checked.
    public init(
        status: Int, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = [],
        isKeepAlive: Bool = true
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isKeepAlive = isKeepAlive
    }
}

/// Bytes of a connection in, whole answers out (RFC 9112). Holds no I/O and no clock.
///
/// What it finds depends on the bytes alone, never on how they were split, and each byte is
/// looked at a bounded number of times. Memory follows what has arrived, never what was declared.
/// A parser serves one connection; answers come in the order of the requests.
public struct HTTPResponseParser: Sendable {
    /// What `next()` found.
    public enum Outcome: Sendable, Equatable {
        /// The bytes so far hold no further whole answer.
        case needMore
        /// A whole answer. Bytes behind it are kept for the next.
        case response(HTTPReceivedResponse)
        /// There will be no answer. From now on every call returns this and bytes are dropped.
        case failed(HTTPResponseFault)
    }

    private enum Step: Sendable {
        case statusLine
        case fields
        case body
        case failed(HTTPResponseFault)
    }

    /// Interim answers before one answer, so that a peer cannot send them for ever.
    static let maxInterimAnswers = 16

    /// The limits in force. Interim answers have those of the head each.
    public let limits: HTTPLimits
    /// Whether the answers are to HEAD requests, and so have no body whatever they say.
    public let isHead: Bool

    private var step = Step.statusLine
    private var input = HTTPMessageInput()
    private var head = HTTPResponseHead()
    private var body: HTTPBodyReader
    private var interimAnswers = 0
    private var hasEnded = false

    /// Creates a parser for a connection on which a request was sent.
    public init(limits: HTTPLimits = HTTPLimits(), isHead: Bool = false) {
        self.limits = limits
        self.isHead = isHead
        body = HTTPBodyReader(.untilEnd, limits: limits)
    }

    /// Whether bytes have come that no answer given out has consumed.
    ///
    /// If so after the answer to the last request, the peer sends what nobody asked for: the
    /// connection must not be used again.
    public var hasUnparsedBytes: Bool { !input.isEmpty }

    /// Takes bytes in the order of the connection. Call `next()` until it needs more.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Takes bytes in the order of the connection; they are copied. Behind the end of what the
    /// peer sends there are none, so they are dropped there.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes[...]
        if case .failed = step { return }
        if hasEnded { return }
        if case .body = step, input.isEmpty { body.take(&bytes, input: &input) }
        if bytes.isEmpty { return }
        input.append(UnsafeRawBufferPointer(rebasing: bytes))
    }

    /// Notes that the peer ended its sending: a body without a length is whole, anything else that
    /// has begun, or is waited for, is truncated.
    public mutating func receiveEnd() {
        hasEnded = true
    }

    /// Returns the next answer if its last byte has come.
    public mutating func next() -> Outcome {
        do throws(HTTPRejection) {
            while true {
                if let outcome = try advance() {
                    guard hasEnded, case .needMore = outcome else { return outcome }
                    return finish()
                }
            }
        } catch {
            return fail(HTTPResponseFault(error))
        }
    }

    /// Does one step; nil means that another step may follow at once.
    private mutating func advance() throws(HTTPRejection) -> Outcome? {
        switch step {
        case .statusLine: return try readStatusLine()
        case .fields: return try readFields()
        case .body:
            switch try body.advance(&input) {
            case .needMore: return .needMore
            case .another: return nil
            case .complete: return complete()
            }
        case .failed(let fault): return .failed(fault)
        }
    }

    private mutating func readStatusLine() throws(HTTPRejection) -> Outcome? {
        switch try input.scanLine(limit: limits.maxHeadBytes) {
        case .needMore: return .needMore
        case .overLimit: throw HTTPFieldLines.headTooLarge(input, limits)
        case .ends(let end):
            try head.readStatusLine(input[0..<end])
            step = .fields
            return nil
        }
    }

    private mutating func readFields() throws(HTTPRejection) -> Outcome? {
        guard let framing = try head.readFields(from: &input, limits: limits, isHead: isHead)
        else { return .needMore }
        if head.isInterim { return try skipInterim() }
        switch framing {
        case .none, .length(0):
            body = HTTPBodyReader(.fixed(remaining: 0), limits: limits)
            return complete()
        case .length(let length): body = HTTPBodyReader(.fixed(remaining: length), limits: limits)
        case .chunked: body = HTTPBodyReader(.chunkSize, limits: limits)
        case .untilEnd: body = HTTPBodyReader(.untilEnd, limits: limits)
        }
        step = .body
        return nil
    }

    private mutating func skipInterim() throws(HTTPRejection) -> Outcome? {
        interimAnswers += 1
        guard interimAnswers <= HTTPResponseParser.maxInterimAnswers else {
            throw input.reject(
                400,
                "More than \(HTTPResponseParser.maxInterimAnswers) interim answers came first.")
        }
        head = HTTPResponseHead()
        input.beginMessage()
        step = .statusLine
        return nil
    }

    /// Finishes the current answer and makes ready for the next.
    private mutating func complete() -> Outcome {
        let response = head.response(body: body.bytes)
        head = HTTPResponseHead()
        body = HTTPBodyReader(.untilEnd, limits: limits)
        interimAnswers = 0
        input.beginMessage()
        step = .statusLine
        return .response(response)
    }

    /// What the end of the peer's sending makes of an answer that lacks something.
    private mutating func finish() -> Outcome {
        if case .body = step, case .untilEnd = body.step { return complete() }
        let position = input.consumed + input.count
        let place =
            switch step {
            case .body: "inside the answer's body"
            default: position == 0 ? "before the answer" : "inside the answer's head"
            }
        return fail(
            HTTPResponseFault(
                .truncated, "The connection ended \(place).", position: position))
    }

    private mutating func fail(_ fault: HTTPResponseFault) -> Outcome {
        let hadEnded = hasEnded
        self = HTTPResponseParser(limits: limits, isHead: isHead)
        hasEnded = hadEnded
        step = .failed(fault)
        return .failed(fault)
    }
}
