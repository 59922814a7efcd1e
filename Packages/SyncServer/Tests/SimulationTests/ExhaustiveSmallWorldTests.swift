// SPDX-License-Identifier: MIT

import Simulation
import Testing

/// Everything that can happen in worlds that are small enough for every test run. The larger ones
/// are explored in release builds.
@Suite struct ExhaustiveSmallWorldTests {
    private static func world(
        _ devices: Int, _ transactions: Int, _ entities: Int, _ resolver: SmallWorld.Resolver,
        _ change: (inout SmallWorld) -> Void = { _ in }
    ) -> SmallWorld {
        var world = SmallWorld(
            devices: devices, transactions: transactions, entities: entities, resolver: resolver)
        change(&world)
        return world
    }

    private static let worlds: [SmallWorld] =
        SmallWorld.Resolver.allCases.map { world(2, 2, 1, $0) }
        + [
            world(1, 2, 2, .serverWins) { $0.strayPushesMax = 2 },
            world(1, 2, 1, .merge) { ($0.hasRestarts, $0.hasLatePages) = (true, true) },
            world(2, 2, 1, .serverWins) { $0.hasRestarts = true },
            world(2, 1, 2, .serverWins) { $0.pullLimit = 1 },
            world(3, 1, 1, .clientWins),
        ]

    @Test(arguments: worlds)
    func everyStateKeepsTheRulesAndLeadsToRest(_ world: SmallWorld) {
        let outcome = ExhaustiveExploration.run(world)
        #expect(outcome.failure == nil, "\(outcome)")
        #expect(outcome.isComplete)
    }

    @Test func findsTheSameStatesEachTime() {
        let world = Self.world(2, 1, 1, .merge)
        let (one, other) = (ExhaustiveExploration.run(world), ExhaustiveExploration.run(world))
        #expect("\(one)" == "\(other)")
        #expect(one.states > 500)
    }

    @Test func saysWhereItGaveUp() {
        let outcome = ExhaustiveExploration.run(Self.world(3, 3, 2, .merge), statesMax: 1_000)
        #expect(!outcome.isComplete)
        #expect(outcome.failure == nil)
        #expect(outcome.states > 1_000)
    }
}
