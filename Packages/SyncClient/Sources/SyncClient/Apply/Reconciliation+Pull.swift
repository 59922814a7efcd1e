// SPDX-License-Identifier: MIT

import SyncProtocol

/// A page of pulled operations.
extension Reconciliation {
    /// Takes a page: each operation is applied, skipped, or meets local edits; then the page counts
    /// as pulled.
    mutating func take(_ page: PullResponse, since: Cursor) throws(SyncError) {
        if since == .start, state.resync == nil, page.logID != nil, try knowsEntities() {
            // What is not shown any more was deleted, and its tombstone is gone: no server says so
            // to whoever pulls from the start.
            beginResync(.compacted)
        }
        var last: [EntityKey: Int] = [:]
        for (index, operation) in page.operations.enumerated() { last[operation.key] = index }
        for (index, operation) in page.operations.enumerated() {
            try take(operation, isSuperseded: last[operation.key] != index)
        }
        counts.pulled += page.operations.count { $0.deviceID != state.deviceID }
        if let logID = page.logID { state.logID = logID }
        if since == .start { state.snapshot = page.serverCursor }
        state.cursor = page.nextCursor
        state.see(max(page.nextCursor, page.serverCursor ?? .start))
        guard !page.hasMore else { return }
        state.snapshot = nil
        if let reason = state.resync { try finishResync(reason) }
    }

    /// Whether the device has revisions of entities, as it has from its own pushes before it pulls.
    private func knowsEntities() throws(SyncError) -> Bool {
        try !store.localCollections(prefix: BaseRecord.prefix).isEmpty
    }

    /// Takes one operation. Of one that the same page supersedes nobody would see the effect, so
    /// it meets no edit and asks no resolver; without cursors a page does not say what stands.
    private mutating func take(
        _ operation: SyncOperation, isSuperseded: Bool
    ) throws(SyncError) {
        let remote = try RemoteRevision(operation)
        receive(operation.hybridTimestamp)
        if try takeOwn(operation) { return }
        try markSeen(remote.key)
        if isSuperseded, remote.cursor != nil { return }
        if try isKnown(remote) { return }
        if queue.hasOperations(of: remote.key) {
            return isFindingOwn ? try remember(remote) : try meet(remote)
        }
        if let old = try oldBase(of: remote.key) { return try keep(remote, beside: old) }
        adopt(remote)
    }

    /// Whether operations of the queue may come back, further on in this resync. Until its end they
    /// stay as they may have been sent, or they would not be known again.
    private var isFindingOwn: Bool { state.resync == .otherLog || state.resync == .newDevice }

    /// Takes a revision as what the server has, and leaves the entity's edits on what they were
    /// made on: when they are pushed, the server says that they are in conflict.
    private mutating func remember(_ remote: RemoteRevision) throws(SyncError) {
        var base = baseRecord(of: remote, shadow: .init(content: remote.content))
        base?.oldBase = try oldBase(of: remote.key)
        set(base, for: remote.key)
        guard let first = queue.operations(of: remote.key).first, first.base == nil else { return }
        change(
            .rebase(
                first.operationID, base: .start, baseOperationID: nil,
                version: first.entityVersion))
    }

    /// Takes a revision of another log as what the server has, and leaves the entity as it is: a
    /// later page may supersede the revision. They meet at the end of the resync.
    private mutating func keep(
        _ remote: RemoteRevision, beside old: BaseRecord.OldBase
    ) throws(SyncError) {
        let isEqual = try content(of: remote.key) == remote.content
        var base = baseRecord(of: remote, shadow: isEqual ? nil : .init(content: remote.content))
        base?.oldBase = BaseRecord.OldBase(
            cursor: old.cursor, version: old.version, remoteDeviceID: remote.deviceID,
            remoteTimestamp: remote.timestamp, timestamp: old.timestamp)
        set(base, for: remote.key)
    }

    /// An operation of this device that comes back is acknowledged by that, and with it the earlier
    /// ones of its entity. One that is no longer in the queue is an echo, unless everything is
    /// being pulled anew.
    private mutating func takeOwn(_ operation: SyncOperation) throws(SyncError) -> Bool {
        state.noteAccepted(operation.operationID, of: operation.deviceID)
        if let queued = queue.operation(operation.operationID),
            queued.deviceID == operation.deviceID, queued.hasSameContent(as: operation)
        {
            let earlier = queue.operations(of: queued.key)
                .filter { $0.operationID <= queued.operationID }
            var acknowledged = queued
            acknowledged.entityVersion = operation.entityVersion
            try acknowledge(
                earlier.dropLast() + [acknowledged],
                cursors: [queued.operationID: operation.cursor])
            try markSeen(queued.key)
            return true
        }
        return operation.cursor == nil && operation.deviceID == state.deviceID
            && state.resync == nil
    }

    /// Whether the device knows the revision already: its cursor is not above the entity's base, or
    /// the base of its first unsent edit.
    private func isKnown(_ remote: RemoteRevision) throws(SyncError) -> Bool {
        guard let cursor = remote.cursor else { return false }
        let base = try validBase(of: remote.key)?.cursor ?? 0
        let edited = queue.operations(of: remote.key).first?.base ?? 0
        return cursor <= max(base, edited)
    }

    private mutating func markSeen(_ key: EntityKey) throws(SyncError) {
        guard state.resync != nil, var base = try validBase(of: key),
            base.generation != state.generation
        else { return }
        base.generation = state.generation
        set(base, for: key)
    }

    private mutating func receive(_ stamp: HybridTimestamp?) {
        guard let stamp else { return }
        var clock = HybridLogicalClock(latest: state.receivedTimestamp)
        clock.receive(stamp, wallMilliseconds: wallMilliseconds)
        state.receivedTimestamp = clock.latest
    }
}
