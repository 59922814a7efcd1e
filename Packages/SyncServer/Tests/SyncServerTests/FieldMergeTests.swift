// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The merge of two revisions by field.
@Suite struct FieldMergeTests {
    struct Case: CustomStringConvertible, Sendable {
        var description: String
        var base: CBORValue
        var local: CBORValue
        var remote: CBORValue
        /// What stands; the local side has the later stamp.
        var result: CBORValue
    }

    static let cases: [Case] = [
        .init(
            description: "fields of one side each", base: ["x": 1, "y": 1],
            local: ["x": 2, "y": 1], remote: ["x": 1, "y": 2], result: ["x": 2, "y": 2]),
        .init(
            description: "added fields", base: [:], local: ["x": 1], remote: ["y": 2],
            result: ["x": 1, "y": 2]),
        .init(
            description: "a removed field", base: ["x": 1, "y": 1], local: ["y": 1],
            remote: ["x": 1, "y": 2], result: ["y": 2]),
        .init(
            description: "removed on both sides", base: ["x": 1, "y": 1], local: [:],
            remote: ["z": 1], result: ["z": 1]),
        .init(
            description: "changed alike", base: ["x": 1, "y": 1], local: ["x": 2, "y": 1],
            remote: ["x": 2, "y": 2], result: ["x": 2, "y": 2]),
        .init(
            description: "changed differently: the later stamp", base: ["x": 1, "y": 1],
            local: ["x": 2, "y": 1], remote: ["x": 3, "y": 3], result: ["x": 2, "y": 3]),
        .init(
            description: "removed later, changed earlier", base: ["x": 1, "y": 1],
            local: ["y": 1], remote: ["x": 3, "y": 3], result: ["y": 3]),
        .init(
            description: "added differently", base: ["y": 1], local: ["x": 2, "y": 1],
            remote: ["x": 3, "y": 3], result: ["x": 2, "y": 3]),
        .init(
            description: "nested values as a whole", base: ["x": ["p": 1, "q": 1], "y": 1],
            local: ["x": ["p": 2, "q": 1], "y": 1], remote: ["x": ["p": 1, "q": 2], "y": 2],
            result: ["x": ["p": 2, "q": 1], "y": 2]),
        .init(
            description: "integer keys, negative ones too", base: [1: 1, -1: 1],
            local: [1: 2, -1: 1], remote: [1: 1, -1: 2], result: [1: 2, -1: 2]),
        .init(
            description: "null is a value", base: ["x": 1, "y": 1], local: ["x": .null, "y": 1],
            remote: ["x": 1, "y": 2], result: ["x": .null, "y": 2]),
        .init(
            description: "names that only look equal", base: [:], local: ["\u{E9}": 1],
            remote: ["e\u{301}": 2], result: ["\u{E9}": 1, "e\u{301}": 2]),
    ]

    private func revision(
        _ content: [UInt8]?, _ device: DeviceID, stamp: UInt64
    ) -> SyncOperation {
        operation(
            1, "e", delete: content == nil, content: content, device: device,
            stamp: HybridTimestamp(stamp))
    }

    private func merge(_ base: [UInt8]?, _ local: [UInt8]?, _ remote: [UInt8]?) -> PolicyVerdict {
        ServerPolicy.merge.verdict(
            on: revision(local, "b", stamp: 9), current: revision(remote, "a", stamp: 8),
            base: revision(base, "a", stamp: 1))
    }

    @Test(arguments: cases)
    func takesEachFieldFromTheSideThatChangedIt(example: Case) {
        let verdict = merge(
            example.base.encoded(), example.local.encoded(), example.remote.encoded())

        var expected = revision(example.result.encoded(), "b", stamp: 9)
        if example.result == example.remote {
            expected = revision(example.remote.encoded(), "a", stamp: 8)
        }
        #expect(verdict == .yields(expected))
    }

    @Test func theEarlierStampLosesAFieldThatBothChanged() {
        let (base, local, remote): (CBORValue, CBORValue, CBORValue) = (
            ["x": 1], ["x": 2], ["x": 3]
        )

        let verdict = ServerPolicy.merge.verdict(
            on: revision(local.encoded(), "b", stamp: 7),
            current: revision(remote.encoded(), "a", stamp: 8),
            base: revision(base.encoded(), "a", stamp: 1))

        #expect(verdict == .yields(revision(remote.encoded(), "a", stamp: 8)))
    }

    @Test func whatComesOutAsTheOperationStandsAsItWasWritten() {
        // The operation has long heads and its keys out of order; by value it is the result.
        let local: [UInt8] = [0xA2, 0x61, 0x79, 0x18, 0x02, 0x61, 0x78, 0x02]

        let verdict = merge(
            (["x": 1, "y": 1] as CBORValue).encoded(), local,
            (["x": 2, "y": 1] as CBORValue).encoded())

        #expect(verdict == .stands)
    }

    @Test(
        arguments: [
            ("a delete of the operation", [0xA0], nil, [0xA0]),
            ("a tombstone on the server", [0xA0], [0xA0], nil),
            ("a tombstone as the base", nil, [0xA0], [0xA0]),
            ("no map", [0xA0], [0x01], [0xA0]), ("no map on the server", [0xA0], [0xA0], [0x80]),
            ("no map as the base", [0x01], [0xA0], [0xA0]),
            ("a key that is a bool", [0xA0], [0xA1, 0xF5, 0x01], [0xA0]),
            ("a key twice", [0xA0], [0xA2, 0x01, 0x01, 0x01, 0x02], [0xA0]),
            ("a key twice in two encodings", [0xA0], [0xA2, 0x01, 0x01, 0x18, 0x01, 0x02], [0xA0]),
        ] as [(String, [UInt8]?, [UInt8]?, [UInt8]?)])
    func leavesTheRestToTheDevice(
        what: String, base: [UInt8]?, local: [UInt8]?, remote: [UInt8]?
    ) {
        #expect(merge(base, local, remote) == .conflict, "\(what)")
    }

    @Test func withoutTheBaseOrTheEntityThereIsAConflict() {
        let upsert = revision([0xA0], "b", stamp: 9)

        #expect(
            ServerPolicy.merge.verdict(on: upsert, current: upsert, base: nil) == .conflict)
        #expect(
            ServerPolicy.merge.verdict(on: upsert, current: nil, base: upsert) == .conflict)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func mergesToTheSameWhicheverSideComesFirst(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        func fields() -> [UInt8] {
            var map = CBORMap()
            for key in 0..<6 as Range<Int64> where Bool.random(using: &generator) {
                map[key: CBORValue(key)] = CBORValue(Int64.random(in: 0...2, using: &generator))
            }
            return CBORValue.map(map).encoded()
        }
        let base = revision(fields(), "a", stamp: 1)
        let (one, other) = (revision(fields(), "a", stamp: 8), revision(fields(), "b", stamp: 9))

        func result(_ local: SyncOperation, _ remote: SyncOperation) -> [UInt8]? {
            switch ServerPolicy.merge.verdict(on: local, current: remote, base: base) {
            case .conflict: nil
            case .stands: local.entityCBOR
            case .yields(let content): content.entityCBOR
            }
        }

        #expect(result(one, other) != nil)
        #expect(result(one, other) == result(other, one))
    }
}
