// SPDX-License-Identifier: MIT

import CBOR
import CBORFoundation
import Foundation
import Testing

private struct Song: Codable, Equatable {
    struct Author: Codable, Equatable { var name: String }

    var title: String
    var length: Int8
    var tags: [String]?
    var authors: [Author]
    var kind: Kind
    var byNumber: [Int: [String: Bool]]

    enum Kind: Codable, Equatable {
        case live(place: String, year: Int)
        case studio
    }
}

private class Base: Codable {
    var id = 1
}

private final class Derived: Base {
    var own = 2

    private enum CodingKeys: CodingKey { case own }

    override init() { super.init() }

    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        own = try container.decode(Int.self, forKey: .own)
        try super.init(from: container.superDecoder())
    }

    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(own, forKey: .own)
        try super.encode(to: container.superEncoder())
    }
}

/// The coders do as Foundation's coders for JSON do. JSON is diagnostic notation, so one text tells
/// both what to decode.
@Suite struct JSONHabitTests {
    private struct Outcome: Equatable, CustomStringConvertible {
        var kind: String
        var path: [String]

        init(_ kind: String, _ path: [any CodingKey]) {
            self.kind = kind
            self.path = path.map { key in key.intValue.map { "\($0)" } ?? key.stringValue }
        }

        var description: String { "\(kind) at \(path)" }
    }

    private func outcome(_ body: () throws -> some Any) -> Outcome {
        do {
            return Outcome("\(try body())", [])
        } catch DecodingError.typeMismatch(_, let context) {
            return Outcome("typeMismatch", context.codingPath)
        } catch DecodingError.valueNotFound(_, let context) {
            return Outcome("valueNotFound", context.codingPath)
        } catch DecodingError.keyNotFound(let key, let context) {
            return Outcome("keyNotFound \(key.stringValue)", context.codingPath)
        } catch DecodingError.dataCorrupted(let context) {
            return Outcome("dataCorrupted", context.codingPath)
        } catch {
            return Outcome("\(error)", [])
        }
    }

