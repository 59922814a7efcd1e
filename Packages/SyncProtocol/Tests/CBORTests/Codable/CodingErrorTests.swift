// SPDX-License-Identifier: MIT

import CBOR
import Testing

private struct Outer: Codable {
    struct Inner: Codable { var n: Int8 }
    var list: [Inner]
}

/// A value that nests as deep as it is told.
private final class Nested: Codable {
    var child: Nested?

    init(depth: Int) { child = depth > 1 ? Nested(depth: depth - 1) : nil }
}

/// A wrapper that makes no container.
private struct Endless: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Endless())
    }
}

/// Opens containers in containers without ever being able to fail.
private struct Burrow: Encodable {
    let depth: Int

    func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for _ in 1..<depth { container = container.nestedUnkeyedContainer() }
    }
}

/// Encodes through containers of every kind that are open at the same time.
private struct Interleaved: Encodable {
    enum Keys: String, CodingKey { case b, a, c, twice }

    func encode(to encoder: any Encoder) throws {
        var map = encoder.container(keyedBy: Keys.self)
        var list = map.nestedUnkeyedContainer(forKey: .b)
        var inner = map.nestedContainer(keyedBy: Keys.self, forKey: .a)
        let later = map.superEncoder(forKey: .c)
        try list.encode(1)
        try inner.encode("x", forKey: .b)
        try list.encodeNil()
        var listInner = list.nestedContainer(keyedBy: Keys.self)
        try inner.encodeNil(forKey: .a)
        try listInner.encode(2, forKey: .a)
        var single = later.singleValueContainer()
        try single.encode([UInt8](arrayLiteral: 9))
        try map.encode(1, forKey: .twice)
        try map.encode(2, forKey: .twice)
    }
}

