// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

@Suite struct WALDamageTests {
    typealias Database = ForeignDatabase

    /// Three committed transactions with everything in them that a log can have.
    private static let records: [WALRecord] = [
        .begin(txid: 1), .put(txid: 1, collectionID: 1, entityID: Database.id(1), content: [0xF5]),
        .put(txid: 2, collectionID: 1, entityID: "text", content: [UInt8](repeating: 7, count: 40)),
        .commit(txid: 1, sequence: 1),
        .delete(txid: 2, collectionID: 3, entityID: "other"), .commit(txid: 2, sequence: 2),
        .begin(txid: 3), .delete(txid: 3, collectionID: 1, entityID: Database.id(1)),
        .commit(txid: 3, sequence: 3),
    ]
    private static let log = records.flatMap { WALRecordCodec.encode($0) }

    private static func transactions() throws -> [WALTransaction] {
        let database = try Database()
        try database.setLog(log)
        var poller = database.makePoller()
        return try poller.pollAll()
    }

    @Test func waitsAtEveryTruncationAndGoesOnWhenTheRestComes() throws {
        let all = try Self.transactions()
        #expect(all.count == 3)
        for count in 0...Self.log.count {
            let database = try Database()
            try database.setLog(Array(Self.log.prefix(count)))
            var poller = database.makePoller()

            var found = try poller.pollAll()
            #expect(found == Array(all.prefix(found.count)))
            try database.appendToLog(Array(Self.log.dropFirst(count)))
            found += try poller.pollAll()

            #expect(found == all, "cut at \(count)")
        }
    }

    /// A flipped byte is reported, or waited for, or in a place where it cannot matter; what is
    /// handed on is never anything but true.
    @Test func handsOnNothingButTheTruthWithAnyByteFlipped() throws {
        let all = try Self.transactions()
        var reported = 0
        for index in Self.log.indices {
            for mask: UInt8 in [0x01, 0x80, 0xFF] {
                var bytes = Self.log
                bytes[index] ^= mask
                let database = try Database()
                try database.setLog(bytes)
                var poller = database.makePoller()
                let (found, error) = poller.pollUntilError()
                if let error {
                    #expect(error.code == .damaged)
                    #expect(error.path == Database.logPath)
                    #expect((error.offset ?? .max) <= UInt64(index))
                    reported += 1
                }
                #expect(found.count < all.count)
                #expect(found == Array(all.prefix(found.count)), "byte \(index) with \(mask)")
            }
        }
        // Everything is found that a valid record follows: all but the last record.
        let last = WALRecordCodec.encode(.commit(txid: 3, sequence: 3)).count
        #expect(reported == (Self.log.count - last) * 3)
    }

    /// With a mark behind it, the last transaction is among what is found.
    @Test func findsEveryFlippedByteBeforeTheLastMark() throws {
        let marked = Self.log + WALRecordCodec.encode(.synced(sequence: 3))
        for index in Self.log.indices {
            var bytes = marked
            bytes[index] ^= 0x04
            let database = try Database()
            try database.setLog(bytes)
            var poller = database.makePoller()

            let error = poller.pollUntilError().error

            #expect(error?.code == .damaged && (error?.offset ?? .max) <= UInt64(index))
        }
    }

    /// A type and a length that are bad together do not hide what is behind them.
    @Test func findsARecordOfUnknownTypeWhoseLengthLeavesTheFile() throws {
        for length in [Self.log.count, 300 << 10, 4] {
            let database = try Database()
            var bytes = Self.log
            bytes[6] = 77
            bytes.store(littleEndian: UInt32(length), at: 7)
            try database.setLog(bytes)
            var poller = database.makePoller()

            let error = poller.pollUntilError().error

            #expect(error?.code == .damaged && error?.offset == 0)
        }
    }

    @Test func reportsDamageAgainAndGoesOnOnceItIsRepaired() throws {
        let database = try Database()
        var bytes = Self.log
        bytes[30] ^= 1
        try database.setLog(bytes)
        var poller = database.makePoller()

        #expect { try poller.poll() } throws: { ($0 as? WALError)?.offset == 23 }
        #expect { try poller.poll() } throws: { ($0 as? WALError)?.offset == 23 }
        try database.setLog(Self.log)

        #expect(try poller.pollAll().count == 3)
    }

    @Test func waitsBeforeZerosAtTheEndUntilTheyAreWritten() throws {
        let database = try Database()
        let rest = Self.log.suffix(60)
        try database.setLog(Self.log.dropLast(60) + [UInt8](repeating: 0, count: 60))
        var poller = database.makePoller()
        let before = try poller.pollAll()

        try database.disk.openFile(at: Database.logPath, .readWrite)
            .write(Array(rest), at: UInt64(Self.log.count - 60))

        #expect(try before + poller.pollAll() == Self.transactions())
    }

    @Test(arguments: UInt64(1)...20)
    func handsOnNothingThatAPowerFailureTakesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let database = try Database()
        try database.disk.syncDirectory(at: "/")
        try database.disk.syncDirectory(at: Database.directory)
        try database.setLog(Self.log)
        var poller = database.makePoller()
        let found = try poller.pollAll()

        database.disk.crash(using: &generator)

        var again = database.makePoller()
        #expect(try again.pollAll() == found)
        #expect(found.count == 3)
    }

    @Test func refusesWhatANewerWriterWrites() throws {
        let vectors = try TestVectors.load("wal")
        for id in ["version", "type"] {
            let bytes = try #require(vectors.first { $0.id == id }).bytes
            let database = try Database()
            try database.setLog(bytes)
            var poller = database.makePoller()

            #expect { try poller.poll() } throws: { ($0 as? WALError)?.code == .damaged }
        }
    }

    @Test(arguments: 0..<200)
    func agreesWithAReferenceOnInterleavedTransactions(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let database = try Database()
        var poller = database.makePoller()
        var expected: [WALTransaction] = []
        var found: [WALTransaction] = []
        var open: [UInt64: [WALWrite]] = [:]
        var sequence: UInt64 = 0
        var unwritten: [UInt8] = []
        for _ in 0..<120 {
            let txid = UInt64.random(in: 1...5, using: &generator)
            let record: WALRecord
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                record = .begin(txid: txid)
                open[txid] = []
            case 1:
                record = .abort(txid: txid)
                open[txid] = nil
            case 2, 3:
                sequence += UInt64.random(in: 1...3, using: &generator)
                record = .commit(txid: txid, sequence: sequence)
                if let writes = open.removeValue(forKey: txid), !writes.isEmpty {
                    expected.append(WALTransaction(txid: txid, sequence: sequence, writes: writes))
                }
            case let choice:
                let id = "e\(Int.random(in: 0..<4, using: &generator))"
                let byte = UInt8.random(in: 0...23, using: &generator)
                let content: [UInt8]? = choice == 4 ? nil : [byte]
                open[txid, default: []].append(
                    WALWrite(collection: "tasks", entityID: id, content: content))
                record =
                    content.map { .put(txid: txid, collectionID: 1, entityID: id, content: $0) }
                    ?? .delete(txid: txid, collectionID: 1, entityID: id)
            }
            // Bytes become readable in any portions.
            unwritten += WALRecordCodec.encode(record)
            let count = Int.random(in: 0...unwritten.count, using: &generator)
            try database.appendToLog(Array(unwritten.prefix(count)))
            unwritten.removeFirst(count)
            if Bool.random(using: &generator) { found += try poller.pollAll() }
        }
        try database.appendToLog(unwritten)
        found += try poller.pollAll()

        #expect(found == expected)
        #expect(poller.lastSequence == sequence)
    }
}
