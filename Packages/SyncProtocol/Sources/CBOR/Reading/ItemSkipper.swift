// SPDX-License-Identifier: MIT

/// The loop of `CBORReader.skip`, with its state in values of its own: what the loop reads and
/// writes for every item stays in registers then.
struct ItemSkipper {
    let base: UnsafeRawPointer
    let count: Int
    let limits: CBORLimits
    var position: Int
    var itemsLeft: Int
    var depth: Int
    var openTags: Int

    /// Steps over the item at `position`, with the reader's stacks.
    @inline(__always)
    mutating func run(_ reader: inout CBORReader) throws(CBORError) {
        let bottom = reader.frames.count
        // The innermost open array or map; those around it are in `frames`. What is skipped is as
        // good as the only element of an array.
        var frame = SkipFrame(around: reader.keys.count, limits)
        var start = position
        while true {
            if frame.left == 0 {
                if reader.frames.count == bottom { return }
                let inner = frame
                frame = reader.frames.pop()
                try close(inner, in: &frame, &reader)
                continue
            }
            if frame.isIndefinite, try isAtBreak(of: frame) {
                position += 1
                frame.left = 0
                continue
            }
            if openTags == 0 {
                if frame.mayBePlain {
                    skipPlainItems(in: &frame, &reader.keys)
                    if frame.left == 0 { continue }
                }
                start = position
            }
            let head = try peekHead(reader)
            switch head.major {
            case 2, 3: position = try end(ofString: head, reader)
            case 4, 5:
                var inner = SkipFrame(
                    head, start: start, openTags: openTags, keyBase: reader.keys.count, limits)
                try enter(head, reader)
                openTags = 0
                if inner.mayBePlain { skipPlainItems(in: &inner, &reader.keys) }
                if inner.left > 0 {
                    reader.frames.push(frame)
                    frame = inner
                } else {
                    try close(inner, in: &frame, &reader)
                }
                continue
            case 6:
                try enter(head, reader)
                if limits.validatesTags { try reader.checkContent(of: head, at: head.end) }
                openTags += 1
                continue
            default: position = head.end
            }
            itemsLeft -= 1
            if openTags > 0 {
                depth -= openTags
                openTags = 0
            }
            try endItem(from: start, in: &frame, &reader)
        }
    }

    @inline(__always)
    private func peekHead(_ reader: borrowing CBORReader) throws(CBORError) -> CBORHead {
        guard itemsLeft > 0 else { throw reader.tooManyItems(at: position) }
        return try CBORHead.read(
            base, count: count, at: position, isStrict: limits.requiresDeterministic)
    }

    /// Moves past the head of an array, a map or a tag.
    @inline(__always)
    private mutating func enter(
        _ head: CBORHead, _ reader: borrowing CBORReader
    ) throws(CBORError) {
        guard depth < limits.maxDepth else { throw reader.tooDeep(at: position) }
        depth += 1
        itemsLeft -= 1
        position = head.end
    }

    /// Goes back from an array or map that has ended to the one around it.
    @inline(__always)
    private mutating func close(
        _ inner: SkipFrame, in frame: inout SkipFrame, _ reader: inout CBORReader
    ) throws(CBORError) {
        reader.removeKeys(of: inner.tracker)
        depth -= 1 + inner.openTags
        try endItem(from: inner.start, in: &frame, &reader)
    }

    private func isAtBreak(of frame: SkipFrame) throws(CBORError) -> Bool {
        guard position < count else { throw CBORError.truncated(count) }
        // A break after a key is no end; reading it as an item reports it.
        return openTags == 0 && !frame.isValueNext
            && base.load(fromByteOffset: position, as: UInt8.self) == breakByte
    }

    @inline(__always)
    private func end(
        ofString head: CBORHead, _ reader: borrowing CBORReader
    ) throws(CBORError) -> Int {
        let isText = head.major == 3
        guard !head.isIndefinite else {
            return try reader.scanChunks(from: position, isText: isText) { _ in }
        }
        // Compared before the conversion: the length may be anything up to 2^64 − 1.
        guard head.argument <= UInt64(count - head.end) else { throw CBORError.truncated(count) }
        let length = Int(truncatingIfNeeded: head.argument)
        guard length <= limits.maxStringBytes else { throw reader.stringTooLong(at: position) }
        guard !isText || isUTF8(base + head.end, count: length) else {
            throw reader.notUTF8(at: position)
        }
        return head.end + length
    }

    /// Notes in the innermost array or map that the item from `start` to the current position is
    /// complete.
    @inline(__always)
    private func endItem(
        from start: Int, in frame: inout SkipFrame, _ reader: inout CBORReader
    ) throws(CBORError) {
        if frame.isMap, frame.left & 1 == 0 {
            let key = reader.identity(ofKeyFrom: start, to: position)
            try reader.add(key, at: start, to: &frame.tracker)
        }
        frame.left &-= 1
    }
}

/// An array or map that `skip` is inside of.
struct SkipFrame: BitwiseCopyable {
    /// The items to come, of which a map has two for each entry. An indefinite length is an even
    /// number that no input comes to the end of.
    var left: UInt64
    let isIndefinite: Bool
    let isMap: Bool
    /// Where the item begins, with its tags.
    let start: Int
    /// The tags directly in front of it.
    let openTags: Int
    var tracker: KeyTracker

    /// What is around the item that is skipped.
    init(around keyBase: Int, _ limits: CBORLimits) {
        left = 1
        isIndefinite = false
        isMap = false
        start = 0
        openTags = 0
        tracker = KeyTracker(base: keyBase, limits)
    }

    @inline(__always)
    init(
        _ head: CBORHead, start: Int, openTags: Int, keyBase: Int, _ limits: CBORLimits
    ) {
        isIndefinite = head.isIndefinite
        isMap = head.major == 5
        // More entries than half of all numbers end with the input.
        let most = UInt64.max - 1
        left = isIndefinite ? most : isMap ? min(head.argument, most / 2) * 2 : head.argument
        self.start = start
        self.openTags = openTags
        tracker = KeyTracker(base: keyBase, limits)
    }

    /// Whether the length is definite, and what comes next is an element, or a key behind others
    /// that are in order.
    var mayBePlain: Bool { !isIndefinite && !isValueNext && tracker.isSorted }

    /// Whether a map's key has come and its value has not.
    var isValueNext: Bool { isMap && left & 1 == 1 }
}
