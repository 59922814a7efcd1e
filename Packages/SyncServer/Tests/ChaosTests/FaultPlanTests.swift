// SPDX-License-Identifier: MIT

import SyncTestSupport
import Testing

@testable import entitysync_chaos

@Suite struct FaultPlanTests {
    private func plan(
        seed: UInt64 = 1, round: Int, available: [FaultKind] = FaultKind.allCases
    ) -> FaultPlan {
        FaultPlan.make(
            seed: seed, round: round, available: available, deviceCount: 3, milliseconds: 1_000)
    }

    @Test func theSameSeedMakesTheSamePlanAndAnotherOneAnother() {
        for round in 0..<40 {
            #expect(plan(round: round) == plan(round: round))
            #expect(plan(round: round) != plan(seed: 2, round: round))
        }
    }

    @Test func theFirstRoundsTryEachKindAlone() {
        let first = FaultKind.allCases.indices.map { plan(round: $0).kinds }
        #expect(first == FaultKind.allCases.map { [$0] })
    }

    @Test func laterRoundsMixKindsThatAreAvailable() {
        let available: [FaultKind] = [.serverKill, .delay, .reset]
        let later = (3..<60).map { plan(round: $0, available: available).kinds }
        #expect(later.contains { $0.count > 1 })
        #expect(later.contains { $0.count == 1 })
        #expect(later.allSatisfy { kinds in kinds.allSatisfy(available.contains) })
        #expect(later.allSatisfy { Set($0).count == $0.count })
    }

    @Test(arguments: FaultKind.allCases) func everyKindComesWithinItsRound(kind: FaultKind) {
        for seed in 0..<20 as Range<UInt64> {
            let plan = plan(seed: seed, round: 0, available: [kind])
            #expect(!plan.events.isEmpty)
            for event in plan.events {
                #expect(event.kind == kind)
                #expect((0...1_000).contains(event.begin))
                #expect((0..<3).contains(event.device))
            }
            #expect(plan.events.map(\.begin) == plan.events.map(\.begin).sorted())
        }
    }

    @Test func cutsComeBeforeAndWithinHeadsAndWithinBodiesBothWays() {
        var generator = SeededGenerator(seed: 3)
        let faults = (0..<300).map { _ in WireFault.make(.reset, using: &generator) }
        for range in [0...0, 1...60, 61...260, 400...4_000] {
            for direction in [WireFault.Direction.toServer, .toClient] {
                #expect(
                    faults.contains {
                        $0.direction == direction && range.contains($0.afterBytes)
                    })
            }
        }
    }

    @Test func faultsOfOneWayHaveThatWay() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<20 {
            #expect(WireFault.make(.halfCloseToClient, using: &generator).direction == .toClient)
            #expect(WireFault.make(.halfCloseToServer, using: &generator).direction == .toServer)
            #expect(WireFault.make(.blackHoleToClient, using: &generator).direction == .toClient)
            #expect(WireFault.make(.blackHoleToServer, using: &generator).direction == .toServer)
        }
    }
}
