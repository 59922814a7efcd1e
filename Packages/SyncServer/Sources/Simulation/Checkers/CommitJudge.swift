// SPDX-License-Identifier: MIT

import SyncProtocol

/// Judges every operation that becomes part of a log: it is new, somebody wrote it, and it
/// overwrites nothing that its author had not seen.
struct CommitJudge {
    /// The contents that each log has accepted for an entity.
    private var accepted: [LogID: [EntityKey: Set<[UInt8]>]] = [:]
    /// The latest revision of each entity that was judged.
    private var latest: [LogID: [EntityKey: SyncOperation]] = [:]

    mutating func judge(
        _ operation: SyncOperation, in log: LogModel, _ ledger: EditLedger,
        _ struck: Set<Condition>
    ) throws {
        let cursor = operation.cursor ?? 0
        let previous =
            latest[log.logID]?[operation.key]
            ?? log.durable.operations.prefix(Int(cursor.rawValue) - 1)
            .last { $0.key == operation.key }
        latest[log.logID, default: [:]][operation.key] = operation
        // A stranger's push may name a cursor of the log that was before, and not the log.
        let isBlind =
            operation.deviceID == Stranger.deviceID && struck.contains(.serverRestores)
        if isBlind { ledger.overwrittenBlindly(operation, after: previous) }
        if let previous, !struck.isEmpty, previous.kind == .delete,
            log.durable.gone.contains(Int((previous.cursor ?? 0).rawValue) - 1)
        {
            // Where logs and devices were put back, nobody can tell by then that it was deleted.
            ledger.excuseRemovals(of: operation.key)
        }
        let isDecided = log.policy.decides(operation.collection)
        if isDecided { ledger.decidedByServer(operation, after: previous) }
        if let fault = ledger.fault(of: operation, after: previous, isBlind: isBlind) {
            throw fault
        }
        // What stands by a policy may be there again and again, as the model says.
        guard let content = operation.content, !isDecided else { return }
        let isNew = accepted[log.logID, default: [:]][operation.key, default: []]
            .insert(content).inserted
        // Where something was copied or put back, a resolver may let stand what the log has had.
        if !isNew, !struck.isEmpty, log.durable.hasLost(content, of: operation.key) {
            // A copy cannot find out that it was accepted, nor that it was deleted since.
            return ledger.excuseRemovals(of: operation.key)
        }
        guard isNew || (!struck.isEmpty && ledger.decided.contains(operation.key)) else {
            throw SimulationFailure(
                .acceptedOnce,
                "edit \(EntityContent.tokens(content)) of \(operation.key) is in the "
                    + "log again, at cursor \(cursor)")
        }
    }
}

extension LogModel.Log {
    /// Whether a content of an entity was in the log and is no longer there.
    func hasLost(_ content: [UInt8], of key: EntityKey) -> Bool {
        gone.contains { operations[$0].key == key && operations[$0].content == content }
    }
}
