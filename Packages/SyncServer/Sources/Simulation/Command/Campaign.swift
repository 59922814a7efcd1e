// SPDX-License-Identifier: MIT

/// Many seeds, several at a time; each run has one thread to itself.
struct Campaign: Sendable {
    /// What the scenarios have besides their seeds.
    var scenario: Scenario
    var isTwice: Bool
    /// How many seeds run at a time.
    var jobs: Int

    /// What came of all seeds.
    struct Result: Sendable {
        var counts = SimulationCounts()
        var failures: [Simulator.Outcome] = []
        var lastSeed: UInt64 = 0
        /// The hash, if there was but one seed.
        var traceHash: UInt64?
    }

    /// Runs seed after seed from `first` on while there are any, and hands on each result, in the
    /// order of the seeds.
    ///
    /// - Parameters:
    ///   - goesOn: Asked before each seed is begun.
    ///   - take: Takes each result; its answer says whether to go on.
    func run(
        from first: UInt64, while goesOn: (UInt64) -> Bool, _ take: (SeedResult) -> Bool
    ) async -> Result {
        var total = Result()
        var waiting: [UInt64: SeedResult] = [:]
        var nextToBegin: UInt64? = first
        var nextToTake = first
        await withTaskGroup(of: SeedResult.self) { group in
            func begin() {
                guard let seed = nextToBegin, goesOn(seed) else { return nextToBegin = nil }
                let next = seed.addingReportingOverflow(1)
                nextToBegin = next.overflow ? nil : next.partialValue
                var scenario = scenario
                scenario.seed = seed
                let (one, isTwice) = (scenario, isTwice)
                group.addTask { SeedResult.run(one, isTwice: isTwice) }
            }
            for _ in 0..<jobs { begin() }
            while let result = await group.next() {
                waiting[result.outcome.scenario.seed] = result
                while let due = waiting.removeValue(forKey: nextToTake) {
                    total.counts += due.outcome.counts
                    total.lastSeed = nextToTake
                    if due.outcome.failure != nil { total.failures.append(due.outcome) }
                    nextToTake &+= 1
                    if !take(due) { nextToBegin = nil }
                }
                begin()
            }
        }
        return total
    }
}

extension Campaign.Result {
    /// What happened, in a line.
    var summary: String {
        let faults = counts.faults.values.reduce(0, +)
        return "\(counts.runs) sessions, \(counts.cycles) sync cycles, \(counts.failedCycles) "
            + "failed cycles, \(counts.exchanges) requests, \(counts.operations) operations, "
            + "\(counts.events) events, \(faults) faults, \(failures.count) failures"
    }

    /// The faults by kind, a line each, the most frequent first.
    var faultLines: [String] {
        counts.faults.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map {
            "  \($0.key.rawValue): \($0.value)"
        }
    }

    /// The same as JSON.
    var json: String {
        let faults = counts.faults.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\(quoted($0.key.rawValue)): \($0.value)" }
        let failed = failures.map { outcome in
            "{\"seed\": \(outcome.scenario.seed), \"step\": \(outcome.failedStep), "
                + "\"rule\": \(quoted(outcome.failure?.rule ?? "")), "
                + "\"detail\": \(quoted(outcome.failure?.detail ?? "")), "
                + "\"arguments\": \(quoted(outcome.scenario.arguments))}"
        }
        return "{\"sessions\": \(counts.runs), \"cycles\": \(counts.cycles), "
            + "\"failedCycles\": \(counts.failedCycles), \"requests\": \(counts.exchanges), "
            + "\"operations\": \(counts.operations), \"events\": \(counts.events), "
            + "\"faults\": {\(faults.joined(separator: ", "))}, "
            + "\"failures\": [\(failed.joined(separator: ", "))]"
            + (traceHash.map { ", \"trace\": \"\(hexadecimal($0))\"" } ?? "") + "}"
    }
}

/// A text as a JSON string.
func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\n": quoted += "\\n"
        case _ where scalar.value < 0x20:
            quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}
