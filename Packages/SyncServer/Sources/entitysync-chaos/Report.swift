// SPDX-License-Identifier: MIT

import Foundation

/// What a run did and found.
struct Report: Codable, Equatable, Sendable {
    /// A row of the table.
    struct Row: Codable, Equatable, Sendable {
        var kind: FaultKind
        /// How often it came.
        var injected = 0
        /// Sync cycles that were under way when it came.
        var cyclesHit = 0
        /// What was found in rounds in which it was on; a round with several kinds counts for each.
        var failures = 0
        /// Whether this machine could do it.
        var isSkipped = false
    }

    /// Something that was found.
    struct Failure: Codable, Equatable, Sendable {
        var round: Int
        var kinds: [FaultKind]
        var finding: Finding
    }

    var seed: UInt64
    var devices: Int
    var rounds = 0
    var seconds = 0
    var cycles = 0
    var failedCycles = 0
    var edits = 0
    var refusedEdits = 0
    var operations = 0
    var quietPassesMax = 0
    var fullDisk: String
    var rows: [Row]
    var failures: [Failure] = []
    var wasInterrupted = false

    init(seed: UInt64, devices: Int, fullDisk: String, available: [FaultKind]) {
        (self.seed, self.devices, self.fullDisk) = (seed, devices, fullDisk)
        rows = FaultKind.allCases.map { Row(kind: $0, isSkipped: !available.contains($0)) }
    }

    mutating func noteInjected(_ kind: FaultKind) { update(kind) { $0.injected += 1 } }

    mutating func noteHit(_ kind: FaultKind, cycles: Int) {
        update(kind) { $0.cyclesHit += cycles }
    }

    mutating func note(_ findings: [Finding], round: Int, kinds: [FaultKind]) {
        for finding in findings {
            failures.append(Failure(round: round, kinds: kinds, finding: finding))
            for kind in kinds { update(kind) { $0.failures += 1 } }
        }
    }

    private mutating func update(_ kind: FaultKind, _ change: (inout Row) -> Void) {
        guard let index = rows.firstIndex(where: { $0.kind == kind }) else { return }
        change(&rows[index])
    }

    /// 0 if everything was tried and nothing found.
    var exitStatus: Int32 { failures.isEmpty ? (wasInterrupted ? 130 : 0) : 1 }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(self)) ?? Data()
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    var text: String {
        var lines: [String] = failures.prefix(40).map {
            "failure in round \($0.round) (\($0.kinds.map(\.rawValue).joined(separator: ", "))): "
                + "\($0.finding.rule.rawValue): \($0.finding.message)"
        }
        if failures.count > 40 { lines.append("… and \(failures.count - 40) more") }
        lines += ["", Self.line("fault", ["injected", "cycles hit", "failures"])]
        lines += rows.map { row in
            Self.line(
                row.kind.rawValue,
                row.isSkipped
                    ? ["skipped", "", ""]
                    : [row.injected, row.cyclesHit, row.failures].map { String($0) })
        }
        lines += [
            "",
            "full disks: \(fullDisk)",
            "seed \(seed), \(devices) devices, \(rounds) rounds in \(seconds) s: \(cycles) "
                + "cycles (\(failedCycles) failed by faults), \(edits) edits committed "
                + "(\(refusedEdits) refused), \(operations) operations logged, quiet after "
                + "\(quietPassesMax) syncs at most",
            (wasInterrupted ? "interrupted; " : "")
                + (failures.isEmpty ? "no failures" : "\(failures.count) failures"),
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private static func line(_ name: String, _ cells: [String]) -> String {
        let cells = cells.map { String(repeating: " ", count: max(0, 13 - $0.count)) + $0 }
        let padding = String(repeating: " ", count: max(0, 26 - name.count))
        return (name + padding + cells.joined()).trimmingSuffix()
    }
}

extension String {
    /// Without the blanks at its end.
    fileprivate func trimmingSuffix() -> String {
        String(reversed().drop { $0 == " " }.reversed())
    }
}
