// SPDX-License-Identifier: MIT

import CBOR
import Testing

/// Each rule of the notation, broken, with the place that is named.
@Suite struct NotationErrorTests {
    private func error(
        _ text: String, _ limits: CBORLimits = .default
    ) -> CBORDiagnosticError? {
        do throws(CBORDiagnosticError) {
            _ = try CBORDiagnostic.bytes(of: text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        arguments: [
            ("", .unexpectedEnd, 0), (" ", .unexpectedEnd, 1), ("[1", .unexpectedEnd, 2),
            ("[1 2]", .unexpectedCharacter, 3), ("[,]", .unexpectedCharacter, 1),
            ("[1,,2]", .unexpectedCharacter, 3), ("{1}", .unexpectedCharacter, 2),
            ("{1: }", .unexpectedCharacter, 4), ("{1: 2: 3}", .unexpectedCharacter, 5),
            ("1 2", .trailingText, 2), ("1, 2", .trailingText, 1), ("]", .unexpectedCharacter, 0),
            ("1(2", .unexpectedEnd, 3), ("1()", .unexpectedCharacter, 2),
            ("1(2, 3)", .unexpectedCharacter, 3), ("1 (2)", .trailingText, 2),
            ("-1(2)", .outOfRange, 0), ("18446744073709551616(2)", .outOfRange, 0),
            ("1a", .invalidNumber, 0), ("[1.5.2]", .invalidNumber, 1), ("-", .invalidNumber, 0),
            ("0x", .invalidNumber, 0), ("0x1.8", .invalidNumber, 0), ("1e", .invalidNumber, 0),
            ("...", .invalidNumber, 0), ("1e400", .outOfRange, 0), ("-0x1p1024", .outOfRange, 0),
            ("tru", .unknownWord, 0), ("[True]", .unknownWord, 1), ("nil", .unknownWord, 0),
            ("dt'2000-01-01'", .unknownWord, 0), ("simple(24)", .outOfRange, 7),
            ("simple(256)", .outOfRange, 7), ("simple(-1)", .unexpectedCharacter, 7),
            ("simple(1", .unexpectedEnd, 8), ("simple", .unknownWord, 0),
            ("\"a", .unexpectedEnd, 0), ("[\"a\\", .unexpectedEnd, 4),
            (#""\x""#, .invalidEscape, 1),
            (#""\u12""#, .invalidEscape, 1), (#""a\ud800""#, .invalidEscape, 2),
            (#""\udc00""#, .invalidEscape, 1), (#""\ud800A""#, .invalidEscape, 1),
            (#""\u{110000}""#, .invalidEscape, 1), (#""\u{}""#, .invalidEscape, 1),
            (#""\u{d800}""#, .invalidEscape, 1), (#""\u{1""#, .invalidEscape, 1),
            ("\"\t\"", .controlCharacter, 1), ("'\r\n'", .controlCharacter, 1),
            ("h'0'", .invalidDigits, 0), ("h'0g'", .invalidDigits, 3), ("h'00", .unexpectedEnd, 0),
            ("h'00 /x'", .unexpectedEnd, 5), ("b64'A'", .invalidDigits, 0),
            ("b64'AR'", .invalidDigits, 0), ("b64'AQ=I'", .invalidDigits, 7),
            ("b32'M1'", .invalidDigits, 5), ("h32'W'", .invalidDigits, 4),
            ("float'7e'", .invalidDigits, 0), ("float'7e000'", .invalidDigits, 0),
            ("1000_0", .invalidIndicator, 0), ("24_i", .invalidIndicator, 0),
            ("1_4", .invalidIndicator, 1), ("1_", .invalidIndicator, 1),
            ("[_7 1]", .invalidIndicator, 1),
            ("1.1_2", .invalidIndicator, 0), ("65505.0_1", .invalidIndicator, 0),
            ("'a'_", .invalidIndicator, 3), ("h''_", .invalidIndicator, 3),
            ("18446744073709551616_3", .invalidIndicator, 0), ("(_)", .unexpectedCharacter, 2),
            ("(_ )", .unexpectedCharacter, 3), ("(_ 1)", .unexpectedCharacter, 3),
            ("(_ 'a', \"b\")", .mixedStrings, 8), ("(_ (_ 'a'))", .unexpectedCharacter, 3),
            ("(_ ''_)", .invalidIndicator, 5), ("(_ float'7e00')", .mixedStrings, 3),
            ("(1)", .unexpectedCharacter, 0), ("'a' \"b\"", .mixedStrings, 4),
            ("\"a\" + 1", .unexpectedCharacter, 6), ("<<1", .unexpectedEnd, 3),
            ("<<1>", .unexpectedCharacter, 3), ("/ a", .unexpectedEnd, 0),
            ("1 /* a", .unexpectedEnd, 2),
            ("水", .unexpectedCharacter, 0), ("\u{1}", .unexpectedCharacter, 0),
        ] as [(String, CBORDiagnosticError.Code, Int)])
    func namesTheRuleAndThePlace(text: String, code: CBORDiagnosticError.Code, offset: Int) {
        let error = error(text)

        #expect(error?.code == code, "\(text)")
        #expect(error?.offset == offset, "\(text)")
    }

    @Test func countsLinesAndCharacters() {
        let error = error("[1,\n \"水ü\" / c /\n  \"水ü\", x]")

        #expect(error?.code == .unknownWord)
        #expect(error?.line == 3)
        #expect(error?.column == 9)
        #expect(error?.description.hasPrefix("unknownWord at line 3, column 9: “x” ") == true)
    }

    @Test(
        arguments: [
            ("[[1]]", CBORLimits(maxDepth: 1), .depthExceeded, 1),
            ("1(2(3))", CBORLimits(maxDepth: 1), .depthExceeded, 2),
            ("<<<<1>>>>", CBORLimits(maxDepth: 1), .depthExceeded, 2),
            ("[18446744073709551616]", CBORLimits(maxDepth: 1), .depthExceeded, 1),
            ("[1, 2]", CBORLimits(maxItems: 2), .limitExceeded, 4),
            ("[18446744073709551616]", CBORLimits(maxItems: 2), .limitExceeded, 1),
            ("['abc']", CBORLimits(maxStringBytes: 2), .limitExceeded, 1),
            ("[(_ 'ab', 'c')]", CBORLimits(maxStringBytes: 2), .limitExceeded, 1),
            ("<<1, 2>> 'a'", CBORLimits(maxStringBytes: 2), .limitExceeded, 0),
            ("[1, 2, 3]", CBORLimits(maxTotalBytes: 3), .limitExceeded, 8),
        ] as [(String, CBORLimits, CBORDiagnosticError.Code, Int)])
    func keepsToTheLimits(
        text: String, limits: CBORLimits, code: CBORDiagnosticError.Code, offset: Int
    ) throws {
        let failure = error(text, limits)

        #expect(failure?.code == code)
        #expect(failure?.offset == offset)
        var limits = limits
        if limits.maxDepth == 1 { limits.maxDepth = 2 }
        if limits.maxItems == 2 { limits.maxItems = 3 }
        if limits.maxStringBytes == 2 { limits.maxStringBytes = 3 }
        if limits.maxTotalBytes == 3 { limits.maxTotalBytes = 4 }
        #expect(error(text, limits) == nil)
        let bytes = try CBORDiagnostic.bytes(of: text)
        #expect(textError(bytes, .init(showsEmbedded: true), limits) == nil)
    }

    @Test func refusesLongNumbersAndNoOthers() throws {
        let digits = String(repeating: "9", count: 4096)
        #expect(error(digits) == nil)
        #expect(error(digits + "9")?.code == .limitExceeded)
        #expect(error("0." + digits)?.code == .limitExceeded)
        let value = try CBORValue(diagnosticNotation: "0x1" + String(repeating: "0", count: 256))
        #expect(value.diagnosticNotation.hasPrefix("2(h'0100"))
    }

    @Test(arguments: ["[", "{1:", "1(", "<<", "(_ <<", "{", "[[{1:", "h''<<"])
    func deepNestingIsAnErrorAndTakesNoStack(opening: String) {
        let text = String(repeating: opening, count: 100_000)

        #expect(error(text)?.code == .depthExceeded)
        #expect(error(text, .depthOnly(.max))?.code == .unexpectedEnd)
    }

    @Test func deepItemsArePrintedAndParsed() throws {
        let depth = 100_000
        let bytes = [UInt8](repeating: 0x81, count: depth) + [0x80]
        let limits = CBORLimits.depthOnly(.max)

        let text = try CBORDiagnostic.text(of: bytes, limits: limits)

        #expect(text.utf8.count == 2 * depth + 2)
        #expect(try CBORDiagnostic.bytes(of: text, limits: limits) == bytes)
        #expect(textError(bytes)?.code == .depthExceeded)
    }

    /// Notation can say what is not valid, and a value cannot have it.
    @Test(
        arguments: [
            ("{1: 2, 1: 3}", .invalidItem, 7), ("[{\"a\": 0, (_ \"a\"): 1}]", .invalidItem, 10),
            ("[18446744073709551616, <<1, 2>>, \"\" h'ff']", .invalidItem, 33),
            ("1(2(/ here /{0x1: 2, 1_3: 3}))", .invalidItem, 21),
        ] as [(String, CBORDiagnosticError.Code, Int)])
    func namesTheItemThatIsNotValid(text: String, code: CBORDiagnosticError.Code, offset: Int) {
        #expect(error(text) == nil)
        do throws(CBORDiagnosticError) {
            _ = try CBORValue(diagnosticNotation: text)
            Issue.record("\(text) is accepted.")
        } catch {
            #expect(error.code == code)
            #expect(error.offset == offset)
        }
    }
}

/// JSON as RFC 8949 §6.2 converts it, and nothing but JSON.
@Suite struct JSONInputTests {
    @Test(arguments: [
        (
            "{\"a\": [1, -1, 1.5, 1.0, 1e2, true, false, null]}",
            "a161618801 20f93e00f93c00f95640f5f4f6"
        ),
        (" 18446744073709551616 ", "c249010000000000000000"), ("-0.0", "f98000"), ("-0", "00"),
        ("{\"b\": 1, \"a\": 2}", "a2616201616102"),
        ("\"\\u00fc\\/\\ud83d\\ude00\"", "67c3bc2ff09f9880"),
        ("\"\u{7F}\"", "617f"), ("1E-2", "fb3f847ae147ae147b"), ("\n[ ]\t", "80"),
    ])
    func isConverted(json: String, encoded: String) throws {
        #expect(try CBORDiagnostic.bytes(ofJSON: json) == hex(encoded))
    }

    @Test(arguments: [
        "01", "+1", ".5", "1.", "0x1", "1_0", "NaN", "Infinity", "-Infinity", "undefined",
        "simple(1)",
        "1(2)", "'a'", "h''", "<<1>>", "(_ \"a\")", "[_ 1]", "[1,]", "{\"a\": 1,}", "{1: 2}",
        "// c\n1",
        "1 # c", "\"a\" \"b\"", "\"\\u{61}\"", "\"\\'\"", "\"\n\"", "[1 2]", "", "1 2", "\"\"_",
    ])
    func isNothingElse(json: String) {
        #expect(throws: CBORDiagnosticError.self) { try CBORDiagnostic.bytes(ofJSON: json) }
    }
}
