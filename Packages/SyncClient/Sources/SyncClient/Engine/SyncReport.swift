// SPDX-License-Identifier: MIT

public import SyncProtocol

/// What one sync cycle did.
public struct SyncReport: Sendable, Hashable {
    /// What happened to operations.
    public struct Counts: Sendable, Hashable {
        /// Operations that came from the server.
        public var pulled = 0
        /// Operations that the server acknowledged.
        public var pushed = 0
        /// Conflicts that the resolver decided.
        public var conflicts = 0
        /// Operations that went to quarantine.
        public var quarantined = 0
        /// Local transactions that were too large for the server and went out in pieces, so that
        /// they are not atomic for others.
        public var splitTransactions = 0

        /// Creates counts of nothing.
        public init() {}

        static func += (lhs: inout Counts, rhs: Counts) {
            lhs.pulled += rhs.pulled
            lhs.pushed += rhs.pushed
            lhs.conflicts += rhs.conflicts
            lhs.quarantined += rhs.quarantined
            lhs.splitTransactions += rhs.splitTransactions
        }
    }

    /// What happened to operations.
    public var counts = Counts()
    /// Requests that failed and were tried again.
    public var retries = 0
    /// Everything of the server up to here is applied.
    public var cursor: Cursor = 0

    /// Creates a report of nothing.
    public init() {}
}

/// What the engine is doing.
public enum SyncState: Sendable, Hashable {
    /// Nothing has been asked for yet.
    case idle
    /// Shaking hands.
    case connecting
    /// Taking what others did.
    case pulling
    /// Sending what this device did.
    case pushing
    /// Everything was exchanged.
    case synced(SyncReport)
    /// The last cycle ended with an error.
    case error(SyncError)
}

extension SyncError: Hashable {
    public func hash(into hasher: inout Hasher) { hasher.combine(message) }
}
