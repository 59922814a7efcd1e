// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

@Suite struct StoreReaderTests {
    /// Two entities that every transaction writes together with the same content.
    private func writes(_ value: UInt64) -> [WALWrite] {
        ["left", "right"].map {
            WALWrite(collection: "pair", entityID: $0, content: StoreWorkload.content(value))
        }
    }

    @Test func followsCommitsAndCheckpoints() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.commit(writes(1))
        let reader = try DiskEntityReader(directory: "/db", disk: disk)
        #expect(StoreModel(reader) == StoreModel(store))
        #expect(try !reader.refresh())

        try store.commit(writes(2))
        try store.checkpoint()
        try store.delete(in: "pair", id: "left")
        #expect(try reader.refresh())

        #expect(StoreModel(reader) == StoreModel(store))
    }

    @Test func seesDeletesWhoseTombstonesAreGone() throws {
        let disk = SimulatedDisk()
        var configuration = StoreConfiguration()
        configuration.segmentCountMax = 1
        let store = try disk.openStore(configuration)
        try store.commit(writes(1))
        let reader = try DiskEntityReader(directory: "/db", disk: disk)
        try store.delete(in: "pair", id: "left")
        store.withWriteLock { $0.noteCaptured(through: $0.lastSequence) }
        try store.checkpoint()

        #expect(try reader.refresh())

        #expect(reader.rawEntities(in: "pair").map(\.id) == ["right"])
    }

    @Test func tellsListenersAlsoAcrossACheckpoint() async throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.commit(writes(1))
        var reader: DiskEntityReader? = try DiskEntityReader(directory: "/db", disk: disk)
        let changes = try #require(reader?.changes(in: "pair"))
        try store.delete(in: "pair", id: "left")
        try store.checkpoint()
        try store.putRaw([0x01], in: "pair", id: "third")

        try reader?.refresh()
        reader = nil

        var found: [EntityChange] = []
        for await batch in changes { found += batch }
        #expect(found.map(\.entityID) == ["left", "third"])
        #expect(found.map(\.isDelete) == [true, false])
    }

    @Test(arguments: UInt64(1)...60)
    func neverSeesHalfATransactionOrMissesOne(seed: UInt64) throws {
        try followWhileWriting(SimulatedDisk(), directory: "/db", seed: seed)
    }

    @Test(arguments: UInt64(1)...6)
    func neverSeesHalfATransactionOrMissesOneOnTheRealDisk(seed: UInt64) throws {
        let directory = try TemporaryDirectory()
        try followWhileWriting(
            POSIXFileSystem(), directory: directory.path + "/db", seed: seed)
    }

    /// One thread, but the writer moves between any two calls that the readers make on the disk.
    private func followWhileWriting<Disk: FileSystem>(
        _ base: Disk, directory: String, seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        var configuration = StoreConfiguration()
        configuration.segmentCountMax = 3
        let disk = MeddlingDisk(base)
        let store = try DiskEntityStore(
            directory: directory, disk: base, configuration: configuration)
        try store.commit(writes(1))
        let reader = try DiskEntityReader(directory: directory, disk: disk)
        var poller = WALPoller(directory: directory, disk: disk)
        var followed = StoreModel()
        var value: UInt64 = 1
        for _ in 0..<30 {
            // In how many calls from now the writer commits how often, after a checkpoint or not.
            var moves = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                (
                    calls: Int.random(in: 0...8, using: &generator),
                    commits: Int.random(in: 1...6, using: &generator),
                    isCheckpoint: Bool.random(using: &generator)
                )
            }
            disk.meddle = {
                guard let move = moves.first else { return }
                moves[0].calls -= 1
                if move.calls > 0 { return }
                moves.removeFirst()
                do {
                    if move.isCheckpoint { try store.checkpoint() }
                    for _ in 0..<move.commits {
                        value += 1
                        let own = WALWrite(
                            collection: "own", entityID: "\(value % 64)",
                            content: StoreWorkload.content(value))
                        try store.commit(writes(value) + [own])
                    }
                } catch {
                    Issue.record(error)
                }
            }
            try reader.refresh()
            let pair = reader.rawEntities(in: "pair").map(\.content)
            #expect(pair.count == 2 && pair.first == pair.last, "seed \(seed)")
            var last = poller.lastSequence
            for transaction in try poller.pollAll() {
                #expect(transaction.sequence > last, "seed \(seed)")
                last = transaction.sequence
                followed.apply(transaction.writes)
            }
        }
        disk.meddle = {}
        try reader.refresh()
        for transaction in try poller.pollAll() { followed.apply(transaction.writes) }

        #expect(StoreModel(reader) == StoreModel(store), "seed \(seed)")
        #expect(followed == StoreModel(store), "seed \(seed)")
    }
}
