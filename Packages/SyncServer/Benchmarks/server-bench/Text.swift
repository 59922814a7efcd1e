// SPDX-License-Identifier: MIT

import Foundation

/// Numbers and tables for people.
enum Text {
    /// A number with about three digits that count.
    static func number(_ value: Double) -> String {
        switch abs(value) {
        case 100...: String(format: "%.0f", value)
        case 10..<100: String(format: "%.1f", value)
        default: String(format: "%.2f", value)
        }
    }

    /// A row's value with its unit.
    static func value(_ value: Double, row: String) -> String {
        if row == "memory" { return number(value / 1e6) + " MB" }
        if row.hasPrefix("open") { return number(value) + " s" }
        if value >= 1e6 { return number(value / 1e6) + " M/s" }
        return value >= 1e4 ? number(value / 1e3) + " k/s" : number(value) + "/s"
    }

    /// What a row measures, in words.
    static func title(_ row: String) -> String {
        let words = row.split(separator: "-")
        switch row {
        case "pull-all": return "pull, pages of 1,000"
        case "pull-filtered": return "pull, a filter that keeps 1 in 10"
        case "pull-scanned": return "the same without an index for it"
        case Disk.row: return "writing and syncing 25 KB, one by one"
        case "memory": return "resident memory"
        case "open-stopped": return "opening after a clean stop"
        case "open-killed": return "opening after kill -9"
        default:
            let clients = words[2] == "1" ? "1 client" : "\(words[2]) clients"
            return "push, batches of \(words[1]), \(clients)"
        }
    }

    /// Columns of one width, for a terminal.
    static func columns(_ lines: [[String]]) -> String {
        let count = lines.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return lines.map { line in
            zip(line, widths).map { text, width in
                text.padding(toLength: max(width, 1), withPad: " ", startingAt: 0)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// A table of Markdown.
    static func markdown(_ lines: [[String]]) -> String {
        guard let head = lines.first else { return "" }
        let rule = head.map { _ in "---" }
        return ([head, rule] + lines.dropFirst()).map { "| " + $0.joined(separator: " | ") + " |" }
            .joined(separator: "\n")
    }
}
