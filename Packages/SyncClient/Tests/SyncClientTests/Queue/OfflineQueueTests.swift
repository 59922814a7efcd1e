// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// The queue's file: what is committed is there again, whatever happens to the machine.
@Suite struct OfflineQueueTests {
    private func open(_ disk: SimulatedDisk) throws -> OfflineQueue<SimulatedDisk> {
        try OfflineQueue(directory: "/q", on: disk, using: SeededGenerator(seed: 4))
    }

    private func makeDisk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "/q")
        try disk.syncDirectory(at: "/")
        return disk
    }

    private func copy(_ disk: SimulatedDisk) -> SimulatedDisk {
        let copy = SimulatedDisk()
        copy.replaceTree(at: "/q", with: disk.copyTree(at: "/q"))
        return copy
    }

    /// Operations numbered from `first`, each with so many bytes.
    private func operations(from first: UInt64, count: UInt64, bytes: Int = 8) -> [SyncOperation] {
        (first..<first + count).map { number in
            var operation = QueueStateTests.operations("e\(number)")[0]
            operation.operationID = OperationID(number)
            operation.entityCBOR = [UInt8](repeating: UInt8(number % 200), count: bytes)
            return operation
        }
    }

    @Test func isEmptyWhenNew() throws {
        let disk = try makeDisk()

        #expect(try open(disk).state == QueueState())
        #expect(try open(disk).state == QueueState())
    }

    @Test func hasEverythingAgainAfterItIsReopened() throws {
        let disk = try makeDisk()
        let queue = try open(disk)
        try queue.commit([.enqueue(operations(from: 1, count: 3), checkpoint: 7)])
        try queue.commit([.noteSent(2), .remove([1])], settlement: 1)

        let again = try open(disk)

        #expect(again.state == queue.state)
        #expect(again.state.operations.map(\.operationID) == [2, 3])
        #expect(again.state.sentThrough == 2)
        #expect(again.state.settlement == 1)
        #expect(again.state.checkpoint == 7)
    }

    @Test func neverGivesANumberAgainAfterACrashEvenIfEverythingWasRemoved() throws {
        let disk = try makeDisk()
        let queue = try open(disk)
        try queue.commit([.enqueue(operations(from: 1, count: 3), checkpoint: 7)])
        try queue.commit([.remove([1, 2, 3])])
        var generator = SeededGenerator(seed: 9)
        disk.crash(using: &generator)

        let again = try open(disk)

        #expect(again.state.isEmpty)
        #expect(again.state.nextOperationID == 4)
    }

    @Test func keepsWhatACommitSaidWhereverTheDiskFails() throws {
        let disk = try makeDisk()
        let before = try open(disk)
        try before.commit([.enqueue(operations(from: 1, count: 2), checkpoint: 1)])
        let changes: [QueueChange] = [
            .enqueue(operations(from: 3, count: 2), checkpoint: 2), .remove([1]),
        ]
        var after = before.state
        for change in changes { after.apply(change) }
        var returned = 0
        for call in 1...8 {
            for seed in 0..<UInt64(4) {
                let disk = copy(disk)
                let queue = try open(disk)
                disk.failNextCall(number: call, errorNumber: FileSystemError.Number.inputOutput)
                let hasReturned = (try? queue.commit(changes)) != nil
                if hasReturned { returned += 1 }
                var generator = SeededGenerator(seed: seed)
                disk.crash(using: &generator)

                let state = try open(disk).state

                #expect(state == after || (!hasReturned && state == before.state), "call \(call)")
            }
        }
        #expect(returned > 0 && returned < 32)
    }

    @Test func takesNoMoreChangesAfterAFailedSync() throws {
        let disk = try makeDisk()
        let queue = try open(disk)
        disk.failNextCall(number: 2, errorNumber: FileSystemError.Number.inputOutput)
        #expect(throws: SyncError.self) { try queue.commit([.noteSent(1)]) }

        let error = #expect(throws: SyncError.self) { try queue.commit([.noteSent(1)]) }

        #expect(error?.code == .storage)
        #expect(queue.state.sentThrough == 0)
    }

    @Test func reportsATornTailThatNobodyWasToldAbout() throws {
        let disk = try makeDisk()
        let queue = try open(disk)
        try queue.commit([.enqueue(operations(from: 1, count: 1), checkpoint: 1)])
        let file = try disk.openFile(at: "/q/queue.log", .readWrite)
        try file.write([1, 2, 3], at: try file.size())

        let again = try open(disk)

        #expect(again.cutBytes == 3)
        #expect(again.state == queue.state)
    }

    @Test func reportsDamageWithFileAndOffsetAndChangesNothing() throws {
        let disk = try makeDisk()
        let queue = try open(disk)
        for number in 1...3 {
            try queue.commit([
                .enqueue(operations(from: UInt64(number), count: 1), checkpoint: 1)
            ])
        }
        let size = try #require(disk.bytes(at: "/q/queue.log")).count
        disk.flipBit("/q/queue.log", byte: size / 2, bit: 3)
        let damaged = disk.bytes(at: "/q/queue.log")

        let error = #expect(throws: SyncError.self) { try open(disk) }

        #expect(error?.code == .storage)
        #expect(error?.message.contains("/q/queue.log") == true)
        #expect(error?.message.contains("byte") == true)
        #expect(disk.bytes(at: "/q/queue.log") == damaged)
    }

    @Test func reportsARecordThatItDoesNotKnowWithFileAndOffset() throws {
        let disk = try makeDisk()
        var generator = SeededGenerator(seed: 4)
        let log = try RecordLogFile.openOrCreate(
            at: "/q/queue.log", on: disk, purpose: OfflineQueue<SimulatedDisk>.purpose,
            using: &generator)
        let offset = try log.append([0x83, 0x02, 0x00, 0x80])
        try log.sync()
        try log.close()

        let error = #expect(throws: SyncError.self) { try open(disk) }

        #expect(error?.message.contains("/q/queue.log") == true)
        #expect(error?.message.contains("byte \(offset)") == true)
    }

    @Test func cutsNoTornTailBehindARecordThatItDoesNotKnow() throws {
        let disk = try makeDisk()
        var generator = SeededGenerator(seed: 4)
        let log = try RecordLogFile.openOrCreate(
            at: "/q/queue.log", on: disk, purpose: OfflineQueue<SimulatedDisk>.purpose,
            using: &generator)
        _ = try log.append([0x83, 0x02, 0x00, 0x80])
        try log.sync()
        let file = try disk.openFile(at: "/q/queue.log", .readWrite)
        try file.write([1, 2, 3], at: try file.size())
        let before = disk.copyTree(at: "/q")

        #expect(throws: SyncError.self) { try open(disk) }

        #expect(disk.copyTree(at: "/q") == before)
    }

    // MARK: Compaction

    /// A queue that is written anew with the next commit of `last`.
    private func makeLongQueue() throws -> (disk: SimulatedDisk, state: QueueState) {
        let disk = try makeDisk()
        let queue = try open(disk)
        for number in 1...15 as ClosedRange<UInt64> {
            try queue.commit(
                [
                    .enqueue(operations(from: number, count: 1, bytes: 65_536), checkpoint: number),
                    .remove(number > 2 ? [OperationID(number - 2)] : []),
                ], settlement: number)
        }
        return (disk, queue.state)
    }

    private let last: [QueueChange] = [.noteSent(14), .remove([14])]
    private var filler: QueueChange {
        .enqueue(operations(from: 16, count: 1, bytes: 98_304), checkpoint: 16)
    }

    @Test func writesALongFileAnewWithTheSameState() throws {
        let (disk, before) = try makeLongQueue()
        let queue = try open(disk)
        let long = try #require(disk.bytes(at: "/q/queue.log")).count
        try queue.commit([filler] + last, settlement: 16)

        let short = try #require(disk.bytes(at: "/q/queue.log")).count
        #expect(long > 900_000 && short < 300_000)
        #expect(try open(disk).state == queue.state)
        #expect(queue.state.settlement == before.settlement + 1)
        #expect(queue.state.nextOperationID == 17)
        #expect(queue.state.checkpoint == 16)
        #expect(try disk.contentsOfDirectory(at: "/q") == ["queue.log"])
        try queue.commit([.noteSent(16)])
        #expect(try open(disk).state.sentThrough == 16)
    }

    @Test func keepsWhatIsCommittedAfterACompactionThroughACrash() throws {
        let (disk, _) = try makeLongQueue()
        for seed in 0..<UInt64(12) {
            let disk = copy(disk)
            let queue = try open(disk)
            try queue.commit([filler] + last, settlement: 16)
            try queue.commit([.noteSent(16)], settlement: 17)
            var generator = SeededGenerator(seed: seed)
            disk.crash(using: &generator)

            #expect(try open(disk).state == queue.state, "seed \(seed)")
        }
    }

    @Test func keepsItsStateWhereverACompactionIsCutOff() throws {
        let (disk, before) = try makeLongQueue()
        var after = before
        for change in [filler] + last { after.apply(change) }
        after.settled(16)
        var cut = 0
        for call in 1...24 {
            let disk = copy(disk)
            let queue = try open(disk)
            disk.failNextCall(number: call, errorNumber: FileSystemError.Number.inputOutput)
            let hasReturned = (try? queue.commit([filler] + last, settlement: 16)) != nil
            if !hasReturned { cut += 1 }
            var generator = SeededGenerator(seed: UInt64(call))
            disk.crash(using: &generator)

            let again = try open(disk)

            #expect(
                again.state == after || (!hasReturned && again.state == before), "call \(call)")
            try again.commit([.noteSent(40)], settlement: 17)
            #expect(try open(disk).state.sentThrough == 40)
        }
        #expect(cut > 5)
    }
}
