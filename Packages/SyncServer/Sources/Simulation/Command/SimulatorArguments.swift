// SPDX-License-Identifier: MIT

/// What the command line of `entitysync-simulator` asks for.
struct SimulatorArguments: Equatable {
    /// What is to be done.
    enum Mode: Equatable {
        /// One seed, with its trace hash.
        case one
        /// All seeds of a range, both ends included.
        case range(ClosedRange<UInt64>)
        /// Seed after seed until so many seconds are over.
        case seconds(Double)
        /// The names of all planted bugs; with `--exhaustive` of those that small worlds find.
        case listMutants
        /// What finds a planted bug: which of the seeds, or with `--exhaustive` which small world.
        case mutant(String)
        /// Everything that can happen in all published small worlds.
        case exhaustive
        /// Everything that can happen in one of the quick small worlds.
        case smallWorld(Int)
        /// A copy of the sources with all planted bugs.
        case plant(source: String, destination: String)
        case help
    }

    var mode = Mode.help
    /// The scenario of one seed, and what the scenarios of many have besides their seeds.
    var scenario = Scenario(seed: 0)
    /// Whether `--seed` was given.
    var hasSeed = false
    /// Whether the trace is printed.
    var printsTrace = false
    /// Whether each seed is run twice; otherwise one in fifty is.
    var isTwice = false
    /// Whether the result is printed as JSON.
    var isJSON = false
    /// Whether a smaller scenario is looked for when one fails.
    var shrinks = true
    /// Whether small worlds are explored, instead of seeds.
    var isExhaustive = false
    /// How many seeds run at a time; `nil` for one on each core.
    var jobs: Int?

    /// A command line that cannot be understood.
    struct UsageError: Error, Equatable, CustomStringConvertible {
        /// What is wrong, and what to write instead.
        var description: String
    }

    /// Reads the words behind the program's name.
    init(_ words: [String]) throws(UsageError) {
        var modes: [String] = []
        var range: ClosedRange<UInt64>?
        var rest = words[...]
        while let word = rest.popFirst() {
            var inline: String?
            var name = word
            if word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
                inline = String(word[word.index(after: equals)...])
                name = String(word[..<equals])
            }
            func value(_ what: String) throws(UsageError) -> String {
                guard let value = inline ?? rest.popFirst(), !value.isEmpty else {
                    throw UsageError(description: "\(name) needs \(what).")
                }
                return value
            }
            switch name {
            case "--seed":
                scenario.seed = try Self.number(value("a number"), name, 0 ... .max)
                hasSeed = true
            case "--seeds": range = try Self.range(value("a range such as 1..1000"))
            case "--steps":
                scenario.steps = try Self.number(value("a number"), name, 0...10_000_000)
            case "--devices": scenario.devicesMax = try Self.number(value("a number"), name, 1...8)
            case "--without": scenario.without = try Self.conditions(value("names of conditions"))
            case "--jobs": jobs = try Self.number(value("a number"), name, 1...256)
            case "--minutes":
                guard let minutes = try Double(value("a number")), minutes > 0, minutes.isFinite
                else { throw UsageError(description: "--minutes needs a number above 0.") }
                mode = .seconds(minutes * 60)
                modes.append(name)
            case "--mutant":
                mode = .mutant(try value("a name; --list-mutants prints them"))
                modes.append(name)
            case "--plant":
                let source = try value("the root of the repository and a folder for the copy")
                inline = nil
                mode = .plant(source: source, destination: try value("a folder for the copy too"))
                modes.append(name)
            case "--exhaustive":
                isExhaustive = true
            case "--small-world":
                let worlds = 0...(SmallWorld.quick.count - 1)
                mode = .smallWorld(try Self.number(value("a number"), name, worlds))
                modes.append(name)
            case "--list-mutants":
                mode = .listMutants
                modes.append(name)
            case "--help", "-h", "help":
                self.mode = .help
                return
            case "--trace": printsTrace = true
            case "--twice": isTwice = true
            case "--json": isJSON = true
            case "--no-shrink": shrinks = false
            default: throw UsageError(description: "There is no option \(word).")
            }
        }
        try settle(modes, range)
    }

    /// What the options come to together.
    private mutating func settle(
        _ modes: [String], _ range: ClosedRange<UInt64>?
    ) throws(UsageError) {
        if modes.count > 1 {
            throw UsageError(description: "\(modes.joined(separator: " and ")) exclude each other.")
        }
        if isExhaustive {
            guard modes.isEmpty || modes == ["--mutant"] || modes == ["--list-mutants"],
                range == nil, !hasSeed
            else { throw UsageError(description: "--exhaustive goes with --mutant or alone.") }
            if modes.isEmpty { mode = .exhaustive }
            return
        }
        if let range {
            guard modes.isEmpty || modes == ["--mutant"], !hasSeed else {
                throw UsageError(description: "--seeds goes with neither --seed nor \(modes).")
            }
            if modes.isEmpty { mode = .range(range) }
            seeds = range
        } else if modes.isEmpty, hasSeed {
            mode = .one
        }
        if printsTrace, mode != .one {
            throw UsageError(description: "--trace goes with --seed alone.")
        }
        if mode == .help {
            throw UsageError(description: "Name what to run: --seed, --seeds, --minutes, …")
        }
    }

    /// The seeds of a range, and those that are to find a planted bug.
    private(set) var seeds: ClosedRange<UInt64> = 0...1_999

    private static func number<Value: FixedWidthInteger>(
        _ text: String, _ name: String, _ range: ClosedRange<Value>
    ) throws(UsageError) -> Value {
        guard let number = Value(text), range.contains(number) else {
            throw UsageError(
                description: "\(name) needs a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound), and is \"\(text)\".")
        }
        return number
    }

    private static func range(_ text: String) throws(UsageError) -> ClosedRange<UInt64> {
        let ends = text.split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
        guard text.contains(".."), ends.count == 2, let first = ends[0], let last = ends[1],
            first <= last
        else {
            throw UsageError(
                description: "--seeds needs two numbers, the first not above the second, as in "
                    + "1..1000; it is \"\(text)\".")
        }
        return first...last
    }

    private static func conditions(_ text: String) throws(UsageError) -> Set<Condition> {
        var conditions: Set<Condition> = []
        for name in text.split(separator: ",") {
            guard let condition = Condition(rawValue: String(name)) else {
                throw UsageError(
                    description: "There is no condition \(name). There are: "
                        + Condition.allCases.map(\.rawValue).joined(separator: ", ") + ".")
            }
            conditions.insert(condition)
        }
        return conditions
    }
}
