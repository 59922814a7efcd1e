// SPDX-License-Identifier: MIT

// A chunked body (RFC 9112 §7.1):
//
//     5;name=value CRLF      size in hex digits, extensions dropped
//     hello CRLF             as many bytes, and a line end that does not count
//     0 CRLF                 the last chunk
//     Trailer: value CRLF    dropped
//     CRLF

/// Reads one body out of a connection's bytes, however it is framed.
struct HTTPBodyReader: Sendable {
    enum Step: Sendable {
        case fixed(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        case chunkEnd
        case trailers
        /// Until the peer ends its sending, which the caller notices.
        case untilEnd
    }

    enum Progress {
        case needMore
        case another
        case complete
    }

    private(set) var bytes: [UInt8] = []
    private(set) var step: Step
    private let limits: HTTPLimits
    private var chunkExtensionBytes = 0
    private var trailerBytes = 0
    private var trailerCount = 0

    /// Begins a body; one of no bytes is not begun at all.
    init(_ step: Step, limits: HTTPLimits) {
        self.step = step
        self.limits = limits
    }

    /// Moves what belongs to the body straight from the socket's bytes into it.
    ///
    /// `input` is empty: nothing that came before is left there.
    mutating func take(
        _ new: inout Slice<UnsafeRawBufferPointer>, input: inout HTTPMessageInput
    ) {
        guard let remaining else { return }
        let part = new.prefix(remaining)
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
        new = new.dropFirst(part.count)
        input.countConsumed(part.count)
        setRemaining(remaining - part.count)
    }

    /// Does one step.
    mutating func advance(
        _ input: inout HTTPMessageInput
    ) throws(HTTPRejection) -> Progress {
        switch step {
        case .fixed:
            return move(&input) == 0 ? .complete : .needMore
        case .chunkData:
            guard move(&input) == 0 else { return .needMore }
            step = .chunkEnd
            return .another
        case .untilEnd:
            guard move(&input) > 0 else {
                throw input.reject(413, "The body exceeds \(limits.maxBodyBytes) bytes; send less.")
            }
            return .needMore
        case .chunkSize: return try readChunkSize(&input)
        case .chunkEnd: return try readChunkEnd(&input)
        case .trailers: return try readTrailer(&input)
        }
    }

    /// How many of the next bytes are the body's own, or nil where a line comes next.
    ///
    /// Without a known end it is one more than the limit allows, which tells that it is broken.
    private var remaining: Int? {
        switch step {
        case .fixed(let count), .chunkData(let count): count
        case .untilEnd: limits.maxBodyBytes + 1 - bytes.count
        case .chunkSize, .chunkEnd, .trailers: nil
        }
    }

    private mutating func setRemaining(_ count: Int) {
        switch step {
        case .fixed: step = .fixed(remaining: count)
        case .chunkData: step = .chunkData(remaining: count)
        case .untilEnd, .chunkSize, .chunkEnd, .trailers: break
        }
    }

    /// Moves what belongs to the body from the input into it; returns what is still missing.
    private mutating func move(_ input: inout HTTPMessageInput) -> Int {
        let remaining = remaining ?? 0
        let count = min(remaining, input.count)
        bytes.append(contentsOf: input[0..<count])
        input.consume(count)
        setRemaining(remaining - count)
        return remaining - count
    }

    /// Reads a size line: 1 to 16 hex digits, then nothing or extensions.
    private mutating func readChunkSize(
        _ input: inout HTTPMessageInput
    ) throws(HTTPRejection) -> Progress {
        switch try input.scanLine(limit: HTTPLimits.maxChunkLineBytes) {
        case .needMore: return .needMore
        case .overLimit:
            throw input.reject(
                400, "A chunk's size line exceeds \(HTTPLimits.maxChunkLineBytes) bytes.",
                at: input.scanned)
        case .ends(let end):
            let size = try chunkSize(in: input, end: end)
            guard size <= UInt64(limits.maxBodyBytes - bytes.count) else {
                throw input.reject(
                    413, "The body exceeds \(limits.maxBodyBytes) bytes; send less.")
            }
            input.consume(end + 2)
            step = size == 0 ? .trailers : .chunkData(remaining: Int(size))
            return .another
        }
    }

    private mutating func chunkSize(
        in input: HTTPMessageInput, end: Int
    ) throws(HTTPRejection) -> UInt64 {
        let line = input[0..<end]
        var size: UInt64 = 0
        var digits = 0
        for byte in line {
            guard let value = ASCII.hexValue(byte) else { break }
            guard digits < 16 else {
                throw input.reject(400, "A chunk's size has more than 16 digits.", at: digits)
            }
            size = size << 4 | UInt64(value)
            digits += 1
        }
        guard digits > 0 else {
            throw input.reject(400, "A chunk does not begin with its size in hex digits.")
        }
        guard let next = line.dropFirst(digits).first else { return size }
        guard next == UInt8(ascii: ";") else {
            throw input.reject(
                400, "Something other than an extension follows a chunk's size.", at: digits)
        }
        chunkExtensionBytes += line.count - digits
        guard chunkExtensionBytes <= HTTPLimits.maxChunkExtensionBytes else {
            throw input.reject(
                400,
                "The chunk extensions exceed \(HTTPLimits.maxChunkExtensionBytes) bytes in all.",
                at: digits)
        }
        return size
    }

    private mutating func readChunkEnd(
        _ input: inout HTTPMessageInput
    ) throws(HTTPRejection) -> Progress {
        guard !input.isEmpty else { return .needMore }
        guard input[0] == ASCII.carriageReturn else {
            throw input.reject(
                400, "A chunk is longer than its size says; follow its data with CRLF.")
        }
        guard input.count > 1 else { return .needMore }
        guard input[1] == ASCII.lineFeed else {
            throw input.reject(400, "A CR stands alone; end each chunk with CRLF.", at: 1)
        }
        input.consume(2)
        step = .chunkSize
        return .another
    }

    /// Reads one trailer line, checked like a header line and dropped, or the end of the body.
    private mutating func readTrailer(
        _ input: inout HTTPMessageInput
    ) throws(HTTPRejection) -> Progress {
        switch try input.scanLine(limit: limits.maxHeadBytes - trailerBytes) {
        case .needMore: return .needMore
        case .overLimit:
            throw input.reject(
                431, "The trailers exceed \(limits.maxHeadBytes) bytes.", at: input.scanned)
        case .ends(at: 0):
            input.consume(2)
            return .complete
        case .ends(let end):
            trailerCount += 1
            guard trailerCount <= limits.maxHeaderCount else {
                throw input.reject(
                    431, "The body has more than \(limits.maxHeaderCount) trailer fields.")
            }
            _ = try HTTPFieldLines.split(input[0..<end], offset: input.consumed)
            trailerBytes += end + 2
            input.consume(end + 2)
            return .another
        }
    }
}
