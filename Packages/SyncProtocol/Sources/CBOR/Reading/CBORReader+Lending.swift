// SPDX-License-Identifier: MIT

// Reading without copying. What is lent here points into the input, or into memory of the reader:
// use it only inside the closure of `CBORReader.read`.

extension CBORReader {
    /// Reads a text string and lends its UTF-8, which is checked as by `readText()`. Only the
    /// chunks of an indefinite length are copied, to be one stretch.
    @inlinable
    public mutating func readLentText() throws(CBORError) -> UnsafeRawBufferPointer {
        let head = try peekHead()
        guard head.major == 3 else { throw wrongType("a text string") }
        guard !head.isIndefinite else { return try lendChunks(isText: true) }
        let content = try content(of: head, isText: true)
        complete(at: head.end + content.count)
        return content
    }

    /// Reads a byte string and lends its content. Only the chunks of an indefinite length are
    /// copied, to be one stretch.
    @inlinable
    public mutating func readLentBytes() throws(CBORError) -> UnsafeRawBufferPointer {
        let head = try peekHead()
        guard head.major == 2 else { throw wrongType("a byte string") }
        guard !head.isIndefinite else { return try lendChunks(isText: false) }
        let content = try content(of: head, isText: false)
        complete(at: head.end + content.count)
        return content
    }

    /// Lends the input from an earlier `offset` to the current one, as it was written.
    ///
    /// - Precondition: `start` is not negative and not after the current offset.
    @inlinable
    public func lentInput(from start: Int) -> UnsafeRawBufferPointer {
        precondition((0...position).contains(start), "Only what was read can be lent.")
        return UnsafeRawBufferPointer(start: base + start, count: position - start)
    }

    /// Checks that the input ends here, as `read` does once its closure is through: for a closure
    /// that acts on what it has read, and must not if the input is no good.
    ///
    /// - Throws: `trailingBytes`.
    @inlinable
    public func requireEnd() throws(CBORError) {
        guard position == count else {
            throw error(.trailingBytes, "There are bytes after the item.")
        }
    }

    @usableFromInline
    @inline(never)
    mutating func lendChunks(isText: Bool) throws(CBORError) -> UnsafeRawBufferPointer {
        let joined = try readChunks(isText: isText)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: joined.count, alignment: 1)
        copy.copyBytes(from: joined)
        // Of no bytes there may be no memory either, and so nothing to free.
        if let start = copy.baseAddress { copies.append(start) }
        return UnsafeRawBufferPointer(copy)
    }
}

extension CBORKey {
    /// How many bytes of UTF-8 the key has.
    @inlinable public var byteCount: Int { content.count }
}
