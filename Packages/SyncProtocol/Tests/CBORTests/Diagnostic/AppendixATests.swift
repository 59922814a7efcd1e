// SPDX-License-Identifier: MIT

import CBOR
import Testing

/// The examples of RFC 8949 appendix A, with the notation that the RFC has for them.
@Suite struct AppendixATests {
    struct Example: Sendable, CustomTestStringConvertible {
        let hex: String
        /// As the RFC prints it.
        let notation: String
        /// As it is printed here, if the RFC's notation does not give the bytes again.
        var exact: String?

        var testDescription: String { "\(hex) \(notation)" }
    }

    @Test func hasAllExamples() {
        #expect(Self.examples.count == 81)
        #expect(Set(Self.examples.map(\.hex)).count == 81)
    }

    /// RFC 7049 had an 82nd example, which RFC 8949 §3.3 has made an error.
    @Test func theExampleThatIsGoneIsRefused() {
        #expect(wellFormednessError(hex("f818"))?.code == .invalidSimple)
        #expect(throws: CBORDiagnosticError.self) { try CBORDiagnostic.bytes(of: "simple(24)") }
    }

    @Test(arguments: examples)
    func isPrintedAsInTheRFC(_ example: Example) throws {
        let bytes = hex(example.hex)

        let ascii = CBORDiagnosticOptions(isASCII: true)
        let text = try CBORDiagnostic.text(of: bytes, options: ascii)

        #expect(text == example.exact ?? example.notation)
        #expect(try CBORDiagnostic.bytes(of: text) == bytes)
        #expect(try CBORDiagnostic.bytes(of: try CBORDiagnostic.text(of: bytes)) == bytes)
    }

    /// Where the RFC's notation has no encoding indicator, preferred encoding decides.
    @Test(arguments: examples)
    func isParsedAsInTheRFC(_ example: Example) throws {
        let bytes = try CBORDiagnostic.bytes(of: example.notation)

        if example.exact == nil {
            #expect(bytes == hex(example.hex))
        } else {
            #expect(try CBORValue(decoding: bytes) == CBORValue(decoding: hex(example.hex)))
        }
    }

    static let examples: [Example] = numbers + scalarsAndStrings + containers + streams

    private static func all(_ rows: [(String, String)]) -> [Example] {
        rows.map { Example(hex: $0, notation: $1) }
    }

    private static let numbers =
        all([
            ("00", "0"), ("01", "1"), ("0a", "10"), ("17", "23"), ("1818", "24"), ("1819", "25"),
            ("1864", "100"), ("1903e8", "1000"), ("1a000f4240", "1000000"),
            ("1b000000e8d4a51000", "1000000000000"),
            ("1bffffffffffffffff", "18446744073709551615"),
            ("c249010000000000000000", "18446744073709551616"),
            ("3bffffffffffffffff", "-18446744073709551616"),
            ("c349010000000000000000", "-18446744073709551617"), ("20", "-1"), ("29", "-10"),
            ("3863", "-100"), ("3903e7", "-1000"), ("f90000", "0.0"), ("f98000", "-0.0"),
            ("f93c00", "1.0"), ("fb3ff199999999999a", "1.1"), ("f93e00", "1.5"),
            ("f97bff", "65504.0"), ("fa47c35000", "100000.0"),
            ("fa7f7fffff", "3.4028234663852886e+38"), ("fb7e37e43c8800759c", "1.0e+300"),
            ("f90001", "5.960464477539063e-8"), ("f90400", "0.00006103515625"),
            ("f9c400", "-4.0"), ("fbc010666666666666", "-4.1"), ("f97c00", "Infinity"),
            ("f97e00", "NaN"), ("f9fc00", "-Infinity"),
        ]) + [
            Example(hex: "fa7f800000", notation: "Infinity", exact: "Infinity_2"),
            Example(hex: "fa7fc00000", notation: "NaN", exact: "NaN_2"),
            Example(hex: "faff800000", notation: "-Infinity", exact: "-Infinity_2"),
            Example(hex: "fb7ff0000000000000", notation: "Infinity", exact: "Infinity_3"),
            Example(hex: "fb7ff8000000000000", notation: "NaN", exact: "NaN_3"),
            Example(hex: "fbfff0000000000000", notation: "-Infinity", exact: "-Infinity_3"),
        ]

    private static let scalarsAndStrings = all([
        ("f4", "false"), ("f5", "true"), ("f6", "null"), ("f7", "undefined"), ("f0", "simple(16)"),
        ("f8ff", "simple(255)"),
        (
            "c074323031332d30332d32315432303a30343a30305a", #"0("2013-03-21T20:04:00Z")"#
        ), ("c11a514b67b0", "1(1363896240)"), ("c1fb41d452d9ec200000", "1(1363896240.5)"),
        ("d74401020304", "23(h'01020304')"), ("d818456449455446", "24(h'6449455446')"),
        (
            "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
            #"32("http://www.example.com")"#
        ), ("40", "h''"), ("4401020304", "h'01020304'"), ("60", #""""#), ("6161", #""a""#),
        ("6449455446", #""IETF""#), ("62225c", #""\"\\""#), ("62c3bc", #""\u00fc""#),
        ("63e6b0b4", #""\u6c34""#), ("64f0908591", #""\ud800\udd51""#),
    ])

    private static let longArray =
        "[" + (1...25).map(String.init).joined(separator: ", ") + "]"
    private static let letters = #"{"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}"#

    private static let containers = all([
        ("80", "[]"), ("83010203", "[1, 2, 3]"), ("8301820203820405", "[1, [2, 3], [4, 5]]"),
        ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", longArray),
        ("a0", "{}"), ("a201020304", "{1: 2, 3: 4}"),
        ("a26161016162820203", #"{"a": 1, "b": [2, 3]}"#),
        ("826161a161626163", #"["a", {"b": "c"}]"#),
        ("a56161614161626142616361436164614461656145", letters),
    ])

    private static let streams = all([
        ("5f42010243030405ff", "(_ h'0102', h'030405')"),
        ("7f657374726561646d696e67ff", #"(_ "strea", "ming")"#), ("9fff", "[_ ]"),
        ("9f018202039f0405ffff", "[_ 1, [2, 3], [_ 4, 5]]"),
        ("9f01820203820405ff", "[_ 1, [2, 3], [4, 5]]"),
        ("83018202039f0405ff", "[1, [2, 3], [_ 4, 5]]"),
        ("83019f0203ff820405", "[1, [_ 2, 3], [4, 5]]"),
        (
            "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
            "[_ " + longArray.dropFirst()
        ), ("bf61610161629f0203ffff", #"{_ "a": 1, "b": [_ 2, 3]}"#),
        ("826161bf61626163ff", #"["a", {_ "b": "c"}]"#),
        ("bf6346756ef563416d7421ff", #"{_ "Fun": true, "Amt": -2}"#),
    ])
}
