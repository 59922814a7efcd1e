// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// Laws: walking over a log gives every record as it was written, whatever lies where the memory
/// ends that it reads into; and a record that somebody keeps stays as it is.
@Suite struct RecordIteratorTests {
    private func records(of file: SimulatedLog) throws -> [LogRecord] {
        var iterator = file.records()
        var records: [LogRecord] = []
        while let record = try iterator.next() { records.append(record) }
        return records
    }

    /// The first read takes 128 KiB, and each later one 256 KiB: here a frame's header, its payload
    /// or its end lies at both borders.
    @Test(arguments: [0, 1, 16, 17, 18, 33, 34, 35])
    func recordsAcrossTheBordersOfReadsAreWhole(_ shift: Int) throws {
        var log = TestLog()
        let file = try log.create()
        var payloads: [[UInt8]] = []
        for border in [128, 256, 256] {
            payloads.append([UInt8](repeating: 1, count: border << 10 - 34 - shift))
            payloads.append(Array(0..<40))
        }
        try file.write(payloads)

        #expect(try records(of: file).map { Array($0.payload) } == payloads)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func recordsOfAllSizesAreReadOnce(_ seed: UInt64) throws {
        var log = TestLog()
        let file = try log.create()
        var generator = SeededGenerator(seed: seed)
        var payloads: [[UInt8]] = []
        for number in 0..<60 {
            let bits = Int.random(in: 0..<20, using: &generator)
            let length = Int.random(in: 0...1 << bits, using: &generator)
            payloads.append([UInt8](repeating: UInt8(number), count: length))
            try file.write([payloads[number]])
        }

        let records = try records(of: file)

        #expect(records.map { Array($0.payload) } == payloads)
        for record in records {
            #expect(try file.read(at: record.offset) == record)
        }
    }

    @Test func smallRecordsShareTheirMemory() throws {
        var log = TestLog()
        let file = try log.create()
        try file.write((0..<2000).map { [UInt8](repeating: UInt8($0 & 0xFF), count: 100) })
        log.disk.startCounting()

        let records = try records(of: file)

        #expect(records.count == 2000)
        // 234 kB: the first 128 KiB and the rest.
        #expect(log.disk.callCount == 2)
        let addresses = records.prefix(1000).map { record in
            record.payload.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
        }
        for (record, address) in zip(records, addresses) {
            #expect(address - addresses[0] == Int(record.offset - records[0].offset))
        }
    }

    @Test func aCopyOfAnIteratorGoesItsOwnWay() throws {
        var log = TestLog()
        let file = try log.create()
        try file.write([[1], [2], [3]])
        var first = file.records()
        _ = try first.next()

        var second = first
        let rest = [try first.next(), try first.next(), try first.next()]

        #expect(rest.map { $0.map { Array($0.payload) } } == [[2], [3], nil])
        #expect(try second.next() == rest[0])
    }

    @Test func aFileThatBecameShorterIsAnError() throws {
        var log = TestLog()
        let file = try log.create()
        let offset = try file.write([[UInt8](repeating: 1, count: 300_000), [2]])[0]
        try log.disk.openFile(at: log.path, .readWrite).truncate(to: 200_000)

        var iterator = file.records()
        let error = #expect(throws: RecordLogError.self) { _ = try iterator.next() }

        #expect(error?.code == .damaged)
        #expect(throws: RecordLogError.self) { _ = try file.read(at: offset) }
    }
}
