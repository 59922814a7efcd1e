// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// Logs whose file holds zeros ahead of what is written.
@Suite struct RecordLogZeroTests {
    private static let unit = RecordLogLimits.zeroFillUnitBytes

    private func create(_ log: inout TestLog, zeroFillBytes: Int = unit) throws -> SimulatedLog {
        try SimulatedLog.create(
            at: log.path, on: log.disk, purpose: .test, using: &log.generator,
            zeroFillBytes: zeroFillBytes)
    }

    private func open(_ log: TestLog, zeroFillBytes: Int = unit) throws -> SimulatedLog {
        try SimulatedLog.open(
            at: log.path, on: log.disk, purpose: .test, zeroFillBytes: zeroFillBytes)
    }

    /// The records of the log as a reader finds them that knows nothing of its writer.
    private func payloadsOfReader(_ log: TestLog) throws -> [[UInt8]] {
        var records = try RecordLogReader(at: log.path, on: log.disk, purpose: .test).records()
        var payloads: [[UInt8]] = []
        while let record = try records.next() { payloads.append(Array(record.payload)) }
        return payloads
    }

    @Test func aClosedLogHasTheBytesOfOneWithoutZeros() throws {
        var plain = TestLog()
        var filled = TestLog()
        let files = [try plain.create(), try create(&filled)]

        for number in 0..<5 {
            for file in files { try file.write(samplePayloads(number..<number + 2)) }
            #expect(filled.bytes.count == Self.unit)
            #expect(filled.bytes.starts(with: plain.bytes))
            #expect(filled.bytes.countWithoutZeroTail == plain.bytes.count)
        }
        for file in files { try file.close() }

        #expect(filled.bytes == plain.bytes)
        #expect(filled.disk.syncedBytes(at: filled.path) == filled.bytes)
    }

    @Test func aSyncThatStaysInsideTheZerosWritesNone() throws {
        var log = TestLog()
        let file = try create(&log)
        try file.write([[1]])
        #expect(log.disk.syncedBytes(at: log.path)?.count == Self.unit)
        log.disk.startCounting()

        try file.write([[2]])

        // Write, sync, mark.
        #expect(log.disk.callCount == 3)
    }

    /// Around the length where the frame, or the mark behind it, reaches the end of the zeros.
    @Test(arguments: Array(65_400...65_480) + [65_535, 65_536, 131_000, 300_000])
    func zerosAreAlwaysAhead(_ length: Int) throws {
        var log = TestLog()
        let file = try create(&log)
        for _ in 0..<3 {
            try file.write([[UInt8](repeating: 1, count: length)])

            let size = log.bytes.count
            #expect(size % Self.unit == 0)
            #expect(size >= Int(file.nextOffset))
            #expect(size <= Int(file.nextOffset) + 2 * Self.unit)
            #expect(log.bytes.countWithoutZeroTail == Int(file.nextOffset))
        }
    }

    @Test func zerosGrowWithTheLogUpToTheNumberGiven() throws {
        var log = TestLog()
        let file = try create(&log, zeroFillBytes: 4 * Self.unit)
        var sizes: [Int] = []
        for _ in 0..<40 {
            try file.write([[UInt8](repeating: 1, count: Self.unit / 2)])
            if sizes.last != log.bytes.count { sizes.append(log.bytes.count) }
        }

        let steps = zip(sizes, sizes.dropFirst()).map { ($1 - $0) / Self.unit }
        #expect(sizes.first == Self.unit)
        #expect(steps.max() == 4)
        #expect(steps.suffix(2).allSatisfy { $0 == 4 })
    }

    @Test(arguments: [0, unit, 4 * unit])
    func aFilledLogThatWasNotClosedGoesOnWhereItsFramesEnd(_ zeroFillBytes: Int) throws {
        var log = TestLog()
        let end = try {
            let file = try create(&log)
            try file.write([[1], [2, 0, 0]])
            return file.nextOffset
        }()
        log.disk.killProcesses()

        let reading = try log.open(.read)
        #expect(try reading.payloads() == [[1], [2, 0, 0]])
        #expect(reading.recovery == .init(records: 2, cutBytes: 0, cutOffset: nil))
        #expect(log.bytes.count == Self.unit)
        let file = try open(log, zeroFillBytes: zeroFillBytes)
        #expect(file.recovery == .init(records: 2, cutBytes: 0, cutOffset: nil))
        #expect(file.nextOffset == end)
        try file.write([[3]])
        // Zeros that are not to be kept are cut.
        #expect(log.bytes.count == (zeroFillBytes > 0 ? Self.unit : Int(end) + 18 + 17))
        try file.close()

        #expect(log.bytes.count == Int(end) + 18 + 17)
        #expect(try open(log).payloads() == [[1], [2, 0, 0], [3]])
    }

    @Test func aLogThatIsOpenedAndClosedLosesItsZeros() throws {
        var log = TestLog()
        try create(&log).write([[1]])
        log.disk.killProcesses()

        try log.open().close()

        #expect(log.disk.syncedBytes(at: log.path)?.count == 40 + 18 + 17)
    }

