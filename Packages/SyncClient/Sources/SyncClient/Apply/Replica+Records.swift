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

    /// Puts a quarantined operation back as a new edit on the base that it was made on.
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
        let isSameLog = entry.logEpoch == state.logEpoch
        var operation = entry.operation
        operation.operationID = queue.nextOperationID
        operation.deviceID = state.deviceID
        operation.transactionID = nil
        operation.baseOperationID = nil
        if !isSameLog {
            operation.base = .start
        } else if operation.base == nil {
            operation.base = try baseOfOwn(entry)
        }
        if var base = try base(of: key), base.shadow == nil {
            base.shadow = BaseRecord.Shadow(content: try content(of: key))
            set(base, for: key)
        }
        change(.enqueue([operation], checkpoint: 0))
        set(operation.content, for: key)
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
