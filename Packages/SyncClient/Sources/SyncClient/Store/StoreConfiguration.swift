// SPDX-License-Identifier: MIT

/// How a store writes, and what it takes.
public struct StoreConfiguration: Sendable, Equatable {
    /// When a commit returns.
    public struct Durability: Sendable, Equatable {
        private enum Choice { case everyCommit }
        private let choice = Choice.everyCommit

        /// A commit returns after its bytes are on stable storage (`fdatasync`; `F_FULLFSYNC` where
        /// there is one), and a read of this process never shows what a power failure could still
        /// take back. Many writes in one `transaction` cost one sync.
        public static let everyCommit = Durability()
    }

    /// When a commit returns. `.everyCommit` is all there is: recovery relies on it to tell a
    /// commit that was cut short from damage, as only the last one can have been.
    public var durability: Durability = .everyCommit
    /// The length of the log at which a commit also writes a checkpoint: 64 MiB, as EntiDB does,
    /// which keeps an open after a crash to a second or so.
    public var checkpointLogBytes: UInt64 = 64 << 20
    /// How many segments there may be before a checkpoint rewrites them as one: 8, so that an
    /// entity is rewritten once for every eight checkpoints.
    public var segmentCountMax: Int = 8
    /// The largest content of an entity: 16 MiB. (A server takes 1 MiB unless told otherwise.)
    public var entityBytesMax: Int = 16 << 20
    /// The largest transaction: 128 MiB of records, as followers hold one in memory.
    public var transactionBytesMax: Int = 128 << 20

    /// Creates a configuration with the defaults.
    public init() {}
}

/// What opening a store found and did.
public struct StoreRecovery: Sendable, Equatable {
    /// Bytes at the end of the log that a crash had left unfinished, and that were cut off. They
    /// belonged to a commit that never returned, or were the mark behind the last one.
    public var tornBytes: UInt64 = 0
    /// Transactions that were taken from the log, as no checkpoint had them yet.
    public var replayedTransactions: Int = 0
    /// Segment files that an interrupted checkpoint had left, and that were removed.
    public var removedSegments: Int = 0
    /// The format of the manifest that was replaced by the newest, if it was an older one.
    public var migratedFrom: Int?

    /// Creates a report of an uneventful open.
    public init() {}
}