    @Test func readersNeverTakeZerosForRecords() throws {
        var log = TestLog()
        let file = try create(&log)
        #expect(try payloadsOfReader(log).isEmpty)
        let offset = try file.write([[1], [0, 0, 0]])[1]

        #expect(try file.payloads() == [[1], [0, 0, 0]])
        #expect(try payloadsOfReader(log) == [[1], [0, 0, 0]])
        let reader = try RecordLogReader(at: log.path, on: log.disk, purpose: .test)
        #expect(throws: RecordLogError.self) { try reader.read(at: file.nextOffset + 100) }
        // Without its mark the record ends in zeros, as the file does.
        let torn = Array(log.bytes[..<Int(offset + 20)])
        try log.replace(with: torn + [UInt8](repeating: 0, count: 5000))
        #expect(try payloadsOfReader(log) == [[1], [0, 0, 0]])
        #expect(try log.open().payloads() == [[1], [0, 0, 0]])
    }

    @Test func aReaderBesideTheWriterTakesZerosThatItShouldNotSeeForDamage() throws {
        var log = TestLog()
        let file = try log.create()
        let offset = try file.write([[1], [2]])[1]
        let zeros = [UInt8](repeating: 0, count: 18)
        try log.disk.openFile(at: log.path, .readWrite).write(zeros, at: offset)

        #expect(throws: RecordLogError.self) { try file.payloads() }
    }

    @Test func aTornWriteInsideTheZerosIsCutAtEveryLength() throws {
        var log = TestLog()
        let file = try create(&log)
        try file.write([[1]])
        let end = Int(file.nextOffset)
        try file.write([[2, 3, 4]])
        let whole = log.bytes
        for length in 0..<20 {
            var bytes = whole[..<(end + length)]
            let torn = bytes[end...].countWithoutZeroTail
            bytes += [UInt8](repeating: 0, count: whole.count - bytes.count)
            try log.replace(with: Array(bytes))

            let file = try open(log)

            #expect(file.recovery.cutBytes == UInt64(torn))
            #expect(file.recovery.cutOffset == (torn == 0 ? nil : UInt64(end)))
            #expect(log.disk.syncedBytes(at: log.path)?.count == (torn == 0 ? whole.count : end))
            try file.write([[5]])
            log.disk.killProcesses()
            #expect(try log.open(.read).payloads() == [[1], [5]])
        }
    }

    /// The first frame of an unsynced write is gone and the second is there. A new frame of the
    /// first one's length would end where the second begins, which says nothing that is wrong.
    @Test func aStaleFrameNeverFollowsANewOne() throws {
        var log = TestLog()
        let file = try create(&log)
        try file.write([[1]])
        let start = Int(file.nextOffset)
        let stale = Int(try file.write([[2, 2], [3, 3]])[1])
        let whole = log.bytes
        let zeros = [UInt8](repeating: 0, count: stale - start)
        let mark = Int(file.nextOffset) - 17
        let left = whole[..<start] + zeros + whole[stale..<mark]
        try log.replace(with: Array(left) + [UInt8](repeating: 0, count: whole.count - mark))

        let reopened = try open(log)
        #expect(reopened.recovery.cutOffset == UInt64(start))
        // Write, zeros, sync; its mark never comes.
        log.disk.halt(afterCalls: 3)
        try reopened.write([[9, 9]])
        log.disk.killProcesses()

        #expect(try log.open(.read).payloads() == [[1], [9, 9]])
        // And this is what would have been without the cut.
        let written = log.bytes[..<stale]
        try log.replace(with: Array(written + whole[stale..<mark]))
        #expect(try log.open(.read).payloads() == [[1], [9, 9], [3, 3]])
    }

    @Test func zerosInPlaceOfSyncedBytesAreDamage() throws {
        var log = TestLog()
        let file = try create(&log)
        let offsets = try file.write([[1], [2]]) + file.write([[3]])
        for offset in offsets {
            var bytes = log.bytes
            bytes.replaceSubrange(
                Int(offset)..<Int(offset) + 18, with: [UInt8](repeating: 0, count: 18))
            let damaged = TestLog()
            try damaged.replace(with: bytes)

            #expect(damaged.openError()?.code == .damaged)
            #expect(damaged.openError()?.offset == offset)
            #expect(damaged.bytes == bytes)
        }
    }

    @Test func aFullDiskTakesTheZerosAndNotTheRecords() throws {
        let payload = [UInt8](repeating: 7, count: 100)
        // A frame of 117 bytes and a mark of 17.
        for room in [117, 120, 134, 135, 1000, 40_000, Self.unit - 41, Self.unit - 40] {
            var log = TestLog()
            let file = try create(&log)
            log.disk.fullAfter(bytes: room)

            try file.write([payload])

            #expect(file.isReadOnly == (room < 134), "room \(room)")
            let end = 40 + 117 + (room < 134 ? 0 : 17)
            #expect(log.bytes.count == (room < Self.unit - 40 ? end : Self.unit))
            log.disk.fullAfter(bytes: nil)
            if room >= 134 { try file.write([[1]]) }
            log.disk.killProcesses()
            #expect(try log.open().payloads() == (room >= 134 ? [payload, [1]] : [payload]))
        }
    }
}
