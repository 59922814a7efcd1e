// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@Suite struct RecordLogFileTests {
    @Test func recordsAreReadAsTheyWereWrittenAtTheOffsetsThatAppendGave() throws {
        var log = TestLog()
        let file = try log.create()
        let payloads = samplePayloads(0..<20) + [[], [UInt8](repeating: 7, count: 200_000)]

        let offsets = try file.write(payloads)

        #expect(try file.payloads() == payloads)
        for (offset, payload) in zip(offsets, payloads) {
            let record = try file.read(at: offset)
            #expect(Array(record.payload) == payload)
            #expect(try file.reader.payloadLength(at: offset) == payload.count)
        }
    }

    @Test func nothingIsVisibleBeforeItIsSynced() throws {
        var log = TestLog()
        let file = try log.create()

        let offset = try file.append([1, 2, 3])

        #expect(try file.payloads().isEmpty)
        #expect(throws: RecordLogError.self) { try file.read(at: offset) }
        #expect(log.bytes.count == 40)
        try file.sync()
        #expect(try file.payloads() == [[1, 2, 3]])
    }

    @Test func readersSeeWhatWasSyncedWhenTheyWereTaken() throws {
        var log = TestLog()
        let file = try log.create()
        try file.write([[1]])

        let reader = file.reader
        try file.write([[2]])

        var count = 0
        try reader.forEach { _ in
            count += 1
            return true
        }
        #expect(count == 1)
    }

    @Test func iterationGoesOnFromARecordsNextOffset() throws {
        var log = TestLog()
        let file = try log.create()
        for number in 0..<6 { try file.write(samplePayloads(number..<number + 2)) }

        var iterator = file.records()
        var seen: [LogRecord] = []
        while let record = try iterator.next() { seen.append(record) }
        for (index, record) in seen.enumerated() {
            var rest: [LogRecord] = []
            try file.forEach(from: record.nextOffset) { record in
                rest.append(record)
                return true
            }
            #expect(rest == Array(seen[(index + 1)...]))
        }
        #expect(seen.count == 12)
    }

    @Test func aRangeOfAPayloadIsReadAlone() throws {
        var log = TestLog()
        let file = try log.create()
        let payload = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
        let offset = try file.write([[9], payload])[1]

        #expect(try file.readPayload(at: offset, 0..<0) == [])
        #expect(
            try file.readPayload(at: offset, 70_000..<70_010) == Array(payload[70_000..<70_010]))
        #expect(try file.readPayload(at: offset, 0..<payload.count) == payload)
        #expect(throws: RecordLogError.self) {
            try file.readPayload(at: offset, 99_999..<100_001)
        }
        #expect(throws: RecordLogError.self) { try file.readPayload(at: offset, -1..<1) }
    }

    @Test(arguments: [0, 39, 41, 56, 61, 62, 78, 79, 1_000_000, UInt64.max])
    func offsetsWhereNoRecordBeginsAreErrors(_ offset: UInt64) throws {
        var log = TestLog()
        let file = try log.create()
        try file.write([Array("hello".utf8)])

        #expect(throws: RecordLogError.self) { try file.read(at: offset) }
        #expect(throws: RecordLogError.self) { try file.readPayload(at: offset, 0..<1) }
    }

    @Test func aReopenedLogGoesOnWhereItEnded() throws {
        var log = TestLog()
        let first = try log.create()
        try first.write(samplePayloads(0..<3))
        try first.close()
        for number in 3..<8 {
            let file = try log.open()
            #expect(file.recovery == .init(records: number, cutBytes: 0, cutOffset: nil))
            try file.write(samplePayloads(number..<number + 1))
            try file.close()
        }

        #expect(try log.open(.read).payloads() == samplePayloads(0..<8))
        #expect(try log.open().fileID == first.fileID)
    }

    @Test func closingSyncsTheMarkToo() throws {
        var log = TestLog()
        let file = try log.create()
        _ = try file.append([1])

        try file.close()

        #expect(log.disk.syncedBytes(at: log.path) == log.bytes)
        #expect(log.bytes.count == 40 + 18 + 17)
    }

    @Test func aClosedLogTakesNothingAndStillReads() throws {
        var log = TestLog()
        let file = try log.create()
        try file.write([[1]])
        try file.close()
        try file.close()

        #expect(file.isReadOnly)
        #expect(throws: RecordLogError.self) { try file.append([2]) }
        #expect(try file.payloads() == [[1]])
    }

    @Test func recordsOverTheLimitAreRefusedAndTheLogGoesOn() throws {
        var log = TestLog()
        let file = try SimulatedLog.create(
            at: log.path, on: log.disk, purpose: .test, using: &log.generator, recordBytesMax: 10)

        let error = #expect(throws: RecordLogError.self) {
            try file.append([UInt8](repeating: 0, count: 11))
        }
        #expect(error?.code == .tooLarge)
        try file.write([[UInt8](repeating: 0, count: 10)])
        #expect(try file.payloads().count == 1)
    }

    @Test func creatingNeverReplacesALog() throws {
        var log = TestLog()
        try log.create().write([[1]])

        let error = #expect(throws: RecordLogError.self) { try log.create() }

        guard case .io(let cause)? = error?.code else { Issue.record("\(error as Any)"); return }
        #expect(cause.alreadyExists)
        #expect(try log.open().payloads() == [[1]])
    }

    @Test func openOrCreateDoesWhicheverIsNeeded() throws {
        var log = TestLog()
        for number in 0..<3 {
            let file = try SimulatedLog.openOrCreate(
                at: log.path, on: log.disk, purpose: .test, using: &log.generator)
            #expect(file.recovery.records == number)
            try file.write([[UInt8(number)]])
        }
    }

    @Test func aLogOpenedForReadingIsNotChanged() throws {
        var log = TestLog()
        let file = try log.create()
        try file.write([[1], [2]])
        try log.replace(with: log.bytes.dropLast(20))
        let before = log.bytes

        let reading = try log.open(.read)

        #expect(try reading.payloads() == [[1]])
        #expect(reading.recovery == .init(records: 1, cutBytes: 9, cutOffset: 58))
        #expect(throws: RecordLogError.self) { try reading.append([3]) }
        try reading.close()
        #expect(log.bytes == before)
    }

    @Test func aReaderOpenedAloneFindsRecordsAndStopsAtDamage() throws {
        var log = TestLog()
        let file = try log.create()
        let offsets = try file.write(samplePayloads(0..<5))
        log.disk.flipBit(log.path, byte: Int(offsets[3]) + 18, bit: 3)

        let reader = try RecordLogReader(at: log.path, on: log.disk, purpose: .test)
        var iterator = reader.records()
        var seen: [[UInt8]] = []
        let error = #expect(throws: RecordLogError.self) {
            while let record = try iterator.next() { seen.append(Array(record.payload)) }
        }

        #expect(seen == samplePayloads(0..<3))
        #expect(error?.code == .damaged)
        #expect(error?.offset == offsets[3])
        #expect(try reader.read(at: offsets[4]).payload == samplePayloads(4..<5)[0][...])
    }

    @Test func changesNothingBeforeItBeginsToWrite() throws {
        var log = TestLog()
        try log.create().write([[1], [2]])
        let torn = log.bytes + [7, 7, 7]
        try log.replace(with: torn)

        let file = try log.open(.readThenWrite)
        #expect(try file.payloads() == [[1], [2]])
        #expect(file.recovery.cutBytes == 3)
        #expect(throws: RecordLogError.self) { try file.append([3]) }
        try file.close()
        #expect(log.bytes == torn)
        try file.beginWriting()
        try file.write([[3]])
        try file.beginWriting()

        #expect(try log.open().payloads() == [[1], [2], [3]])
        #expect(try log.open().recovery.cutBytes == 0)
    }

    @Test func staysReadOnlyIfItCannotBeginToWrite() throws {
        var log = TestLog()
        try log.create().write([[1]])
        let file = try log.open(.readThenWrite)
        log.disk.failNextCall(errorNumber: FileSystemError.Number.inputOutput)

        #expect(throws: RecordLogError.self) { try file.beginWriting() }

        let error = #expect(throws: RecordLogError.self) { try file.append([2]) }
        #expect(error?.code == .readOnly)
    }
}
