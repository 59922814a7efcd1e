// SPDX-License-Identifier: MIT

/// Checks in the order in which they are made, and what each does to its subject: a server that
/// listens, a codec, a client.
public struct ConformanceSuite<Subject: Sendable>: Sendable {
    /// A check and how it is made.
    public struct Entry: Sendable {
        /// What is to be shown.
        public var check: ConformanceCheck
        /// Shows it, or throws `ConformanceFailure` or `ConformanceSkip`; any other error counts as
        /// a failure of the check, too.
        public var body: @Sendable (Subject) throws -> Void

        /// Makes an entry.
        public init(_ check: ConformanceCheck, _ body: @escaping @Sendable (Subject) throws -> Void)
        {
            self.check = check
            self.body = body
        }

        /// Makes an entry; the texts are those of `ConformanceCheck`.
        public init(
            _ name: String, _ section: String, _ expectation: String,
            _ body: @escaping @Sendable (Subject) throws -> Void
        ) {
            self.init(ConformanceCheck(name, section, expectation), body)
        }
    }

    /// What kind of thing it judges: the last word of `entitysync conformance server`.
    public let name: String
    /// The entries, those of a group beside each other.
    public let entries: [Entry]

    /// Makes a suite.
    ///
    /// - Precondition: No two checks have the same name.
    public init(name: String, entries: [Entry]) {
        var seen: Set<String> = []
        for entry in entries {
            precondition(
                seen.insert(entry.check.name).inserted,
                "Two checks are called \(entry.check.name); give one of them another name.")
        }
        self.name = name
        self.entries = entries
    }

    /// The checks, without making them.
    public func checks(_ pattern: ConformancePattern? = nil) -> [ConformanceCheck] {
        entries.map(\.check).filter { pattern?.matches($0) ?? true }
    }

    /// Makes the checks, one after the other, on the calling thread.
    ///
    /// - Parameters:
    ///   - subject: What is judged.
    ///   - pattern: Which checks; all if `nil`.
    ///   - heading: What the report says about the subject.
    ///   - progress: Called before each check, with how many are done and how many there are.
    public func run(
        on subject: Subject, only pattern: ConformancePattern? = nil,
        heading: ConformanceHeading,
        progress: (_ next: ConformanceCheck, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) -> ConformanceReport {
        let chosen = entries.filter { pattern?.matches($0.check) ?? true }
        let clock = ContinuousClock()
        let start = clock.now
        var results: [ConformanceResult] = []
        for (index, entry) in chosen.enumerated() {
            progress(entry.check, index, chosen.count)
            let began = clock.now
            let outcome = Self.outcome(of: entry, subject)
            results.append(ConformanceResult(entry.check, outcome, began.duration(to: clock.now)))
        }
        return ConformanceReport(
            heading: heading, results: results, duration: start.duration(to: clock.now))
    }

    private static func outcome(of entry: Entry, _ subject: Subject) -> ConformanceOutcome {
        do {
            try entry.body(subject)
            return .passed
        } catch let failure as ConformanceFailure {
            return .failed(failure)
        } catch let skip as ConformanceSkip {
            return .skipped(skip)
        } catch {
            return .failed(ConformanceFailure("\(error)"))
        }
    }
}
