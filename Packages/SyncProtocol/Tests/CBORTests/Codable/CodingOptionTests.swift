// SPDX-License-Identifier: MIT

import CBOR
import Testing

private struct Names: Codable, Equatable {
    var oneTwo = 1
    var myURLField: Int? = 2
    var inner = ["keepMe": 3]
    var nested: [Names]?
}

/// A type of somebody else, which does not know CBOR.
private struct Color: Codable, Equatable {
    var red: UInt8
    var green: UInt8
}

private struct Palette: Codable, Equatable {
    var first: Color
    var maybe: Color?
    var all: [Color]
    var named: [String: Color]
    var numbered: [Int: [Color?]]
}

private struct MixedKeys: Codable, Equatable {
    enum CodingKeys: String, CodingKey {
        case text = ""
        case number

        var intValue: Int? { self == .number ? 100 : nil }
        init?(intValue: Int) { if intValue == 100 { self = .number } else { return nil } }
    }

    var text = 1
    var number = 2
}

/// Says `try?` to a property that cannot be encoded, and goes on.
private struct Lenient: Encodable {
    struct Failing: Encodable {
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode([1, 2], forKey: .b)
            _ = container.nestedUnkeyedContainer(forKey: .a)
            throw CancellationError()
        }
    }

    enum CodingKeys: CodingKey { case a, b }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try? container.encode(Failing(), forKey: .b)
        var list = container.nestedUnkeyedContainer(forKey: .a)
        try? list.encode([Failing()])
        try list.encode(7)
        #expect(list.count == 1)
    }
}

@Suite struct CodingOptionTests {
    private func notation(_ value: some Encodable, _ encoder: CBOREncoder) throws -> String {
        try CBORDiagnostic.text(of: encoder.encode(value))
    }

    @Test func keysInSnakeCaseLeaveDictionariesAlone() throws {
        var encoder = CBOREncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        var decoder = CBORDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let names = Names(myURLField: nil, nested: [Names(myURLField: nil)])

        #expect(
            try notation(names, encoder)
                == #"{"inner": {"keepMe": 3}, "nested": [{"inner": {"keepMe": 3}, "#
                + #""one_two": 1}], "one_two": 1}"#)
        #expect(try decoder.decode(Names.self, from: encoder.encode(names)) == names)
        #expect(try notation(Names(), encoder).contains(#""my_url_field": 2"#))
        #expect(try notation(["oneTwo": 1, "": 2], encoder) == #"{"": 2, "oneTwo": 1}"#)
    }

    @Test func keysMayBeMadeOfThePath() throws {
        var encoder = CBOREncoder()
        encoder.keyEncodingStrategy = .custom { path in
            CBORTestKey(path.map(\.stringValue).joined(separator: "/"))
        }
        var decoder = CBORDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            CBORTestKey(String(path.last?.stringValue.split(separator: "/").last ?? ""))
        }
        let names = Names(myURLField: nil, inner: [:], nested: [Names(inner: [:])])

