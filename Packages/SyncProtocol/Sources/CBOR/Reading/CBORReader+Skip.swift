// SPDX-License-Identifier: MIT

extension CBORReader {
    /// Steps over one item of any kind and depth.
    ///
    /// It is checked as if it were read: well-formed, within the limits, UTF-8, no duplicate keys,
    /// deterministic if that is asked for. It takes no stack, however deep the item nests, and
    /// builds nothing; maps may have keys of any type. Its errors have no path.
    public mutating func skip() throws(CBORError) {
        let outer = completed
        // The innermost open array or map, and those around it.
        var frame: SkipFrame
        var stack: [SkipFrame] = []
        guard let first = try skipHead() else { return }
        frame = first
        while true {
            while try isAtEnd(of: frame) {
                removeKeys(of: frame.tracker)
                depth -= 1 + frame.openTags
                guard let around = stack.popLast() else {
                    completed = outer + 1
                    return
                }
                let start = frame.start
                frame = around
                try endItem(from: start, in: &frame)
            }
            let start = position
            if let inner = try skipHead() {
                stack.append(frame)
                frame = inner
            } else {
                try endItem(from: start, in: &frame)
            }
        }
    }

    /// The bytes of one item, checked as by `skip()` and copied.
    ///
    /// Tags that were read before are not among them.
    public mutating func readEncodedItem() throws(CBORError) -> [UInt8] {
        let start = position
        try skip()
        return [UInt8](UnsafeRawBufferPointer(start: base + start, count: position - start))
    }

    /// Steps over the tags and the head at the current position, and over the whole item if it is
    /// no array or map.
    ///
    /// - Returns: The array or map that begins here, if one does.
    @inline(__always)
    private mutating func skipHead() throws(CBORError) -> SkipFrame? {
        let start = position
        var head = try peekHead()
        while head.major == 6 {
            try enterTag(head)
            head = try peekHead()
        }
        switch head.major {
        case 2, 3:
            let isText = head.major == 3
            if head.isIndefinite {
                complete(at: try scanChunks(isText: isText) { _ in })
            } else {
                complete(at: head.end + (try content(of: head, isText: isText).count))
            }
            return nil
        case 4, 5:
            let tags = openTags
            _ = try enter(head)
            return SkipFrame(head, start: start, openTags: tags, keyBase: keys.count)
        default:
            complete(at: head.end)
            return nil
        }
    }

    /// Notes in the innermost array or map that the item from `start` to the current position is
    /// complete.
    @inline(__always)
    private mutating func endItem(
        from start: Int, in frame: inout SkipFrame
    ) throws(CBORError) {
        if frame.isMap, frame.isKeyNext {
            frame.isKeyNext = false
            try add(identity(ofKeyFrom: start, to: position), at: start, to: &frame.tracker)
        } else {
            frame.isKeyNext = true
            frame.left &-= 1
        }
    }

    /// Whether the array or map ends at the current position; steps over its break.
    @inline(__always)
    private mutating func isAtEnd(of frame: SkipFrame) throws(CBORError) -> Bool {
        guard frame.isIndefinite else { return frame.left == 0 }
        guard position < count else { throw CBORError.truncated(count) }
        // A break after a key is no end; reading it as an item reports it.
        guard frame.isKeyNext, base.load(fromByteOffset: position, as: UInt8.self) == breakByte
        else { return false }
        position += 1
        return true
    }
}

/// An array or map that `skip` is inside of.
private struct SkipFrame {
    /// The elements or entries to come; without meaning if the length is indefinite.
    var left: UInt64
    let isIndefinite: Bool
    let isMap: Bool
    /// Where a map's entry begins; always set for an array.
    var isKeyNext = true
    /// Where the item begins, with its tags.
    let start: Int
    /// The tags directly in front of it.
    let openTags: Int
    var tracker: KeyTracker

    init(_ head: CBORHead, start: Int, openTags: Int, keyBase: Int) {
        left = head.argument
        isIndefinite = head.isIndefinite
        isMap = head.major == 5
        self.start = start
        self.openTags = openTags
        tracker = KeyTracker(base: keyBase)
    }
}

extension CBORReader {
    /// The identity of the key between two positions.
    @inline(__always)
    mutating func identity(ofKeyFrom start: Int, to end: Int) -> KeyBytes {
        let written = KeyBytes(start: base + start, count: end - start)
        let initialByte = base.load(fromByteOffset: start, as: UInt8.self)
        // A head of one byte is the shortest.
        return initialByte & 0x1F < 24 ? written : longIdentity(of: written, to: end)
    }

    /// The identity of a key whose head is longer than a byte.
    @inline(never)
    private mutating func longIdentity(of written: KeyBytes, to end: Int) -> KeyBytes {
        let start = end - written.count
        let initialByte = base.load(fromByteOffset: start, as: UInt8.self)
        let major = initialByte >> 5
        let info = initialByte & 0x1F
        // Tags, arrays, maps and simple values stand as they are.
        guard major < 4 || major == 7 && info > 24 else { return written }

        var writer = CBORWriter()
        if info == 31 {
            var joined: [UInt8] = []
            var next = start + 1
            // The chunks have been checked: each has a definite length, and a break follows.
            while next < end - 1 {
                guard
                    let chunk = try? CBORHead.read(base, count: end, at: next, isStrict: false)
                else { break }
                let length = Int(truncatingIfNeeded: chunk.argument)
                joined.append(
                    contentsOf: UnsafeRawBufferPointer(start: base + chunk.end, count: length))
                next = chunk.end + length
            }
            writer.writeHead(major: major, argument: UInt64(joined.count))
            writer.append(joined)
        } else {
            guard let head = try? CBORHead.read(base, count: end, at: start, isStrict: false)
            else { return written }
            if let value = head.doubleValue, major == 7 {
                writer.write(double: value)
            } else {
                guard headSize(argument: head.argument) < head.end - start else { return written }
                writer.writeHead(major: major, argument: head.argument)
                writer.append(UnsafeRawBufferPointer(start: base + head.end, count: end - head.end))
            }
        }
        return keepCopy(of: writer.bytes)
    }

    /// Puts bytes where they stay as long as the reader.
    private mutating func keepCopy(of bytes: [UInt8]) -> KeyBytes {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        guard let start = copy.baseAddress else {
            preconditionFailure("A key has a head, so its copy is not empty.")
        }
        copies.append(start)
        return KeyBytes(start: UnsafeRawPointer(start), count: bytes.count)
    }
}
