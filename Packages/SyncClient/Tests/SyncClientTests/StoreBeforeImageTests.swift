// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// That a base record keeps the content that the app's first edit overwrites.
@Suite struct StoreBeforeImageTests {
    private let base = BaseRecord(
        cursor: Cursor(7), version: EntityVersion(3), isDeleted: false, generation: 0, logEpoch: 0)
    private let mark = WALPulledMark(logID: [UInt8](1...16), cursor: 7, settlement: 1)

    /// A store with one pulled entity and its base record.
    private func makeStore(_ disk: SimulatedDisk = SimulatedDisk()) throws -> SimulatedStore {
        let store = try disk.openStore()
        _ = try store.withWriteLock {
            try $0.commit(
                [
                    WALWrite(collection: "notes", entityID: "a", content: [0x01]),
                    WALWrite(collection: "_base:notes", entityID: "a", content: base.encoded()),
                ], mark: mark)
        }
        return store
    }

    private func shadow(in store: SimulatedStore) throws -> BaseRecord.Shadow? {
        let record = try #require(store.rawEntity(in: "_base:notes", id: "a"))
        return try BaseRecord(decoding: record).shadow
    }

    @Test func keepsTheContentBeforeTheFirstEditOnly() throws {
        let disk = SimulatedDisk()
        let store = try makeStore(disk)
        #expect(try shadow(in: store) == nil)

        try store.putRaw([0x02], in: "notes", id: "a")
        #expect(try shadow(in: store) == BaseRecord.Shadow(content: [0x01]))
        try store.putRaw([0x03], in: "notes", id: "a")
        try store.delete(in: "notes", id: "a")

        #expect(try shadow(in: store) == BaseRecord.Shadow(content: [0x01]))
        store.close()
        #expect(try shadow(in: disk.openStore()) == BaseRecord.Shadow(content: [0x01]))
    }

    @Test func keepsTheContentBeforeADelete() throws {
        let store = try makeStore()

        try store.delete(in: "notes", id: "a")

        #expect(try shadow(in: store) == BaseRecord.Shadow(content: [0x01]))
    }

    @Test func keepsItInTheSameTransactionAndCapturesOnlyTheEdit() throws {
        let store = try makeStore()
        var poller = store.makeCapturePoller(after: 0)

        try store.putRaw([0x02], in: "notes", id: "a")

        let found = try poller.pollAll()
        #expect(found.map(\.sequence) == [2])
        #expect(found.first?.writes.map(\.collection) == ["notes"])
    }

    @Test func leavesBaseRecordsAloneForPulledWritesAndUnknownEntities() throws {
        let store = try makeStore()

        _ = try store.withWriteLock {
            try $0.commit(
                [WALWrite(collection: "notes", entityID: "a", content: [0x09])], mark: mark)
        }
        try store.putRaw([0x01], in: "notes", id: "new")

        #expect(try shadow(in: store) == nil)
        #expect(store.rawEntity(in: "_base:notes", id: "new") == nil)
    }
}
