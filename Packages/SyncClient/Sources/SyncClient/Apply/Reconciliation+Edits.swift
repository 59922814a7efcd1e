// SPDX-License-Identifier: MIT

import SyncProtocol

/// What becomes of local edits: acknowledged, met by another revision, or put in quarantine.
extension Reconciliation {
    /// The server has accepted these operations of this device: they leave the queue, and the last
    /// of each entity is its base now.
    ///
    /// `cursors` are where the server put them; `nil` if an older server did not say, 0 if the
    /// revision is no longer the entity's and a later one is coming. Operations of `frozen` are not
    /// touched: they may be on the server and go out again as they are.
    mutating func acknowledge(
        _ operations: [SyncOperation], cursors: [OperationID: Cursor?],
        frozen: Set<OperationID> = []
    ) throws(SyncError) {
        guard !operations.isEmpty else { return }
        change(.remove(operations.map(\.operationID)))
        var last: [EntityKey: SyncOperation] = [:]
        for operation in operations {
            last[operation.key] = operation
            state.noteAccepted(operation.operationID, of: operation.deviceID)
        }
        for operation in operations where last[operation.key] == operation {
            try settleBase(after: operation, cursor: cursors[operation.operationID] ?? nil, frozen)
        }
        counts.pushed += operations.count
    }

    private mutating func settleBase(
        after operation: SyncOperation, cursor: Cursor?, _ frozen: Set<OperationID>
    ) throws(SyncError) {
        let key = operation.key
        if cursor == .start { return try noteSuperseded(operation) }
        let next = queue.operations(of: key).first
        if let known = try validBase(of: key)?.cursor, let cursor, known > cursor {
            // A copy of the device had pushed it, and what came after it is known already.
            if next == nil { try returnToBase(key) }
            return
        }
        set(
            BaseRecord(
                cursor: cursor, version: operation.entityVersion,
                isDeleted: operation.kind == .delete, generation: state.generation,
                logEpoch: state.logEpoch,
                shadow: next == nil ? nil : BaseRecord.Shadow(content: operation.content),
                timestamp: operation.hybridTimestamp),
            for: key)
        guard let next, next.baseOperationID == operation.operationID,
            !frozen.contains(next.operationID)
        else { return }
        change(
            .rebase(
                next.operationID, base: cursor, baseOperationID: nil,
                version: operation.entityVersion.next))
    }

    /// The server has an operation no more, and what came after it is still to be pulled. That may
    /// have been a delete whose tombstone is gone, too: a resync must know the entity to drop it.
    private mutating func noteSuperseded(_ operation: SyncOperation) throws(SyncError) {
        guard operation.kind == .upsert, try base(of: operation.key) == nil else { return }
        set(
            BaseRecord(
                cursor: .start, version: operation.entityVersion, isDeleted: false,
                generation: state.generation, logEpoch: state.logEpoch,
                shadow: queue.hasOperations(of: operation.key)
                    ? BaseRecord.Shadow(content: operation.content) : nil),
            for: operation.key)
    }

    /// A revision of another author meets edits that the server has not acknowledged. Nothing is
    /// overwritten: the resolver sees all sides, and equal content settles itself.
    mutating func meet(_ remote: RemoteRevision) throws(SyncError) {
        let edits = queue.operations(of: remote.key)
        guard let last = edits.last else { return adopt(remote) }
        if last.content == remote.content {
            change(.remove(edits.map(\.operationID)))
            return adopt(remote)
        }
        if try isLateDelete(remote) { return rebase(edits, on: remote) }
        let conflict = EntityConflict(
            key: remote.key, base: try baseContent(of: edits[0]), local: last.content,
            remote: remote.content, localTimestamp: last.hybridTimestamp,
            remoteTimestamp: remote.timestamp, localDeviceID: state.deviceID,
            remoteDeviceID: remote.deviceID)
        let resolution = resolve(conflict)
        log(conflict, resolution)
        switch resolution {
        case .keepRemote:
            change(.remove(edits.map(\.operationID)))
            adopt(remote)
        case .keepLocal: rebase(edits, on: remote)
        case .merge(let merged): merge(edits, into: merged, on: remote)
        }
    }

