// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Synchronization
import Testing

@testable import SyncClient

@Suite struct WALPollerTests {
    typealias Database = ForeignDatabase

    private func sequences(_ transactions: [WALTransaction]) -> [UInt64] {
        transactions.map(\.sequence)
    }

    @Test func handsOnOneCommittedPut() throws {
        let database = try Database()
        try database.appendToLog(Database.put(1, sequence: 1, id: 1, content: [0xF5]))
        var poller = database.makePoller()

        let found = try poller.pollAll()

        let write = WALWrite(collection: "tasks", entityID: Database.id(1), content: [0xF5])
        #expect(found == [WALTransaction(txid: 1, sequence: 1, writes: [write])])
        #expect(poller.lastSequence == 1)
        #expect(try poller.poll() == .nothing)
    }

    @Test func keepsInterleavedTransactionsBackUntilTheyCommit() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog([
            .put(txid: 1, collectionID: 1, entityID: "a", content: [1]),
            .begin(txid: 2),
            .put(txid: 2, collectionID: 1, entityID: "b", content: [2]),
            .commit(txid: 2, sequence: 1),
        ])
        #expect(sequences(try poller.pollAll()) == [1])

        try database.appendToLog([
            .delete(txid: 1, collectionID: 3, entityID: "c"), .commit(txid: 1, sequence: 2),
        ])

