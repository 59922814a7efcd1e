// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// Law: a crash behind any call, which keeps any of what was not synced, leaves a log that opens,
/// with all that was told; and what is written to it then has nothing behind it.
@Suite struct RecordLogZeroCrashTests {
    private static let unit = RecordLogLimits.zeroFillUnitBytes

    /// A record in its place among those of a story.
    private static func payload(_ number: Int, _ length: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(number + 1), count: length)
    }

    /// Writes batches of records of these lengths; after each event there is how many records had
    /// been synced by then.
    private func story(_ batches: [[Int]]) throws -> (events: [TracingDisk.Event], told: [Int]) {
        let disk = TracingDisk()
        var generator = SeededGenerator(seed: 1)
        let file = try RecordLogFile.create(
            at: "log", on: disk, purpose: .test, using: &generator, zeroFillBytes: Self.unit)
        var told = [Int](repeating: 0, count: disk.events.count)
        var number = 0
        for batch in batches {
            for length in batch {
                _ = try file.append(Self.payload(number, length))
                number += 1
            }
            try file.sync()
            // The sync is the call before the mark's write.
            let known = told.last ?? 0
            told += [Int](repeating: known, count: disk.events.count - told.count - 2)
            told += [number, number]
        }
        try file.close()
        told += [Int](repeating: number, count: disk.events.count - told.count)
        return (disk.events, told)
    }

    /// The contents that a crash behind `events` may leave.
    private func images(behind events: ArraySlice<TracingDisk.Event>) -> [[UInt8]] {
        let synced = events.lastIndex { if case .sync = $0 { true } else { false } }
        let start = synced.map { $0 + 1 } ?? events.startIndex
        var durable: [UInt8] = []
        for event in events[..<start] { event.apply(to: &durable) }
        return events[start...].reduce([durable]) { images, event in
            images.flatMap { image in
                event.remains.map { remains in
                    var image = image
                    remains?.apply(to: &image)
                    return image
                }
            }
        }
    }

    @Test(arguments: [
        [[30, 30], [30], [30, 30]],
        // The frames end before, at and behind the place where the zeros end.
        [[100], [65_536 - 208, 40], [40, 40]], [[65_536 - 191], [40, 40]],
        [[65_536 - 57 - 17], [40, 40]], [[65_536 - 57], [40, 40]], [[65_536 - 56], [40, 40]],
    ])
    func anyCrashLeavesALogThatGoesOn(_ batches: [[Int]]) throws {
        let (events, told) = try story(batches)
        let lengths = batches.flatMap { $0 }
        let all = lengths.indices.map { Self.payload($0, lengths[$0]) }
        var imageCount = 0
        for end in 2...events.count {
            for image in images(behind: events[..<end]) {
                imageCount += 1
                let log = TestLog()
                try log.replace(with: image)
                let file = try log.open()
                let found = try file.payloads()
                #expect(found.count >= told[end - 1], "behind event \(end)")
                #expect(found == Array(all.prefix(found.count)), "behind event \(end)")
                // As long as the first of those that were lost, so that it ends where that ended.
                let next = Self.payload(99, found.count < all.count ? lengths[found.count] : 5)
                // Its mark, which would lie over what is behind it, never comes.
                log.disk.halt(afterCalls: 2)
                try file.write([next])

                log.disk.killProcesses()
                #expect(try log.open(.read).payloads() == found + [next], "behind event \(end)")
            }
        }
        #expect(imageCount > 40)
    }
}
