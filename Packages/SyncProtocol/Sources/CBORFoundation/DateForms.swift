// SPDX-License-Identifier: MIT

public import CBOR

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension CBORForm where Value == Date {
    /// Seconds since the beginning of 1970 with tag 1 (RFC 8949 §3.4.2), an integer if they are
    /// whole and else the smallest float that has them. Of the present, a double keeps a quarter
    /// of a microsecond; `deferred` keeps all that a `Date` has.
    ///
    /// What `rfc3339` writes is read too.
    public static let epoch = CBORForm(
        write: { date, writer in
            writer.write(tag: .epochSeconds)
            writer.write(number: date.timeIntervalSince1970)
        },
        read: { reader in try readTagged(&reader) })

    /// Text such as `2013-03-21T20:04:00Z` with tag 0 (RFC 8949 §3.4.1): universal time, to the
    /// nanosecond, with as many digits as needed.
    ///
    /// What `epoch` writes is read too, and any offset.
    ///
    /// - Throws: When encoding, `EncodingError` for dates outside the years 0 to 9999.
    public static let rfc3339 = CBORForm(
        write: { date, writer in
            guard let text = CBORTimestamp(date)?.rfc3339 else {
                throw CBORError(
                    .outOfRange, at: 0, message: "RFC 3339 has only dates of the years 0 to 9999.")
            }
            writer.write(tag: .dateText)
            writer.write(text: text)
        },
        read: { reader in try readTagged(&reader) })

    /// A number without a tag: seconds since the beginning of 1970.
    public static let secondsSince1970 = CBORForm(
        write: { date, writer in writer.write(number: date.timeIntervalSince1970) },
        read: { reader in Date(timeIntervalSince1970: try reader.readNumber()) })

    /// A number without a tag: milliseconds since the beginning of 1970.
    public static let millisecondsSince1970 = CBORForm(
        write: { date, writer in writer.write(number: 1_000 * date.timeIntervalSince1970) },
        read: { reader in Date(timeIntervalSince1970: try reader.readNumber() / 1_000) })

    /// As `Date` encodes itself: a float, the seconds since the beginning of 2001.
    public static let deferred = CBORForm(
        encode: { date, encoder in try date.encode(to: encoder) },
        decode: { decoder in try Date(from: decoder) })

    /// Text without a tag, in a format.
    public static func formatted<Format: ParseableFormatStyle & Sendable>(
        _ format: Format
    ) -> CBORForm<Date> where Format.FormatInput == Date, Format.FormatOutput == String {
        .text(
            format: { format.format($0) },
            parse: { try? format.parseStrategy.parse($0) })
    }

    /// Text without a tag, as a `DateFormatter` writes and reads it, for example.
    ///
    /// - Parameter parse: Returns `nil` for text that is no date.
    public static func text(
        format: @escaping @Sendable (Date) -> String,
        parse: @escaping @Sendable (String) -> Date?
    ) -> CBORForm<Date> {
        CBORForm(
            write: { date, writer in writer.write(text: format(date)) },
            read: { reader in
                let start = reader.offset
                guard let date = parse(try reader.readText()) else {
                    throw CBORError(
                        .invalidValue, at: start, message: "The text is no date of this format.")
                }
                return date
            })
    }

    private static func readTagged(_ reader: inout CBORReader) throws -> Date {
        if try reader.readTagIfPresent(.epochSeconds) {
            return Date(timeIntervalSince1970: try reader.readNumber())
        }
        let start = reader.offset
        guard try reader.readTagIfPresent(.dateText) else {
            throw CBORError(
                .wrongType, at: start,
                message: "Expected a date, with tag 0 or 1, and found no such tag.")
        }
        let content = reader.offset
        guard let timestamp = CBORTimestamp(rfc3339: try reader.readText()) else {
            throw CBORError(
                .invalidValue, at: content, message: "The text is no date and time of RFC 3339.")
        }
        return Date(timestamp)
    }
}

extension CBORTimestamp {
    /// From the beginning of 1970 to that of 2001, where a `Date` counts from.
    fileprivate static let referenceSeconds = 978_307_200 as Int64

    /// The moment of a date to the nanosecond, or `nil` for one that is ten thousand years away.
    public init?(_ date: Date) {
        let interval = date.timeIntervalSinceReferenceDate
        guard abs(interval) < 3.2e11 else { return nil }
        let whole = interval.rounded(.down)
        let nanoseconds = Int32(((interval - whole) * 1e9).rounded())
        let seconds = Int64(whole) + Self.referenceSeconds
        let isNextSecond = nanoseconds == 1_000_000_000
        self.init(
            seconds: isNextSecond ? seconds + 1 : seconds,
            nanoseconds: isNextSecond ? 0 : nanoseconds)
    }
}

extension Date {
    /// The date that is nearest to a moment.
    public init(_ timestamp: CBORTimestamp) {
        self.init(
            timeIntervalSinceReferenceDate:
                Double(timestamp.seconds - CBORTimestamp.referenceSeconds)
                + Double(timestamp.nanoseconds) / 1e9)
    }
}

extension CBORWriter {
    /// Writes an integer if the number is one of 64 bits, and else a float.
    fileprivate mutating func write(number: Double) {
        if let integer = Int64(exactly: number) {
            write(int: integer)
        } else {
            write(double: number)
        }
    }
}

extension CBORReader {
    /// Reads an integer or a float.
    fileprivate mutating func readNumber() throws(CBORError) -> Double {
        switch try peekType() {
        case .unsigned: Double(try readUInt())
        case .negative: Double(try readInt())
        default: try readDouble()
        }
    }
}
