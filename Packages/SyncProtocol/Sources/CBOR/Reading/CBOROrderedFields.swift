// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Reads a map in the form that deterministic senders give it: known text keys in bytewise
    /// order, values of the expected type, definite lengths.
    ///
    /// It is for messages that are read by the million, and takes a fraction of the time of
    /// `readMap`. What it takes is checked as there. What it does not take, for whatever reason, it
    /// leaves alone: then read the map with `readMap`, which takes any form and says what is wrong.
    ///
    /// - Parameter body: Reads the keys that may be there, in bytewise order.
    /// - Returns: Whether `body` read all entries. If not, the reader has not moved, and what
    ///   `body` stored means nothing.
    @inlinable
    @inline(__always)
    public mutating func readOrderedFields(_ body: (inout CBOROrderedFields) -> Void) -> Bool {
        // Limits that could be met inside are left to `readMap`, and so is a longer map.
        guard position < count, depth < limits.maxDepth, limits.maxStringBytes >= count,
            itemsLeft > 2 * 23, !limits.requiresDeterministic
        else { return false }
        let entries = Int(base.load(fromByteOffset: position, as: UInt8.self)) &- 0xA0
        guard 0...23 ~= entries else { return false }
        var fields = CBOROrderedFields(base: base, position: position &+ 1, end: count)
        body(&fields)
        guard fields.itemsRead == 2 &* entries, !fields.hasFailed else { return false }
        itemsLeft &-= 2 &* entries
        complete(at: fields.position)
        return true
    }
}

/// The entries of a map, read one after the other in the order that is expected: see
/// `CBORReader.readOrderedFields`. What it lends points into the input.
///
/// All loads are in front of `end`: each is behind a comparison with the bytes that are left.
public struct CBOROrderedFields: BitwiseCopyable {
    @usableFromInline let base: UnsafeRawPointer
    /// Where the next key or value begins; never behind `end`.
    @usableFromInline var position: Int
    /// Where the input ends; after a failure, nowhere: then nothing more is found.
    @usableFromInline var end: Int
    /// How many keys and values were read.
    @usableFromInline var itemsRead = 0

    @inlinable
    @inline(__always)
    init(base: UnsafeRawPointer, position: Int, end: Int) {
        self.base = base
        self.position = position
        self.end = end
    }

    /// The position of the next key or value in bytes from the start of the input.
    @inlinable public var offset: Int { position }

    @inlinable var hasFailed: Bool { end == 0 }

    /// Gives up the map: it is not in this form.
    @inlinable
    @inline(__always)
    public mutating func fail() {
        (position, end) = (0, 0)
    }
}

extension CBOROrderedFields {
    /// Steps over a key if it comes next. Its value must be read then.
    ///
    /// Keys that are asked for in order are found in order, and so none is found twice.
    @inlinable
    @inline(__always)
    public mutating func next(_ key: CBORStaticKey) -> Bool {
        guard key.isFound(at: base + position, bytesLeft: end &- position) else { return false }
        position &+= key.count
        itemsRead &+= 1
        return true
    }

    /// Reads an unsigned integer; if none comes next, the map fails.
    @inlinable
    @inline(__always)
    public mutating func readUInt() -> UInt64? {
        guard let head = readHead(major: 0) else {
            fail()
            return nil
        }
        complete(at: head.end)
        return head.argument
    }

    /// Reads a text string and lends its UTF-8; if none comes next, the map fails.
    @inlinable
    @inline(__always)
    public mutating func readText() -> UnsafeRawBufferPointer? {
        guard let content = readString(major: 3) else { return nil }
        if let start = content.baseAddress,
            !isUTF8(start, count: content.count, ofReadable: base + end - start)
        {
            fail()
            return nil
        }
        return content
    }

    /// Reads a byte string and lends its content; if none comes next, the map fails.
    @inlinable
    @inline(__always)
    public mutating func readBytes() -> UnsafeRawBufferPointer? {
        readString(major: 2)
    }

    @inlinable
    @inline(__always)
    mutating func readString(major: UInt8) -> UnsafeRawBufferPointer? {
        // Compared before the conversion: the length may be anything up to 2^64 − 1.
        guard let head = readHead(major: major), head.argument <= UInt64(end &- head.end) else {
            fail()
            return nil
        }
        let length = Int(truncatingIfNeeded: head.argument)
        complete(at: head.end &+ length)
        return UnsafeRawBufferPointer(start: base + head.end, count: length)
    }

    @inlinable
    @inline(__always)
    mutating func complete(at end: Int) {
        position = end
        itemsRead &+= 1
    }

    /// The head that comes next, if it is of this type and has a definite length.
    @inlinable
    @inline(__always)
    func readHead(major: UInt8) -> (argument: UInt64, end: Int)? {
        // Eight bytes after the first hold the argument, whatever its length.
        guard end &- position > 8 else { return readLastHead(major: major) }
        let info = base.load(fromByteOffset: position, as: UInt8.self) &- major << 5
        if info < 24 { return (UInt64(info), position &+ 1) }
        guard info < 28 else { return nil }
        let (argument, size) = CBORHead.longArgument(info, at: base + position + 1)
        return (argument, position &+ 1 &+ size)
    }

    /// The same close to the end of the input.
    @usableFromInline
    @inline(never)
    func readLastHead(major: UInt8) -> (argument: UInt64, end: Int)? {
        guard position < end,
            let head = try? CBORHead.read(base, count: end, at: position, isStrict: false),
            head.major == major, !head.isIndefinite
        else { return nil }
        return (head.argument, head.end)
    }
}

extension CBORStaticKey {
    /// Whether memory with so many bytes begins with this key.
    @inlinable
    @inline(__always)
    func isFound(at start: UnsafeRawPointer, bytesLeft: Int) -> Bool {
        let words = (count &+ 7) &>> 3
        guard bytesLeft >= 8 &* words else {
            return isFoundAtEnd(start, bytesLeft: bytesLeft)
        }
        return isSame(low, start, place: 0)
            && (words < 2 || isSame(middle, start, place: 8))
            && (words < 3 || isSame(high, start, place: 16))
    }

    /// Compares the part of a word that belongs to the key.
    @inlinable
    @inline(__always)
    func isSame(_ word: UInt64, _ start: UnsafeRawPointer, place: Int) -> Bool {
        let other = UInt64(
            littleEndian: start.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        let length = count &- place
        let mask: UInt64 = length < 8 ? (1 &<< UInt64(8 &* length)) &- 1 : .max
        return other & mask == word
    }

    /// The same where a whole word would reach beyond the input.
    @usableFromInline
    @inline(never)
    func isFoundAtEnd(_ start: UnsafeRawPointer, bytesLeft: Int) -> Bool {
        guard bytesLeft >= count else { return false }
        return (0..<count).allSatisfy { index in
            let word = index < 8 ? low : index < 16 ? middle : high
            return start.load(fromByteOffset: index, as: UInt8.self)
                == UInt8(truncatingIfNeeded: word >> UInt64(8 * (index & 7)))
        }
    }
}
