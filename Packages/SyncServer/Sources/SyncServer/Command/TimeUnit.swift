// SPDX-License-Identifier: MIT

/// The units of a time on the command line.
enum TimeUnit: Character, CaseIterable {
    case day = "d"
    case hour = "h"
    case minute = "m"
    case second = "s"

    var milliseconds: UInt64 {
        switch self {
        case .day: 86_400_000
        case .hour: 3_600_000
        case .minute: 60_000
        case .second: 1_000
        }
    }

    /// The milliseconds of a number with its unit, such as `12h`; `nil` for anything else, and for
    /// more than a hundred years.
    static func milliseconds(_ text: String) -> UInt64? {
        guard let unit = text.last.flatMap(TimeUnit.init), let count = UInt64(text.dropLast())
        else { return nil }
        let (milliseconds, isTooMuch) = count.multipliedReportingOverflow(by: unit.milliseconds)
        return isTooMuch || milliseconds > 36_500 * day.milliseconds ? nil : milliseconds
    }

    /// The shortest text for a number of whole seconds.
    static func text(milliseconds: UInt64) -> String {
        let unit = allCases.first { milliseconds > 0 && milliseconds % $0.milliseconds == 0 }
        return "\(milliseconds / (unit ?? .second).milliseconds)\((unit ?? .second).rawValue)"
    }
}

// What the log keeps how long, wherever it is asked for.
extension CommandOption {
    static func compactAfter(_ path: WritableKeyPath<Settings, RetentionRules>) -> CommandOption {
        .time(
            "compact-after", "age at which superseded operations may go",
            path.appending(path: \.compactAfterMilliseconds))
    }

    static func retentionDays(_ path: WritableKeyPath<Settings, RetentionRules>) -> CommandOption {
        .days(
            "retention-days", "age at which tombstones may go",
            path.appending(path: \.retentionMilliseconds))
    }

    static func staleDays(_ path: WritableKeyPath<Settings, RetentionRules>) -> CommandOption {
        .days(
            "stale-days", "how long a silent device is waited for",
            path.appending(path: \.staleMilliseconds))
    }
}
