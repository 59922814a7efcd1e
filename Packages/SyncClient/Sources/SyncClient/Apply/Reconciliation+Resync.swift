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
                try settleUnseen(EntityKey(name, EntityID(record.id)))
            }
        }
        state.resync = nil
        guard reason != .compacted, let first = queue.operations.first else { return }
        if first.operationID <= queue.sentThrough || first.deviceID != state.deviceID {
            change(.renumber(from: first.operationID, device: state.deviceID))
        }
    }

    private mutating func settleUnseen(_ key: EntityKey) throws(SyncError) {
        guard let base = try base(of: key) else { return }
        let isVoid = base.logEpoch != state.logEpoch
        guard isVoid || base.generation != state.generation else { return }
        guard !queue.hasOperations(of: key) else {
            // The first edit is made on no revision of this log any more.
            if isVoid { set(nil as BaseRecord?, for: key) }
            return
        }
        let local = try content(of: key)
        guard isVoid else {
            if (base.cursor ?? 0) <= state.cursor { forget(key, hadContent: local != nil) }
            return
        }
        if let cursor = base.cursor, cursor > state.oldestCursor {
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
