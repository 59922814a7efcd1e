// SPDX-License-Identifier: MIT

/// The command line of `entitysync-simulator`.
public enum SimulatorCommand {
    /// What a command ends with, besides 0.
    private enum Status {
        static let failure: Int32 = 1
        static let usage: Int32 = 2
    }

    /// Runs a command to its end.
    ///
    /// - Parameter words: The words behind the program's name.
    /// - Returns: The exit status: 0 if every rule held, 1 if one did not, 2 if the command line
    ///   was wrong.
    public static func run(_ words: [String]) async -> Int32 {
        let arguments: SimulatorArguments
        do throws(SimulatorArguments.UsageError) {
            arguments = try SimulatorArguments(words)
        } catch {
            Terminal.error("\(error)\nRun entitysync-simulator --help to see how it is used.")
            return Status.usage
        }
        switch arguments.mode {
        case .help:
            Terminal.output(SimulatorHelp.text)
            return 0
        case .listMutants:
            for mutant in Mutant.all where !arguments.isExhaustive || mutant.isInSmallWorlds {
                Terminal.output("\(mutant.name): \(mutant.breaks)")
            }
            return 0
        case .plant(let source, let destination):
            return plant(source, destination)
        case .mutant(let name): return hunt(name, arguments)
        case .exhaustive: return explore(SmallWorld.published)
        case .smallWorld(let number): return explore([SmallWorld.quick[number]])
        case .one:
            Crash.watch()
            return runOne(arguments)
        case .range(let seeds):
            Crash.watch()
            return await runRange(seeds, arguments)
        case .seconds(let seconds):
            Crash.watch()
            return await run(forSeconds: seconds, arguments)
        }
    }

    /// Explores small worlds one after the other, as each may need much memory.
    private static func explore(_ worlds: [SmallWorld]) -> Int32 {
        var status: Int32 = 0
        for world in worlds {
            Terminal.error("exploring \(world) …")
            let outcome = ExhaustiveExploration.run(world)
            Terminal.output("\(outcome)")
            if outcome.failure != nil || !outcome.isComplete { status = Status.failure }
        }
        return status
    }

    private static func runOne(_ arguments: SimulatorArguments) -> Int32 {
        let scenario = arguments.scenario
        Crash.note(seed: scenario.seed)
        let listener: ((String) -> Void)? =
            arguments.printsTrace ? { Terminal.output($0) } : nil
        var result = SeedResult(outcome: Simulator.run(scenario, listener: listener))
        if arguments.isTwice || scenario.seed % SeedResult.twiceEvery == 0 {
            result.compare(with: Simulator.run(scenario))
        }
        let outcome = result.outcome
        if arguments.isJSON {
            var total = Campaign.Result(counts: outcome.counts)
            if outcome.failure != nil { total.failures = [outcome] }
            total.traceHash = outcome.traceHash
            Terminal.output(total.json)
        } else {
            for line in result.report(shrinks: arguments.shrinks && !arguments.printsTrace) {
                Terminal.output(line)
            }
            Terminal.output("trace \(hexadecimal(outcome.traceHash))")
        }
        return outcome.failure == nil ? 0 : Status.failure
    }

    private static func runRange(
        _ seeds: ClosedRange<UInt64>, _ arguments: SimulatorArguments
    ) async -> Int32 {
        let reporter = FailureReporter(arguments)
        let total = await campaign(arguments).run(
            from: seeds.lowerBound, while: { $0 <= seeds.upperBound },
            { reporter.take($0) })
        Terminal.output(arguments.isJSON ? total.json : total.summary)
        return total.failures.isEmpty ? 0 : Status.failure
    }

    private static func run(
        forSeconds seconds: Double, _ arguments: SimulatorArguments
    ) async -> Int32 {
        let first =
            arguments.hasSeed ? arguments.scenario.seed : UInt64.random(in: 0...0xffff_ffff_ffff)
        Terminal.error("from seed \(first) on")
        let clock = ContinuousClock()
        let start = clock.now
        let reporter = FailureReporter(arguments)
        var (runs, shown) = (0, start)
        let total = await campaign(arguments).run(
            from: first, while: { _ in start.duration(to: clock.now) < .seconds(seconds) },
            { result in
                runs += 1
                if shown.duration(to: clock.now) >= .seconds(5) {
                    shown = clock.now
                    Terminal.error(
                        "\(start.duration(to: shown).components.seconds) s: \(runs) sessions, "
                            + "\(reporter.count) failures")
                }
                return reporter.take(result)
            })
        guard !arguments.isJSON else {
            Terminal.output(total.json)
            return total.failures.isEmpty ? 0 : Status.failure
        }
        Terminal.output("seeds \(first)..\(max(first, total.lastSeed))")
        Terminal.output("faults by kind:")
        for line in total.faultLines { Terminal.output(line) }
        Terminal.output(total.summary)
        return total.failures.isEmpty ? 0 : Status.failure
    }

    private static func campaign(_ arguments: SimulatorArguments) -> Campaign {
        Campaign(
            scenario: arguments.scenario, isTwice: arguments.isTwice,
            jobs: arguments.jobs ?? Machine.cores)
    }

    // MARK: Planted bugs

    private static func plant(_ source: String, _ destination: String) -> Int32 {
        do {
            try MutantPlanter(source: source).plant(in: destination)
            return 0
        } catch {
            Terminal.error("\(error)")
            return Status.failure
        }
    }

    /// Looks for the first seed, or the first small world, that finds a planted bug.
    private static func hunt(_ name: String, _ arguments: SimulatorArguments) -> Int32 {
        guard Mutant.all.contains(where: { $0.name == name }) else {
            Terminal.error("There is no planted bug \(name); --list-mutants prints all of them.")
            return Status.usage
        }
        guard Mutant.areAllPlanted else {
            Terminal.error(
                "This program was built without planted bugs. In a checkout of the repository, "
                    + "./setup.sh simulate --mutants \(name) builds one with them and runs it.")
            return Status.usage
        }
        let attempts =
            arguments.isExhaustive
            ? MutantHunt.smallWorlds
            : MutantHunt.attempts(arguments.seeds, of: arguments.scenario)
        do {
            return try MutantHunt(name: name).run(attempts) ? 0 : Status.failure
        } catch {
            Terminal.error("\(error)")
            return Status.failure
        }
    }
}

/// Prints failures: the first of each rule with the smallest scenario that breaks it too.
private final class FailureReporter {
    private let isSilent: Bool
    private let shrinks: Bool
    private var rules: Set<String> = []
    private(set) var count = 0

    init(_ arguments: SimulatorArguments) {
        isSilent = arguments.isJSON
        shrinks = arguments.shrinks
    }

    func take(_ result: SeedResult) -> Bool {
        guard let failure = result.outcome.failure else { return true }
        count += 1
        guard !isSilent else { return true }
        let isFirst = rules.insert(failure.rule).inserted
        for line in result.report(shrinks: isFirst && shrinks) { Terminal.output(line) }
        return true
    }
}
