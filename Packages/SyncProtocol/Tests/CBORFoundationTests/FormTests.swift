// SPDX-License-Identifier: MIT

import CBOR
import CBORFoundation
import Foundation
import Testing

/// A type inside another one, and both inside an array: every door that a value goes through.
private struct Box<T: Codable & Equatable>: Codable, Equatable {
    var v: T
    var o: T?
    var d: [String: [T?]]
}

/// Foundation's types, each with the bytes that RFC 8949 has for it.
@Suite struct FormTests {
    private func check<T: Codable & Equatable>(
        _ value: T, _ notation: String, _ forms: CBORForms = .foundation,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (encoder, decoder) = (CBOREncoder(forms: forms), CBORDecoder(forms: forms))
        let bytes = try CBORDiagnostic.bytes(of: notation)
        #expect(try encoder.encode(value) == bytes, sourceLocation: sourceLocation)
        #expect(try decoder.decode(T.self, from: bytes) == value, sourceLocation: sourceLocation)
        let box = [Box(v: value, o: value, d: ["k": [nil, value]])]
        let boxed = try encoder.encode(box)
        #expect(
            try CBORDiagnostic.text(of: boxed)
                == #"[{"d": {"k": [null, \#(notation)]}, "o": \#(notation), "v": \#(notation)}]"#,
            sourceLocation: sourceLocation)
        #expect(
            try decoder.decode([Box<T>].self, from: Data(boxed)) == box,
            sourceLocation: sourceLocation)
    }

    private func decode<T: Decodable>(_ type: T.Type, _ notation: String) throws -> T {
        try CBORDecoder(forms: .foundation)
            .decode(type, from: CBORDiagnostic.bytes(of: notation))
    }

    @Test func dataIsAByteString() throws {
        try check(Data(), "h''")
        try check(Data([0, 255]), "h'00ff'")
        try check(Data([9, 0, 255])[1...], "h'00ff'")
        #expect(try decode(Data.self, "[1, 2]") == Data([1, 2]))
        #expect(try decode(Data.self, "(_ h'01', h'02')") == Data([1, 2]))
        #expect(throws: DecodingError.self) { try decode(Data.self, "[1, 256]") }
    }

    @Test func datesAreSecondsWithATag() throws {
        // The examples of RFC 8949, appendix A.
        try check(Date(timeIntervalSince1970: 1_363_896_240), "1(1363896240)")
        try check(Date(timeIntervalSince1970: 1_363_896_240.5), "1(1363896240.5)")
        try check(Date(timeIntervalSince1970: -1), "1(-1)")
        try check(Date.distantFuture, "1(64092211200)")
        #expect(
            try decode(Date.self, "1(2.0)").timeIntervalSince1970 == 2)
        #expect(
            try decode(Date.self, #"0("2013-03-21T20:04:00Z")"#)
                == Date(timeIntervalSince1970: 1_363_896_240))
    }

    @Test func datesHaveOtherFormsOnDemand() throws {
        let date = Date(timeIntervalSince1970: 1_363_896_240.5)
        try check(
            date, #"0("2013-03-21T20:04:00.5Z")"#, .foundation(dates: .rfc3339))
        try check(date, "1363896240.5", .foundation(dates: .secondsSince1970))
        try check(date, "1363896240500", .foundation(dates: .millisecondsSince1970))
        try check(date, "385589040.5", .foundation(dates: .deferred))
        try check(
            Date(timeIntervalSince1970: 0), #""1970-01-01T00:00:00Z""#,
            .foundation(dates: .formatted(.iso8601)))
        try check(
            Date(timeIntervalSince1970: 5), #""5""#,
            .foundation(
                dates: .text(
                    format: { "\(Int($0.timeIntervalSince1970))" },
                    parse: { Double($0).map(Date.init(timeIntervalSince1970:)) })))
        try check(
            date, "[1363896240.5]",
            .foundation(
                dates: CBORForm(
                    encode: { date, encoder in
                        var container = encoder.unkeyedContainer()
                        try container.encode(date.timeIntervalSince1970)
                    },
                    decode: { decoder in
                        var container = try decoder.unkeyedContainer()
                        return Date(timeIntervalSince1970: try container.decode(Double.self))
                    })))
    }

    @Test func identifiersAndAddresses() throws {
        let uuid = try #require(UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
        try check(uuid, "37(h'e621e1f8c36c495a93fc0c247a3e6e5f')")
        try check(uuid, #""E621E1F8-C36C-495A-93FC-0C247A3E6E5F""#, .foundation(uuids: .text))
        #expect(try decode(UUID.self, #""e621e1f8-c36c-495a-93fc-0c247a3e6e5f""#) == uuid)
        let url = try #require(URL(string: "http://www.example.com"))
        try check(url, #"32("http://www.example.com")"#)
        #expect(try decode(URL.self, #""http://www.example.com""#) == url)
    }

    @Test(
        arguments: [
            ("0", "4([0, 0])"), ("273.15", "4([-2, 27315])"), ("-1.5", "4([-1, -15])"),
            ("18446744073709551615", "4([0, 18446744073709551615])"),
            ("-18446744073709551616", "4([0, -18446744073709551616])"),
            (
                "340282366920938463463374607431768211455",
                "4([0, 340282366920938463463374607431768211455])"
            ),
            (
                "-0.340282366920938463463374607431768211455",
                "4([-39, -340282366920938463463374607431768211455])"
            ),
        ])
    func decimalsAreExact(text: String, notation: String) throws {
        try check(try #require(Decimal(string: text)), notation)
    }

    @Test func decimalsOfEveryExponentComeBack() throws {
        for exponent in -128...127 {
            for significand in [1, 7, UInt64.max] {
                for sign in [FloatingPointSign.plus, .minus] {
                    let decimal = Decimal(
                        sign: sign, exponent: exponent, significand: Decimal(significand))
                    guard decimal.isFinite else { continue }
                    let bytes = try CBOREncoder(forms: .foundation).encode(decimal)
                    let again = try CBORDecoder(forms: .foundation).decode(
                        Decimal.self, from: bytes)
                    #expect(again == decimal)
                }
            }
        }
        let greatest = try CBOREncoder(forms: .foundation).encode([
            Decimal.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
        ])
        #expect(
            try CBORDecoder(forms: .foundation).decode([Decimal].self, from: greatest)
                == [.greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude])
        #expect(try decode(Decimal.self, "NaN").isNaN)
        #expect(try CBOREncoder(forms: .foundation).encode(Decimal.nan) == [0xF9, 0x7E, 0])
        #expect(try decode(Decimal.self, "-7") == -7)
        #expect(try decode(Decimal.self, "4([-130, 700])") == Decimal(string: "7e-128"))
        #expect(
            try decode(Decimal.self, "4([129, 7])")
                == Decimal(sign: .plus, exponent: 127, significand: 700))
    }

    @Test(arguments: [
        ("data", #""a""#), ("date", "1"), ("date", #"0("2013-02-29T00:00:00Z")"#),
        ("date", #"0("2013-03-21 20:04Z")"#), ("date", #"1("x")"#), ("date", "2(h'01')"),
        ("uuid", "37(h'00')"), ("uuid", #""x""#), ("uuid", "h'e621e1f8c36c495a93fc0c247a3e6e5f'"),
        ("url", "32(5)"), ("url", #"32("")"#), ("decimal", "1.5"), ("decimal", "4([1])"),
        ("decimal", "4([1, 2, 3])"), ("decimal", "4([9999999999, 2])"),
        ("decimal", "4([0, -340282366920938463463374607431768211456])"), ("decimal", "4(5)"),
    ])
    func whatIsNoSuchValueIsAnErrorWithAPathAndAnOffset(type: String, notation: String) throws {
        func failure<T: Decodable>(_ type: T.Type) -> DecodingError.Context? {
            do {
                _ = try decode([String: [T]].self, #"{"k": [\#(notation)]}"#)
                return nil
            } catch DecodingError.typeMismatch(_, let context) {
                return context
            } catch DecodingError.dataCorrupted(let context) {
                return context
            } catch {
                return nil
            }
        }
        let context =
            switch type {
            case "data": failure(Data.self)
            case "date": failure(Date.self)
            case "uuid": failure(UUID.self)
            case "url": failure(URL.self)
            default: failure(Decimal.self)
            }
        #expect(context?.codingPath.map(\.stringValue) == ["k", "[0]"])
        let offset = try #require((context?.underlyingError as? CBORError)?.offset)
        #expect((4...7).contains(offset))
    }

    @Test func whatCannotBeEncodedIsAnErrorWithAPath() {
        let encoder = CBOREncoder(forms: .foundation(dates: .rfc3339))
        let error = #expect(throws: EncodingError.self) {
            try encoder.encode(["k": [Date(timeIntervalSince1970: 1e12)]])
        }
        guard case .invalidValue(_, let context) = error else { return }
        #expect(context.codingPath.map(\.stringValue) == ["k", "[0]"])
    }
}
