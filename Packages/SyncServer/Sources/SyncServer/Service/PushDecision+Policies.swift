// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

// Conflicts that a policy decides (protocol, §5.8).
extension PushDecision {
    /// Whether the operation is stamped so far ahead of the server's clock that it would win
    /// against whatever others write for a while.
    func isFromTheFuture(_ operation: borrowing SyncOperationView) -> Bool {
        guard policies.decides, policies[collection: operation.collection] == .lastWriteWins else {
            return false
        }
        let stamp = WriteStamp.stamp(
            operation.hybridTimestamp, timestampMilliseconds: operation.timestampMilliseconds)
        let (limit, isBeyondAll) = nowMilliseconds.addingReportingOverflow(
            HybridLogicalClock.toleratedSkewMilliseconds)
        return !isBeyondAll && stamp.milliseconds > limit
    }

    /// Settles an operation in conflict with its entity's latest revision.
    ///
    /// - Parameter revision: What the operation makes if it is accepted.
    func settleConflict(
        _ operation: borrowing SyncOperationView, of operations: borrowing SyncOperationViews,
        _ entity: Entity, accepted revision: EntityRevision
    ) throws(OpLogError) -> Settlement {
        let policy = policies[collection: operation.collection]
        guard policy.decides, let server = view.server else { return .conflict(entity.revision) }
        if policy == .clientWins { return .accepted(revision) }
        let write = SyncOperation(operation)
        let current = try loggedOperation(at: entity.latest?.cursor ?? .start, operations)
        let base = policy == .merge ? try base(of: write, operations) : nil
        switch policy.verdict(on: write, current: current, base: base) {
        case .conflict: return .conflict(entity.revision)
        case .stands: return .accepted(revision)
        case .yields(let content):
            // What two devices wrote together may be more than either may write.
            guard UInt64(content.entityCBOR?.count ?? 0) <= rules.maxEntityBytes else {
                return .conflict(entity.revision)
            }
            let answer = content.revision(
                overruling: write, version: revision.version, at: revision.cursor.next)
            return .overruled(
                revision,
                by: ServerRevision(
                    revision: EntityRevision(
                        cursor: revision.cursor.next, version: answer.entityVersion,
                        operationID: answer.operationID, device: server,
                        isDeleted: answer.kind == .delete), operation: answer))
        }
    }

    /// The revision on which an operation was made, if the log has it.
    private func base(
        of operation: SyncOperation, _ operations: borrowing SyncOperationViews
    ) throws(OpLogError) -> SyncOperation? {
        var cursor = operation.base
        if let number = operation.baseOperationID {
            cursor = cursorOfOwn(number, operations) ?? view.recentCursor(of: number)
        }
        guard let cursor, let base = try loggedOperation(at: cursor, operations),
            base.key == operation.key
        else { return nil }
        return base
    }

    /// The cursor that an earlier operation of this push got.
    private func cursorOfOwn(
        _ number: OperationID, _ operations: borrowing SyncOperationViews
    ) -> Cursor? {
        var low = 0
        var high = settlements.count
        while low < high {
            let middle = (low + high) / 2
            if operations[middle].operationID < number { low = middle + 1 } else { high = middle }
        }
        guard low < settlements.count, operations[low].operationID == number else { return nil }
        switch settlements[low] {
        case .accepted(let revision), .overruled(let revision, _): return revision.cursor
        case .duplicate(let cursor): return cursor
        case .rejected, .conflict: return nil
        }
    }

    /// What stands at a cursor, or will after this push; `nil` if nothing does.
    private func loggedOperation(
        at cursor: Cursor, _ operations: borrowing SyncOperationViews
    ) throws(OpLogError) -> SyncOperation? {
        guard cursor > .start, cursor < nextCursor else { return nil }
        guard cursor >= view.nextCursor else {
            return try view.withOperation(at: cursor) { SyncOperation($0) }
        }
        switch made[Int(cursor.rawValue - view.nextCursor.rawValue)] {
        case .operation(let index): return SyncOperation(operations[index])
        case .server(let operation): return operation
        }
    }
}
