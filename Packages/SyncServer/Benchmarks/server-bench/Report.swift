// SPDX-License-Identifier: MIT

import Foundation

/// What the results are shown as.
struct Report {
    let results: Results
    let options: Options
    let systems: [String]

    init(_ results: Results, _ options: Options, systems: [String]) {
        self.results = results
        self.options = options
        self.systems = systems
    }

    static let rows =
        [Disk.row]
        + [100, 1].flatMap { batch in Bench.pushClients.map { "push-\(batch)-\($0)" } }
        + PullKind.allCases.map(\.rawValue) + ["memory", "open-stopped", "open-killed"]

    /// All medians, what is missing, and the verdicts, as one object.
    var json: String {
        struct Verdict: Encodable {
            var row: String
            var goal: String
            var measured: String
            var isReached: Bool
        }
        struct Everything: Encodable {
            var medians: [String: [String: Sample]]
            var missing: [String: String]
            var goals: [Verdict]
        }
        let goals = Goal.all.compactMap { goal in
            goal.verdict(results).map {
                Verdict(
                    row: goal.row, goal: $0.goal, measured: $0.measured, isReached: $0.isReached)
            }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let everything = Everything(
            medians: results.medians, missing: results.missing, goals: goals)
        return String(decoding: (try? encoder.encode(everything)) ?? Data(), as: UTF8.self)
    }

    /// Every row for every system that has it.
    var measurements: [[String]] {
        var lines = [
            ["row", "system", "median", "next to ours", "p50 ms", "p99 ms", "server µs/op", "load"]
        ]
        for row in Self.rows {
            let own = results.median(row, of: Goal.own)
            for system in systems + [Disk.name] {
                guard let sample = results.median(row, of: system) else { continue }
                let ratio = own.map { Text.number(sample.value / $0.value) + "×" }
                // A load that computes all the time measures itself.
                let load = sample.loadShare.map {
                    Text.number($0 * 100) + " %" + ($0 > 0.9 ? ", the limit" : "")
                }
                lines.append([
                    Text.title(row), system, Text.value(sample.value, row: row),
                    system == Goal.own ? "" : ratio ?? "",
                    sample.p50Milliseconds.map(Text.number) ?? "",
                    sample.p99Milliseconds.map(Text.number) ?? "",
                    sample.serverMicroseconds.map(Text.number) ?? "", load ?? "",
                ])
            }
        }
        return lines
    }

    /// Every goal, and what was reached of it.
    var verdicts: [[String]] {
        [["row", "at least", "measured", ""]]
            + Goal.all.map { goal in
                guard let verdict = goal.verdict(results) else {
                    return [Text.title(goal.row), "next to \(goal.peer)", "not measured", ""]
                }
                return [
                    Text.title(goal.row), verdict.goal, verdict.measured,
                    verdict.isReached ? "reached" : "missed",
                ]
            }
    }

    /// Why systems have no row.
    var absences: [String] {
        results.missing.keys.sorted().map { "\($0): \(results.missing[$0] ?? "")" }
            + ["Redis", "PostgreSQL", "NATS"].filter { !systems.contains($0) }
            .map { "\($0): not here" }
    }

    var table: String {
        ([Text.columns(measurements), Text.columns(verdicts)] + absences)
            .joined(separator: "\n\n")
    }

    /// Writes the document and its charts.
    func write(to directory: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for chart in charts {
            try chart.svg.write(
                toFile: "\(directory)/\(chart.file)", atomically: true, encoding: .utf8)
        }
        try document.write(
            toFile: "\(directory)/server.md", atomically: true, encoding: .utf8)
    }

    var charts: [Chart] {
        func chart(_ file: String, _ title: String, _ rows: [String]) -> Chart {
            Chart(
                file: file, title: title,
                groups: rows.map { row in
                    Chart.Group(
                        title: Text.title(row),
                        bars: systems.compactMap { system in
                            results.median(row, of: system).map {
                                Chart.Bar(
                                    system: system, value: $0.value,
                                    label: Text.value($0.value, row: row))
                            }
                        })
                })
        }
        let pushes = Self.rows.filter { $0.hasPrefix("push") }
        return [
            chart("server-push.svg", "Durable pushes, operations a second: more is better", pushes),
            chart(
                "server-pull.svg", "Pulls, operations a second: more is better",
                PullKind.allCases.map(\.rawValue)),
            chart(
                "server-memory.svg", "Memory and opening: less is better",
                ["memory", "open-stopped", "open-killed"]),
        ]
    }
}
