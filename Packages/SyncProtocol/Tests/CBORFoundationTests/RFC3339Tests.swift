// SPDX-License-Identifier: MIT

import CBOR
import CBORFoundation
import Foundation
import Testing

@Suite struct RFC3339Tests {
    private let forms = CBORForms.foundation(dates: .rfc3339)

    private func date(_ text: String) throws -> Date {
        try CBORDecoder(forms: forms).decode(
            Date.self, from: CBORValue.tagged(0, .text(text)).encoded())
    }

    private func text(_ date: Date) throws -> String? {
        let tree = try CBORValue(decoding: CBOREncoder(forms: forms).encode(date))
        guard case .tagged(0, .text(let text)) = tree else { return nil }
        return text
    }

    @Test(
        arguments: [
            // The examples of RFC 3339, section 5.8.
            ("1985-04-12T23:20:50.52Z", 482_196_050.52), ("1996-12-19T16:39:57-08:00", 851_042_397),
            ("1990-12-31T23:59:60Z", 662_688_000), ("1990-12-31T15:59:60-08:00", 662_688_000),
            ("1937-01-01T12:00:27.87+00:20", -1_041_337_172.13),
            ("1970-01-01t00:00:00z", 0), ("2000-02-29 00:00:00-00:00", 951_782_400),
            ("0000-01-01T00:00:00Z", -62_167_219_200), ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] as [(String, Double)])
    func isRead(text: String, seconds: Double) throws {
        #expect(abs(try date(text).timeIntervalSince1970 - seconds) < 1e-6)
    }

    @Test(arguments: [
        "", "2000", "2000-01-01", "2000-13-01T00:00:00Z", "2000-00-01T00:00:00Z",
        "1900-02-29T00:00:00Z", "2000-01-01T24:00:00Z", "2000-01-01T00:60:00Z",
        "2000-01-01T00:00:61Z", "2000-01-01T00:00:00", "2000-01-01T00:00:00.Z",
        "2000-01-01T00:00:00+0100", "2000-01-01T00:00:00+24:00", "2000-01-01T00:00:00ZZ",
        "+2000-01-01T00:00:00Z", "2000-1-01T00:00:00Z", "2000-01-32T00:00:00Z",
    ])
    func isRefused(text: String) {
        #expect(throws: DecodingError.self) { try date(text) }
    }

    /// Foundation's calendar is Julian before.
    @Test func agreesWithFoundationSinceTheGregorianReform() throws {
        let style = Date.ISO8601FormatStyle()
        for day in stride(from: -141_000, to: 200_000, by: 97) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 3_723)
            #expect(try text(date) == style.format(date))
            #expect(try self.date(style.format(date)) == date)
        }
    }

    @Test func keepsWhatADateHas() throws {
        for number in 1..<200 {
            let date = Date(timeIntervalSinceReferenceDate: 8e8 + Double(number) * 12_345.678_901_2)
            #expect(try self.date(try #require(try text(date))) == date)
        }
    }
}
