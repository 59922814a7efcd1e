// SPDX-License-Identifier: MIT

/// A moment, to the nanosecond, as tags 0 and 1 have it.
public struct CBORTimestamp: Sendable, Hashable {
    /// Seconds since the beginning of 1970 in universal time, without leap seconds; rounded down.
    public var seconds: Int64
    /// What is left of a second, from 0 to 999,999,999.
    public var nanoseconds: Int32

    /// - Precondition: `nanoseconds` is not negative and less than a second.
    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        precondition((0..<1_000_000_000).contains(nanoseconds), "A second has 10^9 nanoseconds.")
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The text of RFC 3339 in universal time, such as `2013-03-21T20:04:00.5Z`, or `nil` for a
    /// moment outside the years 0 to 9999.
    public var rfc3339: String? {
        let (days, second) = Int(seconds).dividedDown(by: 86_400)
        guard (-800_000...3_000_000).contains(days) else { return nil }
        let (year, month, day) = Self.civil(fromDays: days)
        guard (0...9_999).contains(year) else { return nil }
        var text = "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T"
        text += "\(Self.padded(second / 3_600, 2)):\(Self.padded(second / 60 % 60, 2)):"
        text += Self.padded(second % 60, 2)
        if nanoseconds > 0 {
            var digits = Self.padded(Int(nanoseconds), 9)[...]
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The moment that a text of RFC 3339 names, with any offset, or `nil` for anything else. A
    /// leap second is the second after it; digits beyond nanoseconds are cut off.
    public init?(rfc3339 text: String) {
        var scanner = Scanner(text: Array(text.utf8))
        guard let year = scanner.number(4), scanner.takes("-"), let month = scanner.number(2),
            scanner.takes("-"), let day = scanner.number(2), scanner.takes("T", "t", " "),
            let hour = scanner.number(2), scanner.takes(":"), let minute = scanner.number(2),
            scanner.takes(":"), let second = scanner.number(2),
            (1...12).contains(month), (1...Self.length(ofMonth: month, year)).contains(day),
            hour < 24, minute < 60, second <= 60,
            let fraction = scanner.fraction(), let offset = scanner.offset(), scanner.isAtEnd
        else { return nil }
        let days = Self.days(year, month, day)
        seconds = Int64(days * 86_400 + hour * 3_600 + minute * 60 + second - offset)
        nanoseconds = Int32(fraction)
    }
}

/// Takes digits and signs off the front of a text.
private struct Scanner {
    let text: [UInt8]
    private var next = 0

    init(text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { next == text.count }

    mutating func digit() -> Int? {
        guard next < text.count, (0x30...0x39).contains(text[next]) else { return nil }
        next += 1
        return Int(text[next - 1]) - 0x30
    }

    mutating func number(_ width: Int) -> Int? {
        var number = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            number = number * 10 + digit
        }
        return number
    }

    mutating func takes(_ characters: Unicode.Scalar...) -> Bool {
        guard next < text.count, characters.contains(Unicode.Scalar(text[next])) else {
            return false
        }
        next += 1
        return true
    }

    /// The nanoseconds, 0 if there is no fraction; `nil` for a point without digits.
    mutating func fraction() -> Int? {
        guard takes(".") else { return 0 }
        var nanoseconds = 0
        var scale = 100_000_000
        let start = next
        while let digit = digit() {
            nanoseconds += digit * scale
            scale /= 10
        }
        return next > start ? nanoseconds : nil
    }

    /// Seconds ahead of universal time.
    mutating func offset() -> Int? {
        if takes("Z", "z") { return 0 }
        let isBehind = takes("-")
        guard isBehind || takes("+"), let hours = number(2), takes(":"), let minutes = number(2),
            hours < 24, minutes < 60
        else { return nil }
        return (isBehind ? -60 : 60) * (hours * 60 + minutes)
    }
}

// The Gregorian calendar, for all years. Years begin in March here, so that the day that is there
// every four years is the last one, and eras are 400 years.
extension CBORTimestamp {
    private static let daysOfEra = 146_097
    /// From the beginning of March of the year 0 to the beginning of 1970.
    private static let daysToEpoch = 719_468

    /// The days from the beginning of 1970.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let (era, yearOfEra) = (month > 2 ? year : year - 1).dividedDown(by: 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * daysOfEra + dayOfEra - daysToEpoch
    }

    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = (days + daysToEpoch).dividedDown(by: daysOfEra)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = era * 400 + yearOfEra
        return month < 10 ? (year, month + 3, day) : (year + 1, month - 9, day)
    }

    private static func length(ofMonth month: Int, _ year: Int) -> Int {
        let next = month == 12 ? days(year + 1, 1, 1) : days(year, month + 1, 1)
        return next - days(year, month, 1)
    }
}

extension Int {
    /// The quotient rounded down, and what is left, which is not negative.
    fileprivate func dividedDown(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
