// SPDX-License-Identifier: MIT

import Testing

@testable import Simulation

/// Shrinking, with worlds that fail by a simple rule.
@Suite struct ShrinkerTests {
    /// A seed that has all conditions and several devices.
    private let scenario = Scenario(
        seed: (0..<1_000).first {
            let scenario = Scenario(seed: $0)
            return scenario.conditions.count == Condition.allCases.count
                && scenario.deviceCount > 3
        } ?? 0)

    private func outcome(_ scenario: Scenario, fails: Bool) -> Simulator.Outcome {
        Simulator.Outcome(
            scenario: scenario, traceHash: 0,
            failure: fails ? SimulationFailure(.converges, "") : nil,
            failedStep: scenario.steps - 1, counts: SimulationCounts())
    }

    @Test func whatTheFailureDoesNotNeedIsTakenAway() {
        var runs = 0
        var shrinker = Shrinker(outcome(scenario, fails: true), runsMax: 200) { smaller in
            runs += 1
            return outcome(
                smaller,
                fails: smaller.steps >= 37 && smaller.deviceCount >= 2
                    && smaller.conditions.isSuperset(of: [.cuts, .clones]))
        }

        shrinker.shrink()

        #expect(shrinker.best.scenario.steps == 37)
        #expect(shrinker.best.scenario.deviceCount == 2)
        #expect(shrinker.best.scenario.conditions == [.cuts, .clones])
        #expect(runs < 100)
    }

    @Test func anotherFailureIsNotTheSame() {
        var shrinker = Shrinker(outcome(scenario, fails: true), runsMax: 200) { smaller in
            var other = outcome(smaller, fails: true)
            other.failure?.rule = "another rule"
            return other
        }

        shrinker.shrink()

        #expect(shrinker.best.scenario == scenario)
    }

    @Test func noMoreRunsAreSpentThanAllowed() {
        var runs = 0
        var shrinker = Shrinker(outcome(scenario, fails: true), runsMax: 7) { smaller in
            runs += 1
            return outcome(smaller, fails: true)
        }

        shrinker.shrink()

        #expect(runs == 7)
    }

    @Test func whatHeldIsLeftAlone() {
        let held = outcome(scenario, fails: false)

        #expect(Simulator.shrink(held).scenario == scenario)
    }
}
