// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import Testing

/// Which steps a difference is made of.
@Suite struct DeltaDifferenceTests {
    private func steps(from old: CBORValue, to new: CBORValue) throws -> [DeltaStep] {
        try DeltaPatch.diff(from: old.encoded(), to: new.encoded(), baseVersion: 1).steps
    }

    /// An entity with fields "0", "1", …, the first `changed` of which have another value.
    private func entity(fields: Int, changed: Int = 0) -> CBORValue {
        var map = CBORMap()
        for index in 0..<fields {
            map[key: .text("\(index)")] = .bool(index < changed)
        }
        return .map(map)
    }

    @Test func equalRevisionsHaveNoSteps() throws {
        #expect(try steps(from: ["a": 1, "b": [1]], to: ["b": [1], "a": 1]).isEmpty)
        #expect(try steps(from: 5, to: 5).isEmpty)
        #expect(try steps(from: [:], to: [:]).isEmpty)
    }

    @Test func fieldsAreSetAndRemovedInTheOrderOfTheirKeys() throws {
        let old: CBORValue = ["a": 1, "b": 2, "c": 3, "d": 4, "e": 5, 7: 6]
        let new: CBORValue = ["a": 1, "b": 2, "c": 4, "d": 4, "f": 5, 7: 6]

        #expect(
            try steps(from: old, to: new) == [
                DeltaStep(.set(4), at: ["c"]), DeltaStep(.remove, at: ["e"]),
                DeltaStep(.set(5), at: ["f"]),
            ])
    }

    @Test func nestedFieldsAreNamedByTheirPath() throws {
        let old: CBORValue = ["a": ["b": [["c": 1], ["c": 2]]], "x": 1]
        let new: CBORValue = ["a": ["b": [["c": 1], ["c": 3]]], "x": 1]

        #expect(try steps(from: old, to: new) == [DeltaStep(.set(3), at: ["a", "b", 1, "c"])])
    }

    @Test func aboveSeventyPercentOfTheFieldsTheEntityIsReplaced() throws {
        let old = entity(fields: 10)

        #expect(try steps(from: old, to: entity(fields: 10, changed: 7)).count == 7)

        let new = entity(fields: 10, changed: 8)
        #expect(try steps(from: old, to: new) == [DeltaStep(.replace(new), at: [])])
    }

    @Test func fieldsOfEitherRevisionCount() throws {
        // Of 10 fields 7 are new, or gone.
        #expect(try steps(from: entity(fields: 3), to: entity(fields: 10)).count == 7)
        #expect(try steps(from: entity(fields: 10), to: entity(fields: 3)).count == 7)
        let all = entity(fields: 11)
        #expect(
            try steps(from: entity(fields: 3), to: all) == [DeltaStep(.replace(all), at: [])])
    }

    @Test func anotherKindOfEntityIsReplaced() throws {
        #expect(try steps(from: ["a": 1], to: [1]) == [DeltaStep(.replace([1]), at: [])])
        #expect(try steps(from: 1, to: 2) == [DeltaStep(.replace(2), at: [])])
    }

    @Test func nestedMapsAreNeverReplacedForBeingNew() throws {
        let old: CBORValue = ["m": entity(fields: 10), "x": 1]
        let new: CBORValue = ["m": entity(fields: 10, changed: 10), "x": 1]

        #expect(try steps(from: old, to: new).count == 10)
    }

    private static let numbers: [CBORValue] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

    /// The new array, and the steps in an entity that has it under "a".
    private static let arrays: [(new: [CBORValue], steps: [DeltaStep])] = [
        (
            numbers + [10, 11],
            [DeltaStep(.arrayAppend(10), at: ["a"]), DeltaStep(.arrayAppend(11), at: ["a"])]
        ),
        (
            [0, 1, 2, 3, 4, 7, 8, 9],
            [DeltaStep(.remove, at: ["a", 5]), DeltaStep(.remove, at: ["a", 5])]
        ),
        (Array(numbers.dropLast()), [DeltaStep(.remove, at: ["a", 9])]),
        (
            [5, 1, 2, 3, 4, 5, 6, 7, 8, 5],
            [DeltaStep(.set(5), at: ["a", 0]), DeltaStep(.set(5), at: ["a", 9])]
        ),
        ([0, 1], [DeltaStep(.set([0, 1]), at: ["a"])]),
        ([], [DeltaStep(.set([]), at: ["a"])]),
        ([20] + numbers, [DeltaStep(.set(.array([20] + numbers)), at: ["a"])]),
        (numbers.reversed(), [DeltaStep(.set(.array(numbers.reversed())), at: ["a"])]),
    ]

    @Test(arguments: arrays.indices)
    func arraysAreAppendedToShrunkOrSet(row: Int) throws {
        let (new, expected) = Self.arrays[row]

        let found = try steps(
            from: ["a": .array(Self.numbers), "x": 1], to: ["a": .array(new), "x": 1])

        #expect(found == expected)
    }

    @Test func mapsWithKeysThatNoPathNamesAreSetWhole() throws {
        let key = CBORValue.bytes([1])
        let new: CBORValue = ["a": 1, key: 3]
        let old: CBORValue = ["a": 1, key: 2]

        #expect(
            try steps(from: ["m": old, "x": 1], to: ["m": new, "x": 1])
                == [DeltaStep(.set(new), at: ["m"])])
        #expect(try steps(from: old, to: new) == [DeltaStep(.replace(new), at: [])])
        #expect(
            try steps(from: ["m": old, "x": 1], to: ["m": old, "x": 2])
                == [DeltaStep(.set(2), at: ["x"])])
    }

    @Test func tagsAreSetWhole() throws {
        let new = CBORValue.tagged(1, ["b": 2])

        #expect(
            try steps(from: ["t": .tagged(1, ["b": 1]), "x": 1], to: ["t": new, "x": 1])
                == [DeltaStep(.set(new), at: ["t"])])
    }

    @Test func revisionsMustBeValid() {
        for (old, new) in [([0xA1], [0xA0]), ([0xA0], [0xA0, 0x00])] as [([UInt8], [UInt8])] {
            let error = #expect(throws: DeltaError.self) {
                try DeltaPatch.diff(from: old, to: new, baseVersion: 1)
            }
            #expect(error?.kind == .invalidEntity)
        }
    }

    @Test func aReplacementOfTheWholeIsKnownAsOne() throws {
        let whole = DeltaStep(.replace(1), at: [])
        #expect(DeltaPatch(baseVersion: 1, steps: [whole]).isFullReplacement)
        #expect(!DeltaPatch(baseVersion: 1, steps: []).isFullReplacement)
        #expect(!DeltaPatch(baseVersion: 1, steps: [whole, whole]).isFullReplacement)
        #expect(
            !DeltaPatch(baseVersion: 1, steps: [DeltaStep(.arrayAppend(1), at: [])])
                .isFullReplacement)
    }
}