    /// Decides as the server's policy for the collection asks, else as the resolver does.
    private func resolve(_ conflict: EntityConflict) -> ConflictResolution {
        let name = policy.byCollection[conflict.key.collection] ?? policy.standard
        if name.utf8.elementsEqual("serverWins".utf8) { return .keepRemote }
        return resolver.resolve(conflict).normalized(for: conflict)
    }

    /// Whether the revision is a delete of this device's own that was refused, and came once more
    /// when others had deleted the entity: the server takes a delete of what is deleted. Edits that
    /// were made on that tombstone were made on this one, too.
    private func isLateDelete(_ remote: RemoteRevision) throws(SyncError) -> Bool {
        guard remote.content == nil, remote.deviceID == state.deviceID else { return false }
        return try validBase(of: remote.key)?.isDeleted ?? false
    }

    /// An acknowledged revision of a log that is gone, a delete too, meets what the new log has: it
    /// counts as an edit that the server has never seen.
    mutating func meetVoidRevision(
        _ remote: RemoteRevision, local: [UInt8]?, madeAt localTimestamp: HybridTimestamp?
    ) {
        let conflict = EntityConflict(
            key: remote.key, base: nil, local: local, remote: remote.content,
            localTimestamp: localTimestamp, remoteTimestamp: remote.timestamp,
            localDeviceID: state.deviceID, remoteDeviceID: remote.deviceID)
        let resolution = resolve(conflict)
        log(conflict, resolution)
        adopt(remote)
        switch resolution {
        case .keepRemote: return
        case .keepLocal: enqueue(local, for: remote.key, on: remote)
        case .merge(let merged): enqueue(merged, for: remote.key, on: remote)
        }
    }

    /// Makes a new edit of an entity that has none, on `remote` or on no revision.
    mutating func enqueue(_ content: [UInt8]?, for key: EntityKey, on remote: RemoteRevision?) {
        let operation = SyncOperation(
            operationID: queue.nextOperationID, databaseID: state.databaseID,
            deviceID: state.deviceID, collection: key.collection, entityID: key.entityID,
            kind: content == nil ? .delete : .upsert,
            entityVersion: (remote?.version ?? 0).next, entityCBOR: content,
            timestampMilliseconds: wallMilliseconds,
            hybridTimestamp: nextStamp(),
            base: remote == nil ? .start : remote?.cursor)
        change(.enqueue([operation], checkpoint: 0))
        set(content, for: key)
        guard let remote else { return set(nil as BaseRecord?, for: key) }
        set(baseRecord(of: remote, shadow: .init(content: remote.content)), for: key)
    }

    /// The edits stand, as ones made on `remote`.
    mutating func rebase(_ edits: [SyncOperation], on remote: RemoteRevision) {
        var version = remote.version
        for (index, edit) in edits.enumerated() {
            version = version.next
            change(
                .rebase(
                    edit.operationID, base: index == 0 ? remote.cursor : nil,
                    baseOperationID: index == 0 ? nil : edit.baseOperationID, version: version))
        }
        set(baseRecord(of: remote, shadow: .init(content: remote.content)), for: remote.key)
        renumberIfSent(from: edits[0].operationID)
    }

    private mutating func merge(
        _ edits: [SyncOperation], into merged: [UInt8]?, on remote: RemoteRevision
    ) {
        change(.remove(edits.dropFirst().map(\.operationID)))
        var operation = edits[0]
        operation.kind = merged == nil ? .delete : .upsert
        operation.entityCBOR = merged
        operation.entityVersion = remote.version.next
        operation.base = remote.cursor
        operation.baseOperationID = nil
        operation.timestampMilliseconds = wallMilliseconds
        operation.hybridTimestamp = nextStamp()
        change(.replace(operation))
        set(merged, for: remote.key)
        set(baseRecord(of: remote, shadow: .init(content: remote.content)), for: remote.key)
        renumberIfSent(from: operation.operationID)
    }

