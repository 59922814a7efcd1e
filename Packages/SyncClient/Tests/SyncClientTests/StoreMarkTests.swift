// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// The mark behind a commit: when it is written and made durable, and what its failures do.
@Suite struct StoreMarkTests {
    private let log = "/db/wal.log"

    private func marks(_ disk: SimulatedDisk) throws -> [WALRecord?] {
        try StoreLogState.records(disk.contents(of: log)).map {
            switch $0 {
            case .commit, .synced: $0
            default: nil
            }
        }.filter { $0 != nil }
    }

    @Test func marksEveryCommitBeforeItReturns() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        #expect(try disk.contents(of: log).isEmpty)
        try store.putRaw([0x01], in: "notes", id: "a")
        #expect(try marks(disk) == [.commit(txid: 1, sequence: 1), .synced(sequence: 1)])

        try store.putRaw([0x02], in: "notes", id: "a")

        let both: [WALRecord?] = [
            .commit(txid: 1, sequence: 1), .synced(sequence: 1), .commit(txid: 2, sequence: 2),
            .synced(sequence: 2),
        ]
        #expect(try marks(disk) == both)
        store.close()
        #expect(try marks(disk) == both)
    }

    @Test func makesTheMarkDurableWithTheNextCommitAndOnClosing() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        for _ in 0..<3 {
            try store.putRaw([0x01], in: "notes", id: "a")
            let length = try disk.contents(of: log).count
            #expect(disk.syncedBytes(at: log)?.count == length - StoreLogState.markBytes)
        }

        store.close()

        #expect(try disk.syncedBytes(at: log) == disk.contents(of: log))
    }

    @Test func startsWithoutAMarkInAnEmptyLog() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        try store.checkpoint()
        #expect(try disk.contents(of: log).isEmpty)
        try store.putRaw([0x02], in: "notes", id: "a")
        store.close()
        #expect(try marks(disk) == [.commit(txid: 2, sequence: 2), .synced(sequence: 2)])

        let again = try disk.openStore()
        try again.putRaw([0x03], in: "notes", id: "a")
        again.close()

        #expect(try marks(disk).suffix(2) == [.commit(txid: 3, sequence: 3), .synced(sequence: 3)])
        #expect(try disk.openStore().recovery.tornBytes == 0)
    }

    @Test func leavesTheLogAloneOnceItIsClosed() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        // Room for the commit, and none for its mark.
        disk.fullAfter(bytes: try disk.contents(of: log).count - StoreLogState.markBytes)
        try store.putRaw([0x02], in: "notes", id: "a")
        store.close()
        disk.fullAfter(bytes: nil)
        let next = try disk.openStore()
        try next.checkpoint()

        store.close()

        #expect(try disk.contents(of: log).isEmpty)
        #expect(next.rawEntity(in: "notes", id: "a") == [0x02])
    }

    @Test func keepsACommitWhoseMarkFailsAndIsReadOnlyFromThenOn() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        // A commit into a known collection writes, syncs, and writes the mark.
        disk.failNextCall(number: 3, errorNumber: FileSystemError.Number.inputOutput)

        try store.putRaw([0x02], in: "notes", id: "a")

        #expect(store.rawEntity(in: "notes", id: "a") == [0x02])
        #expect { try store.putRaw([0x03], in: "notes", id: "a") } throws: {
            ($0 as? StoreError)?.code == .readOnly
        }
        store.close()
        let again = try disk.openStore()
        #expect(again.rawEntity(in: "notes", id: "a") == [0x02])
        #expect(try marks(disk).last == .synced(sequence: 2))
    }

    @Test func putsTheMarkOffWhileTheDiskIsFull() throws {
        let states = try StoreLogState.afterEachCommit()
        for room in 0..<StoreLogState.markBytes {
            let disk = try states[2].disk(log: states[2].log)
            let store = try disk.openStore()
            disk.fullAfter(bytes: states[3].commitEnd - states[2].log.count + room)

            try store.commit([
                WALWrite(collection: "notes", entityID: "b", content: [0x04]),
                WALWrite(collection: "lists", entityID: "m", content: [0x05]),
            ])

            #expect(StoreModel(store) == states[3].model)
            #expect(try disk.contents(of: log) == states[3].log.dropLast(StoreLogState.markBytes))
            #expect { try store.putRaw([0x06], in: "notes", id: "c") } throws: {
                ($0 as? StoreError)?.code == .outOfSpace
            }
            disk.fullAfter(bytes: nil)
            if room.isMultiple(of: 2) { try store.putRaw([0x06], in: "notes", id: "c") }
            let model = StoreModel(store)
            store.close()
            #expect(try marks(disk).filter { $0 == .synced(sequence: 4) }.count == 1)
            let again = try disk.openStore()
            #expect(StoreModel(again) == model && again.recovery.tornBytes == 0)
        }
    }

    @Test func followersReadOnBehindAMarkThatIsWrittenAgain() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        var poller = WALPoller(directory: "/db", disk: disk)
        for sequence in UInt64(1)...3 {
            try store.putRaw([UInt8(sequence)], in: "notes", id: "a")
            #expect(try poller.pollAll().map(\.sequence) == [sequence])
            #expect(try poller.poll() == .nothing)
            #expect(poller.pass?.offset == UInt64(try disk.contents(of: log).count))
        }
        // Half of the next write gets there, the mark again and the BEGIN.
        disk.failNextCall(errorNumber: FileSystemError.Number.outOfSpace)
        #expect(throws: StoreError.self) { try store.putRaw([0x06], in: "notes", id: "a") }
        #expect(try poller.poll() == .nothing)
        try store.putRaw([0x07], in: "notes", id: "a")

        #expect(try poller.pollAll().map { $0.writes.map(\.content) } == [[[0x07]]])
    }
}
