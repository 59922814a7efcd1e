// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// Law: a sync that failed stays failed.
@Suite struct RecordLogFaultTests {
    static let errorNumbers = [
        FileSystemError.Number.inputOutput, FileSystemError.Number.outOfSpace,
    ]

    /// Create, three batches, close, reopen, one batch, close; `told` after each success.
    private func story(
        _ log: inout TestLog, told: inout [[UInt8]], zeroFillBytes: Int
    ) throws(RecordLogError) {
        var file = try SimulatedLog.create(
            at: log.path, on: log.disk, purpose: .test, using: &log.generator,
            zeroFillBytes: zeroFillBytes)
        for number in 0..<4 {
            if number == 3 {
                try file.close()
                file = try SimulatedLog.open(
                    at: log.path, on: log.disk, purpose: .test, zeroFillBytes: zeroFillBytes)
            }
            let payloads = samplePayloads(2 * number..<2 * number + 2)
            for payload in payloads { _ = try file.append(payload) }
            try file.sync()
            told += payloads
        }
        try file.close()
    }

    @Test(arguments: errorNumbers, [0, RecordLogLimits.zeroFillUnitBytes])
    func anyCallMayFailAndNothingToldIsLost(_ errorNumber: Int32, _ zeroFillBytes: Int) throws {
        var healthy = TestLog()
        var all: [[UInt8]] = []
        try story(&healthy, told: &all, zeroFillBytes: zeroFillBytes)
        #expect(healthy.disk.callCount > 20)

        for number in 1...healthy.disk.callCount {
            for seed in 0..<20 as Range<UInt64> {
                var log = TestLog()
                var told: [[UInt8]] = []
                log.disk.failNextCall(number: number, errorNumber: errorNumber)
                do throws(RecordLogError) {
                    try story(&log, told: &told, zeroFillBytes: zeroFillBytes)
                } catch {
                    #expect(error.code != .damaged)
                }
                var generator = SeededGenerator(seed: seed)
                // Seed 0 looks at the disk as a new process finds it; the others after a crash.
                if seed != 0 { log.disk.crash(using: &generator) }
                if told.isEmpty, log.disk.bytes(at: log.path) == nil { continue }
                let found = try log.open().payloads()
                #expect(found.starts(with: told), "call \(number), seed \(seed)")
                #expect(all.starts(with: found), "call \(number), seed \(seed)")
            }
        }
    }

    /// Others may build on a file that was closed: the server's next segment says that it is whole.
    @Test(arguments: [0, RecordLogLimits.zeroFillUnitBytes])
    func whatWasClosedWithoutAnErrorEndsWholeAfterAnyCrash(_ zeroFillBytes: Int) throws {
        var closedCount = 0
        for number in 1...16 {
            for seed in 0..<40 as Range<UInt64> {
                var log = TestLog()
                let file = try SimulatedLog.create(
                    at: log.path, on: log.disk, purpose: .test, using: &log.generator,
                    zeroFillBytes: zeroFillBytes)
                let before = log.disk.callCount
                log.disk.failNextCall(
                    number: number, errorNumber: FileSystemError.Number.outOfSpace)
                for payload in samplePayloads(0..<3) {
                    _ = try? file.append(payload)
                    try? file.sync()
                }
                guard (try? file.close()) != nil, log.disk.callCount >= before + number else {
                    continue
                }
                closedCount += 1
                var generator = SeededGenerator(seed: seed)
                log.disk.crash(using: &generator)
                let found = try SimulatedLog.open(
                    at: log.path, on: log.disk, purpose: .test, access: .read)
                #expect(found.recovery.cutBytes == 0, "call \(number), seed \(seed)")
            }
        }
        #expect(closedCount > 100)
    }

