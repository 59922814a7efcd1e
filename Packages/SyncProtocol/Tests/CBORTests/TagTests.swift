// SPDX-License-Identifier: MIT

import CBOR
import SyncTestSupport
import Testing

private func notation(_ text: String) throws -> CBORValue {
    try CBORValue(diagnosticNotation: text)
}

@Suite struct TagTests {
    /// The values of RFC 8949 §3.4 and appendix A, and what they mean.
    @Test func tagsHaveTypedContents() throws {
        let noon = CBORTimestamp(seconds: 1_363_896_240)
        #expect(try notation(#"0("2013-03-21T20:04:00Z")"#).timestamp == noon)
        #expect(try notation("1(1363896240)").timestamp == noon)
        let half = CBORTimestamp(seconds: 1_363_896_240, nanoseconds: 500_000_000)
        #expect(try notation("1(1363896240.5)").timestamp == half)
        #expect(
            try notation("1(-0.25)").timestamp
                == CBORTimestamp(seconds: -1, nanoseconds: 750_000_000))
        let fraction = try notation("4([-2, 27315])").decimalFraction
        #expect(fraction?.exponent == -2)
        #expect(fraction?.mantissa == 27315)
        #expect(try notation("4([0, 2(h'00')])").decimalFraction?.mantissa == 0)
        let embedded = try notation("24(h'6449455446')")
        #expect(embedded.embeddedBytes == hex("6449455446"))
        #expect(try embedded.embedded() == "IETF")
        #expect(throws: CBORError.self) { try notation("24(h'64')").embedded() }
        #expect(try notation(#"32("http://www.example.com")"#).uri == "http://www.example.com")
        #expect(
            try notation("37(h'e621e1f8c36c495a93fc0c247a3e6e5f')").uuidBytes
                == hex("e621e1f8c36c495a93fc0c247a3e6e5f"))
        #expect(try notation("23(h'01020304')").expectedConversion?.tag == .expectsBase16)
        #expect(
            try notation("23(h'01020304')").expectedConversion?.content == .bytes([1, 2, 3, 4]))
        #expect(try notation("55799(55799(5))").withoutSelfDescribedTag == 5)
        #expect(.tagged(.uri, "a:") == CBORValue.tagged(32, "a:"))
    }

    @Test(arguments: [
        "5", "99(5)", #"0("noon")"#, "0(5)", "1(NaN)", "1(Infinity)", #"1("1")"#, "4([1])",
        "4([1, 2, 3])", "4([1.0, 2])", "4([1, 4([1, 2])])", "24(5)", "32(5)", "37(h'00')",
    ])
    func whatIsNoContentOfATagMeansNothing(text: String) throws {
        let value = try notation(text)
        #expect(value.timestamp == nil)
        #expect(value.decimalFraction == nil)
        #expect(value.embeddedBytes == nil)
        #expect(value.uri == nil)
        #expect(value.uuidBytes == nil)
        #expect(value.expectedConversion == nil)
        #expect(value.withoutSelfDescribedTag == value)
    }

    @Test func bigNumbersThatFitAreIntegers() throws {
        #expect(CBORValue(integer: Int128(UInt64.max)) == .unsigned(.max))
        #expect(CBORValue(integer: -1 - Int128(UInt64.max)) == .negative(.max))
        #expect(
            CBORValue(integer: Int128(UInt64.max) + 1).encoded() == hex("c249010000000000000000"))
        #expect(
            CBORValue(integer: -2 - Int128(UInt64.max)).encoded() == hex("c349010000000000000000"))
        #expect(try notation("2(h'000005')").preferredInteger == 5)
        #expect(try notation("3(h'')").preferredInteger == -1)
        #expect(
            try notation("2(h'00010000000000000000')").preferredInteger
                == .tagged(2, .bytes([1, 0, 0, 0, 0, 0, 0, 0, 0])))
        #expect(try notation("2(h'0102')").integer() == 258 as UInt16?)
        #expect(try notation("2(h'0102')").integer() == nil as UInt8?)
        #expect(try notation("3(h'7f')").integer() == -128 as Int8?)
        #expect(try notation("3(h'80')").integer() == nil as Int8?)
        #expect(try notation("-1").integer() == nil as UInt128?)
        #expect(try notation("1.0").integer() == nil as Int?)
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func integersOfEveryWidthComeBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let shift = Int.random(in: 0...127, using: &generator)
            let value = Int128.random(in: .min ... .max, using: &generator) >> Int128(shift)
            var writer = CBORWriter()
            writer.write(integer: value)
            #expect(CBORValue(integer: value).encoded() == writer.bytes)
            #expect(CBORValue(integer: value).integer() == value)
            let read = try CBORReader.read(writer.bytes, limits: .deterministic) {
                reader throws(CBORError) in try reader.readInteger(Int128.self)
            }
            #expect(read == value)
        }
    }

    @Test func unknownTagsKeepTheirContents() throws {
        let bytes = hex("da ffffffff d9 0400 82 c6 f6 db ffffffffffffffff 40")
        #expect(try CBORValue(decoding: bytes, limits: .deterministic).encoded() == bytes)
        #expect(
            try CBOREncoder().encode(CBORDecoder().decode(CBORValue.self, from: bytes)) == bytes)
    }

    private static let validating = CBORLimits(validatesTags: true)

    @Test(arguments: [
        #"0("1985-04-12T23:20:50.52Z")"#, "1(5)", "1(-5.5)", "2(h'')", "3(h'01')", "4([-1, 5])",
        "4([1, 3(h'01')])", "5([1, 2])", "21([h'00', {1: 2}])", "24(h'80')", "32(\"a:\")",
        #"32("http://a.example/%7Eb?c=d#e")"#, #"33("AA")"#,
        "37(h'00112233445566778899aabbccddeeff')",
        "55799(55799(1(1)))", "1000(null)", "[4([1, 2(h'ff')]), {1(1): 2}]", "2((_ h'01', h'02'))",
        "100(0(\"1985-04-12T23:20:50Z\"))",
    ])
    func validContentsAreAccepted(text: String) throws {
        let bytes = try CBORDiagnostic.bytes(of: text)
        #expect(valueError(bytes, Self.validating) == nil)
        #expect(skipError(bytes, Self.validating) == nil)
    }

    @Test(
        arguments: [
            (#"0("1985-04-12")"#, 0), ("0(5)", 0), (#"[1, 0("x")]"#, 2), (#"1("5")"#, 0),
            ("1([1])", 0), (#"2("a")"#, 0), ("3(5)", 0), ("4(5)", 0), ("4([1])", 0),
            ("4([1, 2, 3])", 0), ("4([1.5, 2])", 0), ("4([1, 4([1, 2])])", 0), ("4([1, 2(3)])", 0),
            ("5({1: 2})", 0), ("24(h'81')", 0), ("24(h'0000')", 0), ("24(5)", 0), ("32(5)", 0),
            (#"32("no scheme")"#, 0), (#"32("a:%4")"#, 0), (#"32("a: b")"#, 0), (#"32(":a")"#, 0),
            ("33(h'00')", 0), ("34(1)", 0), ("35(1)", 0), ("36(1)", 0), ("37(h'00')", 0),
            (#"37("a")"#, 0), (#"{1: {2: [100(1("x"))]}}"#, 7), (#"{1("x"): 2}"#, 1),
            ("[1(null)]", 1),
        ] as [(String, Int)])
    func invalidContentsAreRefusedAtTheTag(text: String, offset: Int) throws {
        let bytes = try CBORDiagnostic.bytes(of: text)
        for error in [valueError(bytes, Self.validating), skipError(bytes, Self.validating)] {
            #expect(error?.code == .invalidTag)
            #expect(error?.offset == offset)
            #expect(error?.family == .wrongShape)
        }
        #expect(valueError(bytes) == nil)
        let decoder = CBORDecoder(limits: Self.validating)
        #expect(throws: DecodingError.self) { try decoder.decode(CBORValue.self, from: bytes) }
    }

    /// Bytes that end in a tag, or hold no text, are what they are for a reader that looks into no
    /// tags.
    @Test(arguments: [
        "c0", "c0 61", "c0 62 61", "c0 61ff", "c4 82 01", "d818 42 00", "c1 1c", "d820 ff",
    ])
    func otherFaultsStayWhatTheyAre(bytes: String) {
        #expect(valueError(hex(bytes), Self.validating) == valueError(hex(bytes)))
        #expect(skipError(hex(bytes), Self.validating) == skipError(hex(bytes)))
        #expect(valueError(hex(bytes)) != nil)
    }
}

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1985-04-12T23:20:50.52Z", 482_196_050, 520_000_000, "1985-04-12T23:20:50.52Z"),
            ("1996-12-19T16:39:57-08:00", 851_042_397, 0, "1996-12-20T00:39:57Z"),
            ("1990-12-31T23:59:60Z", 662_688_000, 0, "1991-01-01T00:00:00Z"),
            (
                "1937-01-01T12:00:27.87+00:20", -1_041_337_173, 870_000_000,
                "1937-01-01T11:40:27.87Z"
            ),
            ("2000-02-29t00:00:00.0000000019z", 951_782_400, 1, "2000-02-29T00:00:00.000000001Z"),
            ("0000-01-01T00:00:00Z", -62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", 253_402_300_799, 0, "9999-12-31T23:59:59Z"),
        ] as [(String, Int64, Int32, String)])
    func isReadAndWritten(text: String, seconds: Int64, nanoseconds: Int32, again: String) {
        let timestamp = CBORTimestamp(rfc3339: text)
        #expect(timestamp == CBORTimestamp(seconds: seconds, nanoseconds: nanoseconds))
        #expect(timestamp?.rfc3339 == again)
    }

    @Test(arguments: [Int64.min, -62_167_219_201, 253_402_300_800, .max])
    func hasNoTextBeyondTheYearsOfFourDigits(seconds: Int64) {
        #expect(CBORTimestamp(seconds: seconds).rfc3339 == nil)
    }
}
