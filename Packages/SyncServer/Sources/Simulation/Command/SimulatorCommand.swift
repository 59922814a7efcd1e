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
            for mutant in Mutant.all { Terminal.output("\(mutant.name): \(mutant.breaks)") }
            return 0
        case .plant(let source, let destination):
            return plant(source, destination)
        case .mutant(let name): return hunt(name, arguments)
        case .exhaustive: return explore()
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

    /// Explores the published small worlds one after the other, as each may need much memory.
    private static func explore() -> Int32 {
        var status: Int32 = 0
        for world in SmallWorld.published {
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
            for line in result.report(shrinks: !arguments.printsTrace) { Terminal.output(line) }
            Terminal.output("trace \(hexadecimal(outcome.traceHash))")
        }
        return outcome.failure == nil ? 0 : Status.failure
    }

    private static func runRange(
        _ seeds: ClosedRange<UInt64>, _ arguments: SimulatorArguments
    ) async -> Int32 {
        let reporter = FailureReporter(isSilent: arguments.isJSON)
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
        let reporter = FailureReporter(isSilent: arguments.isJSON)
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

    /// Looks for the first seed that finds a planted bug.
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
        Crash.watch(hunting: name)
        var found: Simulator.Outcome?
        for seed in arguments.seeds where found == nil {
            var scenario = arguments.scenario
            scenario.seed = seed
            Machine.setEnvironment(Mutant.environmentVariable, name)
            let outcome = SeedResult.run(scenario, isTwice: false).outcome
            guard outcome.failure != nil else { continue }
            // A seed that fails without the bug as well has not found it.
            Machine.setEnvironment(Mutant.environmentVariable, nil)
            if Simulator.run(scenario).failure == nil { found = outcome }
        }
        guard let found, let failure = found.failure else {
            Terminal.output("survived \(name)")
            return Status.failure
        }
        Terminal.output("found \(name) seed \(found.scenario.seed)")
        Terminal.error("\(name): \(failure)")
        return 0
    }
}

/// Prints failures: the first of each rule with the smallest scenario that breaks it too.
private final class FailureReporter {
    private let isSilent: Bool
    private var rules: Set<String> = []
    private(set) var count = 0

    init(isSilent: Bool) { self.isSilent = isSilent }

    func take(_ result: SeedResult) -> Bool {
        guard let failure = result.outcome.failure else { return true }
        count += 1
        guard !isSilent else { return true }
        let isFirst = rules.insert(failure.rule).inserted
        for line in result.report(shrinks: isFirst) { Terminal.output(line) }
        return true
    }
}