        #expect(
            try notation(names, encoder)
                == #"{"inner": {}, "nested": [{"nested/[0]/inner": {}, "nested/[0]/oneTwo": 1, "#
                + #""nested/[0]/myURLField": 2}], "oneTwo": 1}"#)
        #expect(try decoder.decode(Names.self, from: encoder.encode(names)) == names)
    }

    @Test func ofKeysThatBecomeTheSameTheFirstHolds() throws {
        var decoder = CBORDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase

        let names = try decoder.decode(
            Names.self,
            from: CBORDiagnostic.bytes(of: #"{"one_two": 5, "oneTwo": 6, "inner": {}}"#))

        #expect(names.oneTwo == 5)
    }

    @Test func infinitiesAreFloatsTextsOrErrors() throws {
        var encoder = CBOREncoder()
        let values = [Double.infinity, -.infinity, .nan, 1]
        #expect(try notation(values, encoder) == "[Infinity, -Infinity, NaN, 1.0]")
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "+", negativeInfinity: "-", nan: "?")
        #expect(try notation(values, encoder) == #"["+", "-", "?", 1.0]"#)
        var decoder = CBORDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "+", negativeInfinity: "-", nan: "?")
        let decoded = try decoder.decode([Float].self, from: encoder.encode(values))
        #expect(decoded.map(\.description) == ["inf", "-inf", "nan", "1.0"])
        #expect(throws: DecodingError.self) { try decoder.decode(Double.self, from: hex("6178")) }

        encoder.nonConformingFloatEncodingStrategy = .throw
        decoder.nonConformingFloatDecodingStrategy = .throw
        #expect(try notation(1.5, encoder) == "1.5")
        #expect(throws: EncodingError.self) { try encoder.encode(["a": [Float.nan]]) }
        do {
            _ = try encoder.encode(["a": [0, Double.infinity]])
        } catch EncodingError.invalidValue(let value, let context) {
            #expect(value as? Double == .infinity)
            #expect(context.codingPath.map(\.stringValue) == ["a", "[1]"])
        }
        #expect(throws: DecodingError.self) {
            try decoder.decode(Double.self, from: hex("f97c00"))
        }
    }

    @Test func aFormHoldsWhereverTheTypeIs() throws {
        var forms = CBORForms()
        forms[Color.self] = CBORForm(
            write: { color, writer in
                writer.writeTag(7)
                writer.write(bytes: [color.red, color.green])
            },
            read: { reader in
                guard try reader.readTag() == 7 else {
                    throw reader.error(.invalidValue, "A color has tag 7.")
                }
                let bytes = try reader.readBytes()
                return Color(red: bytes[0], green: bytes[1])
            })
        let red = Color(red: 255, green: 0)
        let palette = Palette(
            first: red, maybe: red, all: [red], named: ["r": red], numbered: [1: [nil, red]])

        let encoder = CBOREncoder(forms: forms)
        let decoder = CBORDecoder(forms: forms)

        #expect(
            try notation(palette, encoder)
                == "{\"all\": [7(h'ff00')], \"first\": 7(h'ff00'), \"maybe\": 7(h'ff00'), "
                + "\"named\": {\"r\": 7(h'ff00')}, \"numbered\": {1: [null, 7(h'ff00')]}}")
        #expect(try decoder.decode(Palette.self, from: encoder.encode(palette)) == palette)
        #expect(try decoder.decode(Color.self, from: encoder.encode(red)) == red)
        #expect(try notation(red, CBOREncoder()) == #"{"red": 255, "green": 0}"#)
        let error = #expect(throws: DecodingError.self) {
            try decoder.decode([[Color]].self, from: hex("81 81 c8 41ff"))
        }
        guard case .dataCorrupted(let context) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.intValue) == [0, 0])
        #expect((context.underlyingError as? CBORError)?.offset == 3)
        forms[Color.self] = nil
        #expect(forms[Color.self] == nil)
    }

    @Test func aFormMayUseContainers() throws {
        var forms = CBORForms()
        forms[Color.self] = CBORForm(
            encode: { color, encoder in
                var container = encoder.unkeyedContainer()
                try container.encode(color.red)
                try container.encode(color.green)
            },
            decode: { decoder in
                var container = try decoder.unkeyedContainer()
                return Color(
                    red: try container.decode(UInt8.self), green: try container.decode(UInt8.self))
            })
        let colors = ["a": Color(red: 1, green: 2)]

        let bytes = try CBOREncoder(forms: forms).encode(colors)

        #expect(bytes == hex("a1 6161 82 01 02"))
        #expect(try CBORDecoder(forms: forms).decode([String: Color].self, from: bytes) == colors)
    }

    @Test func shorterKeysComeFirstIfThatIsAskedFor() throws {
        var encoder = CBOREncoder()
        #expect(try notation(MixedKeys(), encoder) == #"{100: 2, "": 1}"#)
        encoder.keyOrder = .lengthFirst
        #expect(try notation(MixedKeys(), encoder) == #"{"": 1, 100: 2}"#)
        let tree: CBORValue = [100: 1, "": [100: 2, "": 3]]
        #expect(try notation(tree, encoder) == #"{"": {"": 3, 100: 2}, 100: 1}"#)
        #expect(tree.encoded() == hex("a2 1864 01 60 a2 1864 02 60 03"))
    }

    @Test func theTagThatSaysCBORIsWrittenAndRefusedOnDemand() throws {
        var encoder = CBOREncoder()
        encoder.writesSelfDescribedTag = true
        let bytes = try encoder.encode([1])
        #expect(bytes == hex("d9d9f7 81 01"))
        var decoder = CBORDecoder()
        #expect(try decoder.decode([Int].self, from: bytes) == [1])
        decoder.acceptsSelfDescribedTag = false
        #expect(throws: DecodingError.self) { try decoder.decode([Int].self, from: bytes) }
    }

    @Test func whatFailsLeavesNoTrace() throws {
        #expect(try notation(Lenient(), CBOREncoder()) == #"{"a": [7]}"#)
    }

    @Test(arguments: [23, 24, 255, 256, 65_535, 65_536])
    func headsOfEveryLengthAreWrittenOverTheirPlace(count: Int) throws {
        let list = [Array(repeating: 1, count: count)]
        let map = Dictionary(uniqueKeysWithValues: (0..<min(count, 300)).map { ("k\($0)", [$0]) })

        let bytes = try CBOREncoder().encode(list)
        let mapBytes = try CBOREncoder().encode(["m": map])

        #expect(try CBORValue(decoding: bytes, limits: .deterministic).encoded() == bytes)
        #expect(try CBORDecoder().decode([[Int]].self, from: bytes) == list)
        #expect(try CBORValue(decoding: mapBytes, limits: .deterministic).encoded() == mapBytes)
        #expect(
            try CBORDecoder().decode([String: [String: [Int]]].self, from: mapBytes) == ["m": map])
    }
}

struct CBORTestKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { return nil }
}
