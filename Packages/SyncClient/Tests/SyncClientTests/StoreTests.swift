// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

@Suite struct StoreTests {
    private struct Failure: Error {}

    @Test func keepsEntitiesThroughReopening() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.putRaw([0x01], in: "notes", id: "n1")
        try store.putRaw([0x02], in: "notes", id: ForeignDatabase.id(7))
        try store.putRaw([0x03], in: "lists", id: "n1")
        #expect(try store.delete(in: "lists", id: "n1"))
        store.close()

        let again = try disk.openStore()

        #expect(again.rawEntity(in: "notes", id: "n1") == [0x01])
        #expect(again.rawEntity(in: "notes", id: ForeignDatabase.id(7)) == [0x02])
        #expect(again.rawEntity(in: "lists", id: "n1") == nil)
        #expect(again.count(in: "notes") == 2)
        #expect(again.collections == ["notes"])
        #expect(again.recovery.replayedTransactions == 4)
        #expect(again.recovery.tornBytes == 0)
    }

    /// Peers in other languages know these for what they are.
    @Test func storesFoundationsTypesInTheirFormsOfCBOR() throws {
        struct Event: Codable, Equatable {
            var at: Date
            var data: Data
            var link: URL
            var name: UUID
        }
        let store = try SimulatedDisk().openStore()
        let event = Event(
            at: Date(timeIntervalSince1970: 1_000), data: Data([1, 2]),
            link: try #require(URL(string: "a:b")),
            name: try #require(UUID(uuidString: "00000000-0000-0000-0000-000000000000")))

        try store.put(event, in: "events", id: "e")

        let content = try #require(store.rawEntity(in: "events", id: "e"))
        #expect(
            try CBORDiagnostic.text(of: content)
                == "{\"at\": 1(1000), \"data\": h'0102', \"link\": 32(\"a:b\"), "
                + "\"name\": 37(h'00000000000000000000000000000000')}")
        #expect(try store.get(Event.self, in: "events", id: "e") == event)
        #expect(try CBORDecoder.entities.decode(Event.self, from: content) == event)
    }

    @Test func readsItsOwnWritesInATransactionAndShowsThemToOthersAfterIt() throws {
        let store = try SimulatedDisk().openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        try store.putRaw([0x02], in: "notes", id: "b")

        try store.transaction { transaction in
            try transaction.putRaw([0x03], in: "notes", id: "c")
            #expect(try transaction.delete(in: "notes", id: "a"))
            try transaction.putRaw([0x04], in: "lists", id: "l")
            #expect(transaction.rawEntity(in: "notes", id: "c") == [0x03])
            #expect(transaction.rawEntity(in: "notes", id: "a") == nil)
            #expect(transaction.rawEntities(in: "notes").map(\.id) == ["b", "c"])
            #expect(transaction.rawEntities(in: "notes", after: "b", limit: 1).map(\.id) == ["c"])
            #expect(store.rawEntity(in: "notes", id: "c") == nil)
            #expect(store.count(in: "notes") == 2)
        }

        #expect(store.rawEntities(in: "notes").map(\.id) == ["b", "c"])
        #expect(store.rawEntity(in: "lists", id: "l") == [0x04])
    }

    @Test func rollsBackATransactionThatThrows() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        let length = try disk.contents(of: "/db/wal.log").count

        #expect(throws: Failure.self) {
            try store.transaction { transaction in
                try transaction.putRaw([0x01], in: "notes", id: "a")
                throw Failure()
            }
        }

        #expect(store.count(in: "notes") == 0)
        #expect(try disk.contents(of: "/db/wal.log").count == length)
    }

    @Test func findsEntitiesByPrefixInTheOrderOfBytes() throws {
        let store = try SimulatedDisk().openStore()
        for id in ["b", "a2", "a10", "a", "\u{E9}", "e\u{301}", "B"] {
            try store.putRaw([0x01], in: "notes", id: id)
        }

        #expect(
            store.rawEntities(in: "notes").map { Array($0.id.utf8) }
                == ["B", "a", "a10", "a2", "b", "e\u{301}", "\u{E9}"].map { Array($0.utf8) })
        #expect(store.rawEntities(in: "notes", idPrefix: "a").map(\.id) == ["a", "a10", "a2"])
        #expect(
            store.rawEntities(in: "notes", idPrefix: "a", after: "a", limit: 1).map(\.id)
                == ["a10"])
    }

    @Test func keepsThousandsOfEntitiesInOrder() throws {
        var entries = SortedEntries()
        var model: [String: UInt64] = [:]
        var generator = SeededGenerator(seed: 7)
        for sequence in UInt64(1)...5000 {
            let id = String(UInt16.random(in: 0...4000, using: &generator))
            entries.updateValue(
                StoredEntry(content: [], sequence: sequence, isPulled: false), for: TextKey(id))
            model[id] = sequence
        }

        var found: [(id: String, sequence: UInt64)] = []
        entries.forEach { id, entry in
            found.append((id.text, entry.sequence))
            return true
        }

        let expected = model.sorted { TextKey($0.key) < TextKey($1.key) }
        #expect(entries.count == model.count)
        #expect(found.map(\.id) == expected.map(\.key))
        #expect(found.map(\.sequence) == expected.map(\.value))
        #expect(model.allSatisfy { entries[TextKey($0.key)]?.sequence == $0.value })
        entries.removeAll { $0.sequence.isMultiple(of: 2) }
        #expect(entries.count == model.values.filter { !$0.isMultiple(of: 2) }.count)
    }

    @Test(arguments: [
        ("", "a", [0x01], StoreError.Code.invalidCollection),
        ("_base", "a", [0x01], .invalidCollection),
        (String(repeating: "c", count: 129), "a", [0x01], .invalidCollection),
        ("notes", "", [0x01], .invalidEntityID),
        ("notes", String(repeating: "i", count: 257), [0x01], .invalidEntityID),
        ("notes", "a", [], .invalidContent),
        ("notes", "a", [0x01, 0x02], .invalidContent),
        ("notes", "a", [0x61], .invalidContent),
        ("notes", "a", [0x58, 0x20] + [UInt8](repeating: 0, count: 32), .tooLarge),
    ])
    func refusesWhatItDoesNotTake(
        collection: String, id: String, content: [UInt8], code: StoreError.Code
    ) throws {
        var configuration = StoreConfiguration()
        configuration.entityBytesMax = 33
        let store = try SimulatedDisk().openStore(configuration)

        #expect { try store.putRaw(content, in: collection, id: id) } throws: {
            ($0 as? StoreError)?.code == code
        }

        #expect(store.collections.isEmpty)
    }

    @Test func writesNothingForADeleteOfNothing() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()

        #expect(try !store.delete(in: "notes", id: "a"))

        #expect(try disk.contents(of: "/db/wal.log").isEmpty)
    }

    @Test func refusesASecondWriterAndNamesTheDirectory() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()

        #expect { try disk.openStore() } throws: {
            let error = $0 as? StoreError
            return error?.code == .locked && error?.description.contains("/db") == true
        }
        store.close()

        #expect(throws: Never.self) { try disk.openStore() }
    }

    @Test func refusesToWriteOnceClosedAndGoesOnReading() throws {
        let store = try SimulatedDisk().openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        store.close()

        #expect { try store.putRaw([0x02], in: "notes", id: "a") } throws: {
            ($0 as? StoreError)?.code == .closed
        }
        #expect(store.rawEntity(in: "notes", id: "a") == [0x01])
    }

    @Test func tellsListenersWhatChanged() async throws {
        let store = try SimulatedDisk().openStore()
        let changes = store.changes(in: "notes")
        try store.putRaw([0x01], in: "notes", id: "a")
        try store.putRaw([0x01], in: "lists", id: "x")
        try store.transaction { transaction in
            try transaction.putRaw([0x02], in: "notes", id: "b")
            try transaction.delete(in: "notes", id: "a")
        }
        store.close()

        var found: [EntityChange] = []
        for await batch in changes { found += batch }

        #expect(found.map(\.entityID) == ["a", "b"])
        #expect(found.map(\.isDelete) == [true, false])
    }

    @Test func namesThePulledMarkToCaptureAndToListeners() async throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        let changes = store.changes(in: "notes")
        let mark = WALPulledMark(logID: [UInt8](1...16), cursor: 5, settlement: 9)
        try store.putRaw([0x01], in: "notes", id: "own")
        var poller = store.makeCapturePoller(after: 0)

        let (sequence, captured) = try store.withWriteLock { locked in
            let sequence = try locked.commit(
                [
                    WALWrite(collection: "notes", entityID: "theirs", content: [0x02]),
                    WALWrite(
                        collection: "_base:notes", entityID: String(repeating: "x", count: 300),
                        content: [0x03]),
                ], mark: mark)
            #expect(locked.rawEntity(in: "notes", id: "theirs") == [0x02])
            #expect(locked.lastSequence == sequence)
            return (sequence, try poller.pollAll())
        }
        store.close()

        #expect(sequence == 2)
        #expect(captured.map { $0.writes.map(\.entityID) } == [["own"]])
        #expect(poller.lastSequence == 2)
        var found: [EntityChange] = []
        for await batch in changes { found += batch }
        #expect(found.map(\.isPulled) == [false, true])
    }
}
