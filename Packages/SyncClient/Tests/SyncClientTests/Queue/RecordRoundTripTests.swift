// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// What the client writes into its files it reads again, for any value.
@Suite struct RecordRoundTripTests {
    private func check<Value: WireValue & Equatable>(
        _ make: (inout SeededGenerator) -> Value, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var distinct: [Value] = []
        for seed in 0..<UInt64(300) {
            var generator = SeededGenerator(seed: seed)
            let value = make(&generator)
            #expect(
                try Value(decoding: value.encoded()) == value, "seed \(seed)",
                sourceLocation: sourceLocation)
            if distinct.count < 10, !distinct.contains(value) { distinct.append(value) }
        }
        #expect(distinct.count >= 4, sourceLocation: sourceLocation)
    }

    @Test func readsQueueChangesAgain() throws { try check { $0.change() } }

    @Test func readsRecordsOfChangesAgain() throws {
        try check { generator in
            let count = UInt64.random(in: 0...4, using: &generator)
            return QueueRecord.changes(
                (0..<count).map { _ in generator.change() }, settlement: generator.number())
        }
    }

    @Test func readsRecordsOfWholeStatesAgain() throws {
        try check { QueueRecord.state($0.queueState()) }
    }

    @Test func readsConflictsAgain() throws { try check { $0.conflictRecord() } }

    @Test func readsQuarantinedOperationsAgain() throws {
        try check { generator in
            QuarantinedOperation(
                id: "1", operation: generator.operation(number: generator.number()),
                code: [.tooLarge, RejectionCode(rawValue: "later")]
                    .randomElement(using: &generator) ?? .tooLarge,
                message: "m\(generator.number())", logEpoch: generator.number())
        }
    }

    @Test func readsBasesAgain() throws { try check { $0.baseRecord() } }

    @Test func readsReplicaStatesAgain() throws { try check { $0.replicaState() } }

    @Test func keepsWhatABaseSaysIfTheRecordHasMoreElements() throws {
        // [5, 2, false, 1, 0, h'01', "later"]
        let bytes: [UInt8] = [
            0x87, 0x05, 0x02, 0xF4, 0x01, 0x00, 0x41, 0x01, 0x65, 0x6C, 0x61, 0x74, 0x65, 0x72,
        ]
        let base = try BaseRecord(decoding: bytes)

        #expect(base.cursor == 5)
        #expect(base.shadow == BaseRecord.Shadow(content: [1]))
    }

    @Test(
        "refuses what is none of its records",
        arguments: [
            [], [0x80], [0x81, 0x01], [0x82, 0x02, 0x00], [0x83, 0x02, 0x00, 0x80], [0xA0],
        ]
            as [[UInt8]])
    func refusesWhatIsNoneOfItsRecords(_ bytes: [UInt8]) {
        #expect(throws: (any Error).self) { try QueueRecord(decoding: bytes) }
        #expect(throws: (any Error).self) { try ConflictRecord(decoding: bytes) }
        #expect(throws: (any Error).self) { try QuarantinedOperation(decoding: bytes) }
        #expect(throws: (any Error).self) { try ReplicaState(decoding: bytes) }
    }

    @Test(
        "refuses what is no change",
        arguments: [
            [0x80], [0x81, 0x00], [0x81, 0x18, 0x63], [0x82, 0x01, 0xF6], [0x83, 0x03, 0x01, 0x01],
            [0x81, 0x04], [0x82, 0x05, 0x01],
        ] as [[UInt8]])
    func refusesWhatIsNoChange(_ bytes: [UInt8]) {
        #expect(throws: (any Error).self) { try QueueChange(decoding: bytes) }
    }
}
