// SPDX-License-Identifier: MIT

/// What `--help` prints.
enum SimulatorHelp {
    static var text: String {
        """
        entitysync-simulator: the real client, wire and server code in one thread, with a virtual
        clock, virtual networks and virtual disks. A seed decides everything that happens, faults
        included; checkers judge every answer, every commit and every device after every step.

        One seed, and what it did:
          entitysync-simulator --seed 7                 ends with the line `trace HASH`
          entitysync-simulator --seed 7 --trace         tells the story line by line
        The same seed has the same hash every time, in every process of the same build.

        Many seeds:
          entitysync-simulator --seeds 1..1000          both ends included; ends with counts
          entitysync-simulator --minutes 10             from a random seed on, which it prints
          entitysync-simulator --minutes 10 --seed 1    from seed 1 on

        Smaller or larger worlds, with any of the above:
          --steps N         edits, syncs and faults before all is healed [\(Scenario.standardSteps)]
          --devices N       at most so many devices
          --without A,B     without these conditions, of those that the seed chose
        When a rule is broken, the smallest scenario that breaks it too is looked for, and printed
        in these options.

        Planted bugs, to see what the checkers find:
          --list-mutants             names and what they break
          --mutant NAME              which seed finds it, of --seeds [0..1999]; needs a build with
                                     planted bugs: ./setup.sh simulate --mutants NAME makes one
          --exhaustive with either   those that small worlds find, and which one does
          --plant SOURCE DESTINATION copies the repository and plants all of them in the copy

        Everything that can happen in small worlds, without chance:
          --exhaustive               two and three devices with up to four transactions, breadth
                                     first; prints states and transitions; takes minutes and GB
          --small-world N            one of \(SmallWorld.quick.count) that take seconds, from 0 on

        Besides:
          --jobs N     how many seeds run at a time [one on each core]
          --twice      runs every seed twice and compares the hashes; otherwise one in
                       \(SeedResult.twiceEvery) is
          --no-shrink  prints failures as they are
          --json       prints the counts and failures as JSON

        Conditions: \(conditions)

        Exit status: 0 all rules held, or a planted bug was found; 1 a rule was broken, or a
        planted bug survived; 2 the command line was wrong.
        """
    }

    private static var conditions: String {
        var lines = [""]
        for condition in Condition.allCases {
            let word = condition.rawValue + ", "
            if lines[lines.count - 1].utf8.count + word.utf8.count > 84 { lines.append("  ") }
            lines[lines.count - 1] += word
        }
        return lines.joined(separator: "\n").dropLast(2) + "."
    }
}
