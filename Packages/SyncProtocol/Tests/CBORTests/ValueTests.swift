// SPDX-License-Identifier: MIT

import CBOR
import Testing

@Suite struct ValueTests {
    @Test func equalityIsThatOfTheEncodings() {
        let values: [CBORValue] = [
            1, -1, .float(1), .float(0), .float(-0.0), "1", .bytes([0x31]), true, .simple(1), .null,
            .undefined, [1], [[1]], .tagged(1, 1), .tagged(2, 1), [1: 1], ["1": 1], .float(.nan),
            "\u{E9}", "e\u{301}", .unsigned(.max), .negative(.max), [:], [], "", .bytes([]),
        ]

        for (index, value) in values.enumerated() {
            for (other, otherValue) in values.enumerated() {
                #expect((value == otherValue) == (index == other))
                #expect((value.encoded() == otherValue.encoded()) == (index == other))
            }
        }
        #expect(Set(values).count == values.count)
        #expect(Set(values + values).count == values.count)
    }

    @Test func aMapKeepsItsKeysInOrder() {
        var map = CBORMap()
        map[key: "aa"] = 1
        map[key: "b"] = 2
        map[key: [100]] = 3
        map[key: -1] = 4
        map[key: 10] = 5
        map[key: "b"] = 6
        map[key: "c"] = 7
        map[key: "c"] = nil
        map[key: "never"] = nil

        #expect(map.map(\.key) == [10, -1, "b", "aa", [100]])
        #expect(map[key: "b"] == 6)
        #expect(map[key: "c"] == nil)
        #expect(map.count == 5)
        #expect(CBORValue.map(map) == ["b": 6, [100]: 3, 10: 5, "aa": 1, -1: 4])
    }

    @Test func aMapLiteralWithTwoEqualKeysTraps() async {
        await #expect(processExitsWith: .failure) {
            _ = CBORValue(dictionaryLiteral: ("a", 1), ("a", 2))
        }
    }

    @Test func errorsInsideHaveThePath() {
        // {"a": [0, {5: "\xff"}]}
        let error = valueError(hex("a1 6161 82 00 a1 05 61ff"))

        #expect(error?.path == ["a", "[1]", "5"])
        #expect(error?.offset == 7)
    }

    @Test(arguments: ["a1 6161 a2 05 00 05 00", "a1 6161 a2 8105 00 811805 00"])
    func aKeyThatIsThereTwiceIsInThePath(bytes: String) {
        let error = valueError(hex(bytes))

        #expect(error?.code == .duplicateKey)
        #expect(error?.path == ["a", bytes.contains("81") ? "[5]" : "5"])
    }

    @Test(arguments: 24...31 as ClosedRange<UInt8>)
    func simpleValuesThatDoNotExistAreDescribedButNotEncoded(number: UInt8) throws {
        let value: CBORValue = ["a": [.simple(number), .tagged(1, .simple(number))], "b": 1]

        #expect("\(value)" == #"{"a": [undefined, 1(undefined)], "b": 1}"#)
        #expect(value == value)
        #expect(Set([value]).contains(value))
        let error = #expect(throws: EncodingError.self) { try CBOREncoder().encode(["k": value]) }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["k"])
    }

    @Test(arguments: [255, 256, 257])
    func nestsAtMostAsDeepAsItSays(depth: Int) {
        let bytes = [UInt8](repeating: 0x81, count: depth - 1) + [0x80]

        let error = valueError(bytes, .depthOnly(.max))

        #expect(error?.code == (depth > CBORValue.maxDepth ? .depthExceeded : nil))
        #expect(error?.offset == (depth > CBORValue.maxDepth ? CBORValue.maxDepth : nil))
    }

    @Test(
        arguments: [
            (.float(1e300), "1.0e+300"), (.float(1.5e300), "1.5e+300"), (.float(-4), "-4.0"),
            (.float(-.infinity), "-Infinity"), (.text("\u{7F}\u{1}\r"), #""\u007f\u0001\r""#),
            (.negative(.max), "-18446744073709551616"), (.bytes([0, 0xAB]), "h'00ab'"),
            (.tagged(0, ["a": [.null, .undefined]]), #"0({"a": [null, undefined]})"#),
        ] as [(CBORValue, String)])
    func isPrintedInDiagnosticNotation(value: CBORValue, notation: String) {
        #expect(value.diagnosticNotation == notation)
        #expect("\(value)" == notation)
    }
}

@Suite struct ErrorTests {
    @Test(arguments: [
        (CBORError.Code.truncated, CBORError.Family.notWellFormed),
        (.trailingBytes, .notWellFormed), (.reservedInfo, .notWellFormed),
        (.unexpectedBreak, .notWellFormed), (.invalidChunk, .notWellFormed),
        (.invalidSimple, .notWellFormed), (.nonShortest, .notDeterministic),
        (.nonCanonicalNaN, .notDeterministic), (.indefiniteLength, .notDeterministic),
        (.unsortedKeys, .notDeterministic), (.invalidUTF8, .wrongShape),
        (.duplicateKey, .wrongShape), (.depthExceeded, .wrongShape), (.limitExceeded, .wrongShape),
        (.wrongType, .wrongShape), (.missingKey, .wrongShape), (.outOfRange, .wrongShape),
        (.invalidValue, .wrongShape), (CBORError.Code(rawValue: "other"), .wrongShape),
    ])
    func everyCodeHasAFamily(code: CBORError.Code, family: CBORError.Family) {
        #expect(CBORError(code, at: 0, message: "").family == family)
    }

    @Test func thePathGrowsOutward() {
        let error = CBORError(.missingKey, at: 3, path: ["id"], message: "It is missing.")

        let outer = error.prefixed(with: "[2]").prefixed(with: "ops")

        #expect(outer.path == ["ops", "[2]", "id"])
        #expect(outer.description == "missingKey at byte 3, ops[2].id: It is missing.")
        #expect(outer.offset == error.offset)
    }
}
