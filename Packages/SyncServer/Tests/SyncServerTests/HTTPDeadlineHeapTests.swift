// SPDX-License-Identifier: MIT

import SyncTestSupport
import Testing

@testable import SyncServer

@Suite struct HTTPDeadlineHeapTests {
    @Test func returnsNothingBeforeItIsDue() {
        var heap = DeadlineHeap()
        heap.set(10, for: 3)

        #expect(heap.popDue(at: 9) == nil)
        #expect(heap.first == 10)
        #expect(heap.popDue(at: 10) == 3)
        #expect(heap.popDue(at: 10) == nil)
        #expect(heap.first == nil)
    }

    /// A dictionary does the same slowly: both must agree after every step.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func agreesWithAModelWhateverIsSetAndRemoved(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var heap = DeadlineHeap()
        var model: [Int: UInt64] = [:]
        for _ in 0..<2_000 {
            let slot = Int.random(in: 0..<40, using: &generator)
            let time = UInt64.random(in: 0..<100, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1:
                heap.set(time, for: slot)
                model[slot] = time
            case 2:
                heap.remove(slot)
                model[slot] = nil
            default:
                let due = heap.popDue(at: time)
                let earliest = model.values.min()
                #expect((due != nil) == (earliest.map { $0 <= time } ?? false), "seed \(seed)")
                if let due {
                    #expect(model[due] == earliest, "seed \(seed)")
                    model[due] = nil
                }
            }
            #expect(heap.first == model.values.min(), "seed \(seed)")
            #expect(heap.time(of: slot) == model[slot], "seed \(seed)")
        }
    }
}

@Suite struct HTTPOutputQueueTests {
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func givesBackTheBytesInOrder(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var queue = OutputQueue()
        var expected: [UInt8] = []
        var taken: [UInt8] = []
        for step in 0..<200 {
            let count = [0, 1, 100, 40_000, 70_000].randomElement(using: &generator)!
            let piece = [UInt8](repeating: UInt8(step), count: count)
            queue.append(piece[...])
            expected += piece
            guard step % 3 == 0, !queue.isEmpty else { continue }
            take(Int.random(in: 1...100_000, using: &generator), from: &queue, into: &taken)
        }
        while !queue.isEmpty { take(.max, from: &queue, into: &taken) }

        #expect(taken == expected, "seed \(seed)")
        #expect(queue.count == 0)
    }

    private func take(_ limit: Int, from queue: inout OutputQueue, into taken: inout [UInt8]) {
        let before = queue.count
        let part = queue.withFirst { bytes, hasMore in
            #expect(hasMore == (bytes.count < before))
            return Array(bytes.prefix(limit))
        }
        queue.removeFirst(part.count)
        taken += part
        #expect(queue.count == before - part.count)
    }
}

@Suite struct HTTPSocketTableTests {
    private func add(_ table: inout SocketTable, isAdmitted: Bool = true) -> HTTPSocket {
        let rules = HTTPConnectionRules(HTTPServerConfiguration())
        return table.add(
            descriptor: -1, isAdmitted: isAdmitted, connection: HTTPConnection(rules: rules, now: 0)
        )
    }

    @Test func findsNobodyUnderTheTokenOfAClosedConnection() {
        var table = SocketTable()
        let first = add(&table)
        table.remove(first)
        let second = add(&table)

        #expect(second.slot == first.slot)
        #expect(table.socket(token: first.token) == nil)
        #expect(table.socket(token: second.token) === second)
    }

    @Test func countsThoseTurnedAwayApart() {
        var table = SocketTable()
        let turnedAway = add(&table, isAdmitted: false)
        _ = add(&table)
        #expect(table.count == 2 && table.admittedCount == 1)

        table.remove(turnedAway)
        #expect(table.count == 1 && table.admittedCount == 1)
    }
}
