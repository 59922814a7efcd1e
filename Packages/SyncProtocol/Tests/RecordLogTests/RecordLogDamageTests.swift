// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// Law: damage is found, never guessed around.
@Suite struct RecordLogDamageTests {
    /// Three batches of two records. Without `mark`, the last batch is on disk and nobody was told.
    private func sample(withMark: Bool) throws -> (log: TestLog, offsets: [UInt64]) {
        var log = TestLog()
        let file = try log.create()
        var offsets: [UInt64] = []
        for number in 0..<3 {
            offsets += try file.write(samplePayloads(2 * number..<2 * number + 2))
        }
        if !withMark { try log.replace(with: log.bytes.dropLast(17)) }
        return (log, offsets)
    }

    @Test func aTornTailIsCutAndReportedAtEveryLength() throws {
        let (log, offsets) = try sample(withMark: true)
        let whole = log.bytes
        // Where frames end: each record, and the mark behind every second one.
        var ends = [40]
        for (number, offset) in offsets.enumerated() {
            ends.append(Int(offset) + 17 + samplePayloads(number..<number + 1)[0].count)
            if number % 2 == 1 { ends.append(ends[ends.count - 1] + 17) }
        }
        #expect(ends.last == whole.count)

        for length in 40...whole.count {
            try log.replace(with: Array(whole[..<length]))
            let file = try log.open()

            let end = try #require(ends.last { $0 <= length })
            let records = offsets.count { $0 < end }
            #expect(file.recovery.records == records)
            let trimmed = whole[end..<length].countWithoutZeroTail
            let torn = trimmed == 0 ? length - end : trimmed
            #expect(file.recovery.cutBytes == UInt64(torn))
            #expect(file.recovery.cutOffset == (torn == 0 ? nil : UInt64(end)))
            #expect(try file.payloads() == samplePayloads(0..<records))
            try file.write([[42]])
            try file.close()
            #expect(try log.open().payloads() == samplePayloads(0..<records) + [[42]])
        }
    }

    @Test func everyFlippedBitOfASyncedLogIsFoundOrLiesInTheLastMark() throws {
        let (log, _) = try sample(withMark: true)
        let whole = log.bytes
        for byte in whole.indices {
            for bit in 0..<8 {
                try log.replace(with: whole)
                log.disk.flipBit(log.path, byte: byte, bit: bit)
                let flipped = log.bytes

                if byte >= whole.count - 17 {
                    let file = try log.open()
                    #expect(try file.payloads() == samplePayloads(0..<6))
                    #expect(file.recovery.cutBytes == flipped.suffix(17).countWithoutZeroTail)
                } else {
                    let error = log.openError()
                    #expect(error != nil, "byte \(byte), bit \(bit)")
                    #expect(byte < 40 || error?.code == .damaged, "byte \(byte), bit \(bit)")
                    #expect(log.bytes == flipped, "a damaged log must not be changed")
                }
            }
        }
    }

    @Test func everyFlippedBitOfAnUnsyncedBatchCutsItAndNothingElse() throws {
        let (log, offsets) = try sample(withMark: false)
        let whole = log.bytes
        for byte in Int(offsets[4])..<whole.count {
            for bit in 0..<8 {
                try log.replace(with: whole)
                log.disk.flipBit(log.path, byte: byte, bit: bit)

                let file = try log.open()

                let kept = byte < Int(offsets[5]) ? 4 : 5
                #expect(try file.payloads() == samplePayloads(0..<kept), "byte \(byte), bit \(bit)")
                #expect(file.recovery.cutOffset == offsets[kept])
            }
        }
    }

    @Test func readingADamagedRecordIsAnErrorAndNeverWrongBytes() throws {
        let (log, offsets) = try sample(withMark: true)
        let file = try log.open()
        for byte in Int(offsets[3])..<Int(offsets[3]) + 17 + samplePayloads(3..<4)[0].count {
            log.disk.flipBit(log.path, byte: byte, bit: 2)
            #expect(throws: RecordLogError.self) { try file.read(at: offsets[3]) }
            #expect(throws: RecordLogError.self) { try file.payloads() }
            log.disk.flipBit(log.path, byte: byte, bit: 2)
        }
        #expect(try file.payloads() == samplePayloads(0..<6))
    }

    /// The search looks through a window of 64 KiB at a time: proofs that lie across its border.
    @Test(arguments: 65_480...65_580)
    func damageFarBeforeTheProofIsFound(_ length: Int) throws {
        var log = TestLog()
        let file = try log.create()
        try file.write([[UInt8](repeating: 3, count: length)])
        log.disk.flipBit(log.path, byte: 57, bit: 0)

        let error = log.openError()

        #expect(error?.code == .damaged)
        #expect(error?.offset == 40)
    }

    @Test func framesOfTheSameLogElsewhereAndOfOtherLogsAreNoRecords() throws {
        var log = TestLog(seed: 1)
        try log.create().write([[1, 2, 3]])
        var other = TestLog(seed: 2)
        try other.create().write([[1, 2, 3]])
        let header = Array(log.bytes[..<40])
        let frame = log.bytes[40..<60]

        try log.replace(with: header + frame + frame)
        #expect(try log.open().recovery == .init(records: 1, cutBytes: 20, cutOffset: 60))
        try log.replace(with: header + other.bytes[40..<60])
        #expect(try log.open().recovery == .init(records: 0, cutBytes: 20, cutOffset: 40))
    }

    @Test func aRecordThatHoldsAWholeLogIsNoProofOfDamage() throws {
        var inner = TestLog(seed: 2)
        try inner.create().write(samplePayloads(0..<30))
        var log = TestLog(seed: 1)
        let file = try log.create()
        try file.write([[1], inner.bytes])
        try log.replace(with: log.bytes.dropLast(18))

        let reopened = try log.open()

        #expect(try reopened.payloads() == [[1]])
    }

    /// Anyone who can write the file can make it look like damage; nobody may make opening it slow.
    @Test(.timeLimit(.minutes(10)), arguments: [10, 1000, 100_000] as [UInt32])
    func aTailFullOfFrameHeadersIsRefusedOrCutInBoundedTime(_ length: UInt32) throws {
        var log = TestLog()
        try log.create().write([[1]])
        var fake: [UInt8] = []
        withUnsafeBytes(of: length.littleEndian) { fake += $0 }
        fake += [0, 0, 0, 0]
        withUnsafeBytes(of: UInt64(log.bytes.count + 1).littleEndian) { fake += $0 }
        fake.append(1)
        let tail = Array(repeatElement(fake, count: 20_000).joined())
        let bytes = log.bytes + tail
        try log.replace(with: bytes)

        if let error = log.openError() {
            #expect(error.code == .damaged)
            #expect(log.bytes == bytes)
        } else {
            #expect(try log.open().payloads() == [[1]])
        }
    }
}
