// SPDX-License-Identifier: MIT

/// Looks for a smaller scenario that breaks the same rule: fewer steps, fewer devices, fewer
/// conditions.
///
/// Each step of a run draws from streams of numbers of its own, and in it each device and each
/// exchange, so that what is taken away leaves most of the rest as it was. Still a smaller world is
/// another world, and only a run tells whether the failure is in it. Conditions are taken away in
/// halves, quarters and so on, as most of them have nothing to do with it ("delta debugging",
/// Zeller and Hildebrandt, 2002).
struct Shrinker {
    /// The smallest that was found so far.
    private(set) var best: Simulator.Outcome
    private var runsLeft: Int
    private var tried: Set<String> = []
    private let run: (Scenario) -> Simulator.Outcome

    /// - Parameters:
    ///   - outcome: A run that failed.
    ///   - runsMax: How many runs may be spent.
    ///   - run: Runs a scenario.
    init(
        _ outcome: Simulator.Outcome, runsMax: Int, run: @escaping (Scenario) -> Simulator.Outcome
    ) {
        best = outcome
        runsLeft = runsMax
        self.run = run
    }

    /// Shrinks until nothing can be taken away alone, or the runs are spent.
    mutating func shrink() {
        guard best.failure != nil else { return }
        var before: Scenario?
        while before != best.scenario, runsLeft > 0 {
            before = best.scenario
            // The cheaper the runs, the more of them can be had.
            takeSteps()
            takeDevices()
            takeConditions()
        }
    }

    private mutating func takeSteps() {
        // What comes after the step that failed does not matter, unless it was the end that failed.
        let reached = best.failedStep + 1
        attempt { $0.steps = min($0.steps, reached) }
        var part = 2
        while best.scenario.steps / part > 0 {
            let steps = best.scenario.steps
            if !attempt({ $0.steps -= steps / part }) { part *= 2 }
        }
    }

    private mutating func takeDevices() {
        for count in 1..<max(best.scenario.deviceCount, 1) {
            if attempt({ $0.devicesMax = count }) { return }
        }
    }

    private mutating func takeConditions() {
        var size = best.scenario.conditions.count
        while size > 0 {
            let present = Condition.allCases.filter(best.scenario.conditions.contains)
            for start in stride(from: 0, to: present.count, by: size) {
                attempt { $0.without.formUnion(present[start...].prefix(size)) }
            }
            size /= 2
        }
    }

    /// Runs a smaller scenario, and keeps it if it breaks the same rule.
    @discardableResult
    private mutating func attempt(_ change: (inout Scenario) -> Void) -> Bool {
        var scenario = best.scenario
        change(&scenario)
        guard runsLeft > 0, scenario != best.scenario, tried.insert(scenario.arguments).inserted
        else { return false }
        runsLeft -= 1
        let found = run(scenario)
        guard let rule = found.failure?.rule, rule == best.failure?.rule else { return false }
        best = found
        return true
    }
}
