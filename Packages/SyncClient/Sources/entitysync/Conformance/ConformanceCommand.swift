// SPDX-License-Identifier: MIT

import SyncConformance

/// What every `entitysync conformance` command does, whatever it judges.
enum ConformanceCommand {
    /// The exit code when there is nothing to judge.
    static let unreachableExitCode: Int32 = 2

    /// How long nothing is printed about what is being checked.
    private static let quietTime = Duration.seconds(2)

    /// The flags of every suite, to be put behind those of a command's own.
    static let flags: [Command.Flag] = [
        .init(name: "--only", value: "PATTERN", summary: "Only these checks, see above."),
        .init(name: "--list", summary: "Print the checks and make none."),
        .init(name: "--json", summary: "Print one JSON object; with --list an array."),
        .init(name: "--markdown", summary: "With --list: print a table in Markdown."),
        .init(name: "--seed", value: "N", summary: "What is random comes from N (1)."),
    ]

    /// What the help of every suite ends with.
    static let discussion = """
        A check has a name of levels, push/exactly-once/reset, and shows one rule of
        doc/protocol.md, whose section the report names. --only takes names joined by commas,
        each of one check or of all below a level; * stands for any characters. A check that
        fails says what was expected, what came, and the command that makes it again.

        While it takes long, progress is told on standard error. The exit code is 0 if no check
        failed, 1 if one did, 2 if there was nothing to judge, and 64 if the command line makes
        no sense.
        """

    /// Makes the checks of a suite that the flags ask for, or lists them, and prints the result.
    ///
    /// - Parameters:
    ///   - name: What the report calls the subject.
    ///   - words: The command line of the subject without `--seed` and `--only`: it is part of
    ///     how to repeat a check.
    ///   - operands: The words behind `--`, which come last in how to repeat a check.
    ///   - text: The report for people.
    ///   - makeSubject: Called with the seed, unless the checks are only listed. It throws
    ///     `ConformanceUnreachable` if there is nothing to judge.
    /// - Returns: the exit code.
    static func run<Subject: Sendable>(
        _ suite: ConformanceSuite<Subject>, named name: String, words: [String],
        operands: [String] = [], _ arguments: Arguments, _ command: Command,
        text: (ConformanceReport) -> String = { $0.text },
        makeSubject: (_ seed: UInt64) throws -> Subject
    ) throws -> Int32 {
        let pattern = arguments.value("--only").map(ConformancePattern.init)
        let checks = suite.checks(pattern)
        guard !checks.isEmpty else {
            let text = arguments.value("--only") ?? ""
            throw UsageError("no check is called \(text); --list names them all", command)
        }
        if arguments.has("--list") {
            print(list(checks, arguments))
            return 0
        }
        let seed = try number("--seed", arguments, command, default: 1)
        let heading = ConformanceHeading(
            suite: suite.name, subject: name, seed: seed,
            command: (["entitysync", command.name] + words + ["--seed", "\(seed)"])
                .joined(separator: " "),
            operands: operands.isEmpty ? "" : " -- " + shellText(operands))
        let subject: Subject
        do {
            subject = try makeSubject(seed)
        } catch let unreachable as ConformanceUnreachable {
            StandardError.write("entitysync: \(unreachable)")
            return unreachableExitCode
        }
        let clock = ContinuousClock()
        var last = clock.now
        let report = suite.run(on: subject, only: pattern, heading: heading) { next, done, total in
            guard clock.now - last > quietTime else { return }
            last = clock.now
            StandardError.write("\(done) of \(total) checks, now \(next.name)")
        }
        print(arguments.has("--json") ? report.json + "\n" : text(report))
        return report.exitCode
    }

    /// Words as a shell takes them.
    static func shellText(_ words: [String]) -> String {
        words.map { word in
            let isPlain = word.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"),
                    UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "="), UInt8(ascii: ":"):
                    true
                default: false
                }
            }
            let quoted = word.split(separator: "'", omittingEmptySubsequences: false)
            return isPlain && !word.isEmpty ? word : "'" + quoted.joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
    }

    /// The number of a flag.
    static func number(
        _ flag: String, _ arguments: Arguments, _ command: Command, default standard: UInt64,
        in range: ClosedRange<UInt64> = 0...UInt64.max
    ) throws(UsageError) -> UInt64 {
        guard let text = arguments.value(flag) else { return standard }
        guard let number = UInt64(text), range.contains(number) else {
            throw UsageError(
                "\(flag) takes a number from \(range.lowerBound) to \(range.upperBound), and got "
                    + text, command)
        }
        return number
    }

    private static func list(_ checks: [ConformanceCheck], _ arguments: Arguments) -> String {
        if arguments.has("--markdown") { return ConformanceReport.table(of: checks) }
        if arguments.has("--json") { return ConformanceReport.json(of: checks) + "\n" }
        return ConformanceReport.list(of: checks)
    }

    private static func print(_ text: String) {
        var output = StandardOutput()
        output.write(text)
        output.flush()
    }
}
