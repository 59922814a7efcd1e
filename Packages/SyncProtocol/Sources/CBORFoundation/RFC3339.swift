// SPDX-License-Identifier: MIT

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Dates as text, as RFC 3339 has them: `1985-04-12T23:20:50.52Z`.
enum RFC3339 {
    /// From the beginning of 1970 to that of 2001, where a `Date` counts from.
    private static let referenceSeconds = 978_307_200

    /// The text in universal time, or `nil` for a date outside the years 0 to 9999.
    static func text(of date: Date) -> String? {
        let interval = date.timeIntervalSinceReferenceDate
        // Less than 10,000 years, so that integers hold it.
        guard abs(interval) < 3.2e11 else { return nil }
        let whole = interval.rounded(.down)
        var seconds = Int(whole) + referenceSeconds
        var nanoseconds = Int(((interval - whole) * 1e9).rounded())
        if nanoseconds == 1_000_000_000 { (seconds, nanoseconds) = (seconds + 1, 0) }
        let (days, second) = seconds.dividedDown(by: 86_400)
        let (year, month, day) = civil(fromDays: days)
        guard (0...9_999).contains(year) else { return nil }
        var text = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
        text += "\(padded(second / 3_600, 2)):\(padded(second / 60 % 60, 2)):"
        text += padded(second % 60, 2)
        if nanoseconds > 0 {
            var digits = padded(nanoseconds, 9)[...]
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The date, or `nil` for anything but RFC 3339. A leap second is the one after it, because a
    /// `Date` does not count leap seconds.
    static func date(in text: String) -> Date? {
        var scanner = Scanner(text: Array(text.utf8))
        guard let year = scanner.number(4), scanner.takes("-"), let month = scanner.number(2),
            scanner.takes("-"), let day = scanner.number(2), scanner.takes("T", "t", " "),
            let hour = scanner.number(2), scanner.takes(":"), let minute = scanner.number(2),
            scanner.takes(":"), let second = scanner.number(2),
            (1...12).contains(month), (1...length(ofMonth: month, year)).contains(day),
            hour < 24, minute < 60, second <= 60,
            let fraction = scanner.fraction(), let offset = scanner.offset(), scanner.isAtEnd
        else { return nil }
        let seconds =
            days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
        return Date(
            timeIntervalSinceReferenceDate: Double(seconds - referenceSeconds) + fraction)
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

    /// The part of a second, 0 if there is none; `nil` for a point without digits.
    mutating func fraction() -> Double? {
        guard takes(".") else { return 0 }
        var number = 0.0
        var scale = 1.0
        let start = next
        while let digit = digit() {
            // Beyond what a date can tell apart.
            guard scale < 1e15 else { continue }
            number = number * 10 + Double(digit)
            scale *= 10
        }
        return next > start ? number / scale : nil
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
extension RFC3339 {
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
