// SPDX-License-Identifier: MIT

/// Puts the entries of a map into order where they stand.
///
/// An encoded key says by itself where it ends, so entries are compared by their first bytes, and
/// mostly eight of them decide.
struct EntryOrder {
    private struct Entry {
        /// The key's first eight bytes as a number, which puts entries into bytewise order.
        let prefix: UInt64
        let start: Int
        let end: Int
    }

    let output: EncodingOutput
    let keyOrder: CBORKeyOrder

    /// Sorts the entries of the innermost open map, from number `first` of the output on, and
    /// leaves out all but the last of those with the same key.
    ///
    /// - Returns: How many entries there are then.
    func sortEntries(from first: Int) -> Int {
        output.makeLoadable()
        let starts = output.entries(from: first)
        guard !isSorted(starts) else { return starts.count }
        return withUnsafeTemporaryAllocation(of: Entry.self, capacity: starts.count) { entries in
            for index in starts.indices {
                let end = index + 1 < starts.count ? starts[index + 1] : output.count
                entries.initializeElement(
                    at: index,
                    to: Entry(
                        prefix: prefix(at: starts[index]), start: starts[index], end: end))
            }
            sort(entries)
            return place(UnsafeBufferPointer(entries), from: starts[0])
        }
    }

    /// Puts the entries behind each other, the first at `base`.
    private func place(_ entries: UnsafeBufferPointer<Entry>, from base: Int) -> Int {
        let size = output.count - base
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { copy in
            copy.copyMemory(
                from: UnsafeRawBufferPointer(start: output.base + base, count: size))
            // Entries have keys, so there are bytes.
            let source = UnsafeRawPointer(copy.baseAddress.unsafelyUnwrapped) - base
            var end = base
            var count = 0
            for (index, entry) in entries.enumerated() {
                if index + 1 < entries.count, isSame(entry, entries[index + 1], source) {
                    continue
                }
                (output.base + end).copyMemory(
                    from: source + entry.start, byteCount: entry.end - entry.start)
                end += entry.end - entry.start
                count += 1
            }
            output.rollBack(toCount: end, startCount: output.startCount)
            return count
        }
    }

    private func isSorted(_ starts: UnsafeMutableBufferPointer<Int>) -> Bool {
        guard starts.count > 1 else { return true }
        var last = prefix(at: starts[0])
        for index in 1..<starts.count {
            let next = prefix(at: starts[index])
            guard last < next || last == next && precedes(starts[index - 1], starts[index]) else {
                return false
            }
            guard keyOrder == .bytewise || precedes(starts[index - 1], starts[index]) else {
                return false
            }
            last = next
        }
        return true
    }

    private func sort(_ entries: UnsafeMutableBufferPointer<Entry>) {
        guard entries.count <= 32 else {
            var entries = entries
            return entries.sort { isInOrder($0, $1) }
        }
        // Maps are small, and the keys of a structure not far from their places.
        for index in 1..<entries.count {
            let entry = entries[index]
            var place = index
            while place > 0, isInOrder(entry, entries[place - 1]) {
                entries[place] = entries[place - 1]
                place -= 1
            }
            entries[place] = entry
        }
    }

    /// Whether one entry comes before the other, of those with the same key the earlier.
    @inline(__always)
    private func isInOrder(_ one: Entry, _ other: Entry) -> Bool {
        if keyOrder == .bytewise, one.prefix != other.prefix { return one.prefix < other.prefix }
        if precedes(one.start, other.start) { return true }
        return one.start < other.start && !precedes(other.start, one.start)
    }

    @inline(__always)
    private func prefix(at start: Int) -> UInt64 {
        let word = UInt64(
            bigEndian: output.base.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        let info = UInt8(truncatingIfNeeded: word >> 56) & 0x1F
        let isText = word >> 61 == 3
        let size = isText ? info < 7 ? Int(info) + 1 : 8 : min(headSize(info: info), 8)
        // What is behind a short key does not count.
        return word & UInt64.max << UInt64(64 - 8 * size)
    }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        let (one, other) = (Self.key(at: output.base + one), Self.key(at: output.base + other))
        return keyOrder == .bytewise ? one.precedes(other) : one.precedesLengthFirst(other)
    }

    private func isSame(_ one: Entry, _ other: Entry, _ source: UnsafeRawPointer) -> Bool {
        one.prefix == other.prefix
            && Self.key(at: source + one.start) == Self.key(at: source + other.start)
    }

    /// The key at a place where a text or an integer in its shortest form begins.
    private static func key(at start: UnsafeRawPointer) -> KeyBytes {
        let byte = start.load(as: UInt8.self)
        let size = headSize(info: byte & 0x1F)
        guard byte >> 5 == 3 else { return KeyBytes(start: start, count: size) }
        guard size > 1 else { return KeyBytes(start: start, count: 1 + Int(byte & 0x1F)) }
        let length = (1..<size).reduce(0) { length, index in
            length << 8 | Int(start.load(fromByteOffset: index, as: UInt8.self))
        }
        return KeyBytes(start: start, count: size + length)
    }
}
