// SPDX-License-Identifier: MIT

/// One rule that a suite shows to hold.
public struct ConformanceCheck: Sendable, Hashable {
    /// What it is about, from the general to the particular, in words joined by `-` and levels
    /// joined by `/`: `push/exactly-once/lost-response`. The first level is its group.
    public var name: String
    /// Where the rule stands: a section of `doc/protocol.md` and the rule's own number if it has
    /// one, `7.1 P4`; or else the document's name, `TestVectors/cbor.json`.
    public var section: String
    /// What has to be, in one sentence.
    public var expectation: String

    /// Makes the description of a check.
    public init(_ name: String, _ section: String, _ expectation: String) {
        self.name = name
        self.section = section
        self.expectation = expectation
    }

    /// The first level of the name.
    public var group: Substring { name.prefix { $0 != "/" } }
}

/// Throw it from a check whose rule does not hold.
public struct ConformanceFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// A labelled line below the message: `status: 200`, `body: {"code": 1}`, `byte: 17`.
    public struct Fact: Sendable, Hashable {
        /// One lower-case word.
        public var label: String
        /// What is to be known, in one line.
        public var text: String
    }

    /// What came instead, in one sentence.
    public var message: String
    /// What helps to find the reason, in the order in which it should be read.
    public var facts: [Fact]

    /// Makes a failure without facts.
    public init(_ message: String) {
        self.message = message
        facts = []
    }

    /// The same with another fact.
    public func adding(_ label: String, _ text: String) -> ConformanceFailure {
        var failure = self
        failure.facts.append(Fact(label: label, text: text))
        return failure
    }

    /// The message and the facts, in lines.
    public var description: String {
        ([message] + facts.map { "\($0.label): \($0.text)" }).joined(separator: "\n")
    }
}

/// Throw it from a check that cannot be made here.
public struct ConformanceSkip: Error, Sendable, Hashable {
    /// Why not, in one sentence.
    public var reason: String

    /// Makes it.
    public init(_ reason: String) {
        self.reason = reason
    }
}

/// There is nothing to judge: the server does not listen, the program does not start. Thrown
/// before the first check is made.
public struct ConformanceUnreachable: Error, Sendable, Hashable, CustomStringConvertible {
    /// What could not be reached, and what to do, in one sentence.
    public var description: String

    /// Makes it.
    public init(_ description: String) {
        self.description = description
    }
}

/// What became of a check.
public enum ConformanceOutcome: Sendable, Hashable {
    /// The rule held.
    case passed
    /// It did not.
    case failed(ConformanceFailure)
    /// It was not looked at.
    case skipped(ConformanceSkip)
}

/// A check and what became of it.
public struct ConformanceResult: Sendable, Hashable {
    /// The check.
    public var check: ConformanceCheck
    /// What became of it.
    public var outcome: ConformanceOutcome
    /// How long it took.
    public var duration: Duration

    /// Makes a result.
    public init(_ check: ConformanceCheck, _ outcome: ConformanceOutcome, _ duration: Duration) {
        self.check = check
        self.outcome = outcome
        self.duration = duration
    }
}
