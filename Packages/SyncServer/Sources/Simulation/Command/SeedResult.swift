// SPDX-License-Identifier: MIT

/// What came of one seed, run once or twice.
struct SeedResult: Sendable {
    var outcome: Simulator.Outcome

    /// The seeds whose number is a multiple of this are always run twice.
    static let twiceEvery: UInt64 = 50

    /// The rule that two runs of a scenario do the same.
    static let repeatable = "a scenario does the same every time"

    /// Runs a scenario; twice if asked for, or now and then.
    static func run(_ scenario: Scenario, isTwice: Bool) -> SeedResult {
        Crash.note(seed: scenario.seed)
        var result = SeedResult(outcome: Simulator.run(scenario))
        if isTwice || scenario.seed % twiceEvery == 0 {
            result.compare(with: Simulator.run(scenario))
        }
        return result
    }

    /// Takes a second run's hash into account.
    mutating func compare(with other: Simulator.Outcome) {
        guard outcome.failure == nil, other.traceHash != outcome.traceHash else { return }
        var failure = SimulationFailure(
            .goesOn,
            "the trace hash was \(hexadecimal(outcome.traceHash)), and then "
                + hexadecimal(other.traceHash))
        failure.rule = Self.repeatable
        outcome.failure = failure
        outcome.failedStep = outcome.scenario.steps
    }

    /// The lines that tell of a failure: what broke, the smallest scenario that breaks it too, and
    /// the command that shows it; none if nothing failed.
    func report(shrinks: Bool) -> [String] {
        guard let failure = outcome.failure else { return [] }
        let scenario = outcome.scenario
        var lines = [
            "seed \(scenario.seed) step \(outcome.failedStep): \(failure.rule)",
            "  \(failure.detail)",
        ]
        var smallest = scenario
        if shrinks, failure.rule != Self.repeatable {
            let shrunk = Simulator.shrink(outcome)
            smallest = shrunk.scenario
            let conditions = smallest.conditions.map(\.rawValue).sorted().joined(separator: ", ")
            lines.append(
                "  shrunk to \(smallest.steps) steps, \(smallest.deviceCount) devices and "
                    + (conditions.isEmpty ? "no conditions" : "the conditions " + conditions))
        }
        lines.append("  replay: entitysync-simulator \(smallest.arguments) --trace")
        return lines
    }
}

/// A number as 16 lower-case hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
