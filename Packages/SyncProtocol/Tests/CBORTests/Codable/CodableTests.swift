// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

private struct Note: Codable, Equatable {
    var title: String
    var id: UInt64
    var body: [UInt8]
    var tags: [String]?
    var rating: Double
    var isDone: Bool
}

private enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case named(String, Int)
    case empty
}

private enum Level: String, Codable { case low, high }

private enum Code: String, Codable, CodingKeyRepresentable {
    case five = "5"
    case paddedFive = "05"
    case name = "n"
}

private class Animal: Codable {
    var name = "cow"
}

private final class Dog: Animal {
    var age = 3

    private enum CodingKeys: CodingKey { case age }

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        age = try container.decode(Int.self, forKey: .age)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try super.encode(to: container.superEncoder())
        try container.encode(age, forKey: .age)
    }
}

/// Integer keys, one after the other in the wrong order.
private struct Labelled: Codable, Equatable {
    var first = 1
    var second = "two"

    enum CodingKeys: Int, CodingKey {
        case first = -2
        case second = 1
    }
}

private struct Wrapper<T: Codable & Equatable>: Codable, Equatable {
    var v: T
}

/// Values come back, and their bytes are these.
@Suite struct CodableTests {
    private func check<T: Codable & Equatable>(
        _ value: T, _ diagnostic: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let bytes = try CBOREncoder().encode(value)
        let tree = try CBORValue(decoding: bytes, limits: .deterministic)

        #expect(tree.diagnosticNotation == diagnostic, sourceLocation: sourceLocation)
        #expect(
            try CBORDecoder().decode(T.self, from: bytes) == value, sourceLocation: sourceLocation)
        let wrapped = try CBOREncoder().encode(Wrapper(v: [value]))
        #expect(
            try CBORDecoder().decode(Wrapper<[T]>.self, from: wrapped).v == [value],
            sourceLocation: sourceLocation)
    }

    @Test func structuresAreMapsWithSortedKeys() throws {
        try check(
            Note(title: "a", id: 7, body: [1, 255], tags: ["x"], rating: 1.5, isDone: true),
            #"{"id": 7, "body": h'01ff', "tags": ["x"], "title": "a", "#
                + #""isDone": true, "rating": 1.5}"#
        )
        try check(
            Note(title: "", id: .max, body: [], tags: nil, rating: -0.0, isDone: false),
            #"{"id": 18446744073709551615, "body": h'', "title": "", "#
                + #""isDone": false, "rating": -0.0}"#
        )
    }

    @Test func scalarsStandAlone() throws {
        try check(1, "1")
        try check("a", #""a""#)
        try check(true, "true")
        try check(1.25, "1.25")
        try check(Float(0.1), "0.10000000149011612")
        try check([1, 2, 3] as [UInt8], "h'010203'")
        try check([[1], []] as [[UInt8]], "[h'01', h'']")
        try check([1, 2] as [Int8], "[1, 2]")
        try check(Int?.none, "null")
        try check([1, nil] as [Int?], "[1, null]")
        try check([[1], nil] as [[UInt8]?], "[h'01', null]")
        try check([] as [Int], "[]")
    }

    @Test func integersOfEveryWidthKeepTheirEnds() throws {
        func ends<N: FixedWidthInteger & Codable>(_ type: N.Type) throws {
            try check([N.min, N.max], "[\(N.min), \(N.max)]")
        }
        try ends(Int.self)
        try ends(Int8.self)
        try ends(Int16.self)
        try ends(Int32.self)
        try ends(Int64.self)
        try ends(UInt.self)
        try ends(UInt16.self)
        try ends(UInt32.self)
        try ends(UInt64.self)
        try check(UInt8.max, "255")
        try check(Int128(UInt64.max), "18446744073709551615")
        try check(-Int128(UInt64.max) - 1, "-18446744073709551616")
        try check(Int128(UInt64.max) + 1, "18446744073709551616")
        try check(-Int128(UInt64.max) - 2, "-18446744073709551617")
        try check(Int128.min, "-170141183460469231731687303715884105728")
        try check(UInt128.max, "340282366920938463463374607431768211455")
    }

    @Test func enumerationsRoundTrip() throws {
        try check(Level.high, #""high""#)
        try check(Shape.circle(radius: 1), #"{"circle": {"radius": 1.0}}"#)
        try check(Shape.named("a", 2), #"{"named": {"_0": "a", "_1": 2}}"#)
        try check(Shape.empty, #"{"empty": {}}"#)
    }

    @Test func dictionariesKeepTextAndIntegersApart() throws {
        try check(["b": 1, "aa": 2, "5": 3, "05": 4], #"{"5": 3, "b": 1, "05": 4, "aa": 2}"#)
        try check([10: "x", -1: "y", 9: "z"], #"{9: "z", 10: "x", -1: "y"}"#)
        try check(["a": ["b": [1: true]]], #"{"a": {"b": {1: true}}}"#)
        try check([:] as [String: Int], "{}")
        // Such keys claim to be the number 5 and stay apart all the same.
        try check([Code.five: 1, .paddedFive: 2, .name: 3], #"{5: 1, "n": 3, "05": 2}"#)
        // Not equal by their bytes, though equal as strings: both stay.
        let tree = try CBORValue(decoding: hex("a2 62c3a9 01 6365cc81 02"))
        #expect(try CBOREncoder().encode(tree) == hex("a2 62c3a9 01 6365cc81 02"))
    }

    @Test func dictionariesRefuseKeysOfTheOtherKind() {
        #expect(throws: DecodingError.self) {
            try CBORDecoder().decode([String: Int].self, from: hex("a10101"))
        }
        #expect(throws: DecodingError.self) {
            try CBORDecoder().decode([Int: Int].self, from: hex("a1613101"))
        }
    }

    @Test func integerCodingKeysAreIntegers() throws {
        try check(Labelled(), #"{1: "two", -2: 1}"#)
        let text = hex("a2 66 7365636f6e64 6174 65 6669727374 07")
        #expect(
            try CBORDecoder().decode(Labelled.self, from: text) == Labelled(first: 7, second: "t"))
    }

    @Test func classesEncodeTheirSuperclass() throws {
        let dog = Dog()
        dog.name = "rex"
        dog.age = 5

        let bytes = try CBOREncoder().encode(dog)
        let decoded = try CBORDecoder().decode(Dog.self, from: bytes)

        let tree = try CBORValue(decoding: bytes)
        #expect(tree.diagnosticNotation == #"{"age": 5, "super": {"name": "rex"}}"#)
        #expect(decoded.name == "rex")
        #expect(decoded.age == 5)
    }

    @Test func valuesKeepWhatTheTypeDoesNotKnow() throws {
        let unknown: CBORValue = ["x": [.tagged(0, "2013"), .undefined, .simple(99)], 5: .null]
        try check(
            Wrapper(v: unknown), #"{"v": {5: null, "x": [0("2013"), undefined, simple(99)]}}"#)
    }

    @Test func readsEveryValidForm() throws {
        // Indefinite lengths, long heads, keys in another order, null for nil, unknown keys.
        let bytes = hex(
            """
            bf 66 6973446f6e65 f5 7f 6162 63 6f6479 ff 5f 4101 4102 ff 64 74616773 f6
            63 6e6577 a1 00 81 f7 62 6964 1b0000000000000007 66 726174696e67 03
            65 7469746c65 7f 6161 60 ff ff
            """)

        let note = try CBORDecoder().decode(Note.self, from: bytes)

        #expect(
            note
                == Note(title: "a", id: 7, body: [1, 2], tags: nil, rating: 3, isDone: true))
    }

    /// Whatever the bytes are, a type is decoded or an error is thrown.
    @Test(arguments: 0..<10 as Range<UInt64>)
    func damagedBytesGiveAnErrorOrAValue(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let note = Note(
            title: "a", id: 7, body: [1, 2], tags: ["x", "y"], rating: 1.5, isDone: true)
        let intact = try CBOREncoder().encode([note, note])
        var errors = 0
        for _ in 0..<1_000 {
            var bytes = intact
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[.random(in: bytes.indices, using: &generator)] =
                    .random(in: 0...255, using: &generator)
            }
            do {
                _ = try CBORDecoder().decode([Note].self, from: bytes)
            } catch {
                #expect(error is DecodingError)
                errors += 1
            }
        }
        #expect((1..<1_000).contains(errors))
    }

    @Test func skipsTheTagThatSaysCBOR() throws {
        #expect(try CBORDecoder().decode(Int.self, from: hex("d9d9f7 05")) == 5)
    }
}
