// SPDX-License-Identifier: MIT

import Foundation
import RecordLog
import SyncTestSupport
import Testing

/// `TestVectors/record-log.json`: made by another program, so two agree on the bytes.
@Suite struct RecordLogVectorTests {
    /// What an `exact` or `accept` entry is about.
    struct Value: Decodable {
        /// The payloads, as hex.
        let records: [String]
        let cutOffset: UInt64?
        /// The same payloads by sync, for `exact`.
        let batches: [[String]]?
    }

    /// Gives the bytes 0 to 15, the file id of all vectors.
    struct CountingGenerator: RandomNumberGenerator {
        private var nextByte: UInt64 = 0

        mutating func next() -> UInt64 {
            defer { nextByte += 8 }
            return (0..<8).reduce(0) { $0 | (nextByte + $1) << (8 * $1) }
        }
    }

    static let vectors = Result { try TestVectors.load("record-log") }

    private func value(of vector: TestVector) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(#require(vector.valueJSON).utf8))
    }

    @Test func thereAreVectorsOfEachKind() throws {
        let kinds = try Self.vectors.get().map(\.kind)

        for kind in [TestVector.Kind.exact, .accept, .reject] { #expect(kinds.contains(kind)) }
    }

    @Test(arguments: (try? vectors.get()) ?? [])
    func readingGivesTheRecordsOrTheError(_ vector: TestVector) throws {
        let log = TestLog()
        try log.replace(with: vector.bytes)

        if vector.kind == .reject {
            let error = try #require(log.openError())
            #expect("\(error.code)" == vector.error)
            #expect(error.offset == vector.offset.map(UInt64.init))
        } else {
            let expected = try value(of: vector)
            let file = try log.open()
            #expect(try file.payloads() == expected.records.map { TestVector.bytes(hex: $0) })
            #expect(file.recovery.cutOffset == expected.cutOffset)
        }
    }

    @Test(arguments: ((try? vectors.get()) ?? []).filter { $0.kind == .exact })
    func writingGivesTheBytes(_ vector: TestVector) throws {
        let log = TestLog()
        var generator = CountingGenerator()
        let file = try SimulatedLog.create(
            at: log.path, on: log.disk, purpose: .test, using: &generator)

        for batch in try #require(value(of: vector).batches) {
            try file.write(batch.map { try #require(TestVector.bytes(hex: $0)) })
        }

        #expect(log.bytes == vector.bytes)
    }
}
