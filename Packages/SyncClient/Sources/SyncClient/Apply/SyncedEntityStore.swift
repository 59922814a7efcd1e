// SPDX-License-Identifier: MIT

import RecordLog
import Synchronization
import SyncProtocol

/// An `EntityStore` as sync's local store.
struct SyncedEntityStore<Disk: FileSystem>: LocalStore {
    let store: DiskEntityStore<Disk>
    private let follower: Follower

    /// The poller that captures, kept between captures so that it need not read the log anew.
    private final class Follower: Sendable {
        let poller = Mutex<WALPoller<Disk>?>(nil)
    }

    init(_ store: DiskEntityStore<Disk>) {
        self.store = store
        follower = Follower()
    }

    func withWriteLock<Value>(
        _ body: (EntityStoreAccess<Disk>) throws(SyncError) -> Value
    ) throws(SyncError) -> Value {
        try store.withWriteLock { (locked) throws(SyncError) in
            let access = EntityStoreAccess<Disk>(capture: self.capture)
            return try withUnsafeMutablePointer(to: &locked) { pointer throws(SyncError) in
                access.locked = pointer
                defer { access.locked = nil }
                return try body(access)
            }
        }
    }

    /// What local transactions committed after `checkpoint`.
    private func capture(after checkpoint: UInt64) throws(SyncError) -> CapturedTransactions {
        var captured = CapturedTransactions(transactions: [], checkpoint: checkpoint)
        var outcome: [StoreWrite] = []
        var failure: WALError?
        follower.poller.withLock { kept in
            var poller = kept ?? store.makeCapturePoller(after: checkpoint)
            if poller.lastSequence != checkpoint {
                poller = store.makeCapturePoller(after: checkpoint)
            }
            do throws(WALError) {
                var hasMore = true
                while hasMore {
                    let poll = try poller.poll()
                    for transaction in poll.transactions where !transaction.isPulled {
                        let writes = transaction.writes.map(StoreWrite.init)
                        // What a checkpoint has left of several commits belongs together: parts of
                        // it never were in the store without the others.
                        if transaction.isFromSegments {
                            outcome += writes
                        } else {
                            captured.transactions.append(writes)
                        }
                    }
                    hasMore = poll.hasMore
                }
                captured.checkpoint = poller.lastSequence
                kept = poller
            } catch {
                failure = error
                kept = nil
            }
        }
        if let failure { throw SyncError(.storage, failure.description) }
        if !outcome.isEmpty { captured.transactions.insert(outcome, at: 0) }
        return captured
    }
}

/// An entity store while its write lock is held.
///
/// It refers to the locked store by a pointer that is taken away when the lock ends, so a use after
/// that traps instead of reading what another thread may be writing.
final class EntityStoreAccess<Disk: FileSystem>: LocalStoreAccess {
    fileprivate var locked: UnsafeMutablePointer<LockedStore<Disk>>?
    private let poll: (UInt64) throws(SyncError) -> CapturedTransactions

    fileprivate init(capture: @escaping (UInt64) throws(SyncError) -> CapturedTransactions) {
        poll = capture
    }

    private var held: UnsafeMutablePointer<LockedStore<Disk>> {
        guard let locked else { preconditionFailure("The store's write lock is no longer held.") }
        return locked
    }

    var lastCommit: UInt64 { held.pointee.lastSequence }

    func content(of key: EntityKey) throws(SyncError) -> [UInt8]? {
        held.pointee.rawEntity(in: key.collection.rawValue, id: key.entityID.rawValue)
    }

    func record(_ id: String, in collection: String) throws(SyncError) -> [UInt8]? {
        held.pointee.rawEntity(in: collection, id: id)
    }

    func records(in collection: String) throws(SyncError) -> [LocalRecord] {
        held.pointee.rawEntities(in: collection).map { LocalRecord(id: $0.id, content: $0.content) }
    }

    func localCollections(prefix: String) throws(SyncError) -> [String] {
        held.pointee.collections(prefix: prefix)
    }

    func capture(after checkpoint: UInt64) throws(SyncError) -> CapturedTransactions {
        do throws(StoreError) { try held.pointee.checkWritable() } catch {
            throw SyncError(.storage, error.description)
        }
        // Nobody has committed: the log need not be looked at.
        if lastCommit == checkpoint {
            return CapturedTransactions(transactions: [], checkpoint: checkpoint)
        }
        return try poll(checkpoint)
    }

    func noteCaptured(through checkpoint: UInt64) {
        held.pointee.noteCaptured(through: checkpoint)
    }

    func commit(
        _ writes: [StoreWrite], cursor: Cursor, logID: LogID?, settlement: UInt64
    ) throws(SyncError) {
        let mark = WALPulledMark(
            logID: logID?.bytes ?? [UInt8](repeating: 0, count: 16), cursor: cursor.rawValue,
            settlement: settlement)
        do {
            _ = try held.pointee.commit(writes.map(WALWrite.init), mark: mark)
        } catch {
            throw SyncError(.storage, error.description)
        }
    }
}

extension StoreWrite {
    fileprivate init(_ write: WALWrite) {
        self.init(collection: write.collection, id: write.entityID, content: write.content)
    }
}

extension WALWrite {
    fileprivate init(_ write: StoreWrite) {
        self.init(collection: write.collection, entityID: write.id, content: write.content)
    }
}
