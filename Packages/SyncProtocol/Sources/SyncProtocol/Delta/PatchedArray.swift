// SPDX-License-Identifier: MIT

import CBOR

/// An array that is being patched.
///
/// Each element has a slot that it keeps; removing one empties its slot and moves nothing. So no
/// sequence of changes takes quadratic time: finding the element with an index is O(1) until the
/// first removal and O(log n) from then on, adding and removing are O(log n) at most.
final class PatchedArray {
    private var slots: [PatchedItem?]
    /// The number of elements.
    private(set) var count: Int
    /// Counts taken slots; made at the first removal, for until then index and slot are the same.
    private var ranks: SlotRanks?
    /// The slots of each element that is no array and no map; made when the first is asked for.
    private var slotsByLeaf: [CBORValue: Set<Int>]?

    init(_ elements: [CBORValue]) {
        slots = elements.map(PatchedItem.init)
        count = elements.count
    }

    /// The slot of the element with an index, or `nil` if it is out of range.
    func slot(at index: Int) -> Int? {
        guard (0..<count).contains(index) else { return nil }
        return ranks?.slot(ofRank: index) ?? index
    }

    /// The element in a slot; `nil` empties a slot for good.
    subscript(slot: Int) -> PatchedItem? {
        get { slots[slot] }
        set {
            if let leaf = slots[slot]?.leaf { slotsByLeaf?[leaf]?.remove(slot) }
            if let leaf = newValue?.leaf { slotsByLeaf?[leaf, default: []].insert(slot) }
            slots[slot] = newValue
            guard newValue == nil else { return }
            if ranks == nil { ranks = SlotRanks(count: slots.count) }
            ranks?.release(slot)
            count -= 1
        }
    }

    /// Adds an element at the end.
    func append(_ item: PatchedItem) {
        if let leaf = item.leaf { slotsByLeaf?[leaf, default: []].insert(slots.count) }
        slots.append(item)
        ranks?.append()
        count += 1
    }

    /// Removes all elements equal to a value that is neither an array nor a map.
    ///
    /// - Returns: Whether there was one.
    func removeAll(equalTo leaf: CBORValue) -> Bool {
        if slotsByLeaf == nil {
            var index: [CBORValue: Set<Int>] = [:]
            for (slot, item) in slots.enumerated() {
                if let leaf = item?.leaf { index[leaf, default: []].insert(slot) }
            }
            slotsByLeaf = index
        }
        guard let found = slotsByLeaf?.removeValue(forKey: leaf), !found.isEmpty else {
            return false
        }
        for slot in found { self[slot] = nil }
        return true
    }

    /// Calls `body` with each element in order.
    func forEach(_ body: (PatchedItem) -> Void) {
        for case let item? in slots { body(item) }
    }
}

/// How many slots in front of each are taken: a Fenwick tree, in which node i (from 1) counts the
/// slots of the i & −i places that end with it.
struct SlotRanks {
    private var nodes: [Int]

    /// All of `count` slots are taken.
    init(count: Int) {
        nodes = [0]
        nodes.reserveCapacity(count + 1)
        for _ in 0..<count { append() }
    }

    /// Adds a taken slot at the end. O(log n).
    mutating func append() {
        let node = nodes.count
        var sum = 1
        // The places in front of the last one that this node covers are those of its children.
        var step = 1
        while node & step == 0 {
            sum += nodes[node - step]
            step <<= 1
        }
        nodes.append(sum)
    }

    /// Notes that a slot is no longer taken. O(log n).
    mutating func release(_ slot: Int) {
        var node = slot + 1
        while node < nodes.count {
            nodes[node] -= 1
            node += node & -node
        }
    }

    /// The slot with `rank` taken ones in front of it. O(log n).
    ///
    /// - Precondition: More than `rank` slots are taken.
    func slot(ofRank rank: Int) -> Int {
        var left = rank
        var node = 0
        var step = 1
        while step < nodes.count { step <<= 1 }
        while step > 0 {
            let next = node + step
            if next < nodes.count, nodes[next] <= left {
                left -= nodes[next]
                node = next
            }
            step >>= 1
        }
        return node
    }
}
