// SPDX-License-Identifier: MIT

import Testing

@testable import Simulation

/// A hunt finds a planted bug only by what the bug has caused.
@Suite struct MutantHuntTests {
    private static func lines(
        _ run: @escaping ([String], String?) -> ChildRun.End
    ) throws -> (wasFound: Bool, lines: [String]) {
        var lines: [String] = []
        let hunt = MutantHunt(
            name: "a-bug", start: { ChildRun(end: run($0, $1)) }, tell: { lines.append($0) })
        let attempts = MutantHunt.attempts(3...6, of: Scenario(seed: 0, steps: 60))
        return (try hunt.run(attempts), lines)
    }

    @Test(arguments: [ChildRun.End.status(1), .signal(4), .overdue])
    func theFirstSeedThatFailsWithTheBugOnlyFindsIt(_ end: ChildRun.End) throws {
        let found = try Self.lines { words, mutant in
            words[1] == "5" && mutant == "a-bug" ? end : .status(0)
        }
        #expect(found.wasFound)
        #expect(found.lines == ["found a-bug seed 5"])
    }

    @Test(arguments: [ChildRun.End.status(1), .signal(4), .overdue])
    func aSeedThatFailsWithoutTheBugToo(_ end: ChildRun.End) throws {
        let found = try Self.lines { words, _ in words[1] == "5" ? end : .status(0) }
        #expect(!found.wasFound)
        #expect(found.lines == ["survived a-bug"])
    }

    @Test func everyRunHasTheWholeScenario() throws {
        var all: [[String]] = []
        _ = try Self.lines { words, _ in
            all.append(words)
            return .status(0)
        }
        #expect(all.count == 4)
        #expect(all[0] == ["--seed", "3", "--steps", "60", "--no-shrink"])
        #expect(try SimulatorArguments(all[0]).shrinks == false)
    }

    @Test func bugsThatSmallWorldsFindAreInTheTable() {
        let names = Set(Mutant.all.map(\.name))
        #expect(Mutant.namesInSmallWorlds.subtracting(names) == [])
        #expect(MutantHunt.smallWorlds.count == SmallWorld.quick.count)
    }
}
