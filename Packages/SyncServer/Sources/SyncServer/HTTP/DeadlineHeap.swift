// SPDX-License-Identifier: MIT

/// At most one deadline for each slot, the earliest first. Every change is O(log n).
struct DeadlineHeap {
    private var entries: [(time: UInt64, slot: Int)] = []
    /// Where a slot's entry lies in `entries`, -1 if it has none.
    private var places: [Int] = []

    /// The earliest time, or nil if there is no deadline.
    var first: UInt64? { entries.first?.time }

    /// The time that is set for `slot`, or nil.
    func time(of slot: Int) -> UInt64? {
        slot < places.count && places[slot] >= 0 ? entries[places[slot]].time : nil
    }

    /// Sets or replaces the deadline of `slot`.
    mutating func set(_ time: UInt64, for slot: Int) {
        while places.count <= slot { places.append(-1) }
        if places[slot] < 0 {
            places[slot] = entries.count
            entries.append((time, slot))
        } else {
            entries[places[slot]].time = time
        }
        restore(places[slot])
    }

    /// Removes the deadline of `slot` if it has one.
    mutating func remove(_ slot: Int) {
        guard slot < places.count, places[slot] >= 0 else { return }
        let place = places[slot]
        places[slot] = -1
        let last = entries.removeLast()
        guard place < entries.count else { return }
        entries[place] = last
        places[last.slot] = place
        restore(place)
    }

    /// Removes and returns the slot of the earliest deadline that is not after `now`, or nil.
    mutating func popDue(at now: UInt64) -> Int? {
        guard let first = entries.first, first.time <= now else { return nil }
        remove(first.slot)
        return first.slot
    }

    /// Moves the entry at `place` up or down to where it belongs.
    private mutating func restore(_ place: Int) {
        var place = place
        while place > 0, entries[place].time < entries[(place - 1) / 2].time {
            swap(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < entries.count && entries[child].time < entries[least].time {
                least = child
            }
            if least == place { return }
            swap(place, least)
            place = least
        }
    }

    private mutating func swap(_ left: Int, _ right: Int) {
        entries.swapAt(left, right)
        places[entries[left].slot] = left
        places[entries[right].slot] = right
    }
}
