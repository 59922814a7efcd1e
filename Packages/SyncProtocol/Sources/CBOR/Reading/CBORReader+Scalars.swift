// SPDX-License-Identifier: MIT

extension CBORReader {
    /// What comes next. Does not move.
    ///
    /// - Throws: `CBORError` if the next head is not well-formed.
    @inlinable
    public mutating func peekType() throws(CBORError) -> CBORType {
        CBORType(initialByte: try peekHead().initialByte)
    }

    /// - Throws: `outOfRange` for a negative integer, `wrongType` for anything else.
    @inlinable
    public mutating func readUInt() throws(CBORError) -> UInt64 {
        let head = try peekHead()
        guard head.major == 0 else { throw notUnsigned(head) }
        complete(at: head.end)
        return head.argument
    }

    /// - Throws: `outOfRange` for an integer outside −2^63…2^63 − 1, `wrongType` for anything else.
    @inlinable
    public mutating func readInt() throws(CBORError) -> Int64 {
        let head = try peekHead()
        guard head.major <= 1, let magnitude = Int64(exactly: head.argument) else {
            throw notSigned(head)
        }
        complete(at: head.end)
        // Major type 1 means −1 − argument, which is the complement.
        return head.major == 0 ? magnitude : ~magnitude
    }

    /// Reads a negative integer of any size as its argument n, which means −1 − n.
    mutating func readNegative() throws(CBORError) -> UInt64 {
        let head = try peekHead()
        guard head.major == 1 else { throw wrongType("a negative integer") }
        complete(at: head.end)
        return head.argument
    }

    /// - Throws: `wrongType` for anything but false and true.
    @inlinable
    public mutating func readBool() throws(CBORError) -> Bool {
        let head = try peekHead()
        guard head.initialByte | 1 == 0xF5 else { throw wrongType("a boolean") }
        complete(at: head.end)
        return head.initialByte == 0xF5
    }

    /// - Throws: `wrongType` for anything but null; undefined is not null.
    @inlinable
    public mutating func readNull() throws(CBORError) {
        let head = try peekHead()
        guard head.initialByte == 0xF6 else { throw wrongType("null") }
        complete(at: head.end)
    }

    /// Reads null if it comes next, and says whether it did.
    @inlinable
    public mutating func readNullIfPresent() throws(CBORError) -> Bool {
        let head = try peekHead()
        guard head.initialByte == 0xF6 else { return false }
        complete(at: head.end)
        return true
    }

    /// Reads a simple value: 20 to 23 are false, true, null and undefined.
    public mutating func readSimple() throws(CBORError) -> UInt8 {
        let head = try peekHead()
        guard head.major == 7, head.info <= 24 else { throw wrongType("a simple value") }
        complete(at: head.end)
        // At most one byte of argument follows info 24.
        return UInt8(truncatingIfNeeded: head.argument)
    }

    /// Reads a float of 16, 32 or 64 bits. Integers are not converted.
    @inlinable
    public mutating func readDouble() throws(CBORError) -> Double {
        let head = try peekHead()
        guard head.major == 7, let value = head.doubleValue else { throw wrongType("a float") }
        complete(at: head.end)
        return value
    }

    /// Reads a tag's number; its content must be read next, and both together are one item.
    ///
    /// - Throws: `depthExceeded` if the tag nests too deep.
    public mutating func readTag() throws(CBORError) -> UInt64 {
        let head = try peekHead()
        guard head.major == 6 else { throw wrongType("a tag") }
        try enterTag(head)
        return head.argument
    }

    /// Moves past the head of a tag.
    mutating func enterTag(_ head: CBORHead) throws(CBORError) {
        guard depth < limits.maxDepth else { throw tooDeep(at: position) }
        depth += 1
        openTags += 1
        itemsLeft -= 1
        if limits.validatesTags { try checkContent(of: head, at: head.end) }
        position = head.end
    }

    @usableFromInline
    @inline(never)
    func tooDeep(at offset: Int) -> CBORError {
        CBORError(
            .depthExceeded, at: offset,
            message: "Items nest deeper than \(limits.maxDepth) levels.")
    }

    @usableFromInline
    @inline(never)
    func notUnsigned(_ head: CBORHead) -> CBORError {
        head.major == 1
            ? error(.outOfRange, "The integer is negative; it must be 0 or more.")
            : wrongType("an unsigned integer")
    }

    @usableFromInline
    @inline(never)
    func notSigned(_ head: CBORHead) -> CBORError {
        head.major <= 1
            ? error(.outOfRange, "The integer does not fit into 64 signed bits.")
            : wrongType("an integer")
    }
}

extension CBORHead {
    /// The value of a head of major type 7, if it is a float's.
    @usableFromInline
    var doubleValue: Double? {
        switch info {
        case 25: CBOR.doubleValue(ofHalf: UInt16(truncatingIfNeeded: argument))
        case 26: Double(Float(bitPattern: UInt32(truncatingIfNeeded: argument)))
        case 27: Double(bitPattern: argument)
        default: nil
        }
    }
}
