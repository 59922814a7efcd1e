// SPDX-License-Identifier: MIT

import SyncProtocol

/// Pulling everything again: why it begins, and what its end drops.
extension Reconciliation {
    /// Begins a resync. It outlives a crash: the state says that it goes on, and each base says
    /// which resync last saw its entity.
    mutating func beginResync(_ reason: ReplicaState.Resync) {
        // A resync for a new log or a new device also does what one for compaction does.
        if state.resync == nil || reason != .compacted { state.resync = reason }
        state.generation += 1
        state.cursor = .start
        state.snapshot = nil
    }

    /// The server's log is another one, or went back: what the device knew of it is void.
    mutating func leaveLog() {
        state.forgetLog()
        change(.voidBases)
        beginResync(.otherLog)
    }

    /// The device was restored from a copy, or is one of two that share a name: it goes on under
    /// another name, and finds out which of its operations the server has.
    mutating func becomeNewDevice(_ name: DeviceID) {
        state.rename(name)
        let wasOtherLog = state.resync == .otherLog
        beginResync(wasOtherLog ? .otherLog : .newDevice)
    }

    /// Everything is pulled: what the server no longer has is dropped, what a new log lacks goes
    /// out again, and operations that did not come back are unsent once more.
    mutating func finishResync(_ reason: ReplicaState.Resync) throws(SyncError) {
        for collection in try store.localCollections(prefix: BaseRecord.prefix) {
            let name = CollectionName(String(collection.dropFirst(BaseRecord.prefix.count)))
            for record in try store.records(in: collection) {
                try conclude(EntityKey(name, EntityID(record.id)))
            }
        }
        state.resync = nil
        guard reason != .compacted, let first = queue.operations.first else { return }
        if first.operationID <= queue.sentThrough || first.deviceID != state.deviceID {
            change(.renumber(from: first.operationID, device: state.deviceID))
        }
    }

    /// Works out what an entity is in the log that was pulled.
    private mutating func conclude(_ key: EntityKey) throws(SyncError) {
        guard var base = try base(of: key) else { return }
        let isOfLog = base.logEpoch == state.logEpoch
        let isSeen = isOfLog && base.generation == state.generation
        guard let old = try oldBase(of: key) else {
            if !isSeen { try dropUnseen(key, base) }
            return
        }
        base.oldBase = nil
        if queue.hasOperations(of: key) {
            // Their push says whether they are in conflict; without a base, there is none to keep.
            return set(isOfLog ? base : nil, for: key)
        }
        guard isSeen else { return try concludeLacking(key, old) }
        let (local, remote) = (try content(of: key), try baseContent(of: key))
        if local == remote {
            base.shadow = nil
            return set(base, for: key)
        }
        var revision = RemoteRevision(base, of: key, content: remote)
        (revision.deviceID, revision.timestamp) = (old.remoteDeviceID, old.remoteTimestamp)
        meetVoidRevision(revision, local: local, madeAt: old.timestamp)
    }

    /// The log does not have the entity any more.
    private mutating func dropUnseen(_ key: EntityKey, _ base: BaseRecord) throws(SyncError) {
        guard !queue.hasOperations(of: key), (base.cursor ?? 0) <= state.cursor else { return }
        forget(key, hadContent: try content(of: key) != nil)
    }

    /// Another log does not have the entity that the log before it had.
    private mutating func concludeLacking(
        _ key: EntityKey, _ old: BaseRecord.OldBase
    ) throws(SyncError) {
        let local = try content(of: key)
        if let cursor = old.cursor, cursor > state.oldestCursor {
            // A delete too: a device that had not heard of it would bring the entity back.
            return enqueue(local, for: key, on: nil)
        }
        if let local {
            log(
                EntityConflict(
                    key: key, base: nil, local: local, remote: nil,
                    localDeviceID: state.deviceID), .keepRemote)
        }
        forget(key, hadContent: local != nil)
    }

    private mutating func forget(_ key: EntityKey, hadContent: Bool) {
        if hadContent { set(nil as [UInt8]?, for: key) }
        set(nil as BaseRecord?, for: key)
    }
}
