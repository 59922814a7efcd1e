// SPDX-License-Identifier: MIT

import SyncTestSupport

/// What is going to happen, by virtual time. Things at the same time happen in an order that the
/// seed decides.
struct Scheduler {
    typealias Action = () throws -> Void

    private struct Entry {
        var time: UInt64
        var tie: UInt64
        var serial: UInt64
        var action: Action

        static func < (lhs: Entry, rhs: Entry) -> Bool {
            (lhs.time, lhs.tie, lhs.serial) < (rhs.time, rhs.tie, rhs.serial)
        }
    }

    private var heap: [Entry] = []
    private var serial: UInt64 = 0
    /// Decides what happens first of what happens at once.
    var generator: SeededGenerator

    init(generator: SeededGenerator) { self.generator = generator }

    /// When the next thing happens, in nanoseconds.
    var nextTime: UInt64? { heap.first?.time }

    /// Lets `action` happen at `time`.
    mutating func at(_ time: UInt64, _ action: @escaping Action) {
        serial += 1
        heap.append(Entry(time: time, tie: generator.next(), serial: serial, action: action))
        siftUp(heap.count - 1)
    }

    /// Takes the next thing out.
    mutating func pop() -> (time: UInt64, action: Action)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown()
        }
        return (first.time, first.action)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown() {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
