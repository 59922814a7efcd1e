// SPDX-License-Identifier: MIT

import SyncTestSupport
import Testing

@testable import Simulation

/// The command line, and the arguments that a failure is replayed with.
@Suite struct SimulatorArgumentsTests {
    @Test(arguments: 0..<200 as Range<UInt64>)
    func aScenarioIsReadBackFromItsArguments(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var scenario = Scenario(seed: generator.next())
        if Bool.random(using: &generator) {
            scenario.steps = Int.random(in: 0...5_000, using: &generator)
        }
        if Bool.random(using: &generator) {
            scenario.devicesMax = Int.random(in: 1...8, using: &generator)
        }
        for condition in Condition.allCases where Int.random(in: 0..<4, using: &generator) == 0 {
            scenario.without.insert(condition)
        }

        let words = scenario.arguments.split(separator: " ").map(String.init)
        let read = try SimulatorArguments(words)

        #expect(read.scenario == scenario)
        #expect(read.mode == .one)
    }

    @Test func aRangeHasBothItsEnds() throws {
        #expect(try SimulatorArguments(["--seeds", "3..7"]).mode == .range(3...7))
        #expect(try SimulatorArguments(["--seeds=3..3"]).mode == .range(3...3))
    }

    @Test func aPlantedBugIsHuntedInTwoThousandSeedsOrInThoseNamed() throws {
        let usual = try SimulatorArguments(["--mutant", "a"])
        let named = try SimulatorArguments(["--mutant", "a", "--seeds", "5..6"])

        #expect(usual.mode == .mutant("a"))
        #expect(usual.seeds == 0...1_999)
        #expect(named.mode == .mutant("a"))
        #expect(named.seeds == 5...6)
    }

    @Test func smallWorldsAreExploredAlone() throws {
        #expect(try SimulatorArguments(["--exhaustive"]).mode == .exhaustive)
        #expect(try SimulatorArguments(["--small-world", "0"]).mode == .smallWorld(0))
        #expect(throws: SimulatorArguments.UsageError.self) {
            try SimulatorArguments(["--exhaustive", "--minutes", "1"])
        }
    }

    @Test(arguments: [["--mutant", "a", "--exhaustive"], ["--exhaustive", "--mutant", "a"]])
    func aPlantedBugIsHuntedInSmallWorldsIfAskedFor(words: [String]) throws {
        let read = try SimulatorArguments(words)
        #expect(read.mode == .mutant("a"))
        #expect(read.isExhaustive)
    }

    @Test func minutesBeginWhereTheSeedSays() throws {
        let read = try SimulatorArguments(["--minutes", "0.5", "--seed", "9", "--jobs", "1"])

        #expect(read.mode == .seconds(30))
        #expect(read.hasSeed)
        #expect(read.scenario.seed == 9)
        #expect(read.jobs == 1)
    }

    @Test(arguments: [
        "", "--seed", "--seed x", "--seed -1", "--seeds 5", "--seeds 7..3", "--seeds 1..2..3",
        "--steps 5", "--seed 1 --devices 0", "--seed 1 --without sunshine", "--minutes 0",
        "--minutes -1", "--minutes inf", "--seeds 1..2 --trace", "--seed 1 --seeds 1..2",
        "--seeds 1..2 --minutes 1", "--minutes 1 --mutant a", "--plant here", "--sede 1", "7",
        "--seed 1 --jobs 0", "--small-world -1", "--small-world 1000", "--exhaustive --seed 1",
        "--exhaustive --seeds 1..2",
    ])
    func whatCannotBeUnderstoodIsRefused(line: String) {
        #expect(throws: SimulatorArguments.UsageError.self) {
            try SimulatorArguments(line.split(separator: " ").map(String.init))
        }
    }

    @Test func helpIsThereWhateverElseIsAskedFor() throws {
        #expect(try SimulatorArguments(["--seed", "1", "--help"]).mode == .help)
        for condition in Condition.allCases {
            #expect(SimulatorHelp.text.contains(condition.rawValue))
        }
    }

    @Test func textsAreQuotedForJSON() {
        #expect(quoted("a\"b\\c\nd\u{1}é") == #""a\"b\\c\nd\u0001é""#)
    }
}
