// SPDX-License-Identifier: MIT

/// What a report says about the run that it is of.
public struct ConformanceHeading: Sendable, Hashable {
    /// The suite's name.
    public var suite: String
    /// What was judged: a URL, a command line.
    public var subject: String
    /// The seed of everything that was random.
    public var seed: UInt64
    /// The command line that repeats the run, without `--only`.
    public var command: String
    /// What stands behind all flags of that command line, with the blank before it.
    public var operands: String

    /// Makes a heading.
    public init(
        suite: String, subject: String, seed: UInt64, command: String, operands: String = ""
    ) {
        self.suite = suite
        self.subject = subject
        self.seed = seed
        self.command = command
        self.operands = operands
    }
}

/// What became of all checks of a run, for people as `text` and for programs as `json`.
public struct ConformanceReport: Sendable, Hashable {
    /// What the run was.
    public var heading: ConformanceHeading
    /// The checks in the order in which they were made.
    public var results: [ConformanceResult]
    /// How long the run took.
    public var duration: Duration

    /// Makes a report.
    public init(heading: ConformanceHeading, results: [ConformanceResult], duration: Duration) {
        self.heading = heading
        self.results = results
        self.duration = duration
    }

    /// How many rules held.
    public var passedCount: Int { results.count { $0.outcome == .passed } }
    /// How many did not.
    public var failedCount: Int { failures.count }
    /// How many were not looked at.
    public var skippedCount: Int { results.count - passedCount - failedCount }

    /// The checks that failed, and how.
    public var failures: [(check: ConformanceCheck, failure: ConformanceFailure)] {
        results.compactMap { result in
            if case .failed(let failure) = result.outcome { (result.check, failure) } else { nil }
        }
    }

    /// What the command line ends with: 0 if nothing failed, else 1.
    public var exitCode: Int32 { failedCount == 0 ? 0 : 1 }

    /// How to make one check again.
    public func command(repeating check: ConformanceCheck) -> String {
        "\(heading.command) --only \(check.name)\(heading.operands)"
    }
}

// MARK: - For people

extension ConformanceReport {
    /// The report in lines: each group with its checks, `✓` passed, `✗` failed, `–` skipped, and
    /// the counts at the end.
    public var text: String {
        var text = "conformance \(heading.suite): \(heading.subject), seed \(heading.seed)\n"
        var group = ""
        for result in results {
            if !result.check.group.utf8.elementsEqual(group.utf8) {
                group = String(result.check.group)
                text += "\n\(group)\n"
            }
            text += line(for: result)
        }
        // Among hundreds of lines those that matter are hard to find.
        for (index, failed) in failures.enumerated() {
            text += "\(index == 0 ? "\nfailed\n" : "")  \(failed.check.name)\n"
        }
        return text + "\n\(countsText)\n"
    }

    /// How many passed, failed and were skipped, and how long it took.
    var countsText: String {
        "\(passedCount) passed, \(failedCount) failed, \(skippedCount) skipped "
            + "in \(duration.secondsText) s"
    }

    func line(for result: ConformanceResult) -> String {
        let check = result.check
        let name = check.name.dropFirst(check.group.count + 1)
        switch result.outcome {
        case .passed: return "  ✓ \(name)\n"
        case .skipped(let skip): return "  – \(name): \(skip.reason)\n"
        case .failed(let failure):
            let isSection = check.section.first?.isNumber ?? false
            var lines = [("rule", (isSection ? "protocol.md " : "") + check.section)]
            lines += [("expected", check.expectation), ("got", failure.message)]
            lines += failure.facts.map { ($0.label, $0.text) }
            lines.append(("again", command(repeating: check)))
            let width = (lines.map(\.0.count).max() ?? 0) + 2
            return lines.reduce(into: "  ✗ \(name)\n") { text, line in
                let padding = String(repeating: " ", count: width - line.0.count - 1)
                // Whatever came from a server stays in its line.
                let value = line.1.split(whereSeparator: \.isNewline).joined(separator: " ")
                text += "      \(line.0):\(padding)\(value)\n"
            }
        }
    }

    /// The checks in lines: its name, its rule and what has to be.
    public static func list(of checks: [ConformanceCheck]) -> String {
        let width = (checks.map(\.name.count).max() ?? 0) + 2
        return checks.reduce(into: "") { text, check in
            let padding = String(repeating: " ", count: width - check.name.count)
            text += "\(check.name)\(padding)\(check.section): \(check.expectation)\n"
        }
    }

    /// The checks as a Markdown table, for documentation. Those beside each other that differ in
    /// the last level of their names alone share a row.
    public static func table(of checks: [ConformanceCheck]) -> String {
        var text = "| check | rule | what has to be |\n|---|---|---|\n"
        var rest = checks[...]
        while let first = rest.first {
            let row = rest.prefix {
                $0.section.utf8.elementsEqual(first.section.utf8)
                    && $0.expectation.utf8.elementsEqual(first.expectation.utf8)
            }
            rest = rest.dropFirst(row.count)
            let (parent, last) = split(first.name)
            let words = row.map { split($0.name).last }.joined(separator: " ")
            let name = row.count == 1 ? "`\(parent)\(last)`" : "`\(parent)` \(words)"
            text += "| \(name) | \(first.section) | \(first.expectation) |\n"
        }
        return text
    }

    /// A name without its last level, and that level.
    private static func split(_ name: String) -> (parent: String, last: String) {
        let last = name.split(separator: "/").last ?? ""
        return (String(name.dropLast(last.count)), String(last))
    }
}

// MARK: - For programs

extension ConformanceReport {
    /// The report as one JSON object on one line; its shape is in `doc/conformance.md`.
    public var json: String {
        let summary = JSONText.object([
            ("suite", JSONText.quoted(heading.suite)),
            ("subject", JSONText.quoted(heading.subject)), ("seed", "\(heading.seed)"),
            ("passed", "\(passedCount)"), ("failed", "\(failedCount)"),
            ("skipped", "\(skippedCount)"), ("milliseconds", "\(duration.milliseconds)"),
        ])
        let checks = JSONText.array(results.map(json))
        return JSONText.object([("summary", summary), ("checks", checks)])
    }

    private func json(_ result: ConformanceResult) -> String {
        let check = result.check
        var members = Self.members(of: check)
        switch result.outcome {
        case .passed: members.append(("outcome", "\"passed\""))
        case .skipped(let skip):
            members += [("outcome", "\"skipped\""), ("message", JSONText.quoted(skip.reason))]
        case .failed(let failure):
            let facts = failure.facts.map { fact in
                JSONText.object([
                    ("label", JSONText.quoted(fact.label)), ("text", JSONText.quoted(fact.text)),
                ])
            }
            members += [
                ("outcome", "\"failed\""), ("message", JSONText.quoted(failure.message)),
                ("facts", JSONText.array(facts)),
                ("again", JSONText.quoted(command(repeating: check))),
            ]
        }
        members.append(("milliseconds", "\(result.duration.milliseconds)"))
        return JSONText.object(members)
    }

    /// A list of checks as one JSON array, with `name`, `section` and `expectation` of each.
    public static func json(of checks: [ConformanceCheck]) -> String {
        JSONText.array(checks.map { JSONText.object(members(of: $0)) })
    }

    private static func members(of check: ConformanceCheck) -> [(String, String)] {
        [
            ("name", JSONText.quoted(check.name)), ("section", JSONText.quoted(check.section)),
            ("expectation", JSONText.quoted(check.expectation)),
        ]
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// Seconds with one digit behind the point.
    var secondsText: String { "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100)" }
}
