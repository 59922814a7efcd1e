// SPDX-License-Identifier: MIT

import SyncProtocol

/// Works out what one answer of the server changes: in the store, in the queue and in the device's
/// standing. It reads, decides and collects; `Settlement` is what comes out, and whoever carries it
/// out makes it one transaction.
///
/// The rules are those of `doc/architecture.md`, "Where local edits meet pulled operations". The
/// extensions beside this file hold them by occasion: a page, an answer to a push, the end of a
/// resync.
struct Reconciliation<Access: LocalStoreAccess> {
    let store: Access
    let resolver: any ConflictResolver
    /// What the server has announced to do about conflicts.
    let policy: ConflictPolicy
    let wallMilliseconds: UInt64

    /// The device's standing as it will be.
    var state: ReplicaState
    /// The queue as it will be.
    private(set) var queue: QueueState
    /// What happened, for the report.
    var counts = SyncReport.Counts()

    private var changes: [QueueChange] = []
    private var contents: [EntityKey: [UInt8]?] = [:]
    private var bases: [EntityKey: BaseRecord?] = [:]
    private var records: [StoreWrite] = []

    init(
        store: Access, resolver: any ConflictResolver, policy: ConflictPolicy,
        wallMilliseconds: UInt64, state: ReplicaState, queue: QueueState
    ) {
        self.store = store
        self.resolver = resolver
        self.policy = policy
        self.wallMilliseconds = wallMilliseconds
        self.state = state
        self.queue = queue
    }

    // MARK: What is, with what was decided so far

    func content(of key: EntityKey) throws(SyncError) -> [UInt8]? {
        if let decided = contents[key] { return decided }
        return try store.content(of: key)
    }

    func base(of key: EntityKey) throws(SyncError) -> BaseRecord? {
        if let decided = bases[key] { return decided }
        return try store.baseRecord(of: key)
    }

    /// The base, unless it belongs to a log that the device has left.
    func validBase(of key: EntityKey) throws(SyncError) -> BaseRecord? {
        guard let base = try base(of: key), base.logEpoch == state.logEpoch else { return nil }
        return base
    }

    /// The base that the entity had in a log which the device has left, while the resync with the
    /// present one goes on.
    func oldBase(of key: EntityKey) throws(SyncError) -> BaseRecord.OldBase? {
        guard let base = try base(of: key) else { return nil }
        if let old = base.oldBase { return old }
        guard base.logEpoch != state.logEpoch else { return nil }
        return BaseRecord.OldBase(
            cursor: base.cursor, version: base.version, timestamp: base.timestamp)
    }

    /// The content of the revision that the entity's edits started from.
    func baseContent(of key: EntityKey) throws(SyncError) -> [UInt8]? {
        guard let base = try base(of: key) else { return nil }
        if let shadow = base.shadow { return shadow.content }
        return base.isDeleted ? nil : try content(of: key)
    }

    /// The content of the revision that `edit`, an entity's first, was made on; `nil` if that is no
    /// longer known, as the device has taken later ones before the edit was retried.
    func baseContent(of edit: SyncOperation) throws(SyncError) -> [UInt8]? {
        let known = try validBase(of: edit.key)?.cursor
        if let made = edit.base, let known, made != known { return nil }
        return try baseContent(of: edit.key)
    }

    // MARK: Decisions

    mutating func change(_ change: QueueChange) {
        queue.apply(change)
        changes.append(change)
    }

    mutating func set(_ content: [UInt8]?, for key: EntityKey) {
        contents[key] = .some(content)
    }

    mutating func set(_ base: BaseRecord?, for key: EntityKey) {
        bases[key] = .some(base)
    }

    mutating func record(_ write: StoreWrite) { records.append(write) }

    /// The name of the next entry of the conflict log or the quarantine: numbers in text that sort
    /// as they were given.
    mutating func nextRecordID() -> String {
        state.recordCount += 1
        let digits = String(state.recordCount)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// The base record of a revision that the device now has.
    func baseRecord(of remote: RemoteRevision, shadow: BaseRecord.Shadow? = nil) -> BaseRecord? {
        // Cursor 0 is an entity that the server does not know: there is no revision to remember.
        guard remote.cursor != .start else { return nil }
        return BaseRecord(
            cursor: remote.cursor, version: remote.version, isDeleted: remote.content == nil,
            generation: state.generation, logEpoch: state.logEpoch, shadow: shadow,
            timestamp: remote.timestamp)
    }

    /// Takes the server's revision: content and base.
    mutating func adopt(_ remote: RemoteRevision) {
        set(remote.content, for: remote.key)
        set(baseRecord(of: remote), for: remote.key)
    }

    // MARK: Result

    /// Everything decided, as one settlement.
    consuming func finish() -> Settlement {
        var writes = records
        for (key, content) in contents {
            writes.append(
                StoreWrite(
                    collection: key.collection.rawValue, id: key.entityID.rawValue,
                    content: content))
        }
        for (key, base) in bases {
            writes.append(
                StoreWrite(
                    collection: BaseRecord.collection(for: key.collection),
                    id: key.entityID.rawValue, content: base?.encoded()))
        }
        // Dictionaries have no order, and what is written should not depend on chance.
        writes.sort { ($0.collection, $0.id) < ($1.collection, $1.id) }
        return Settlement(state: state, writes: writes, changes: changes, counts: counts)
    }
}

/// What an answer of the server changes: one transaction of the store, which also carries the
/// changes of the queue.
struct Settlement: Sendable {
    var state: ReplicaState
    var writes: [StoreWrite]
    var changes: [QueueChange]
    var counts: SyncReport.Counts
}

/// Reads a record of sync's own; one that cannot be read is damage, and named.
func decoded<Value: WireValue>(
    _ type: Value.Type, from bytes: [UInt8], named name: String
) throws(SyncError) -> Value {
    do {
        return try Value(decoding: bytes)
    } catch {
        throw SyncError(
            .storage,
            "The record \(name) cannot be read: \(error). The store is damaged; restore it from a "
                + "copy, or remove its directory to sync anew.")
    }
}