        let found = try poller.pollAll()
        #expect(found.map(\.txid) == [1])
        #expect(found.first?.writes.map(\.entityID) == ["a", "c"])
    }

    @Test func forgetsAbortedTransactionsAndThoseBegunAgain() throws {
        let database = try Database()
        try database.appendToLog([
            .put(txid: 1, collectionID: 1, entityID: "a", content: [1]), .abort(txid: 1),
            .put(txid: 2, collectionID: 1, entityID: "b", content: [1]), .begin(txid: 2),
            .put(txid: 2, collectionID: 1, entityID: "c", content: [1]),
            .commit(txid: 2, sequence: 5), .commit(txid: 1, sequence: 9),
        ])
        var poller = database.makePoller()

        let found = try poller.pollAll()

        #expect(found.map { $0.writes.map(\.entityID) } == [["c"]])
        #expect(poller.lastSequence == 9)
    }

    @Test func dropsInternalCollectionsAndEchoes() throws {
        let database = try Database()
        let mark = WALPulledMark(logID: [UInt8](1...16), cursor: 7, settlement: 1)
        try database.appendToLog([
            .put(txid: 1, collectionID: 2, entityID: "a", content: [1]),
            .put(txid: 1, collectionID: 0xFFFF_FF00, entityID: "a", content: [1]),
            .put(txid: 1, collectionID: 1, entityID: "a", content: [1]),
            .commit(txid: 1, sequence: 1),
            .pulled(txid: 2, mark), .put(txid: 2, collectionID: 1, entityID: "b", content: [1]),
            .commit(txid: 2, sequence: 2),
        ])
        var poller = database.makePoller()
        var everything = WALPoller(
            directory: Database.directory, disk: database.disk, after: 0,
            options: WALPollerOptions(includesEverything: true))

        #expect(try poller.pollAll().map { $0.writes.map(\.collection) } == [["tasks"]])
        #expect(poller.lastSequence == 2)
        #expect(try everything.pollAll().map(\.mark) == [nil, mark])
    }

    @Test func goesOnAfterASequence() throws {
        let database = try Database()
        for number: UInt64 in 1...5 {
            try database.appendToLog(
                Database.put(number, sequence: number * 10, id: 1, content: [UInt8(number)]))
        }
        var poller = database.makePoller(after: 30)

        #expect(sequences(try poller.pollAll()) == [40, 50])
    }

    @Test func survivesTruncationWithTransactionNumbersStartingAgain() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog(Database.put(1, sequence: 1, id: 1, content: [1]))
        try database.appendToLog([.put(txid: 2, collectionID: 1, entityID: "half", content: [1])])
        #expect(sequences(try poller.pollAll()) == [1])

        // The same length and, but for the sequence, the same records.
        try database.setLog([])
        try database.appendToLog(Database.put(1, sequence: 2, id: 1, content: [1]))
        try database.appendToLog([.put(txid: 2, collectionID: 1, entityID: "HALF", content: [1])])
        try database.appendToLog([.commit(txid: 2, sequence: 3)])

        let found = try poller.pollAll()
        #expect(sequences(found) == [2, 3])
        #expect(found.last?.writes.map(\.entityID) == ["HALF"])
    }

    @Test func forgetsHalfSeenTransactionsOfALogThatHadNoCommit() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog([.put(txid: 1, collectionID: 1, entityID: "old", content: [1])])
        #expect(try poller.pollAll() == [])

        try database.setLog([])
        try database.appendToLog([
            .put(txid: 1, collectionID: 1, entityID: "new", content: [1]),
            .commit(txid: 1, sequence: 1),
        ])

        #expect(try poller.pollAll().map { $0.writes.map(\.entityID) } == [["new"]])
    }

    /// The writer of a transaction whose write failed cuts it off, and writes another there.
    @Test func takesNothingFromATransactionThatWasCutOff() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog(Database.put(1, sequence: 1, id: 1, content: [1]))
        let log = database.disk.bytes(at: Database.logPath) ?? []
        try database.appendToLog([
            .begin(txid: 2), .put(txid: 2, collectionID: 1, entityID: "a", content: [1]),
        ])
        #expect(sequences(try poller.pollAll()) == [1])

        try database.setLog(log)
        try database.appendToLog([
            .begin(txid: 3), .put(txid: 3, collectionID: 1, entityID: "b", content: [2]),
            .put(txid: 3, collectionID: 1, entityID: "c", content: [3]),
            .commit(txid: 3, sequence: 3),
        ])

        let found = try poller.pollAll()
        #expect(sequences(found) == [3])
        #expect(found.first?.writes.map(\.entityID) == ["b", "c"])
    }

    @Test func readsOverMarks() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog(Database.put(1, sequence: 1, id: 1, content: [1]))
        #expect(sequences(try poller.pollAll()) == [1])
        let first = database.disk.callCount
        #expect(try poller.poll() == .nothing)
        let second = database.disk.callCount
        try database.appendToLog([.synced(sequence: 1)])
        #expect(try poller.poll() == .nothing)
        let third = database.disk.callCount
        #expect(try poller.poll() == .nothing)
        // An idle poll reads no more with the mark than without.
        #expect(database.disk.callCount - third == second - first)

        try database.appendToLog(Database.put(2, sequence: 2, id: 1, content: [2]))
        try database.appendToLog([.synced(sequence: 2)])

        #expect(sequences(try poller.pollAll()) == [2])
    }

    @Test func readsWhatACheckpointSwallowedFromTheSegments() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog(Database.put(1, sequence: 1, id: 1, content: [1]))
        #expect(sequences(try poller.pollAll()) == [1])

        try database.writeSegment(
            "seg-000001.dat", [(1, 1, [1]), (1, 2, [2]), (2, 5, nil), (3, 4, [4])])
        try database.writeSegment("seg-000002.dat", [(2, 3, [3]), (4, 9, [9])])
        try database.writeManifest(names: [1: "tasks"], lastCheckpoint: 6)
        try database.setLog([])
        try database.appendToLog(Database.put(1, sequence: 9, id: 4, content: [9]))

        let found = try poller.pollAll()
        #expect(sequences(found) == [2, 4, 5, 9])
        #expect(found.map(\.writes[0].content) == [[2], [4], nil, [9]])
        #expect(found.map(\.isFromSegments) == [true, true, true, false])
    }

    /// The manifest of a checkpoint may already be there while its log is not empty yet.
    @Test func prefersTheLogToTheSegmentsForWhatItStillHas() throws {
        let database = try Database()
        try database.writeSegment("seg-000001.dat", [(1, 1, [1]), (2, 3, [3]), (3, 4, [4])])
        try database.writeManifest(names: [1: "tasks"], lastCheckpoint: 4)
        try database.appendToLog(Database.put(1, sequence: 2, id: 2, content: [2]))
        try database.appendToLog(Database.put(2, sequence: 3, id: 2, content: [3]))
        try database.appendToLog(Database.put(3, sequence: 4, id: 3, content: [4]))
        var poller = database.makePoller()

        let found = try poller.pollAll()

        #expect(sequences(found) == [1, 2, 3, 4])
        #expect(found.map(\.isFromSegments) == [true, false, false, false])
    }

    @Test func goesOnWithTheLogAndSaysSoIfTheSegmentsAreMissing() throws {
        let database = try Database()
        let warnings = Mutex<[String]>([])
        var poller = database.makePoller { warning in warnings.withLock { $0.append(warning) } }
        try database.writeManifest(names: [1: "tasks"], lastCheckpoint: 6)
        try database.appendToLog(Database.put(1, sequence: 9, id: 4, content: [9]))

        #expect(sequences(try poller.pollAll()) == [9])
        #expect(warnings.withLock { $0 }.count == 1)
    }

    @Test func readsTheManifestAgainForACollectionItDoesNotKnow() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog(Database.put(1, sequence: 1, id: 1, content: [1]))
        try database.appendToLog([
            .put(txid: 2, collectionID: 9, entityID: "a", content: [1]),
            .commit(txid: 2, sequence: 2),
        ])
        #expect(sequences(try poller.poll().transactions) == [1])
        #expect { try poller.poll() } throws: { ($0 as? WALError)?.code == .unknownCollection }

        try database.writeManifest(names: [1: "tasks", 9: "late"])

        #expect(try poller.pollAll().map(\.writes[0].collection) == ["late"])
    }

    @Test func readsLittleWhenNothingChanged() throws {
        let database = try Database()
        var poller = database.makePoller()
        try database.appendToLog(
            Database.put(1, sequence: 1, id: 1, content: [UInt8](repeating: 0, count: 1 << 20)))
        _ = try poller.pollAll()
        let before = database.disk.callCount

        #expect(try poller.poll() == .nothing)

        #expect(database.disk.callCount - before <= 8)
    }

    @Test func boundsWhatUnfinishedTransactionsHold() throws {
        var assembler = TransactionAssembler()
        for _ in 0..<10 {
            _ = assembler.add(
                .put(txid: 1, collectionID: 1, entityID: "a", content: [1]), byteCount: 100)
        }
        #expect(assembler.heldBytes == 1000)

        _ = assembler.add(.abort(txid: 1), byteCount: 23)
        #expect(assembler.heldBytes == 0)
        #expect(assembler.unfinishedCount == 0)
    }
}
