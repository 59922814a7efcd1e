// SPDX-License-Identifier: MIT

import CBOR
import Testing

/// What the notation means, form by form.
@Suite struct NotationTests {
    /// The text that is printed, too.
    @Test(arguments: [
        // Encoding indicators (RFC 8949 §8.1).
        ("1801", "1_0"), ("190001", "1_1"), ("1a00000001", "1_2"), ("1b0000000000000001", "1_3"),
        ("3800", "-1_0"), ("3b7fffffffffffffff", "-9223372036854775808"),
        ("fa3fc00000", "1.5_2"), ("fb3ff8000000000000", "1.5_3"), ("fa80000000", "-0.0_2"),
        ("f97e01", "float'7e01'"), ("fa7fc00001", "float'7fc00001'"), ("f9fe00", "float'fe00'"),
        ("fb7ff8000000000001", "float'7ff8000000000001'"), ("f97d00", "float'7d00'"),
        ("9801f4", "[_0 false]"), ("b90001f4f5", "{_1 false: true}"), ("9800", "[_0 ]"),
        ("d90001191267", "1_1(4711)"), ("580141", "h'41'_0"), ("780161", "\"a\"_0"),
        ("5fff", "''_"), ("7fff", "\"\"_"), ("5f40ff", "(_ h'')"), ("7f60ff", "(_ \"\")"),
        ("5f580141ff", "(_ h'41'_0)"), ("bfff", "{_ }"),
        // Big numbers that are not preferred keep their tag.
        ("c240", "2(h'')"), ("c24101", "2(h'01')"),
        ("c249000000000000000001", "2(h'000000000000000001')"),
        ("c25809010000000000000000", "2(h'010000000000000000'_0)"),
        ("d80249010000000000000000", "2_0(h'010000000000000000')"),
        ("c34affffffffffffffffffff", "-1208925819614629174706176"),
        // Text that is not UTF-8 (RFC 8610 §G.4).
        ("61ff", "\"\" h'ff'"), ("6361ff62", "\"a\" h'ff' \"b\""), ("62e282", "\"\" h'e282'"),
        ("62e2ff", "\"\" h'e2ff'"), ("7801ff", "\"\" h'ff'_0"),
        // Escapes.
        ("65080c01c280", #""\u0008\u000c\u0001\u0080""#), ("63e280a8", #""\u2028""#),
        ("a1f6f7", "{null: undefined}"), ("a18001", "{[]: 1}"), ("d9d9f7f4", "55799(false)"),
    ])
    func isPrintedAndParsed(encoded: String, notation: String) throws {
        let bytes = hex(encoded)

        #expect(try CBORDiagnostic.text(of: bytes) == notation)
        #expect(try CBORDiagnostic.bytes(of: notation) == bytes)
    }

    /// Other spellings of what is printed otherwise.
    @Test(arguments: [
        ("01", "0x1"), ("1903e8", "0x3E8"), ("08", "0o10"), ("05", "0b101"), ("20", "-0x1"),
        ("00", "-0"), ("01", "+01"), ("c249010000000000000000", "0x10000000000000000"),
        ("01", "1_i"), ("1801", "0x1_0"), ("f93e00", "0x1.8p0"), ("f93e00", "0X18P-4"),
        ("f93c00", "1."), ("f93800", ".5"), ("f963d0", "1e3"), ("f97e00", "NaN_1"),
        ("f4", "simple(20)"), ("f4", "simple( 0x14 )"), ("f8ff", "simple(0b11111111)"),
        ("43616263", "'abc'"), ("4401020304", "h'01 0203\n04'"), ("420102", "h'01 /two/ 02 # end'"),
        ("420102", "h'01#\n02'"), ("420102", "b64'AQI'"), ("420102", "b64'AQI='"),
        ("42fbff", "b64'-_8'"), ("42fbff", "b64'+/8='"), ("43666f6f", "b32'MZXW6==='"),
        ("43666f6f", "h32'cpnmu'"), ("420102", "<<1, 2>>"), ("40", "<<>>"),
        ("58028101", "<<[1]>>_0"),
        ("420102", "<<1>> <<2>>"), ("43010203", "<<1>> + <<2, 3>>"),
        ("6b48656c6c6f20776f726c64", #""Hello " "world""#),
        ("6b48656c6c6f20776f726c64", #""Hello" h'20' 'world'"#),
        ("6b48656c6c6f20776f726c64", "\"\" + h'48656c6c6f' + ' ' +\n\"world\""),
        ("426162", "'a' 'b'"), ("43610102", "'a' <<1, 2>>"), ("4401026162", "<<1, 2>> 'ab'"),
        ("5f4201024161ff", "(_ <<1, 2>>, 'a' '')"), ("8101", "[1,]"),
        ("a10102", "{1: 2,}"), ("8101", "/a/ [ # b\n1 // c\n /* d / */ ]"), ("8200f4", "[0,false]"),
        ("6122", #""\"""#), ("6127", #""\'""#), ("612f", #""\/""#), ("64f09f9880", #""\u{1F600}""#),
        ("64f09f9880", #""\ud83d\uDE00""#), ("61 0a", "\"\n\""), ("f93e00", "float'3e00'"),
        ("58020102", "<<1, 2>>_0"), ("4401024103", "<<1, 2, <<3>>>>"),
        ("4441024103", "<< <<2>>, <<3>> >>"), ("40", "h''_i"),
    ])
    func isParsed(encoded: String, notation: String) throws {
        #expect(try CBORDiagnostic.bytes(of: notation) == hex(encoded), "\(notation)")
    }
}

/// Options change the text and never the bytes.
@Suite struct NotationOptionTests {
    private static let pretty = """
        [
          {
            1: h'00',
            "a": [_
              2,
              {}
            ]
          },
          24(h'8101')
        ]
        """

    @Test(
        arguments: [
            ("8101", .init(indent: 1), "[\n 1\n]"), ("9fff", .init(indent: 2), "[_ ]"),
            ("82a20141006161 9f02a0ff d818428101", .init(indent: 2), pretty),
            ("d818428101", .init(showsEmbedded: true), "24(<<[1]>>)"),
            ("d8185803820102", .init(showsEmbedded: true), "24(<<[1, 2]>>_0)"),
            ("d81845d818420102", .init(showsEmbedded: true), "24(<<24(<<1, 2>>)>>)"),
            ("d8184181", .init(showsEmbedded: true), "24(h'81')"),
            ("d81840", .init(showsEmbedded: true), "24(h'')"),
            ("d8186161", .init(showsEmbedded: true), "24(\"a\")"),
            ("43616227", .init(byteStrings: .text), "'ab\\''"),
            ("4161", .init(byteStrings: .hex), "h'61'"),
            ("4100", .init(byteStrings: .text), "h'00'"), ("40", .init(byteStrings: .text), "h''"),
            ("42fbff", .init(byteStrings: .base64), "b64'-_8'"),
            ("64f09f9880", .init(isASCII: true), #""\ud83d\ude00""#),
            ("1801", .init(showsEncoding: false), "1"),
            ("f97e01", .init(showsEncoding: false), "NaN"),
            ("5f41004101ff", .init(showsEncoding: false), "h'0001'"),
            ("7fff", .init(showsEncoding: false), "\"\""),
            ("7f61c361bcff", .init(showsEncoding: false), "\"ü\""),
            ("9f01ff", .init(showsEncoding: false), "[1]"),
        ] as [(String, CBORDiagnosticOptions, String)])
    func areFollowed(encoded: String, options: CBORDiagnosticOptions, notation: String) throws {
        let bytes = hex(encoded)

        #expect(try CBORDiagnostic.text(of: bytes, options: options) == notation)
        guard options.showsEncoding else { return }
        #expect(try CBORDiagnostic.bytes(of: notation) == bytes)
    }

    @Test(
        arguments: [
            ([], ""), ([0x01], "1"), ([0x01, 0x61, 0x61, 0x80], "1,\n\"a\",\n[]"),
        ] as [([UInt8], String)])
    func sequencesHaveOneItemToALine(bytes: [UInt8], notation: String) throws {
        #expect(try CBORDiagnostic.text(ofSequence: bytes) == notation)
        #expect(try CBORDiagnostic.bytes(ofSequence: notation) == bytes)
        #expect(try CBORDiagnostic.bytes(ofSequence: notation + " # end") == bytes)
    }

    @Test func appendsToWhatIsThereOrLeavesIt() throws {
        var output = Array("x".utf8)
        try [UInt8]([0x01]).withUnsafeBytes {
            try CBORDiagnostic.append(notationOf: $0, to: &output)
        }
        #expect(throws: CBORError.self) {
            try [UInt8]([0x82, 0x01]).withUnsafeBytes {
                try CBORDiagnostic.append(notationOf: $0, to: &output)
            }
        }

        #expect(output == Array("x1".utf8))
    }
}
