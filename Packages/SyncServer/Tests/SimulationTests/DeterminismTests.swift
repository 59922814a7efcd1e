// SPDX-License-Identifier: MIT

import SyncTestSupport
import Testing

@testable import Simulation

/// The same seed is the same story.
@Suite struct DeterminismTests {
    @Test(arguments: [1, 2, 5, 9] as [UInt64])
    func aSeedHasTheSameHashEveryTime(seed: UInt64) {
        let scenario = Scenario(seed: seed, steps: 60)

        #expect(Simulator.run(scenario).traceHash == Simulator.run(scenario).traceHash)
    }

    @Test func whoListensChangesNothing() {
        let scenario = Scenario(seed: 3, steps: 60)
        var lines: [String] = []

        let heard = Simulator.run(scenario, listener: { lines.append($0) })

        #expect(heard.traceHash == Simulator.run(scenario).traceHash)
        #expect(!lines.isEmpty)
    }

    @Test func everySeedHasAHashOfItsOwn() {
        let hashes = (0..<10).map { Simulator.run(Scenario(seed: $0, steps: 20)).traceHash }

        #expect(Set(hashes).count == hashes.count)
    }

    /// Dictionaries have another order in each process, which nothing may depend on.
    @Test func aSeedHasTheSameHashInEveryProcess() throws {
        let words = ["--seed", "4", "--steps", "60"]

        let outputs = try (0..<3).map { _ in try SimulatorProcess.output(of: words) }

        #expect(Set(outputs).count == 1)
        #expect(outputs[0].hasPrefix("trace "))
        let hash = outputs[0].split(whereSeparator: \.isWhitespace).last.map(String.init)
        #expect(hash == hexadecimal(Simulator.run(Scenario(seed: 4, steps: 60)).traceHash))
    }

    @Test func aHashHasSixteenDigits() {
        #expect(hexadecimal(0xabc) == "0000000000000abc")
        #expect(hexadecimal(.max) == "ffffffffffffffff")
    }

    @Test func anotherHashOfTheSameSeedIsAFailure() {
        var result = SeedResult(outcome: Simulator.run(Scenario(seed: 1, steps: 5)))
        var other = result.outcome
        other.traceHash ^= 1

        result.compare(with: other)

        #expect(result.outcome.failure?.rule == SeedResult.repeatable)
    }
}
