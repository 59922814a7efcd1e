// SPDX-License-Identifier: MIT

import SyncTestSupport

/// What one run is: everything in it follows from these values.
///
/// Which conditions a seed has is itself decided by the seed, so that some worlds are calm, most
/// have a few troubles, and some have all of them ("swarm testing", Groce et al., ISSTA 2012).
public struct Scenario: Sendable, Equatable {
    /// Decides everything that is left to chance.
    public var seed: UInt64
    /// How many things happen before all is healed: edits, syncs, faults.
    public var steps: Int
    /// At most so many devices; `nil` for as many as the seed says.
    public var devicesMax: Int?
    /// Conditions that the seed's own are reduced by.
    public var without: Set<Condition>

    /// The number of steps that a run has unless told otherwise: about a hundred
    /// sync cycles and 450 requests.
    public static let standardSteps = 400

    /// The scenario of a seed.
    public init(
        seed: UInt64, steps: Int = Scenario.standardSteps, devicesMax: Int? = nil,
        without: Set<Condition> = []
    ) {
        self.seed = seed
        self.steps = steps
        self.devicesMax = devicesMax
        self.without = without
    }

    /// What the run has.
    public var conditions: Set<Condition> {
        var generator = stream(.conditions)
        // One world in eight is calm, one has everything.
        let share = [0, 8, 15, 25, 25, 40, 60, 100].randomElement(using: &generator) ?? 0
        var chosen: Set<Condition> = []
        for condition in Condition.allCases
        where Int.random(in: 0..<100, using: &generator) < share {
            chosen.insert(condition)
        }
        return chosen.subtracting(without)
    }

    /// How many devices the run has.
    public var deviceCount: Int {
        var generator = stream(.devices)
        let count = [2, 2, 2, 3, 3, 3, 4, 4, 5, 8].randomElement(using: &generator) ?? 2
        return min(count, devicesMax ?? count)
    }

    /// A part of the run that draws its own numbers, so that taking one thing away leaves the
    /// others as they were.
    enum Stream: UInt64 {
        case conditions = 1
        case devices, schedule, workload, network, faults, server, identities, paths
    }

    func stream(_ stream: Stream, _ index: Int = 0) -> SeededGenerator {
        var mixer = SeededGenerator(seed: seed ^ stream.rawValue << 56 ^ UInt64(index) << 32)
        return SeededGenerator(seed: mixer.next())
    }

    /// The arguments of `entitysync-simulator` that run this scenario again.
    public var arguments: String {
        var text = "--seed \(seed)"
        if steps != Self.standardSteps { text += " --steps \(steps)" }
        if let devicesMax { text += " --devices \(devicesMax)" }
        if !without.isEmpty {
            text += " --without " + without.map(\.rawValue).sorted().joined(separator: ",")
        }
        return text
    }
}
