// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// The disk that other tests rest on, held against models far simpler than itself.
@Suite struct SimulatedDiskTests {
    private func crashed(_ disk: SimulatedDisk, seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        disk.crash(using: &generator)
    }

    /// A durable file `a` with this content.
    private func disk(holding content: [UInt8]) throws -> (SimulatedDisk, SimulatedDiskFile) {
        let disk = SimulatedDisk()
        let file = try disk.openFile(at: "a", .createNew)
        try file.write(content, at: 0)
        try file.sync()
        try disk.syncDirectory(at: "")
        return (disk, file)
    }

    @Test func liveReadsSeeWhatIsNotSynced() throws {
        let (disk, file) = try disk(holding: [1, 2, 3])

        try file.write([9], at: 1)

        #expect(try disk.openFile(at: "a", .read).read(count: 9, at: 0) == [1, 9, 3])
        #expect(disk.syncedBytes(at: "a") == [1, 2, 3])
        try file.sync()
        #expect(disk.syncedBytes(at: "a") == [1, 9, 3])
    }

    @Test func unsyncedWritesSurviveInEverySubset() throws {
        var outcomes: Set<[UInt8]> = []
        for seed in 0..<400 as Range<UInt64> {
            let (disk, file) = try disk(holding: [0, 0, 0])
            for offset in 0..<3 as Range<UInt64> { try file.write([1], at: offset) }
            crashed(disk, seed: seed)
            outcomes.insert(try #require(disk.bytes(at: "a")))
        }

        #expect(outcomes.count == 8, "any subset of three writes")
        #expect(outcomes.allSatisfy { $0.count == 3 })
    }

    @Test func aWriteIsTornAtAnyByteOrBecomesZeros() throws {
        var outcomes: Set<[UInt8]> = []
        for seed in 0..<600 as Range<UInt64> {
            let (disk, file) = try disk(holding: [])
            try file.write([1, 2, 3, 4], at: 0)
            crashed(disk, seed: seed)
            outcomes.insert(try #require(disk.bytes(at: "a")))
        }

        var expected: Set<[UInt8]> = []
        for cut in 0...4 {
            expected.insert(Array([1, 2, 3, 4][..<cut]))
            // Cut behind the last byte, nothing of the end is left to grow the file.
            if cut < 4 {
                expected.insert([UInt8](repeating: 0, count: cut) + [1, 2, 3, 4][cut...])
            }
            expected.insert([UInt8](repeating: 0, count: cut))
        }
        #expect(outcomes == expected)
    }

    /// The model keeps for every byte the values that it may have, and no more.
    @Test func everyByteAfterACrashIsOneThatWasThere() throws {
        for seed in 0..<50 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let (disk, file) = try disk(holding: [])
            let length = 13_000
            var possible = [Set<UInt8>](repeating: [0], count: length)
            var current = [UInt8](repeating: 0, count: length)
            var sizes: ClosedRange<Int> = 0...0
            var size = 0
            for step in 1..<30 as Range<UInt8> {
                if Int.random(in: 0..<6, using: &generator) == 0 {
                    try file.sync()
                    for index in 0..<length { possible[index] = [current[index]] }
                    sizes = size...size
                    continue
                }
                let start = Int.random(in: 0..<length, using: &generator)
                let count = min(Int.random(in: 0..<6000, using: &generator), length - start)
                try file.write([UInt8](repeating: step, count: count), at: UInt64(start))
                for index in start..<start + count {
                    possible[index].insert(step)
                    current[index] = step
                }
                if count > 0 { size = max(size, start + count) }
                sizes = sizes.lowerBound...max(size, sizes.upperBound)
            }
            crashed(disk, seed: seed)
            let bytes = try #require(disk.bytes(at: "a"))
            #expect(sizes.contains(bytes.count))
            #expect(bytes.indices.allSatisfy { possible[$0].contains(bytes[$0]) }, "seed \(seed)")
            #expect(disk.syncedBytes(at: "a") == bytes)
        }
    }

    @Test func syncedBytesSurviveEveryCrash() throws {
        for seed in 0..<200 as Range<UInt64> {
            let (disk, file) = try disk(holding: [1, 2, 3])
            try file.write([4], at: 1)
            try file.sync()
            crashed(disk, seed: seed)
            #expect(disk.bytes(at: "a") == [1, 4, 3])
        }
    }

    @Test func namesSurviveInTheOrderTheyWereMade() throws {
        var outcomes: Set<[String]> = []
        for seed in 0..<200 as Range<UInt64> {
            let (disk, _) = try disk(holding: [])
            _ = try disk.openFile(at: "b", .createNew)
            try disk.rename("b", to: "c")
            try disk.removeFile(at: "a")
            crashed(disk, seed: seed)
            outcomes.insert(try disk.contentsOfDirectory(at: ""))
        }

        #expect(outcomes == [["a"], ["a", "b"], ["a", "c"], ["c"]])
    }

    @Test func aSyncedFileWithoutASyncedNameMayBeGone() throws {
        var outcomes: Set<[UInt8]?> = []
        for seed in 0..<50 as Range<UInt64> {
            let disk = SimulatedDisk()
            try disk.createDirectory(at: "d")
            let file = try disk.openFile(at: "d/a", .createNew)
            try file.write([1], at: 0)
            try file.sync()
            try disk.syncDirectory(at: "d")
            crashed(disk, seed: seed)
            outcomes.insert(disk.bytes(at: "d/a"))
        }

        #expect(outcomes == [nil, [1]])
    }

    @Test func handlesAndLocksDieInACrash() throws {
        let (disk, file) = try disk(holding: [1])
        let lock = try #require(try disk.lockFile(at: "a"))
        #expect(try disk.lockFile(at: "a") == nil)

        crashed(disk, seed: 1)

        #expect(throws: FileSystemError.self) { try file.read(count: 1, at: 0) }
        #expect(throws: FileSystemError.self) { try file.write([1], at: 0) }
        #expect(throws: FileSystemError.self) { try file.size() }
        #expect(throws: FileSystemError.self) { try file.truncate(to: 0) }
        #expect(throws: FileSystemError.self) { try file.sync() }
        let second = try disk.lockFile(at: "a")
        #expect(second != nil)
        lock.release()
        #expect(try disk.lockFile(at: "a") == nil, "a dead lock must not free a living one")
    }

    @Test func afterAFailedSyncALaterOneVouchesForNothingOlder() throws {
        var outcomes: Set<[UInt8]> = []
        for seed in 0..<50 as Range<UInt64> {
            let (disk, file) = try disk(holding: [1])
            try file.write([2], at: 0)
            disk.failNextCall(errorNumber: FileSystemError.Number.inputOutput)
            #expect(throws: FileSystemError.self) { try file.sync() }
            #expect(disk.bytes(at: "a") == [2])
            try file.sync()
            crashed(disk, seed: seed)
            outcomes.insert(try #require(disk.bytes(at: "a")))
        }

        #expect(outcomes == [[1], [2]])
    }

    @Test func anyCallCanBeMadeToFailOnce() throws {
        let (disk, file) = try disk(holding: [1])
        let before = disk.callCount

        disk.failNextCall(number: 3, errorNumber: FileSystemError.Number.permissionDenied)
        _ = try file.size()
        _ = try disk.fileExists(at: "a")
        let error = #expect(throws: FileSystemError.self) { try disk.removeFile(at: "a") }

        #expect(error?.errorNumber == FileSystemError.Number.permissionDenied)
        #expect(error?.operation == .remove)
        #expect(disk.callCount == before + 3)
        try disk.removeFile(at: "a")
    }

    @Test func aFullDiskTakesWhatFitsAndRoomComesBack() throws {
        let (disk, file) = try disk(holding: [1, 2, 3])
        disk.fullAfter(bytes: 4)

        // Bytes that stand already cost nothing; four may come.
        try file.write([7, 7, 7], at: 2)
        try file.write([6, 6], at: 5)

        #expect(disk.bytes(at: "a") == [1, 2, 7, 7, 7, 6, 6])
        #expect(throws: FileSystemError.self) { try file.write([1], at: 7) }
        let other = try disk.openFile(at: "b", .createNew)
        try file.truncate(to: 5)
        let full = #expect(throws: FileSystemError.self) { try other.write([1, 2, 3, 4], at: 0) }
        #expect(full?.isOutOfSpace == true)
        #expect(disk.bytes(at: "b") == [1, 2])
        try disk.removeFile(at: "a")
        try other.write([3, 4, 5, 6, 7], at: 2)
    }

    @Test func aFlippedBitIsSeenLiveAndAfterACrash() throws {
        let (disk, file) = try disk(holding: [0, 0])

        disk.flipBit("a", byte: 1, bit: 7)

        #expect(try file.read(count: 2, at: 0) == [0, 128])
        crashed(disk, seed: 1)
        #expect(disk.bytes(at: "a") == [0, 128])
        disk.flipBit("a", byte: 1, bit: 7)
        #expect(disk.bytes(at: "a") == [0, 0])
    }

    @Test func aCopiedTreeIsRestoredAsItWas() throws {
        let (disk, _) = try disk(holding: [1])
        try disk.createDirectory(at: "d")
        try disk.openFile(at: "d/x", .createNew).write([2, 2], at: 5000)
        let copy = try #require(disk.copyTree(at: "d"))

        try disk.openFile(at: "d/x", .readWrite).write([3], at: 0)
        try disk.removeFile(at: "d/x")
        let other = SimulatedDisk()
        for target in [disk, other] {
            target.replaceTree(at: "d", with: copy)
            crashed(target, seed: 3)
            #expect(target.copyTree(at: "d") == copy)
        }
        #expect(disk.bytes(at: "a") == [1])
        #expect(other.bytes(at: "d/x")?.count == 5002)
        other.replaceTree(at: "d", with: nil)
        #expect(other.copyTree(at: "d") == nil)
    }

    @Test func theSameSeedCrashesTheSameWay() throws {
        func run(_ seed: UInt64) throws -> SimulatedDiskTree? {
            let disk = SimulatedDisk()
            for name in ["x", "y", "z", "w"] {
                let file = try disk.openFile(at: name, .createNew)
                try disk.syncDirectory(at: "")
                for number in 0..<9 as Range<UInt64> { try file.write([7, 8, 9], at: number * 2) }
            }
            crashed(disk, seed: seed)
            return disk.copyTree()
        }

        for seed in 0..<30 as Range<UInt64> { #expect(try run(seed) == run(seed)) }
        #expect(try run(1) != run(2))
    }
}
