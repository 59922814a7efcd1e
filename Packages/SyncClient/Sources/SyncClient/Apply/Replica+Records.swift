// SPDX-License-Identifier: MIT

import SyncProtocol

/// The conflict log and the quarantine, which people look into.
extension Replica {
    func entries<Entry: WireValue>(in collection: String) throws(SyncError) -> [Entry] {
        try store.withWriteLock { access throws(SyncError) in
            var entries: [Entry] = []
            for record in try access.records(in: collection) {
                entries.append(
                    try decoded(
                        Entry.self, from: record.content, named: "\(collection)/\(record.id)"))
            }
            return entries
        }
    }

    func removeEntry(_ id: String, in collection: String) throws(SyncError) {
        try settle { reconciliation throws(SyncError) in
            guard try reconciliation.store.record(id, in: collection) != nil else {
                throw Self.noEntry(id, collection)
            }
            reconciliation.record(StoreWrite(collection: collection, id: id, content: nil))
        }
    }

    /// Puts a quarantined operation back as a new edit on the base that it was made on. Where the
    /// entity has a later revision by now, the resolver decides between the two at once.
    func retryQuarantined(_ id: String) throws(SyncError) {
        try settle { reconciliation throws(SyncError) in
            let collection = QuarantinedOperation.collection
            guard let bytes = try reconciliation.store.record(id, in: collection) else {
                throw Self.noEntry(id, collection)
            }
            let entry = try decoded(
                QuarantinedOperation.self, from: bytes, named: "\(collection)/\(id)")
            try reconciliation.retry(entry)
            reconciliation.record(StoreWrite(collection: collection, id: id, content: nil))
        }
    }

    private static func noEntry(_ id: String, _ collection: String) -> SyncError {
        SyncError(.configuration, "There is no entry \"\(id)\" in \(collection).")
    }
}

extension Reconciliation {
    fileprivate mutating func retry(_ entry: QuarantinedOperation) throws(SyncError) {
        let key = entry.operation.key
        guard !queue.hasOperations(of: key) else {
            throw SyncError(
                .configuration,
                "The entity \(key) has newer edits that wait to be pushed. Sync first, or discard "
                    + "the quarantined operation.")
        }
        guard state.resync == nil else {
            throw SyncError(
                .configuration,
                "The device is pulling everything again. Sync first, then retry the edit of "
                    + "\(key).")
        }
        if var base = try base(of: key), base.shadow == nil {
            base.shadow = BaseRecord.Shadow(content: try content(of: key))
            set(base, for: key)
        }
        var operation = entry.operation
        operation.operationID = queue.nextOperationID
        operation.deviceID = state.deviceID
        operation.transactionID = nil
        operation.timestampMilliseconds = wallMilliseconds
        operation.hybridTimestamp = nextStamp()
        operation.base = try baseOfRetry(entry)
        operation.baseOperationID = nil
        change(.enqueue([operation], checkpoint: 0))
        set(operation.content, for: key)

        // The edit must not hide a revision that its author never saw: until the push is answered,
        // this device could be the only one that still has it.
        guard let known = try validBase(of: key), let cursor = known.cursor,
            cursor != operation.base
        else { return }
        try meet(RemoteRevision(known, of: key, content: try baseContent(of: key)))
    }

    private func baseOfRetry(_ entry: QuarantinedOperation) throws(SyncError) -> Cursor {
        guard entry.logEpoch == state.logEpoch else { return .start }
        if let base = entry.operation.base { return base }
        return try baseOfOwn(entry)
    }

    /// The base of an edit that was made on another one of this device: where that one has become
    /// the entity's base as it was. If it was merged or dropped meanwhile, nobody has seen what
    /// stands now, and the server is to say so.
    private func baseOfOwn(_ entry: QuarantinedOperation) throws(SyncError) -> Cursor {
        let key = entry.operation.key
        guard let madeOn = entry.madeOn, try baseContent(of: key) == madeOn else { return .start }
        return try validBase(of: key)?.cursor ?? .start
    }
}
