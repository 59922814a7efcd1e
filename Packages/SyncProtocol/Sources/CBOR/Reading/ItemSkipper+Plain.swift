// SPDX-License-Identifier: MIT

// Most of what is skipped is plain: short keys in order, numbers, strings of definite length. That
// part of the loop is here, with its state in registers. It stops in front of whatever is not
// plain, or not right, or close to the end of the input: the loop takes that as it takes anything.
extension ItemSkipper {
    /// So many bytes must follow in front of the end of the input: a key's head, its sixteen bytes
    /// as words, and as many again for what is compared with them.
    private static var room: Int { 32 }

    /// Steps over plain keys and values of the innermost array or map, as far as they go.
    ///
    /// - Precondition: `frame.mayBePlain`, and no tag is open.
    @inline(__always)
    mutating func skipPlainItems(in frame: inout SkipFrame, _ keys: inout RawStack<KeyBytes>) {
        // Where no string can be too long, none need be compared with the limit.
        guard count >= Self.room, limits.maxStringBytes >= count else { return }
        let isMap = frame.isMap
        let last = base + (count &- Self.room)
        let infoMax: UInt8 = limits.requiresDeterministic ? 23 : 27
        var previous = PlainKey.none
        if isMap, keys.count > frame.tracker.base {
            guard keys.top.start >= base, keys.top.start <= last else { return }
            previous = PlainKey(at: keys.top.start)
        }
        // The items that are there and allowed; both numbers go down with it.
        let most = Int(clamping: Swift.min(frame.left, UInt64(Swift.max(itemsLeft, 0))))
        var left = most
        let room = keys.room
        var pushed = 0
        var next = base + position
        while left > 0, next <= last {
            if isMap {
                let key = PlainKey(at: next)
                guard key.isPlain, previous.precedes(key), pushed < room.count else { break }
                room[pushed] = KeyBytes(start: next, count: key.count)
                pushed &+= 1
                previous = key
                next += key.count
                left &-= 1
                guard left > 0, next <= last else { break }
            }
            guard let end = Self.endOfPlainItem(next, last: last, infoMax: infoMax) else { break }
            next = end
            left &-= 1
        }
        keys.count &+= pushed
        position = next - base
        itemsLeft &-= most &- left
        frame.left &-= UInt64(truncatingIfNeeded: most &- left)
    }

    /// Where the item ends, if it is a number, a simple value or a string of definite length, and
    /// there is nothing wrong with it.
    ///
    /// - Precondition: `start ≤ last`, behind which there are `room` bytes.
    @inline(__always)
    private static func endOfPlainItem(
        _ start: UnsafeRawPointer, last: UnsafeRawPointer, infoMax: UInt8
    ) -> UnsafeRawPointer? {
        let byte = start.load(as: UInt8.self)
        let info = byte & 0x1F
        var argument = UInt64(info)
        var end = start + 1
        if info >= 24 {
            // Two bytes for a simple value, reserved forms, indefinite lengths; and whether a form
            // is the shortest is not seen here.
            guard info <= infoMax, byte != 0xF8 else { return nil }
            let long = CBORHead.longArgument(info, at: end)
            argument = long.argument
            end += long.size
        }
        let major = byte >> 5
        guard major & 6 == 2 else { return major < 2 || major == 7 ? end : nil }
        // At most nine bytes were read, so there are more in front of the end of the input.
        let bytesLeft = last - end &+ room
        guard argument <= UInt64(truncatingIfNeeded: bytesLeft) else { return nil }
        let length = Int(truncatingIfNeeded: argument)
        guard major == 2 || isUTF8(end, count: length, ofReadable: 16) else { return nil }
        return end + length
    }
}

/// A text key by its first bytes, by which those of one to fifteen bytes of text are ordered.
private struct PlainKey: BitwiseCopyable {
    let head: UInt8
    /// The text as a number in network byte order.
    let text: UInt128

    /// What is in front of all keys of text.
    static let none = PlainKey(head: 0, text: 0)

    @inline(__always)
    private init(head: UInt8, text: UInt128) {
        (self.head, self.text) = (head, text)
    }

    /// - Precondition: `start` is valid for 17 bytes.
    @inline(__always)
    init(at start: UnsafeRawPointer) {
        head = start.load(as: UInt8.self)
        // The bytes behind the text go. With another head, the number means nothing.
        let length = Int(head & 0x0F)
        text =
            loadWords(start + 1).byteSwapped
            &>> UInt128(truncatingIfNeeded: 128 &- 8 &* length)
    }

    /// Whether this is text of one to fifteen bytes, all ASCII.
    @inline(__always)
    var isPlain: Bool { head &- 0x61 < 15 && isASCII(text) }

    /// The bytes of the key with its head.
    @inline(__always)
    var count: Int { Int(head &- 0x5F) }

    /// Whether this key, whatever it is, comes before a plain one in bytewise order.
    @inline(__always)
    func precedes(_ other: PlainKey) -> Bool {
        // Of the same head, both are texts of the same length.
        head == other.head ? text < other.text : head < other.head
    }
}
