// SPDX-License-Identifier: MIT

import SyncProtocol

/// Turns captured transactions into operations: each edit named, numbered, and made on the revision
/// that its author saw.
struct OperationTransformer<Access: LocalStoreAccess> {
    let store: Access
    let state: ReplicaState
    let wallMilliseconds: UInt64

    /// The change that puts everything captured at the end of `queue`; `nil` if there is nothing
    /// new at all.
    func change(
        for captured: CapturedTransactions, queue: QueueState
    ) throws(SyncError) -> QueueChange? {
        guard captured.checkpoint > queue.checkpoint else { return nil }
        var context = Context(queue: queue)
        for transaction in captured.transactions { try append(transaction, to: &context) }
        return .enqueue(context.operations, checkpoint: captured.checkpoint)
    }

    private struct Context {
        let queue: QueueState
        var operations: [SyncOperation] = []
        var lastOfEntity: [EntityKey: SyncOperation] = [:]
        var clock: HybridTimestamp?
    }

    private func append(
        _ transaction: [StoreWrite], to context: inout Context
    ) throws(SyncError) {
        let writes = transaction.filter { write in
            let name = CollectionName(write.collection)
            return name.isValid && !name.isLocal && EntityID(write.id).isValid
        }
        let first = nextNumber(context)
        for write in writes {
            let operation = try operation(
                for: write, transaction: writes.count > 1 ? TransactionID(first.rawValue) : nil,
                context: context)
            context.operations.append(operation)
            context.lastOfEntity[operation.key] = operation
            context.clock = operation.hybridTimestamp
        }
    }

    private func nextNumber(_ context: Context) -> OperationID {
        context.operations.last?.operationID.next ?? context.queue.nextOperationID
    }

    private func operation(
        for write: StoreWrite, transaction: TransactionID?, context: Context
    ) throws(SyncError) -> SyncOperation {
        let key = EntityKey(CollectionName(write.collection), EntityID(write.id))
        var operation = SyncOperation(
            operationID: nextNumber(context), databaseID: state.databaseID,
            deviceID: state.deviceID, collection: key.collection, entityID: key.entityID,
            kind: write.content == nil ? .delete : .upsert, entityVersion: 1,
            entityCBOR: write.content, timestampMilliseconds: wallMilliseconds,
            hybridTimestamp: context.queue.nextStamp(
                after: max(context.clock ?? 0, state.receivedTimestamp),
                wallMilliseconds: wallMilliseconds),
            transactionID: transaction)
        if let last = context.lastOfEntity[key] ?? context.queue.operations(of: key).last {
            operation.baseOperationID = last.operationID
            operation.entityVersion = last.entityVersion.next
        } else if let base = try store.baseRecord(of: key) {
            // What was pulled beside an old base is not what the author saw.
            let isOld = base.logEpoch != state.logEpoch || base.oldBase != nil
            operation.base = isOld ? .start : base.cursor
            operation.entityVersion = (base.oldBase?.version ?? base.version).next
        } else {
            operation.base = .start
        }
        return operation
    }
}
