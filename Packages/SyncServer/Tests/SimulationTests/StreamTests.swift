// SPDX-License-Identifier: MIT

import SyncTestSupport
import Testing

@testable import Simulation

/// What is taken away from a scenario leaves the rest as it was.
@Suite struct StreamTests {
    private func lines(_ scenario: Scenario) -> [String] {
        var lines: [String] = []
        _ = Simulator.run(scenario) { lines.append($0) }
        return lines
    }

    /// The times at which apps commit something, each with the device.
    private func commits(_ scenario: Scenario) -> [String] {
        lines(scenario).filter { $0.contains(" commits ") }
            .compactMap { $0.split(separator: " commits ").first.map(String.init) }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func fewerStepsAreTheSameStepsAsFarAsTheyGo(seed: UInt64) throws {
        let short = lines(Scenario(seed: seed, steps: 40))
        let long = lines(Scenario(seed: seed, steps: 80))
        let end = try #require(short.firstIndex { $0.contains("everything is healed") })

        #expect(short[..<end] == long[..<end])
        #expect(end > 20)
    }

    @Test(arguments: [Condition.jitter, .cuts, .trickle, .partitions, .hotEntity, .smallPages])
    func withoutOneConditionAppsWriteWhenTheyDid(condition: Condition) throws {
        let network: Set<Condition> = [
            .jitter, .cuts, .trickle, .partitions, .hotEntity, .smallPages, .lostAnswers,
        ]
        let others = Set(Condition.allCases).subtracting(network)
        let seed = try #require(
            (0..<1_000).first {
                Scenario(seed: $0, without: others).conditions == network
            })

        let all = commits(Scenario(seed: seed, steps: 60, without: others))
        let fewer = commits(Scenario(seed: seed, steps: 60, without: others.union([condition])))

        #expect(all == fewer)
        #expect(all.count > 10)
    }

    @Test func withoutADeviceTheOthersWriteWhenTheyDid() throws {
        let others = Set(Condition.allCases)
        let seed = try #require((0..<100).first { Scenario(seed: $0).seedDeviceCount == 5 })

        let all = commits(Scenario(seed: seed, steps: 60, without: others))
        let fewer = commits(Scenario(seed: seed, steps: 60, devicesMax: 3, without: others))

        #expect(fewer == all.filter { !$0.hasSuffix("device 3") && !$0.hasSuffix("device 4") })
        #expect(fewer.count > 5 && fewer.count < all.count)
    }

    @Test func everyPartHasNumbersOfItsOwn() {
        let scenario = Scenario(seed: 1)
        var first: Set<UInt64> = []
        for stream in [Scenario.Stream.schedule, .network, .devices] {
            for index in 0..<10 {
                for number in 0..<10 {
                    var generator = scenario.stream(stream, index, number)
                    first.insert(generator.next())
                }
            }
        }

        #expect(first.count == 300)
    }

    @Test func aConditionDoesNotDependOnTheOthersInTheList() {
        let chosen = (0..<400).map { Scenario(seed: $0).conditions }

        // Each is in about a third of the worlds, and no two are always together.
        for condition in Condition.allCases {
            let count = chosen.count { $0.contains(condition) }
            #expect((80..<200).contains(count), "\(condition): \(count)")
            for other in Condition.allCases where other != condition {
                #expect(chosen.contains { $0.contains(condition) != $0.contains(other) })
            }
        }
    }
}
