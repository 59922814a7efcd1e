// SPDX-License-Identifier: MIT

import RecordLog
import Testing

@testable import SyncClient

/// The store on the real disk, with other processes at the same directory.
@Suite struct StoreProcessTests {
    @Test func refusesAWriterInAnotherProcessAndServesItsReaders() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/db"
        let store = try EntityStore(directory: path)
        try store.putRaw([0x01], in: "notes", id: "a")
        try store.checkpoint()
        try store.putRaw([0x02], in: "notes", id: "b")

        await #expect(processExitsWith: .success) { [path = path as String] in
            #expect { try EntityStore(directory: path) } throws: {
                let error = $0 as? StoreError
                return error?.code == .locked && error?.description.contains(path) == true
            }
            let reader = try EntityReader(directory: path)
            #expect(reader.rawEntities(in: "notes").map(\.id) == ["a", "b"])
        }
        store.close()

        await #expect(processExitsWith: .success) { [path = path as String] in
            try EntityStore(directory: path).putRaw([0x03], in: "notes", id: "c")
        }
        #expect(try EntityStore(directory: path).count(in: "notes") == 3)
    }

    /// The other process commits, makes checkpoints and reopens as fast as it can; this one reads.
    @Test func followsAWriterInAnotherProcess() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/db"
        try EntityStore(directory: path).close()
        let reader = try EntityReader(directory: path)
        var poller = WALPoller(directory: path, disk: POSIXFileSystem())
        let commitCount: UInt64 = 300

        async let writing = #expect(processExitsWith: .success) { [path = path as String] in
            var store = try EntityStore(directory: path)
            for value in UInt64(1)...300 {
                let content = StoreWorkload.content(value)
                try store.commit(
                    ["left", "right"].map {
                        WALWrite(collection: "pair", entityID: $0, content: content)
                    })
                if value.isMultiple(of: 7) { try store.checkpoint() }
                if value.isMultiple(of: 50) {
                    store.close()
                    store = try EntityStore(directory: path)
                }
            }
        }
        var followed = StoreModel()
        var last: UInt64 = 0
        while poller.lastSequence < commitCount || reader.lastSequence < commitCount {
            try reader.refresh()
            let contents = reader.rawEntities(in: "pair").map(\.content)
            #expect(contents.isEmpty || contents.count == 2 && contents[0] == contents[1])
            for transaction in try poller.pollAll() {
                #expect(transaction.sequence > last && transaction.writes.count == 2)
                last = transaction.sequence
                followed.apply(transaction.writes)
            }
            await Task.yield()
        }
        _ = await writing

        let store = try EntityStore(directory: path)
        #expect(StoreModel(reader) == StoreModel(store))
        #expect(followed == StoreModel(store))
    }

    @Test func keepsEntitiesThroughReopeningOnTheRealDisk() throws {
        struct Note: Codable, Equatable {
            var title: String
            var isDone = false
        }
        let directory = try TemporaryDirectory()
        let store = try EntityStore(directory: directory.path + "/db")
        try store.put(Note(title: "Milk"), in: "notes", id: "n1")
        try store.transaction { transaction in
            var note = try #require(try transaction.get(Note.self, in: "notes", id: "n1"))
            note.isDone = true
            try transaction.put(note, in: "notes", id: "n1")
            try transaction.put(Note(title: "Eggs"), in: "notes", id: "n2")
        }
        store.close()

        let again = try EntityStore(directory: directory.path + "/db")

        let milk = Note(title: "Milk", isDone: true)
        #expect(try again.get(Note.self, in: "notes", id: "n1") == milk)
        #expect(try again.entities(Note.self, in: "notes").map(\.entity.title) == ["Milk", "Eggs"])
        #expect(try again.get(Note.self, in: "notes", id: "n3") == nil)
    }
}
