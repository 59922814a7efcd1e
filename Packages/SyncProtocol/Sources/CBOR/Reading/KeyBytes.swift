// SPDX-License-Identifier: MIT

/// A map key as it is encoded, in memory that lives as long as the reader: what makes keys the same
/// and puts them in order (RFC 8949 §4.2.1).
///
/// Integers and strings have their shortest form here, however they were written, so that two
/// encodings of one key are the same key. Other keys are compared as they were written.
@usableFromInline
struct KeyBytes: Hashable, BitwiseCopyable {
    @usableFromInline let start: UnsafeRawPointer
    @usableFromInline let count: Int

    @inlinable
    init(start: UnsafeRawPointer, count: Int) {
        self.start = start
        self.count = count
    }

    @inlinable
    static func == (lhs: KeyBytes, rhs: KeyBytes) -> Bool {
        lhs.count == rhs.count && areEqual(lhs.start, rhs.start, count: lhs.count)
    }

    /// Hashed with the process's random seed: a sender cannot choose keys that collide.
    @usableFromInline
    func hash(into hasher: inout Hasher) {
        hasher.combine(bytes: UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Whether the bytewise order puts the other key after this one.
    @inlinable
    @inline(__always)
    func precedes(_ other: KeyBytes) -> Bool {
        // Of keys in order, most differ in their lengths, which are in their first bytes.
        let first = start.load(as: UInt8.self)
        let second = other.start.load(as: UInt8.self)
        return first == second ? tailPrecedes(other) : first < second
    }

    /// Whether the order of RFC 8949 §4.2.3 puts the other key after this one.
    func precedesLengthFirst(_ other: KeyBytes) -> Bool {
        count == other.count ? precedes(other) : count < other.count
    }

    @usableFromInline
    func tailPrecedes(_ other: KeyBytes) -> Bool {
        let shared = Swift.min(count, other.count)
        var index = 0
        while shared - index >= 8 {
            let mine = start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let theirs = other.start.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if mine != theirs { return UInt64(bigEndian: mine) < UInt64(bigEndian: theirs) }
            index += 8
        }
        if shared - index >= 4 {
            let mine = start.loadUnaligned(fromByteOffset: index, as: UInt32.self)
            let theirs = other.start.loadUnaligned(fromByteOffset: index, as: UInt32.self)
            if mine != theirs { return UInt32(bigEndian: mine) < UInt32(bigEndian: theirs) }
            index += 4
        }
        while index < shared {
            let mine = start.load(fromByteOffset: index, as: UInt8.self)
            let theirs = other.start.load(fromByteOffset: index, as: UInt8.self)
            if mine != theirs { return mine < theirs }
            index += 1
        }
        return count < other.count
    }
}

/// Finds the second of two equal keys in one map.
///
/// As long as keys come in order, one comparison with the last one is enough, and that is what
/// deterministic senders send. From the first key out of order on, each is looked for among the
/// map's keys: one by one while they are few, then in a set, which is made once. So a map of n keys
/// costs O(n) in any order.
@usableFromInline
struct KeyTracker: BitwiseCopyable {
    /// Where this map's keys begin in the reader's `keys`.
    @usableFromInline let base: Int
    /// Whether each key so far came after the one in front of it, and that is the order asked for.
    @usableFromInline var isSorted: Bool
    /// Which of the reader's `keySets` has the same keys, or −1 while there is none.
    @usableFromInline var set = -1

    @inlinable
    init(base: Int, _ limits: CBORLimits) {
        self.base = base
        isSorted = !limits.isLengthFirst
    }

    /// Up to this many keys are compared one by one.
    static let searchedOneByOne = 16
}

extension CBORReader {
    /// Adds a key whose head is at `offset` to the keys of the map that `tracker` is for.
    @inlinable
    @inline(__always)
    mutating func add(
        _ key: KeyBytes, at offset: Int, to tracker: inout KeyTracker
    ) throws(CBORError) {
        if tracker.isSorted, keys.count == tracker.base || keys.top.precedes(key) {
            keys.push(key)
        } else {
            tracker = try addUnsorted(key, at: offset, to: tracker)
        }
    }

    /// Adds a key to a map whose keys are not in order.
    @usableFromInline
    @inline(never)
    mutating func addUnsorted(
        _ key: KeyBytes, at offset: Int, to tracker: KeyTracker
    ) throws(CBORError) -> KeyTracker {
        // By value: a tracker that is passed by its address cannot stay in registers.
        var tracker = tracker
        tracker.isSorted = false
        let isNew: Bool
        if tracker.set < 0, keys.count - tracker.base <= KeyTracker.searchedOneByOne {
            isNew = !keys.elements(from: tracker.base).contains(key)
        } else {
            if tracker.set < 0 {
                tracker.set = keySets.count
                keySets.append(Set(keys.elements(from: tracker.base)))
            }
            isNew = keySets[tracker.set].insert(key).inserted
        }
        guard isNew else {
            throw CBORError(
                .duplicateKey, at: offset, message: "The map has had this key before.")
        }
        if limits.requiresDeterministic, !isLengthFirstNext(key, in: tracker) {
            let order = limits.isLengthFirst ? "length-first" : "bytewise"
            throw CBORError(
                .unsortedKeys, at: offset,
                message: "The key comes before the one in front of it in \(order) order.")
        }
        keys.push(key)
        return tracker
    }

    /// Whether the keys are to be in length-first order and this one is.
    private func isLengthFirstNext(_ key: KeyBytes, in tracker: KeyTracker) -> Bool {
        limits.isLengthFirst
            && (keys.count == tracker.base || keys.top.precedesLengthFirst(key))
    }

    /// Forgets the keys of a map that has ended, the innermost one that was open.
    @inlinable
    @inline(__always)
    mutating func removeKeys(of tracker: KeyTracker) {
        keys.count = tracker.base
        if tracker.set >= 0 { keySets.removeLast(keySets.count - tracker.set) }
    }
}