    private func compare<T: Decodable>(_ type: T.Type, _ json: String) throws {
        let bytes = try CBORDiagnostic.bytes(of: json)
        #expect(
            outcome { try CBORDecoder().decode(type, from: bytes) }
                == outcome { try JSONDecoder().decode(type, from: Data(json.utf8)) },
            "\(json)")
    }

    private static let song =
        #"{"title": "a", "length": 3, "authors": [{"name": "b"}, {"name": "c"}], "#
        + #""kind": {"live": {"place": "d", "year": 5}}, "byNumber": {}}"#

    @Test(arguments: [
        (#""a""#, "5"), (#""a""#, "null"), (#""title""#, #""other""#),
        ("3", #""3""#), ("3", "null"), (#""c""#, "{}"), (#""c""#, "null"),
        (#"{"name": "c"}"#, "null"), (#"{"name": "c"}"#, "[]"), (#"{"name": "c"}"#, "{}"),
        (#""live""#, #""dead""#), (#""place""#, #""plice""#), (#""d""#, "false"),
        (#"{"live": {"place": "d", "year": 5}}"#, "{}"),
        (#"{"live": {"place": "d", "year": 5}}"#, #"{"studio": {}}"#),
        (#"{"live": {"place": "d", "year": 5}}"#, #"{"studio": {}, "live": {}}"#),
        (#""authors""#, #""tags": [1], "authors""#), (#""authors""#, #""tags": null, "authors""#),
        (#""authors""#, #""tags": ["x", null], "authors""#),
        (#""authors""#, #""tags": {}, "authors""#),
        ("{}}", "[]}"), ("{}}", "null}"),
    ])
    func errorsHaveTheSameKindAndPath(original: String, replacement: String) throws {
        let json = Self.song.replacing(original, with: replacement, maxReplacements: 1)
        #expect(json != Self.song)
        try compare(Song.self, json)
    }

    /// JSON has one kind of number, so what is no integer there is one that does not fit, and it
    /// does not say where.
    @Test func numbersAreToldApart() throws {
        for (number, kind) in [
            ("300", "dataCorrupted"), ("-129", "dataCorrupted"), ("1.5", "typeMismatch"),
        ] {
            let text = Self.song.replacing("3", with: number, maxReplacements: 1)
            let bytes = try CBORDiagnostic.bytes(of: text)
            let outcome = outcome { try CBORDecoder().decode(Song.self, from: bytes) }
            #expect("\(outcome)" == "\(kind) at [\"length\"]")
        }
    }

    @Test(arguments: ["1", "\"a\"", "[]", "{}", "true", "[null]", "[[]]", "-1"])
    func whatStandsAloneIsTakenTheSameWay(json: String) throws {
        try compare(Int.self, json)
        try compare(UInt8?.self, json)
        try compare(String.self, json)
        try compare(Bool.self, json)
        try compare([Int].self, json)
        try compare([Int?].self, json)
        try compare([[String]].self, json)
        try compare([String: Int].self, json)
        try compare(Song.self, json)
    }

    @Test func superclassesAreTakenTheSameWay() throws {
        for json in [
            #"{"own": 1, "super": {"id": 2}}"#, #"{"own": 1, "super": {}}"#, #"{"own": 1}"#,
            #"{"own": 1, "super": null}"#, #"{"own": 1, "super": {"id": true}}"#,
        ] {
            let bytes = try CBORDiagnostic.bytes(of: json)
            #expect(
                outcome { try CBORDecoder().decode(Derived.self, from: bytes).id }
                    == outcome { try JSONDecoder().decode(Derived.self, from: Data(json.utf8)).id })
        }
        let tree = try CBORValue(decoding: CBOREncoder().encode(Derived()))
        #expect(tree == ["own": 2, "super": ["id": 1]])
    }

    @Test func valuesAreEncodedToTheSameShape() throws {
        let song = Song(
            title: "a", length: -3, tags: nil, authors: [.init(name: "b")],
            kind: .live(place: "d", year: 5), byNumber: [7: ["x": true]])
        let json = try JSONEncoder().encode(song)
        let tree = try CBORValue(decoding: CBOREncoder().encode(song))
        guard
            case .map(var expected) = try CBORValue(
                diagnosticNotation: String(decoding: json, as: UTF8.self))
        else { return }
        // JSON has no integers as keys.
        expected[key: "byNumber"] = [7: ["x": true]]
        #expect(tree == .map(expected))
    }

    @Test(arguments: [
        "", "a", "oneTwo", "OneTwo", "myURL", "myURLField", "URL", "one2Three", "__oneTwo_", "a_B",
        "éÀé", "ABC", "aBCdEF", "one_two",
    ])
    func keysAreConvertedTheSameWay(key: String) throws {
        struct Key: CodingKey {
            var stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
        struct OneKey: Encodable {
            var key: String
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(1, forKey: Key(stringValue: key))
            }
        }
        struct AllKeys: Decodable {
            var keys: [String]
            init(from decoder: any Decoder) throws {
                keys = try decoder.container(keyedBy: Key.self).allKeys.map(\.stringValue)
            }
        }
        let jsonEncoder = JSONEncoder()
        jsonEncoder.keyEncodingStrategy = .convertToSnakeCase
        var encoder = CBOREncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let json = try jsonEncoder.encode(OneKey(key: key))
        let bytes = try encoder.encode(OneKey(key: key))
        #expect(
            try CBORValue(decoding: bytes)
                == CBORValue(diagnosticNotation: String(decoding: json, as: UTF8.self)))

        let jsonDecoder = JSONDecoder()
        jsonDecoder.keyDecodingStrategy = .convertFromSnakeCase
        var decoder = CBORDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        #expect(
            try decoder.decode(AllKeys.self, from: bytes).keys
                == jsonDecoder.decode(AllKeys.self, from: json).keys)
    }
}
