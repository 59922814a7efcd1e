// SPDX-License-Identifier: MIT

extension ConformanceReport {
    /// The report for people in which a group whose checks all passed is one line; for suites of
    /// very many checks. What failed is as in `text`, and equal reasons of skipping are told once.
    public var briefText: String {
        var text = "conformance \(heading.suite): \(heading.subject), seed \(heading.seed)\n\n"
        for group in groups {
            var counts = ["\(group.passedCount) passed"]
            if group.failedCount > 0 { counts.append("\(group.failedCount) failed") }
            if group.skippedCount > 0 { counts.append("\(group.skippedCount) skipped") }
            let name = group.results.first?.check.group ?? ""
            text += "\(group.failedCount == 0 ? "✓" : "✗") \(name): "
            text += counts.joined(separator: ", ") + "\n"
            text += group.results.reduce(into: "") { lines, result in
                if case .failed = result.outcome { lines += line(for: result) }
            }
            for (reason, count) in group.reasons { text += "  – \(count) skipped: \(reason)\n" }
        }
        return text + "\n\(countsText)\n"
    }

    /// A report for each group.
    private var groups: [ConformanceReport] {
        var groups: [ConformanceReport] = []
        for result in results {
            let isNew =
                groups.last?.results.last.map {
                    !$0.check.group.utf8.elementsEqual(result.check.group.utf8)
                } ?? true
            if isNew {
                groups.append(
                    ConformanceReport(heading: heading, results: [], duration: .zero))
            }
            groups[groups.count - 1].results.append(result)
        }
        return groups
    }

    /// Why checks were skipped, in the order in which each reason came first, and how often.
    private var reasons: [(reason: String, count: Int)] {
        var reasons: [(reason: String, count: Int)] = []
        for result in results {
            guard case .skipped(let skip) = result.outcome else { continue }
            if let index = reasons.firstIndex(where: { $0.reason == skip.reason }) {
                reasons[index].count += 1
            } else {
                reasons.append((skip.reason, 1))
            }
        }
        return reasons
    }
}