    @Test func aFailedSyncMakesTheLogReadOnlyForGood() throws {
        var log = TestLog()
        let file = try log.create()
        let first = try file.write([[1]])[0]
        let end = file.syncedEnd
        _ = try file.append([2])

        // Write, then sync.
        log.disk.failNextCall(number: 2, errorNumber: FileSystemError.Number.inputOutput)
        let error = #expect(throws: RecordLogError.self) { try file.sync() }

        guard case .io(let cause)? = error?.code else { Issue.record("\(error as Any)"); return }
        #expect(cause.operation == .sync)
        #expect(file.isReadOnly)
        #expect(file.syncedEnd == end)
        #expect(file.bufferedBytes == 0)
        for _ in 0..<2 {
            let later = #expect(throws: RecordLogError.self) { try file.append([3]) }
            #expect(later?.code == .readOnly)
            #expect(later?.message.contains("sync failed on log") == true)
            let again = #expect(throws: RecordLogError.self) { try file.sync() }
            #expect(again?.code == .readOnly)
        }
        try file.close()
        #expect(try file.read(at: first).payload == [1])
        #expect(try file.payloads() == [[1]])
    }

    @Test func aFullDiskLeavesTheFileAsItWasLastSynced() throws {
        for room in 0..<80 {
            var log = TestLog()
            let file = try log.create()
            try file.write([[1, 2, 3]])
            let before = log.bytes
            log.disk.fullAfter(bytes: room)

            _ = try file.append([UInt8](repeating: 4, count: 30))
            _ = try file.append([UInt8](repeating: 5, count: 30))
            let error = #expect(throws: RecordLogError.self) { try file.sync() }

            guard case .io(let cause)? = error?.code else { Issue.record("room \(room)"); return }
            #expect(cause.isOutOfSpace)
            #expect(cause.message.contains("Free space"))
            #expect(file.isReadOnly)
            #expect(log.bytes == before)
            log.disk.fullAfter(bytes: nil)
            #expect(try log.open().recovery == .init(records: 1, cutBytes: 0, cutOffset: nil))
        }
    }

    @Test func aMarkThatFailsIsTheNextAppendsError() throws {
        var log = TestLog()
        let file = try log.create()
        _ = try file.append([1])
        // Write, sync, mark.
        log.disk.failNextCall(number: 3, errorNumber: FileSystemError.Number.outOfSpace)

        try file.sync()

        #expect(file.isReadOnly)
        #expect(throws: RecordLogError.self) { try file.append([2]) }
        var generator = SeededGenerator(seed: 1)
        log.disk.crash(using: &generator)
        #expect(try log.open().payloads() == [[1]])
    }

    @Test func openingALogOnAFullDiskGivesItsRecords() throws {
        var log = TestLog()
        try log.create().write([[1]])
        try log.replace(with: log.bytes.dropLast(17))
        log.disk.fullAfter(bytes: 0)

        let file = try log.open()

        #expect(try file.payloads() == [[1]])
        #expect(file.isReadOnly)
    }

    /// The mark lies across two pages of the disk, and a failed sync leaves both in doubt. What is
    /// written behind it afterwards renews only the second.
    @Test(arguments: 3985...4045)
    func aMarkLeftInDoubtByAFailedSyncIsWrittenAgain(_ length: Int) throws {
        for seed in 0..<20 as Range<UInt64> {
            var log = TestLog()
            let file = try log.create()
            try file.write([[UInt8](repeating: 1, count: length)])
            _ = try file.append([2])
            log.disk.failNextCall(number: 2, errorNumber: FileSystemError.Number.inputOutput)
            #expect(throws: RecordLogError.self) { try file.sync() }

            try log.open().write([[3]])
            var generator = SeededGenerator(seed: seed)
            log.disk.crash(using: &generator)

            #expect(try log.open().payloads().dropFirst() == [[3]])
        }
    }

    @Test func anUnreadableRecordIsAnErrorAndTheLogStaysWritable() throws {
        var log = TestLog()
        let file = try log.create()
        let offset = try file.write([[1]])[0]
        log.disk.failNextCall(errorNumber: FileSystemError.Number.inputOutput)

        #expect(throws: RecordLogError.self) { try file.read(at: offset) }

        #expect(try file.read(at: offset).payload == [1])
        try file.write([[2]])
    }
}
