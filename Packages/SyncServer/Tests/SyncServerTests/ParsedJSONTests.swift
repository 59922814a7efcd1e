// SPDX-License-Identifier: MIT

import Testing

@testable import SyncServer

/// JSON of others, read strictly.
@Suite struct ParsedJSONTests {
    @Test(arguments: [
        ("null", "null"), (" true ", "true"), ("[1, -2.5e1,\t0]", "[1.0,-25.0,0.0]"),
        (#"{"a":{"b":[]},"":"x"}"#, #"{a:{b:[]},:"x"}"#), (#""\u0041\n\/""#, "\"A\n/\""),
        (#""\ud83d\ude00é""#, "\"😀é\""), ("-0", "-0.0"), ("1E+2", "100.0"),
        ("{\"\u{E9}\":1,\"e\u{301}\":2}", "{\u{E9}:1.0,e\u{301}:2.0}"),
    ])
    func takesWhatRFC8259Allows(text: String, meaning: String) throws {
        #expect(try ParsedJSON(Array(text.utf8)).notation.utf8.elementsEqual(meaning.utf8))
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{a:1}",
        "{\"a\":1,}",
        "1 2", "01", "-01", "00", "+1", ".5", "1.", "1e", "1e+", "-", "0x1", "1e999", "NaN",
        "Infinity", "'a'", "\"a", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\ud800\"",
        "\"\\ud800\\u0041\"", "\"\\ud800x\"", "\"\\udc00\"", "\"a\nb\"", "\u{FEFF}1", "// c\n1",
        "[1",
        "{\"a\":1", "]", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
        "{\"x\":{\"a\":1,\"a\":2}}",
    ])
    func refusesWhatItDoesNot(text: String) {
        #expect(throws: ParsedJSONError.self) { try ParsedJSON(Array(text.utf8)) }
    }

    @Test func refusesBytesThatAreNoUTF8() {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82]] {
            #expect(throws: ParsedJSONError.self) { try ParsedJSON([0x22] + bytes + [0x22]) }
        }
    }

    @Test func nestsSixteenDeepAndNoDeeper() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }

        #expect(throws: Never.self) { try ParsedJSON(nested(16)) }
        #expect(throws: ParsedJSONError.self) { try ParsedJSON(nested(17)) }
        #expect(throws: ParsedJSONError.self) {
            try ParsedJSON([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000))
        }
    }

    @Test func aFaultSaysWhereAndNothingOfTheContent() {
        let error = #expect(throws: ParsedJSONError.self) {
            try ParsedJSON(Array(#"{"secret":"hidden","secret":1}"#.utf8))
        }
        #expect(error?.offset == 27)
        #expect(error?.description == "A name comes twice in an object (byte 27)")
    }
}

extension ParsedJSON {
    /// The value for comparing, with names and texts as they are.
    fileprivate var notation: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let text): "\"\(text)\""
        case .array(let values): "[" + values.map(\.notation).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { $0.name + ":" + $0.value.notation }.joined(separator: ",") + "}"
        }
    }
}
