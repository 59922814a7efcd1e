// SPDX-License-Identifier: MIT

import Testing

@testable import Simulation

/// Seeds that must hold: a small ladder of sizes, and those that found bugs.
@Suite struct SeedLadderTests {
    @Test(arguments: [(0..<60, 20), (100..<112, 80), (200..<202, 400)])
    func allRulesHold(seeds: Range<UInt64>, steps: Int) {
        for seed in seeds {
            let outcome = Simulator.run(Scenario(seed: seed, steps: steps))
            #expect(
                outcome.failure == nil,
                "\(outcome.scenario.arguments): \(outcome.failure?.description ?? "")")
        }
    }

    @Test(arguments: RegressionSeed.all)
    func whatWasFoundStaysMended(seed: RegressionSeed) throws {
        let words = seed.arguments.split(separator: " ").map(String.init)
        let scenario = try SimulatorArguments(words).scenario

        let outcome = Simulator.run(scenario)

        #expect(
            outcome.failure == nil,
            "\(seed.found) \(scenario.arguments): \(outcome.failure?.description ?? "")")
    }

    @Test func aSeedIsAFewHundredSyncCycles() {
        let runs = (0..<21).map { Simulator.run(Scenario(seed: $0)).counts }
        let cycles = runs.map { $0.cycles + $0.failedCycles }.sorted()

        #expect(cycles[10] >= 200)
    }

    @Test func aCalmWorldHasNoFaults() throws {
        let calm = try #require((0..<100).first { Scenario(seed: $0).conditions.isEmpty })

        let outcome = Simulator.run(Scenario(seed: calm, steps: 60))

        #expect(outcome.failure == nil)
        #expect(outcome.counts.faults.isEmpty)
        #expect(outcome.counts.failedCycles == 0)
    }

    @Test func seedsComeInTheirOrderHoweverManyRunAtATime() async {
        let campaign = Campaign(scenario: Scenario(seed: 0, steps: 5), isTwice: false, jobs: 3)
        var seeds: [UInt64] = []

        let total = await campaign.run(from: 7, while: { $0 < 20 }) { result in
            seeds.append(result.outcome.scenario.seed)
            return true
        }

        #expect(seeds == Array(7..<20))
        #expect(total.counts.runs == 13)
        #expect(total.lastSeed == 19)
    }
}
