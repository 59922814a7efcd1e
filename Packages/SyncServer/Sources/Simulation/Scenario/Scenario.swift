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

    /// The number of steps that a run has unless told otherwise: two hundred sync cycles and
    /// some six hundred requests in half of all worlds.
    public static let standardSteps = 430

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
    public var conditions: Set<Condition> { seedConditions.subtracting(without) }

    /// What the seed says that the run has.
    var seedConditions: Set<Condition> {
        var generator = stream(.conditions)
        // One world in eight is calm, one has everything.
        let share = generator.oneOf([0, 8, 15, 25, 25, 40, 60, 100])
        let chosen = Condition.allCases.filter { condition in
            // By its name, so that a new condition leaves the others as they were.
            let name = condition.rawValue.utf8.reduce(0) { ($0 << 5 &+ $0 &+ Int($1)) % 1_000_003 }
            var generator = stream(.conditions, name + 1)
            return generator.chance(share)
        }
        return Set(chosen)
    }

    /// How many devices the run has.
    public var deviceCount: Int { min(seedDeviceCount, devicesMax ?? seedDeviceCount) }

    /// How many devices the seed says.
    var seedDeviceCount: Int {
        var generator = stream(.devices)
        return generator.oneOf([2, 2, 2, 3, 3, 3, 4, 4, 5, 8])
    }

    /// A part of the run that draws its own numbers, so that taking one thing away leaves the
    /// others as they were: each step, and in each step each device and each exchange.
    enum Stream: UInt64 {
        case conditions = 1
        case devices, schedule, workload, network, faults, server, serverNames, names, paths, ties,
            policies, compaction
    }

    /// The numbers of a part.
    ///
    /// - Parameters:
    ///   - index: Which one of its kind: a device, a step.
    ///   - number: Which one of those that `index` has, such as a step of a device.
    func stream(_ stream: Stream, _ index: Int = 0, _ number: Int = 0) -> SeededGenerator {
        var state = seed ^ stream.rawValue << 56
        for part in 0..<2 {
            var mixer = SeededGenerator(seed: state)
            state = mixer.next() ^ UInt64(part == 0 ? index : number)
        }
        var mixer = SeededGenerator(seed: state)
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