@Suite struct CodingErrorTests {
    /// Decodes and returns the error's kind, its path and the byte offset under it.
    static func failure<T: Decodable>(
        _ type: T.Type, _ bytes: String
    ) -> (kind: String, path: String, offset: Int?)? {
        func parts(_ kind: String, _ context: DecodingError.Context) -> (String, String, Int?) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return (kind, path, (context.underlyingError as? CBORError)?.offset)
        }
        do {
            _ = try CBORDecoder().decode(type, from: hex(bytes))
            return nil
        } catch DecodingError.typeMismatch(_, let context) {
            return parts("typeMismatch", context)
        } catch DecodingError.valueNotFound(_, let context) {
            return parts("valueNotFound", context)
        } catch DecodingError.keyNotFound(let key, let context) {
            return parts("keyNotFound \(key.stringValue)", context)
        } catch DecodingError.dataCorrupted(let context) {
            return parts("dataCorrupted", context)
        } catch {
            return ("\(error)", "", nil)
        }
    }

    @Test(arguments: [
        ("a1 64 6c697374 82 a1 616e 01 a1 616e 6178", "typeMismatch", "list.[1].n", 14),
        ("a1 64 6c697374 81 a1 616e f6", "valueNotFound", "list.[0].n", 10),
        ("a1 64 6c697374 81 a1 616e 1880", "dataCorrupted", "list.[0].n", 10),
        ("a1 64 6c697374 81 a1 616e f93c00", "typeMismatch", "list.[0].n", 10),
        ("a1 64 6c697374 81 80", "typeMismatch", "list.[0]", 7),
        ("a1 64 6c697374 a0", "typeMismatch", "list", 6),
        ("a1 64 6c697374 c1 80", "typeMismatch", "list", 6),
        ("81 00", "typeMismatch", "", 0),
        ("a1 64 6c697374", "dataCorrupted", "", 6),
        ("a2 6161 00 6161 00", "dataCorrupted", "", 4),
        ("a1 64 6c697374 80 00", "dataCorrupted", "", 7),
    ])
    func errorsHaveThePathAndTheOffset(bytes: String, kind: String, path: String, offset: Int) {
        let failure = Self.failure(Outer.self, bytes)

        #expect(failure?.kind == kind)
        #expect(failure?.path == path)
        #expect(failure?.offset == offset)
    }

    @Test func aMissingKeyIsNamed() {
        let failure = Self.failure(Outer.self, "a1 64 6c697374 82 a1 616e 00 a0")

        #expect(failure?.kind == "keyNotFound n")
        #expect(failure?.path == "list.[1]")
    }

    @Test(arguments: ["1901 00", "3880", "f4", "60", "c24102"])
    func numbersMustFit(bytes: String) {
        let isBigNumber = bytes == "c24102"
        #expect((Self.failure(Int8.self, bytes) == nil) == isBigNumber)
        #expect((Self.failure(UInt8.self, bytes) == nil) == isBigNumber)
        #expect(Self.failure(UInt64.self, "20")?.kind == "dataCorrupted")
        #expect(Self.failure(UInt128.self, "c3 40")?.kind == "dataCorrupted")
        #expect(Self.failure(Int128.self, "c2 51 01 \(String(repeating: "00", count: 16))") != nil)
        #expect(Self.failure(Int128.self, "c2 51 00 \(String(repeating: "01", count: 16))") == nil)
        #expect(Self.failure(Int64.self, "1b8000000000000000")?.kind == "dataCorrupted")
        #expect(Self.failure(Int64.self, "3b7fffffffffffffff") == nil)
    }

    @Test func floatsTakeExactIntegersOnly() throws {
        #expect(try CBORDecoder().decode(Double.self, from: hex("20")) == -1)
        #expect(try CBORDecoder().decode(Double.self, from: hex("3bffffffffffffffff")) == -0x1p64)
        #expect(Self.failure(Double.self, "1b0020000000000001")?.kind == "dataCorrupted")
        #expect(try CBORDecoder().decode(Float.self, from: hex("fb3ff199999999999a")) == 1.1)
        #expect(Self.failure(Float.self, "fb7e37e43c8800759c")?.kind == "dataCorrupted")
        #expect(try CBORDecoder().decode(Float.self, from: hex("f97c00")) == .infinity)
    }

    @Test func anArrayThatIsTooShortIsNamed() {
        struct Pair: Decodable {
            init(from decoder: any Decoder) throws {
                var container = try decoder.unkeyedContainer()
                _ = try container.decode(Int.self)
                _ = try container.decode(Int.self)
            }
        }

        let failure = Self.failure(Pair.self, "8101")

        #expect(failure?.kind == "valueNotFound")
        #expect(failure?.path == "[1]")
        #expect(Self.failure(Pair.self, "820102") == nil)
    }

    @Test func openContainersMayBeFilledInAnyOrder() throws {
        let tree = try CBORValue(decoding: try CBOREncoder().encode(Interleaved()))

        #expect(
            tree.diagnosticNotation
                == #"{"a": {"a": null, "b": "x"}, "b": [1, null, {"a": 2}], "#
                + #""c": h'09', "twice": 2}"#)
    }

    @Test func encodingStopsAtTheDepth() throws {
        var encoder = CBOREncoder()
        encoder.maxDepth = 10

        #expect(throws: Never.self) { try encoder.encode(Nested(depth: 10)) }
        #expect(throws: Never.self) { try encoder.encode(Burrow(depth: 10)) }
        #expect(throws: EncodingError.self) { try encoder.encode(Nested(depth: 11)) }
        #expect(throws: EncodingError.self) { try encoder.encode(Burrow(depth: 11)) }
        #expect(throws: EncodingError.self) { try encoder.encode(Burrow(depth: 1_000_000)) }
        #expect(throws: EncodingError.self) { try encoder.encode(Endless()) }
    }

    /// `[[…[0]…]]` as a tree and by a form, in an array and by itself.
    @Test func encodingCountsTheLevelsOfTreesAndForms() throws {
        struct Formed: Codable { var tree: CBORValue }
        var forms = CBORForms()
        forms[Formed.self] = CBORForm(
            write: { formed, writer in formed.tree.encode(to: &writer) },
            read: { reader in Formed(tree: try CBORValue(from: &reader)) })
        var encoder = CBOREncoder(forms: forms)
        encoder.maxDepth = 10
        func tree(_ depth: Int) -> CBORValue {
            (1..<depth).reduce(.array([.tagged(1, 0)])) { tree, _ in .array([tree]) }
        }

        #expect(throws: Never.self) { try encoder.encode(tree(9)) }
        #expect(throws: EncodingError.self) { try encoder.encode(tree(10)) }
        #expect(throws: Never.self) { try encoder.encode([tree(8)]) }
        #expect(throws: EncodingError.self) { try encoder.encode([tree(9)]) }
        #expect(throws: Never.self) { try encoder.encode(["a": Formed(tree: tree(8))]) }
        #expect(throws: EncodingError.self) { try encoder.encode(["a": Formed(tree: tree(9))]) }
    }

    @Test func decodingStopsAtTheDepth() throws {
        let bytes = try CBOREncoder().encode(Nested(depth: 64))

        #expect(throws: Never.self) { try CBORDecoder().decode(Nested.self, from: bytes) }
        #expect(throws: DecodingError.self) {
            try CBORDecoder(limits: .depthOnly(63)).decode(Nested.self, from: bytes)
        }
    }
}
