// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Reads a map in the form that deterministic senders give it: known text keys in bytewise
    /// order, values of the expected type, definite lengths.
    ///
    /// It is for messages that are read by the million, and takes a fraction of the time of
    /// `readMap`. What it takes is checked as there. What it does not take, for whatever reason, it
    /// leaves alone: then read the map with `readMap`, which takes any form and says what is wrong.
    ///
    /// - Parameter body: Reads the keys that may be there, in bytewise order of their encoding: the
    ///   shorter first, then by bytes. A debug build checks that it asks for them in that order.
    /// - Precondition: Each key comes after the one that was asked for before it.
    /// - Returns: Whether `body` read all entries. If not, the reader has not moved, and what
    ///   `body` stored means nothing.
    @inlinable
    @inline(__always)
    public mutating func readOrderedFields(_ body: (inout CBOROrderedFields) -> Void) -> Bool {
        // Limits that could be met inside are left to `readMap`, and so is a longer map.
        guard position < count, depth &+ 1 < limits.maxDepth, limits.maxStringBytes >= count,
            itemsLeft > 2 * 2 * 23, !limits.requiresDeterministic
        else { return false }
        let entries = Int(base.load(fromByteOffset: position, as: UInt8.self)) &- 0xA0
        guard 0...23 ~= entries else { return false }
        var fields = CBOROrderedFields(base: base, position: position &+ 1, end: count)
        body(&fields)
        guard fields.itemsRead == 2 &* entries, !fields.hasFailed else { return false }
        itemsLeft &-= 2 &* entries &+ fields.itemsInside
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
    /// How many of the map that is a value, if one was read.
    @usableFromInline var itemsInside = 0
    #if DEBUG
        @usableFromInline var lastKey: CBORStaticKey?
    #endif

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
    ///
    /// - Precondition: The key comes after the one that was asked for before, in bytewise order of
    ///   their encoding.
    @inlinable
    @inline(__always)
    public mutating func next(_ key: CBORStaticKey) -> Bool {
        #if DEBUG
            precondition(
                lastKey.map { $0.precedes(key) } ?? true,
                "The fields of a map are read in the bytewise order of their keys.")
            lastKey = key
        #endif
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

    /// Reads a boolean; if none comes next, the map fails.
    @inlinable
    public mutating func readBool() -> Bool? {
        guard position < end, base.load(fromByteOffset: position, as: UInt8.self) | 1 == 0xF5 else {
            fail()
            return nil
        }
        let byte = base.load(fromByteOffset: position, as: UInt8.self)
        complete(at: position &+ 1)
        return byte == 0xF5
    }

    /// The type of the value that comes next; `nil` at the end of the input and after a failure.
    @inlinable
    public var nextType: CBORType? {
        position < end
            ? CBORType(initialByte: base.load(fromByteOffset: position, as: UInt8.self)) : nil
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

extension CBOROrderedFields {
    /// Reads a map with up to 23 text keys that nobody knows, in bytewise order; if none comes
    /// next, or if it is not the only one in this map, the map fails.
    ///
    /// - Parameter entry: Is lent each key's UTF-8 and reads the value.
    /// - Returns: The encoded map, and how many entries it has.
    @inlinable
    public mutating func readMap(
        _ entry: (inout CBOROrderedFields, _ key: UnsafeRawBufferPointer) -> Void
    ) -> (encoded: UnsafeRawBufferPointer, count: Int)? {
        guard let entries = mapCount() else {
            fail()
            return nil
        }
        let start = position
        let outerItems = itemsRead
        itemsRead = 0
        position &+= 1
        var last: KeyBytes?
        for index in 0..<entries {
            let keyStart = position
            guard let key = readText() else { return nil }
            // Of strings as short as that, the head has one byte or two.
            let headSize = position &- keyStart &- key.count
            let written = KeyBytes(start: base + keyStart, count: position &- keyStart)
            let isNext = last.map { $0.precedes(written) } ?? true
            guard isNext, key.count < 256, headSize == (key.count < 24 ? 1 : 2) else {
                fail()
                return nil
            }
            last = written
            entry(&self, key)
            guard !hasFailed, itemsRead == 2 &* (index &+ 1) else {
                fail()
                return nil
            }
        }
        // A second map would find more than none.
        itemsInside = 2 &* entries
        itemsRead = outerItems &+ 1
        return (UnsafeRawBufferPointer(start: base + start, count: position &- start), entries)
    }

    /// How many entries the map has that comes next, if it may be read here.
    @inlinable
    func mapCount() -> Int? {
        guard position < end, itemsInside == 0 else { return nil }
        let entries = Int(base.load(fromByteOffset: position, as: UInt8.self)) &- 0xA0
        return 0...23 ~= entries ? entries : nil
    }
}

extension CBORStaticKey {
    #if DEBUG
        /// Whether the bytewise order puts the other key after this one.
        @usableFromInline
        func precedes(_ other: CBORStaticKey) -> Bool {
            (low.byteSwapped, middle.byteSwapped, high.byteSwapped)
                < (other.low.byteSwapped, other.middle.byteSwapped, other.high.byteSwapped)
        }
    #endif

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
