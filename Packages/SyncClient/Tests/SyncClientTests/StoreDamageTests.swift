// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// Damage stops the open; what nobody was told about is cut off and reported.
@Suite struct StoreDamageTests {
    /// How the store of a log ended.
    enum End: CaseIterable {
        case closed, killed, killedInTheNextWrite
    }

    /// Whether opening `disk` says that the log is damaged, at `byte` at the latest, and leaves it.
    private func isRefused(_ disk: SimulatedDisk, at byte: Int) throws -> Bool {
        let before = try disk.contents(of: "/db/wal.log")
        do throws(StoreError) {
            _ = try disk.openStore()
            return false
        } catch {
            return try error.code == .damaged && error.path == "/db/wal.log"
                && (error.offset ?? .max) <= UInt64(byte)
                && disk.contents(of: "/db/wal.log") == before
        }
    }

    @Test(arguments: End.allCases)
    func findsEveryFlippedBitOfWhatWasAcknowledged(end: End) throws {
        let states = try StoreLogState.afterEachCommit()
        let last = states[2]
        var log = last.log
        switch end {
        case .closed:
            let disk = try last.disk(log: log)
            try disk.openStore().close()
            #expect(try disk.contents(of: "/db/wal.log") == log)
        case .killed: break
        case .killedInTheNextWrite: log = Array(states[3].log.prefix(log.count + 60))
        }
        for bit in 0..<log.count * 8 {
            var bytes = log
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            let disk = try last.disk(log: bytes)
            if bit / 8 < last.commitEnd {
                #expect(try isRefused(disk, at: bit / 8), "bit \(bit)")
            } else {
                // In the last mark, or behind it: nobody's data.
                let store = try disk.openStore()
                #expect(StoreModel(store) == last.model, "bit \(bit)")
                #expect(store.recovery.tornBytes > 0, "bit \(bit)")
            }
        }
    }

    /// Not even a type and a length that are bad together hide what is behind them.
    @Test(arguments: [UInt8(0x00), 0xFF, 0x55], [2, 3, 8, 16])
    func findsRunsOfBadBytes(value: UInt8, count: Int) throws {
        let last = try StoreLogState.afterEachCommit()[2]
        for start in 0...(last.commitEnd - count) {
            var bytes = last.log
            bytes.replaceSubrange(
                start..<start + count, with: repeatElement(value, count: count))
            if bytes == last.log { continue }
            #expect(try isRefused(last.disk(log: bytes), at: start + count - 1), "at \(start)")
        }
    }

    @Test func cutsEveryTruncatedLogBehindItsLastCommit() throws {
        let states = try StoreLogState.afterEachCommit()
        let last = states[3]
        for count in 0...last.log.count {
            let kept = states.last { $0.commitEnd <= count }
            let disk = try last.disk(log: last.log.prefix(count))

            let store = try disk.openStore()

            #expect(StoreModel(store) == kept?.model ?? StoreModel(), "cut at \(count)")
            #expect(store.recovery.tornBytes <= UInt64(count - (kept?.commitEnd ?? 0)))
            // Longer, and shorter, than what was cut off.
            let content = count.isMultiple(of: 2) ? [0x01] : StoreWorkload.content(4)
            try store.putRaw(content, in: "notes", id: "z")
            let model = StoreModel(store)
            store.close()
            let again = try disk.openStore()
            #expect(StoreModel(again) == model, "cut at \(count)")
            #expect(again.recovery.tornBytes == 0, "cut at \(count)")
        }
    }

    /// A power failure that lost the mark leaves nothing that tells a torn commit from damage.
    @Test func cutsATornTransactionWithAHoleAndReportsTheBytes() throws {
        let states = try StoreLogState.afterEachCommit()
        let before = states[2]
        var log = Array(states[3].log.prefix(states[3].commitEnd))
        // Behind the BEGIN, which is whole.
        log[before.log.count + 30] ^= 1
        let disk = try before.disk(log: log)

        let store = try disk.openStore()

        #expect(store.recovery.tornBytes == UInt64(log.count - before.log.count))
        #expect(StoreModel(store) == before.model)
        try store.putRaw([0x02], in: "notes", id: "d")
        let model = StoreModel(store)
        store.close()
        #expect(StoreModel(try disk.openStore()) == model)
    }

    /// A log without marks, as one that lost them or never had any.
    @Test func findsDamageBeforeTheLastCommitOfALogWithoutMarksAndMarksIt() throws {
        let last = try StoreLogState.afterEachCommit()[3]
        let records = try StoreLogState.records(last.log).filter {
            if case .synced = $0 { false } else { true }
        }
        let begin = try #require(records.lastIndex { if case .begin = $0 { true } else { false } })
        let log = records.flatMap { WALRecordCodec.encode($0) }
        let lastBegin = records[..<begin].flatMap { WALRecordCodec.encode($0) }.count
        for byte in log.indices {
            var bytes = log
            bytes[byte] ^= 0x10
            let disk = try last.disk(log: bytes)
            if byte < lastBegin {
                #expect(try isRefused(disk, at: byte), "byte \(byte)")
            } else {
                #expect(throws: Never.self, "byte \(byte)") { try disk.openStore() }
            }
        }

        let disk = try last.disk(log: log)
        let store = try disk.openStore()
        #expect(StoreModel(store) == last.model)
        store.close()

        let marked = try disk.contents(of: "/db/wal.log")
        #expect(marked.dropLast(StoreLogState.markBytes) == log[...])
        #expect(try StoreLogState.records(marked).last == .synced(sequence: 4))
    }

    @Test func refusesAMarkForACommitThatIsNotThere() throws {
        let states = try StoreLogState.afterEachCommit()
        let first = states[0], second = states[1]
        // The second transaction is missing as a whole, and everything else is sound.
        let log = first.log + states[2].log[second.commitEnd...]

        #expect(try isRefused(second.disk(log: log), at: first.log.count))
    }
}
