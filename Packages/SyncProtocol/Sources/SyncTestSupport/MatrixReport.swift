// SPDX-License-Identifier: MIT

/// What became of one case of a matrix of faults.
public enum FaultOutcome: String, Hashable, Sendable, CaseIterable {
    /// The open reported damage, named the file, and changed nothing.
    case refused
    /// Everything is there as before.
    case harmless
    /// What an honest cut leaves is there, and the cut was reported.
    case cut
    /// What an earlier moment had is there, and nothing was reported.
    case forgotten
}

/// What a matrix of faults found: how many cases ended how, and which of them were lies.
public struct MatrixReport: Sendable, CustomStringConvertible {
    /// How many cases were tried.
    public internal(set) var caseCount = 0
    /// How many of them ended in which way.
    public internal(set) var counts: [FaultOutcome: Int] = [:]
    /// The cases in which the code under test was wrong, each in a sentence that says how to get
    /// there.
    public internal(set) var lies: [String] = []

    /// Creates a report of no cases.
    public init() {}

    /// The counts in one line, and the first lies below it.
    public var description: String {
        let counted = FaultOutcome.allCases.compactMap { outcome in
            counts[outcome].map { "\($0) \(outcome.rawValue)" }
        }
        let head = (["\(caseCount) cases"] + counted).joined(separator: ", ")
        guard !lies.isEmpty else { return head }
        return (["\(head), \(lies.count) lies"] + lies.prefix(8)).joined(separator: "\n")
    }

    mutating func note(_ outcome: FaultOutcome) {
        caseCount += 1
        counts[outcome, default: 0] += 1
    }

    mutating func note(lie: String) {
        caseCount += 1
        lies.append(lie)
    }

    /// Adds what another run found.
    public mutating func add(_ other: MatrixReport) {
        caseCount += other.caseCount
        counts.merge(other.counts, uniquingKeysWith: +)
        lies += other.lies
    }
}

/// Durable files as the code under test opened them.
///
/// What opened them goes on as long as this value lives, and ends as a process that is killed does
/// unless `close` is called.
public struct OpenedFiles<Content: Equatable> {
    /// All that the files hold, as the code under test tells it.
    public var content: Content
    /// How many bytes of a torn tail it says it has cut off, or how many other things put right.
    public var repairs: UInt64
    /// Ends the use of the files in the orderly way.
    public var close: () -> Void

    /// Creates what an open has found.
    public init(_ content: Content, repairs: UInt64, close: @escaping () -> Void) {
        self.content = content
        self.repairs = repairs
        self.close = close
    }
}

/// The error that a matrix takes for an honest report of damage.
public struct DamageReport: Error, Equatable {
    /// The file, or a directory above it, that the report names.
    public var path: String
    /// The byte that it names.
    public var offset: UInt64?
    /// All of it.
    public var message: String

    /// Creates a report as the code under test made it.
    public init(path: String, offset: UInt64?, message: String) {
        self.path = path
        self.offset = offset
        self.message = message
    }
}
