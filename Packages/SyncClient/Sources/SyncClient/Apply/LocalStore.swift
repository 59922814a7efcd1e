// SPDX-License-Identifier: MIT

import SyncProtocol

/// The app's own database, as sync sees it: a place that is read, followed and written under one
/// lock that keeps the app's writers out.
///
/// `EntityStore` is one, through `SyncedEntityStore`.
protocol LocalStore: Sendable {
    associatedtype Access: LocalStoreAccess

    /// Calls `body` while no other write to the database can begin or be in progress.
    func withWriteLock<Value>(
        _ body: (Access) throws(SyncError) -> Value
    ) throws(SyncError) -> Value
}

/// What may be done to a local store while its write lock is held. Not valid after the lock ends.
///
/// Beside the entities, sync keeps records of its own in local collections, whose names start with
/// `_`. They are never captured.
protocol LocalStoreAccess {
    /// The sequence of the last commit. It never goes back, unless the store lost commits.
    var lastCommit: UInt64 { get }
    /// The entity's present content, encoded; `nil` if there is none.
    func content(of key: EntityKey) throws(SyncError) -> [UInt8]?
    /// A record of sync's own.
    func record(_ id: String, in collection: String) throws(SyncError) -> [UInt8]?
    /// All records of a local collection, in bytewise order of their ids.
    func records(in collection: String) throws(SyncError) -> [LocalRecord]
    /// The names of the local collections that start with `prefix`, in bytewise order.
    func localCollections(prefix: String) throws(SyncError) -> [String]
    /// What the app has committed after `checkpoint`, whole transactions in commit order, without
    /// the transactions that `commit(_:cursor:logID:settlement:)` made. Where the store only knows
    /// the outcome of several transactions any more, they are one.
    func capture(after checkpoint: UInt64) throws(SyncError) -> CapturedTransactions
    /// Notes that everything up to `checkpoint` is durable in the queue, so that the store need not
    /// keep it for capturing any more.
    func noteCaptured(through checkpoint: UInt64)
    /// Makes all writes in one durable transaction that is marked as pulled, so that it is never
    /// captured.
    func commit(
        _ writes: [StoreWrite], cursor: Cursor, logID: LogID?, settlement: UInt64
    ) throws(SyncError)
}

/// A record in a local collection.
struct LocalRecord: Sendable, Hashable {
    /// Its id.
    var id: String
    /// Its bytes.
    var content: [UInt8]

    /// Creates a record.
    init(id: String, content: [UInt8]) {
        self.id = id
        self.content = content
    }
}

/// One write to a store: an entity, or a record in a local collection.
struct StoreWrite: Sendable, Hashable {
    /// The collection.
    var collection: String
    /// The id within it.
    var id: String
    /// The new content; `nil` deletes.
    var content: [UInt8]?

    /// Creates a write.
    init(collection: String, id: String, content: [UInt8]?) {
        self.collection = collection
        self.id = id
        self.content = content
    }
}

/// Transactions of the app that sync had not captured yet.
struct CapturedTransactions: Sendable, Hashable {
    /// The transactions, in commit order, each with its writes in order. At most one write an
    /// entity in each.
    var transactions: [[StoreWrite]]
    /// The commit sequence up to which this is complete; the next capture goes on after it.
    var checkpoint: UInt64

    /// Creates a capture.
    init(transactions: [[StoreWrite]], checkpoint: UInt64) {
        self.transactions = transactions
        self.checkpoint = checkpoint
    }
}
