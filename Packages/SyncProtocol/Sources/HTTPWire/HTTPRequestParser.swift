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

    enum Step: Sendable {
        case begin(blankLines: Int)
        case requestLine
        case fields
        case fixedBody(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        case chunkEnd
        case trailers
        case refused(HTTPRejection)
    }

    var step = Step.begin(blankLines: 0)
    /// Bytes that have come, from `start` on not yet consumed.
    var input: [UInt8] = []
    var start = 0
    /// How many bytes from `start` on are known to hold no line end; scanning goes on behind.
    var scanned = 0
    /// Bytes of the current request in front of `start`.
    var consumed = 0
    var head = HTTPRequestHead()
    var body: [UInt8] = []
    var chunkExtensionBytes = 0
    var trailerBytes = 0
    var trailerCount = 0

    /// Creates a parser for a new connection.
    public init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Where the bytes that `next()` has seen end.
    public var phase: Phase {
        switch step {
        case .begin: start == input.count ? .idle : .head
        case .requestLine, .fields: .head
        case .fixedBody, .chunkSize, .chunkData, .chunkEnd, .trailers: .body
        case .refused: .idle
        }
    }

    /// Whether bytes have come that no request given out has consumed.
    public var hasUnparsedBytes: Bool { start < input.count }

    /// Takes bytes in the order of the connection. Call `next()` until it needs more.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Takes bytes in the order of the connection; they are copied.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes[...]
        if case .refused = step { return }
        if start == input.count { takeBody(&bytes) }
        if bytes.isEmpty { return }
        // Moving what is left costs no more than what was consumed before.
        if start > 0 && start >= input.count - start {
            input.removeFirst(start)
            start = 0
        }
        input.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes))
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

    /// Does one step; nil means that another step may follow at once.
    private mutating func advance() throws(HTTPRejection) -> Output? {
        switch step {
        case .begin(let blankLines): return try skipBlankLine(blankLines)
        case .requestLine: return try readRequestLine()
        case .fields: return try readField()
        case .fixedBody(let remaining): return readFixedBody(remaining)
        case .chunkSize: return try readChunkSize()
        case .chunkData(let remaining): return readChunkData(remaining)
        case .chunkEnd: return try readChunkEnd()
        case .trailers: return try readTrailer()
        case .refused(let rejection): return .reject(rejection)
        }
    }

    /// One empty line before a request is tolerated (RFC 9112 §2.2), a second is not.
    private mutating func skipBlankLine(_ blankLines: Int) throws(HTTPRejection) -> Output? {
        guard start < input.count else { return .needMore }
        guard input[start] == ASCII.carriageReturn else {
            step = .requestLine
            return nil
        }
        guard blankLines == 0 else {
            throw reject(400, "More than one empty line precedes the request line; send none.")
        }
        guard start + 1 < input.count else { return .needMore }
        guard input[start + 1] == ASCII.lineFeed else {
            throw reject(400, "A CR stands alone; end each line with CRLF.", at: 1)
        }
        consume(2)
        consumed = 0
        step = .begin(blankLines: 1)
        return nil
    }

    /// Finishes the current request and makes ready for the next.
    mutating func complete() -> Output {
        let request = head.request(body: body)
        head = HTTPRequestHead()
        body = []
        consumed = 0
        chunkExtensionBytes = 0
        trailerBytes = 0
        trailerCount = 0
        step = .begin(blankLines: 0)
        return .request(request)
    }

    /// Counts `count` bytes as consumed and gives memory back when none are left.
    mutating func consume(_ count: Int) {
        start += count
        consumed += count
        scanned = 0
        if start == input.count {
            input = []
            start = 0
        }
    }

    /// A rejection at the byte `offset` behind `start`.
    func reject(_ status: Int, _ reason: String, at offset: Int = 0) -> HTTPRejection {
        HTTPRejection(status: status, reason: reason, position: consumed + offset)
    }
}
