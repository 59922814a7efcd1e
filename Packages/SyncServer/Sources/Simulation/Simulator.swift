// SPDX-License-Identifier: MIT

import SyncTestSupport

/// Runs scenarios: the real client, wire and server code in one thread, with a virtual clock,
/// network and disks, judged after every step.
///
///     let outcome = Simulator.run(Scenario(seed: 7))
///     print(outcome.traceHash, outcome.failure ?? "all rules held")
///
/// A scenario has the same outcome every time, in every process of the same build.
public enum Simulator {
    /// What came of a run.
    public struct Outcome: Sendable {
        /// The scenario.
        public var scenario: Scenario
        /// A hash of everything that happened.
        public var traceHash: UInt64
        /// The rule that did not hold; `nil` if all did.
        public var failure: SimulationFailure?
        /// The step at which it did not.
        public var failedStep: Int
        /// What happened, in numbers.
        public var counts: SimulationCounts
    }

    /// Runs one scenario.
    ///
    /// - Parameter listener: Takes each line of the trace as it comes.
    public static func run(
        _ scenario: Scenario, listener: ((String) -> Void)? = nil
    ) -> Outcome {
        let world = World(scenario, trace: Trace(listener: listener))
        var story = Story(world)
        var failure: SimulationFailure?
        var step = 0
        do {
            try story.run { step = $0 }
        } catch let found as SimulationFailure {
            failure = found
        } catch is BeyondPromises {
            // The rest of the story would be judged by what nobody promises.
        } catch {
            failure = SimulationFailure(.goesOn, "\(error)")
        }
        world.counts.runs = 1
        defer { world.end() }
        return Outcome(
            scenario: scenario, traceHash: world.trace.hash, failure: failure, failedStep: step,
            counts: world.counts)
    }

    /// The smallest scenario found that still breaks the same rule: fewer steps, fewer devices,
    /// fewer conditions, as far as each can be taken away alone.
    ///
    /// - Returns: The outcome of that scenario; `outcome` itself if nothing failed in it.
    public static func shrink(_ outcome: Outcome, runsMax: Int = 200) -> Outcome {
        var shrinker = Shrinker(outcome, runsMax: runsMax) { run($0) }
        shrinker.shrink()
        return shrinker.best
    }
}
