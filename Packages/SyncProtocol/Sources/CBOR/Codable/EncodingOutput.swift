// SPDX-License-Identifier: MIT

/// A writer, and where the entries of the open maps in it begin.
final class EncodingOutput {
    // A call to look for overlapping uses would cost more than most writes. There are none: only a
    // form is handed the writer for longer than one call, and it can reach it in no other way.
    @exclusivity(unchecked) var writer = CBORWriter(capacity: 256)

    /// Where entries begin, those of the outermost open map first.
    private var starts: UnsafeMutablePointer<Int>
    private(set) var startCount = 0
    private var startCapacity = 32

    /// The encoder whose value is being encoded, for which alone may be written.
    var turn: ObjectIdentifier?

    init() {
        starts = .allocate(capacity: startCapacity)
    }

    deinit { starts.deallocate() }

    /// The number of bytes written so far.
    @inline(__always)
    var count: Int { writer.output.count }

    /// The first byte; valid until the next write.
    @inline(__always)
    var base: UnsafeMutableRawPointer { writer.output.base }

    /// Sees to it that eight bytes can be loaded from each that was written.
    func makeLoadable() { _ = writer.output.room(for: 8) }

    /// Forgets what was written after an earlier state.
    func rollBack(toCount count: Int, startCount: Int) {
        writer.output.count = count
        self.startCount = startCount
    }

    /// What is wrong with the item that was written at `start`.
    func wellFormednessFault(from start: Int, maxDepth: Int) -> CBORError? {
        var nothing = NoVisitor()
        let walk = ItemWalk(
            base: UnsafeRawPointer(base + start), count: count - start, maxDepth: maxDepth)
        do throws(CBORError) {
            _ = try walk.walk(&nothing)
            return nil
        } catch {
            return error
        }
    }

    private struct NoVisitor: ItemVisitor {
        mutating func begin(at offset: Int, isOpen: Bool) {}
        mutating func close() {}
    }

    /// Keeps a byte for the head of a container, and returns its place.
    func beginHead() -> Int {
        writer.writeNull()
        return count - 1
    }

    /// Writes the head of a container over the byte kept for it at `start`, and moves what is
    /// inside if the head needs more.
    func closeHead(_ majorBits: UInt8, _ argument: UInt64, at start: Int) {
        let size = headSize(argument: argument)
        guard size > 1 else {
            base.storeBytes(
                of: majorBits | UInt8(truncatingIfNeeded: argument), toByteOffset: start,
                as: UInt8.self)
            return
        }
        let end = writer.output.room(for: size - 1)
        let inside = base + start + 1
        (inside + size - 1).copyMemory(from: inside, byteCount: end - inside)
        writer.output.count += size - 1
        // A head is stored with more bytes than it has, so not where it belongs.
        withUnsafeTemporaryAllocation(byteCount: 9, alignment: 8) { head in
            let source = head.baseAddress.unsafelyUnwrapped
            _ = ByteOutput.storeHead(at: source, majorBits, argument)
            (base + start).copyMemory(from: source, byteCount: size)
        }
    }
}

extension EncodingOutput {
    /// Notes that an entry of the innermost open map begins here.
    @inline(__always)
    func beginEntry() {
        if startCount == startCapacity { growStarts() }
        starts[startCount] = count
        startCount += 1
    }

    @inline(never)
    private func growStarts() {
        let new = UnsafeMutablePointer<Int>.allocate(capacity: 2 * startCapacity)
        new.update(from: starts, count: startCount)
        starts.deallocate()
        starts = new
        startCapacity *= 2
    }

    /// Where the entries of the map whose first one is number `first` begin.
    func entries(from first: Int) -> UnsafeMutableBufferPointer<Int> {
        UnsafeMutableBufferPointer(start: starts + first, count: startCount - first)
    }

    /// Forgets the entries of a map that is closed.
    func endEntries(from first: Int) { startCount = first }

    /// Puts bytes in between: `insertions` are positions in order, each with what goes there.
    func insert(_ insertions: [(position: Int, bytes: EncodingOutput)], firstEntry: Int) {
        let added = insertions.reduce(0) { $0 + $1.bytes.count }
        _ = writer.output.room(for: added)
        var from = count
        var to = count + added
        writer.output.count = to
        var entry = startCount
        for (position, bytes) in insertions.reversed() {
            let shift = to - from
            while entry > firstEntry, starts[entry - 1] >= position {
                entry -= 1
                starts[entry] += shift
            }
            to -= from - position
            (base + to).copyMemory(from: base + position, byteCount: from - position)
            from = position
            to -= bytes.count
            (base + to).copyMemory(from: bytes.base, byteCount: bytes.count)
        }
    }
}
