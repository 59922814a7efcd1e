// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

/// The published vectors, both directions.
@Suite struct VectorTests {
    static let vectors = load("cbor")
    static let deterministic = load("cbor-deterministic")

    static func load(_ name: String) -> [TestVector] {
        do {
            return try TestVectors.load(name)
        } catch {
            Issue.record("\(name): \(error)")
            return []
        }
    }

    static func vectors(_ kind: TestVector.Kind) -> [TestVector] {
        vectors.filter { $0.kind == kind }
    }

    @Test func coversEveryKind() {
        #expect(Self.vectors.count >= 120)
        for kind in [TestVector.Kind.exact, .accept, .reject] {
            #expect(Self.vectors(kind).count >= 40)
        }
    }

    @Test(arguments: vectors(.exact))
    func exactBytesGiveTheValueAndComeBack(_ vector: TestVector) throws {
        let value = try CBORValue(decoding: vector.bytes, limits: .deterministic)

        #expect(value.diagnosticNotation == vector.diagnostic)
        #expect(value.encoded() == vector.bytes)
        #expect(skipError(vector.bytes, .deterministic) == nil)
        #expect(wellFormednessError(vector.bytes) == nil)
        if let json = vector.valueJSON { #expect(value.json == json) }
    }

    @Test(arguments: vectors(.accept))
    func otherFormsGiveTheValueOfTheExactForm(_ vector: TestVector) throws {
        let siblingID = vector.id.prefix { $0 != "/" }
        let sibling = try #require(Self.vectors(.exact).first { $0.id == siblingID })

        let value = try CBORValue(decoding: vector.bytes)

        #expect(value.encoded() == sibling.bytes)
        #expect(value == (try CBORValue(decoding: sibling.bytes)))
        #expect(value.diagnosticNotation == vector.diagnostic)
        #expect(skipError(vector.bytes) == nil)
        #expect(wellFormednessError(vector.bytes) == nil)
        #expect(valueError(vector.bytes, .deterministic)?.family == .notDeterministic)
        if let json = vector.valueJSON { #expect(value.json == json) }
    }

    @Test(arguments: vectors(.reject))
    func rejectsWithTheCodeAndTheOffset(_ vector: TestVector) {
        let error = valueError(vector.bytes)

        #expect(error?.code.rawValue == vector.error)
        #expect(error?.offset == vector.offset)
    }

    @Test(arguments: deterministic.filter { $0.kind == .reject })
    func namesTheRuleOfDeterministicEncoding(_ vector: TestVector) {
        for error in [
            valueError(vector.bytes, .deterministic), skipError(vector.bytes, .deterministic),
        ] {
            #expect(error?.code.rawValue == vector.error)
            #expect(error?.offset == vector.offset)
        }
        let isDuplicate = vector.error == CBORError.Code.duplicateKey.rawValue
        #expect((skipError(vector.bytes) == nil) != isDuplicate)
    }

    @Test(arguments: deterministic.filter { $0.kind == .exact })
    func acceptsDeterministicEncoding(_ vector: TestVector) {
        #expect(valueError(vector.bytes, .deterministic) == nil)
        #expect(skipError(vector.bytes, .deterministic) == nil)
    }

    /// Skipping and the check for well-formedness find the same faults at the same place, as far as
    /// each looks for them.
    @Test(arguments: vectors(.reject))
    func skippingAndWellFormednessAgreeWithTheVectors(_ vector: TestVector) throws {
        let code = CBORError.Code(rawValue: try #require(vector.error))

        let skipped = skipError(vector.bytes)
        let checked = wellFormednessError(vector.bytes)

        // Keys that are arrays, maps or tags are compared as they are written when skipped.
        if vector.id != "duplicate-a281010081180100" {
            #expect(skipped?.code == code)
            #expect(skipped?.offset == vector.offset)
        }
        if code.family == .notWellFormed || code == .depthExceeded {
            #expect(checked?.code == code)
            #expect(checked?.offset == vector.offset)
        } else {
            #expect(checked == nil)
        }
    }
}

extension CBORValue {
    /// The value as JSON text in the form of `TestVector.valueJSON`, for values that JSON has.
    fileprivate var json: String {
        switch self {
        case .array(let elements): "[" + elements.map(\.json).joined(separator: ",") + "]"
        case .map(let map):
            "{" + map.map { "\($0.key.json):\($0.value.json)" }.joined(separator: ",") + "}"
        case .text(let text) where text.utf8.contains { $0 < 0x20 }:
            "\"" + text.unicodeScalars.map(Self.jsonEscape).joined() + "\""
        default: diagnosticNotation
        }
    }

    private static func jsonEscape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\t": "\\t"
        case "\n": "\\n"
        case "\0": "\\u0000"
        default: String(scalar)
        }
    }
}
