// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@Suite struct RecordLogHeaderTests {
    @Test func aLogOfAnotherPurposeIsRefused() throws {
        var log = TestLog()
        _ = try log.create()

        let error = #expect(throws: RecordLogError.self) {
            try SimulatedLog.open(at: log.path, on: log.disk, purpose: RecordLogPurpose("ELSE"))
        }

        #expect(error?.code == .wrongPurpose)
        #expect(error?.message.contains("\"TEST\", not \"ELSE\"") == true)
    }

    @Test func aNewerFormatIsRefusedEvenWithALongerHeader() throws {
        let log = TestLog()
        var header = Array("ESRL".utf8) + [2, 0, 64, 0] + [UInt8](repeating: 7, count: 52)
        withUnsafeBytes(of: CRC32C.checksum(of: header).littleEndian) { header += $0 }
        try log.replace(with: header)

        let error = log.openError()

        #expect(error?.code == .newerFormat)
        #expect(error?.message.contains("version 2") == true)
    }

    @Test(arguments: [
        "", "ES", "SQLite format 3", "ESRM0000000000000000000000000000000000000000000",
    ])
    func whatIsNotALogIsRefused(_ text: String) throws {
        let log = TestLog()
        try log.replace(with: Array(text.utf8))

        #expect(log.openError()?.code == .notARecordLog)
        #expect(log.bytes == Array(text.utf8))
    }

    @Test func aMissingFileIsNotFound() {
        guard case .io(let error)? = TestLog().openError()?.code else {
            Issue.record("opened what is not there")
            return
        }
        #expect(error.isNotFound)
    }

    @Test func logsHaveIDsOfTheirOwn() throws {
        var first = TestLog(seed: 1)
        var second = TestLog(seed: 2)

        #expect(try first.create().fileID != second.create().fileID)
    }
}

/// Opening without reading what is known to be synced.
@Suite struct RecordLogKnownEndTests {
    private func open(_ log: TestLog, knownSyncedEnd: UInt64) throws -> SimulatedLog {
        try SimulatedLog.open(
            at: log.path, on: log.disk, purpose: .test, knownSyncedEnd: knownSyncedEnd)
    }

    @Test func onlyWhatLiesBehindIsCheckedAndCounted() throws {
        var log = TestLog()
        let file = try log.create()
        let offsets = try file.write(samplePayloads(0..<4))
        log.disk.flipBit(log.path, byte: Int(offsets[1]) + 20, bit: 0)

        let reopened = try open(log, knownSyncedEnd: offsets[2])

        #expect(reopened.recovery.records == 2)
        #expect(try reopened.read(at: offsets[0]).payload == samplePayloads(0..<1)[0][...])
        #expect(throws: RecordLogError.self) { try reopened.read(at: offsets[1]) }
    }

    @Test func everySyncedEndIsAPlaceToBegin() throws {
        var log = TestLog()
        let file = try log.create()
        var ends = [file.syncedEnd]
        for number in 0..<4 {
            try file.write(samplePayloads(number..<number + 1))
            ends.append(file.syncedEnd)
        }
        try file.close()
        ends.append(try log.open().syncedEnd)

        for (end, records) in zip(ends, [4, 3, 2, 1, 0, 0]) {
            let reopened = try open(log, knownSyncedEnd: end)
            #expect(reopened.recovery.records == records)
            #expect(try reopened.payloads() == samplePayloads(0..<4))
        }
    }

    @Test func aFileThatEndsBeforeItIsDamaged() throws {
        var log = TestLog()
        let file = try log.create()
        let offsets = try file.write(samplePayloads(0..<4))
        try log.replace(with: Array(log.bytes[..<Int(offsets[3])]))

        #expect(throws: RecordLogError.self) { try open(log, knownSyncedEnd: offsets[3] + 1) }
        #expect(try open(log, knownSyncedEnd: offsets[3]).recovery.cutBytes == 0)
    }

    @Test func aTornTailBehindItIsCut() throws {
        var log = TestLog()
        let file = try log.create()
        let offsets = try file.write(samplePayloads(0..<4))
        try log.replace(with: Array(log.bytes[..<(Int(offsets[3]) + 5)]))

        let reopened = try open(log, knownSyncedEnd: offsets[3])

        #expect(reopened.recovery == .init(records: 0, cutBytes: 5, cutOffset: offsets[3]))
        #expect(try reopened.payloads() == samplePayloads(0..<3))
    }

    @Test func anOffsetInsideAFrameCutsNothing() throws {
        var log = TestLog()
        let file = try log.create()
        let offsets = try file.write(samplePayloads(0..<4))
        // Without the mark nothing in the file says that the last record was synced.
        try log.replace(with: log.bytes.dropLast(17))
        let bytes = log.bytes

        for offset in offsets[3] + 1..<UInt64(bytes.count) {
            let error = #expect(throws: RecordLogError.self) {
                try open(log, knownSyncedEnd: offset)
            }
            #expect(error?.code == .outOfRange)
            #expect(log.bytes == bytes)
        }
    }
}
