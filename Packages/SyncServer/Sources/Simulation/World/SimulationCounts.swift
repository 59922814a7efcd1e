// SPDX-License-Identifier: MIT

/// What happened in runs, in numbers.
public struct SimulationCounts: Sendable, Equatable {
    /// Runs.
    public var runs = 0
    /// Sync cycles that came to their end, and those that failed.
    public var cycles = 0, failedCycles = 0
    /// Requests that devices sent.
    public var exchanges = 0
    /// Operations that servers accepted.
    public var operations = 0
    /// Everything that took a place in virtual time.
    public var events = 0
    /// How often each condition struck.
    public var faults: [Condition: Int] = [:]

    public init() {}

    mutating func note(_ condition: Condition) { faults[condition, default: 0] += 1 }

    /// Adds what happened in other runs.
    public static func += (lhs: inout SimulationCounts, rhs: SimulationCounts) {
        lhs.runs += rhs.runs
        lhs.cycles += rhs.cycles
        lhs.failedCycles += rhs.failedCycles
        lhs.exchanges += rhs.exchanges
        lhs.operations += rhs.operations
        lhs.events += rhs.events
        lhs.faults.merge(rhs.faults, uniquingKeysWith: +)
    }
}
