// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

@Suite struct StoreFileTests {
    @Test func keepsEverythingThroughCheckpointsAndRewrites() throws {
        let disk = SimulatedDisk()
        var configuration = StoreConfiguration()
        configuration.segmentCountMax = 3
        var store = try disk.openStore(configuration)
        var model = StoreModel()
        var segmentCounts: [Int] = []
        for round in UInt64(0)..<8 {
            var writes = [WALWrite(collection: "a", entityID: "e\(round)", content: [0x01])]
            writes.append(WALWrite(collection: "b", entityID: "same", content: [UInt8(round)]))
            if round > 1 {
                writes.append(WALWrite(collection: "a", entityID: "e\(round - 1)", content: nil))
            }
            try store.commit(writes)
            model.apply(writes)
            try store.checkpoint()
            #expect(try disk.contents(of: "/db/wal.log").isEmpty)
            segmentCounts.append(try disk.contentsOfDirectory(at: "/db/SEGMENTS").count)
            #expect(StoreModel(store) == model)
            store.close()
            store = try disk.openStore(configuration)
            #expect(StoreModel(store) == model)
            #expect(store.recovery.replayedTransactions == 0)
        }
        #expect(segmentCounts == [1, 2, 1, 2, 1, 2, 1, 2])
    }

    @Test func neverGoesBackWithSequences() throws {
        let disk = SimulatedDisk()
        var last: UInt64 = 0
        for round in 0..<4 {
            let store = try disk.openStore()
            if round > 1 { try store.checkpoint() }
            let sequence = try store.withWriteLock {
                try $0.commit(
                    [WALWrite(collection: "a", entityID: "e", content: [0x01])], mark: nil)
            }
            #expect(sequence > last)
            last = sequence
            if round.isMultiple(of: 2) { try store.checkpoint() }
            store.close()
        }
    }

    @Test func neverUsesATransactionNumberTwiceInALog() throws {
        let disk = SimulatedDisk()
        for round in UInt8(0)..<3 {
            let store = try disk.openStore()
            try store.putRaw([round], in: "notes", id: "a")
            try store.putRaw([round], in: "notes", id: "b")
            store.close()
        }
        var poller = WALPoller(directory: "/db", disk: disk)

        #expect(try poller.pollAll().map(\.txid) == [1, 2, 3, 4, 5, 6])
    }

    @Test func makesACheckpointByItselfWhenTheLogIsLong() throws {
        let disk = SimulatedDisk()
        var configuration = StoreConfiguration()
        configuration.checkpointLogBytes = 400
        let store = try disk.openStore(configuration)
        for number in 0..<20 {
            try store.putRaw([0x01], in: "notes", id: "n\(number)")
            #expect(try disk.contents(of: "/db/wal.log").count < 400)
        }

        #expect(try !disk.contentsOfDirectory(at: "/db/SEGMENTS").isEmpty)
        #expect(store.count(in: "notes") == 20)
    }

    @Test func leavesTheLogToAnEngineThatFollowsUntilItHasEverything() throws {
        let disk = SimulatedDisk()
        var configuration = StoreConfiguration()
        configuration.checkpointLogBytes = 1_000
        let store = try disk.openStore(configuration)
        func put(_ count: Int) throws {
            for number in 0..<count { try store.putRaw([0x01], in: "notes", id: "\(number)") }
        }
        try put(1)
        store.withWriteLock { $0.noteCaptured(through: $0.lastSequence) }
        try put(20)
        #expect(try disk.contentsOfDirectory(at: "/db/SEGMENTS").isEmpty)

        store.withWriteLock { $0.noteCaptured(through: $0.lastSequence) }
        #expect(try disk.contentsOfDirectory(at: "/db/SEGMENTS").count == 1)

        // An engine that no longer comes must not let the log grow for ever.
        try put(100)
        #expect(try disk.contentsOfDirectory(at: "/db/SEGMENTS").count > 1)
    }

    @Test func keepsTombstonesUntilTheyAreCaptured() throws {
        let disk = SimulatedDisk()
        var configuration = StoreConfiguration()
        configuration.segmentCountMax = 1
        let store = try disk.openStore(configuration)
        try store.putRaw([0x01], in: "notes", id: "a")
        try store.putRaw([0x01], in: "notes", id: "b")
        try store.delete(in: "notes", id: "a")
        try store.delete(in: "notes", id: "b")
        store.withWriteLock { $0.noteCaptured(through: 3) }

        try store.checkpoint()

        var poller = store.makeCapturePoller(after: 2)
        #expect(try poller.pollAll().flatMap { $0.writes.map(\.entityID) } == ["b"])
        store.close()
        let again = try disk.openStore(configuration)
        #expect(again.index.read { $0.collections[TextKey("notes")]?.entries.count } == 1)
        #expect(again.count(in: "notes") == 0)
    }

    @Test func tellsPulledFromLocalAlsoInSegments() throws {
        let store = try SimulatedDisk().openStore()
        let mark = WALPulledMark(logID: [UInt8](1...16), cursor: 5, settlement: 9)
        try store.putRaw([0x01], in: "notes", id: "own")
        _ = try store.withWriteLock {
            try $0.commit(
                [WALWrite(collection: "notes", entityID: "theirs", content: [0x02])], mark: mark)
        }
        try store.checkpoint()
        try store.putRaw([0x03], in: "notes", id: "later")
        var poller = store.makeCapturePoller(after: 0)

        let found = try poller.pollAll()

        #expect(found.map { $0.writes.map(\.entityID) } == [["own"], ["later"]])
        #expect(found.map(\.sequence) == [1, 3])
    }

    @Test func readsFormat0AndReplacesItsManifest() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        try store.checkpoint()
        store.close()
        let manifest = try StoreManifest.parse(disk.contents(of: "/db/MANIFEST")).get().0
        let segment = try #require(manifest.segments.first)
        var body: [UInt8] = []
        body.append(littleEndian: manifest.nextCollectionID)
        body.append(littleEndian: manifest.lastCheckpoint)
        body.append(littleEndian: UInt32(1))
        body.append(littleEndian: UInt32(1))
        body.append(shortText: "notes")
        body.append(1)
        body.append(littleEndian: segment.number)
        body.append(littleEndian: segment.byteCount)
        body.append(littleEndian: segment.recordCount)
        let old = StoreManifest.envelope(version: 0, body: body)
        try AtomicFile.replace("/db/MANIFEST", old, on: disk)

        let reader = try DiskEntityReader(directory: "/db", disk: disk)
        #expect(reader.rawEntity(in: "notes", id: "a") == [0x01])
        #expect(try disk.contents(of: "/db/MANIFEST") == old)
        let again = try disk.openStore()

        #expect(again.recovery.migratedFrom == 0)
        #expect(again.rawEntity(in: "notes", id: "a") == [0x01])
        #expect(try StoreManifest.parse(disk.contents(of: "/db/MANIFEST")).get().0 == manifest)
    }

    @Test func refusesANewerFormatAndAForeignDatabaseInASentence() throws {
        let newer = SimulatedDisk()
        try newer.openStore().close()
        let manifest = StoreManifest.envelope(version: 2, body: [1, 2, 3])
        try AtomicFile.replace("/db/MANIFEST", manifest, on: newer)
        #expect { try newer.openStore() } throws: {
            let error = $0 as? StoreError
            return error?.code == .unsupported
                && error?.description.contains("format version 2") == true
        }
        #expect(try newer.contents(of: "/db/MANIFEST") == manifest)

        let foreign = try ForeignDatabase()
        #expect { try foreign.disk.openStore() } throws: {
            ($0 as? StoreError)?.code == .unsupported
        }
    }
}