    /// A number that may have reached the server stands for what was sent with it, for ever; an
    /// edit that changed since goes out under a new one, with all that follows in its order.
    ///
    /// While a resync finds out which operations the server has, numbers must stay: its end gives
    /// new ones to all that is left.
    private mutating func renumberIfSent(from number: OperationID) {
        guard number <= queue.sentThrough, state.resync?.maySeeQueued != true else { return }
        change(.renumber(from: queue.transactionStart(of: number), device: state.deviceID))
    }

    /// Takes operations out of the queue, so that nothing waits for them. Each entity goes back to
    /// its base revision, or keeps its next edit, which takes over the base.
    mutating func quarantine(
        _ operations: [SyncOperation], code: RejectionCode, message: String
    ) throws(SyncError) {
        for operation in operations {
            let key = operation.key
            let edits = queue.operations(of: key)
            guard let index = edits.firstIndex(where: { $0.operationID == operation.operationID })
            else { continue }
            change(.remove([operation.operationID]))
            if index + 1 < edits.count {
                let next = edits[index + 1]
                change(
                    .rebase(
                        next.operationID, base: edits[index].base,
                        baseOperationID: edits[index].baseOperationID,
                        version: edits[index].entityVersion))
            } else if index > 0 {
                set(edits[index - 1].content, for: key)
            } else {
                try returnToBase(key)
            }
            let entry = QuarantinedOperation(
                id: nextRecordID(), operation: edits[index], code: code, message: message,
                logEpoch: state.logEpoch, madeOn: index > 0 ? edits[index - 1].content : nil)
            record(entry.write)
            counts.quarantined += 1
        }
    }

    /// An entity that has no edits any more is what its base revision is.
    private mutating func returnToBase(_ key: EntityKey) throws(SyncError) {
        set(try baseContent(of: key), for: key)
        guard var base = try base(of: key) else { return }
        (base.shadow, base.oldBase) = (nil, nil)
        set(base, for: key)
    }

    /// The stamp of an edit that is made now.
    func nextStamp() -> HybridTimestamp {
        queue.nextStamp(after: state.receivedTimestamp, wallMilliseconds: wallMilliseconds)
    }

    /// Edits whose stamps are too far ahead of the server's clock for it are stamped anew, and the
    /// next edit goes on from there (section 7.4).
    mutating func restamp(atMilliseconds now: UInt64) {
        let limit = HybridTimestamp.first(
            atMilliseconds: min(now, wireIntegerMax) + HybridLogicalClock.toleratedSkewMilliseconds)
        let early = queue.operations.filter {
            ($0.hybridTimestamp?.milliseconds ?? 0) > limit.milliseconds
        }
        guard let first = early.first else { return }
        var clock = HybridLogicalClock()
        for operation in early {
            // Not the wall clock of this device, which is the one that is wrong.
            change(.restamp(operation.operationID, clock.stamp(wallMilliseconds: now)))
        }
        state.receivedTimestamp = min(state.receivedTimestamp, clock.latest)
        renumberIfSent(from: first.operationID)
    }

    mutating func log(_ conflict: EntityConflict, _ resolution: ConflictResolution) {
        let entry = ConflictRecord(
            id: nextRecordID(), conflict: conflict, resolution: resolution,
            resolvedAtMilliseconds: wallMilliseconds)
        record(entry.write)
        counts.conflicts += 1
    }
}

extension ConflictResolution {
    /// The same resolution in its plainest form: a merge that equals one side is that side.
    func normalized(for conflict: EntityConflict) -> ConflictResolution {
        guard case .merge(let merged) = self else { return self }
        if merged == conflict.remote { return .keepRemote }
        return merged == conflict.local ? .keepLocal : self
    }
}
