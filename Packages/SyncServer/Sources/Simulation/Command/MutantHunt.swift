// SPDX-License-Identifier: MIT

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Looks for what finds a planted bug, by running this program again and again.
///
/// Each try has a process of its own, so that a trap or an endless loop is a result like a broken
/// rule. Only what the bug has caused counts: the same try with the bug switched off, which is
/// the control, must end well.
struct MutantHunt {
    /// The planted bug.
    var name: String
    /// Runs this program with these words to its end, with the bug switched on or off.
    var start: (_ words: [String], _ mutant: String?) throws -> ChildRun = ChildRun.init(_:mutant:)

    /// Takes the line that says what came of it.
    var tell: (String) -> Void = Terminal.output

    /// Something that may find it.
    struct Attempt {
        /// What stands behind the bug's name in the line that says it was found.
        var label: String
        /// The words that make this program try it.
        var words: [String]
    }

    /// How long one run may take, in seconds: longer ones do not end.
    static let secondsMax = 120

    /// Tries one after the other until one finds the bug, and prints what came of it.
    ///
    /// - Returns: Whether it was found.
    func run(_ attempts: some Sequence<Attempt>) throws -> Bool {
        for attempt in attempts {
            let found = try start(attempt.words, name)
            guard found.end != .status(0), try start(attempt.words, nil).end == .status(0)
            else { continue }
            tell("found \(name) \(attempt.label)")
            Terminal.error("\(name): \(found)")
            return true
        }
        tell("survived \(name)")
        return false
    }
}

extension MutantHunt {
    /// Runs of scenarios.
    static func attempts(_ seeds: ClosedRange<UInt64>, of scenario: Scenario) -> [Attempt] {
        seeds.map { seed in
            var scenario = scenario
            scenario.seed = seed
            let words = scenario.arguments.split(separator: " ").map(String.init)
            return Attempt(label: "seed \(seed)", words: words + ["--no-shrink"])
        }
    }

    /// Explorations of the small worlds that are quick to explore.
    static var smallWorlds: [Attempt] {
        SmallWorld.quick.indices.map { number in
            Attempt(
                label: "in \(SmallWorld.quick[number])",
                words: ["--small-world", "\(number)"])
        }
    }
}

/// This program, run to its end in a process of its own.
struct ChildRun {
    /// How a run ended.
    enum End: Equatable {
        case status(CInt)
        case signal(CInt)
        /// It took too long, and was killed.
        case overdue
    }

    var end: End
    /// The beginning of what it wrote to standard output.
    var output = ""

    init(end: End) { self.end = end }

    /// Runs it.
    ///
    /// - Parameter mutant: The planted bug to switch on, if any.
    /// - Throws: If it cannot be started.
    init(_ words: [String], mutant: String?) throws {
        Machine.setEnvironment(Mutant.environmentVariable, mutant)
        let folder = FileManager.default.temporaryDirectory
        let path = folder.appendingPathComponent("entitysync-hunt-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        end = try Machine.runAgain(words, output: path, secondsMax: MutantHunt.secondsMax)
        let bytes = FileManager.default.contents(atPath: path) ?? Data()
        output = String(decoding: bytes.prefix(4_096), as: UTF8.self)
    }
}

extension ChildRun: CustomStringConvertible {
    /// How it ended, and the rule that it broke.
    var description: String {
        switch end {
        case .status: output.split(separator: "\n").prefix(2).joined(separator: "\n")
        case .signal(let number): "it dies of signal \(number)"
        case .overdue: "it does not end"
        }
    }
}
