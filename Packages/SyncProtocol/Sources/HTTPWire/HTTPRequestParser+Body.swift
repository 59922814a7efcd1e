// SPDX-License-Identifier: MIT

// A chunked body (RFC 9112 §7.1):
//
//     5;name=value CRLF      size in hex digits, extensions dropped
//     hello CRLF             as many bytes, and a line end that does not count
//     0 CRLF                 the last chunk
//     Trailer: value CRLF    dropped
//     CRLF

extension HTTPRequestParser {
    /// Moves what belongs to the body straight from the socket's bytes into it.
    mutating func takeBody(_ bytes: inout Slice<UnsafeRawBufferPointer>) {
        let remaining: Int
        switch step {
        case .fixedBody(let count), .chunkData(let count): remaining = count
        default: return
        }
        let part = bytes.prefix(remaining)
        body.append(contentsOf: UnsafeRawBufferPointer(rebasing: part))
        bytes = bytes.dropFirst(part.count)
        consumed += part.count
        setRemaining(remaining - part.count)
    }

    private mutating func setRemaining(_ count: Int) {
        if case .chunkData = step {
            step = .chunkData(remaining: count)
        } else {
            step = .fixedBody(remaining: count)
        }
    }

    /// Moves what belongs to the body from the input into it; returns what is still missing.
    private mutating func moveBody(_ remaining: Int) -> Int {
        let count = min(remaining, input.count - start)
        body.append(contentsOf: input[start..<(start + count)])
        consume(count)
        setRemaining(remaining - count)
        return remaining - count
    }

    mutating func readFixedBody(_ remaining: Int) -> Output? {
        moveBody(remaining) == 0 ? complete() : .needMore
    }

    mutating func readChunkData(_ remaining: Int) -> Output? {
        guard moveBody(remaining) == 0 else { return .needMore }
        step = .chunkEnd
        return nil
    }

    /// Reads a size line: 1 to 16 hex digits, then nothing or extensions.
    mutating func readChunkSize() throws(HTTPRejection) -> Output? {
        switch try scanLine(limit: HTTPLimits.maxChunkLineBytes) {
        case .needMore: return .needMore
        case .overLimit:
            throw reject(
                400, "A chunk's size line exceeds \(HTTPLimits.maxChunkLineBytes) bytes.",
                at: scanned)
        case .ends(let end):
            let size = try chunkSize(input[start..<(start + end)])
            guard size <= UInt64(limits.maxBodyBytes - body.count) else {
                throw reject(413, "The body exceeds \(limits.maxBodyBytes) bytes; send less.")
            }
            consume(end + 2)
            step = size == 0 ? .trailers : .chunkData(remaining: Int(size))
            return nil
        }
    }

    private mutating func chunkSize(_ line: ArraySlice<UInt8>) throws(HTTPRejection) -> UInt64 {
        var size: UInt64 = 0
        var digits = 0
        for byte in line {
            guard let value = ASCII.hexValue(byte) else { break }
            guard digits < 16 else {
                throw reject(400, "A chunk's size has more than 16 digits.", at: digits)
            }
            size = size << 4 | UInt64(value)
            digits += 1
        }
        guard digits > 0 else {
            throw reject(400, "A chunk does not begin with its size in hex digits.")
        }
        guard let next = line.dropFirst(digits).first else { return size }
        guard next == UInt8(ascii: ";") else {
            throw reject(
                400, "Something other than an extension follows a chunk's size.", at: digits)
        }
        chunkExtensionBytes += line.count - digits
        guard chunkExtensionBytes <= HTTPLimits.maxChunkExtensionBytes else {
            throw reject(
                400,
                "The chunk extensions exceed \(HTTPLimits.maxChunkExtensionBytes) bytes in all.",
                at: digits)
        }
        return size
    }

    mutating func readChunkEnd() throws(HTTPRejection) -> Output? {
        guard start < input.count else { return .needMore }
        guard input[start] == ASCII.carriageReturn else {
            throw reject(400, "A chunk is longer than its size says; follow its data with CRLF.")
        }
        guard start + 1 < input.count else { return .needMore }
        guard input[start + 1] == ASCII.lineFeed else {
            throw reject(400, "A CR stands alone; end each chunk with CRLF.", at: 1)
        }
        consume(2)
        step = .chunkSize
        return nil
    }

    /// Reads one trailer line, checked like a header line and dropped, or the end of the body.
    mutating func readTrailer() throws(HTTPRejection) -> Output? {
        switch try scanLine(limit: limits.maxHeadBytes - trailerBytes) {
        case .needMore: return .needMore
        case .overLimit:
            throw reject(
                431, "The trailers exceed \(limits.maxHeadBytes) bytes.", at: scanned)
        case .ends(at: 0):
            consume(2)
            return complete()
        case .ends(let end):
            trailerCount += 1
            guard trailerCount <= limits.maxHeaderCount else {
                throw reject(
                    431, "The body has more than \(limits.maxHeaderCount) trailer fields.")
            }
            _ = try HTTPRequestHead.splitField(
                input[start..<(start + end)], offset: consumed)
            trailerBytes += end + 2
            consume(end + 2)
            return nil
        }
    }
}
