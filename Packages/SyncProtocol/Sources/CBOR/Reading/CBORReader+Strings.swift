// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Reads a text string; the chunks of an indefinite length are joined.
    ///
    /// - Throws: `invalidUTF8` at the head of the string, or of the chunk, that is not UTF-8 by
    ///   itself (RFC 8949 §3.2.3).
    @inlinable
    public mutating func readText() throws(CBORError) -> String {
        let head = try peekHead()
        guard head.major == 3 else { throw wrongType("a text string") }
        guard !head.isIndefinite else {
            return String(decoding: try readChunks(isText: true), as: UTF8.self)
        }
        let content = try content(of: head, isText: true)
        let text = String(decoding: content, as: UTF8.self)
        complete(at: head.end + content.count)
        return text
    }

    /// Reads a byte string; the chunks of an indefinite length are joined.
    @inlinable
    public mutating func readBytes() throws(CBORError) -> [UInt8] {
        let head = try peekHead()
        guard head.major == 2 else { throw wrongType("a byte string") }
        guard !head.isIndefinite else { return try readChunks(isText: false) }
        let content = try content(of: head, isText: false)
        let bytes = [UInt8](content)
        complete(at: head.end + content.count)
        return bytes
    }

    /// The content of a string of definite length, which it checks.
    @inlinable
    @inline(__always)
    func content(of head: CBORHead, isText: Bool) throws(CBORError) -> UnsafeRawBufferPointer {
        // Compared before the conversion: the length may be anything up to 2^64 − 1.
        guard head.argument <= UInt64(count - head.end) else { throw CBORError.truncated(count) }
        let length = Int(truncatingIfNeeded: head.argument)
        guard length <= limits.maxStringBytes else { throw stringTooLong(at: position) }
        let start = base + head.end
        guard !isText || isUTF8(start, count: length) else { throw notUTF8(at: position) }
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    /// Reads a string of indefinite length.
    @usableFromInline
    mutating func readChunks(isText: Bool) throws(CBORError) -> [UInt8] {
        var joined: [UInt8] = []
        let end = try scanChunks(from: position, isText: isText) { joined.append(contentsOf: $0) }
        complete(at: end)
        return joined
    }

    /// Walks the chunks of the string of indefinite length at `start` and returns the position
    /// after its break. Does not move.
    func scanChunks(
        from start: Int, isText: Bool, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(CBORError) -> Int {
        var next = start + 1
        var total = 0
        while true {
            guard next < count else { throw CBORError.truncated(count) }
            let byte = base.load(fromByteOffset: next, as: UInt8.self)
            if byte == breakByte { return next + 1 }
            guard byte >> 5 == (isText ? 3 : 2), byte & 0x1F != 31 else {
                throw CBORError.invalidChunk(at: next)
            }
            let head = try CBORHead.read(base, count: count, at: next, isStrict: false)
            guard head.argument <= UInt64(count - head.end) else {
                throw CBORError.truncated(count)
            }
            let length = Int(truncatingIfNeeded: head.argument)
            // Both are at most `count`, so the sum cannot overflow.
            total += length
            guard total <= limits.maxStringBytes else { throw stringTooLong(at: start) }
            let chunk = UnsafeRawBufferPointer(start: base + head.end, count: length)
            guard !isText || isUTF8(base + head.end, count: length) else {
                throw notUTF8(at: next)
            }
            body(chunk)
            next = head.end + length
        }
    }

    @usableFromInline
    @inline(never)
    func stringTooLong(at offset: Int) -> CBORError {
        CBORError(
            .limitExceeded, at: offset,
            message: "The string has more than \(limits.maxStringBytes) bytes.")
    }

    @usableFromInline
    @inline(never)
    func notUTF8(at offset: Int) -> CBORError {
        CBORError(.invalidUTF8, at: offset, message: "The text string is not UTF-8.")
    }
}

extension CBORError {
    /// The error for a piece of a string of indefinite length that may not be one.
    static func invalidChunk(at offset: Int) -> CBORError {
        CBORError(
            .invalidChunk, at: offset,
            message: "A chunk must be a definite-length string of the same type.")
    }
}
