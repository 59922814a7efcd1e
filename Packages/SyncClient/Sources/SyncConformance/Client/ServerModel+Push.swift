// SPDX-License-Identifier: MIT

import SyncProtocol

/// Section 7.
extension ServerModel {
    /// What becomes of an operation (P2).
    private enum Fate {
        case accepted(Cursor)
        case rejected(RejectionCode)
        case conflict
    }

    mutating func push(_ request: PushRequest) throws(Refusal) -> PushResponse {
        try check(request.logID, request.cursor)
        guard UInt64(request.operations.count) <= limits.maxPushOperations else {
            throw Refusal(413, .invalidRequest, "These are too many operations.")
        }
        var refused: Set<EntityKey> = []
        var fates: [Fate] = []
        for group in Self.groups(of: request.operations) {
            let before = self
            var found = group.map { settle($0, refused) }
            let isRefused = found.contains { if case .accepted = $0 { false } else { true } }
            if isRefused, group.count > 1 {
                // All or none (P8); what was accepted before stays so.
                self = before
                for (index, fate) in found.enumerated() {
                    let operation = group[index]
                    let known = accepted[operation.deviceID]?[operation.operationID] != nil
                    if case .accepted = fate, !known {
                        found[index] = .rejected(.transactionAborted)
                    }
                }
            }
            for (operation, fate) in zip(group, found) {
                if case .accepted = fate { continue }
                refused.insert(operation.key)
            }
            fates += found
        }
        return response(to: request, fates)
    }

    /// The transactions, and the operations of none, each alone.
    private static func groups(of operations: [SyncOperation]) -> [[SyncOperation]] {
        operations.reduce(into: []) { groups, operation in
            let last = groups.last?.last?.transactionID
            if last != nil, last == operation.transactionID {
                groups[groups.count - 1].append(operation)
            } else {
                groups.append([operation])
            }
        }
    }

    private mutating func settle(_ operation: SyncOperation, _ refused: Set<EntityKey>) -> Fate {
        if let known = accepted[operation.deviceID]?[operation.operationID] {
            return known.hasSameContent(as: operation)
                ? .accepted(known.cursor ?? 0) : .rejected(.operationIDReuse)
        }
        if let code = rejects(operation) { return .rejected(code) }
        if let violation = operation.violation(maxEntityBytes: limits.maxEntityBytes) {
            return .rejected(violation.code)
        }
        if refused.contains(operation.key) { return .conflict }
        let head = head(operation.collection, operation.entityID)
        let isGone = head == nil || head?.kind == .delete
        if operation.kind == .delete, isGone { return accept(operation) }
        if let base = operation.base {
            return base == head?.cursor ?? 0 ? accept(operation) : .conflict
        }
        if let base = operation.baseOperationID {
            let isIt = head?.deviceID == operation.deviceID && head?.operationID == base
            return isIt ? accept(operation) : .conflict
        }
        return operation.entityVersion > head?.entityVersion ?? 0 ? accept(operation) : .conflict
    }

    private mutating func accept(_ operation: SyncOperation) -> Fate {
        .accepted(append(operation).cursor ?? 0)
    }

    private func response(to request: PushRequest, _ fates: [Fate]) -> PushResponse {
        var runs: [AcceptedRun] = []
        var rejected: [Rejection] = []
        var conflicts: [Conflict] = []
        var lowest: OperationID?
        for (operation, fate) in zip(request.operations, fates) {
            switch fate {
            case .accepted(let cursor):
                Self.extend(&runs, operation.operationID, cursor)
                continue
            case .rejected(let code):
                rejected.append(
                    Rejection(
                        operationID: operation.operationID, code: code, message: "It is refused."))
            case .conflict:
                conflicts.append(
                    Conflict(
                        clientOperation: operation, serverState: state(of: operation.key)))
            }
            lowest = lowest ?? operation.operationID
        }
        let highest = accepted[request.deviceID]?.keys.max() ?? 0
        let all = request.operations.last?.operationID ?? highest
        return PushResponse(
            acknowledgedUpTo: lowest.map { OperationID($0.rawValue - 1) } ?? all,
            conflicts: conflicts, serverCursor: lastCursor, accepted: runs, rejected: rejected)
    }

    private static func extend(
        _ runs: inout [AcceptedRun], _ number: OperationID, _ cursor: Cursor
    ) {
        if let last = runs.last, last.firstOperationID.rawValue + last.count == number.rawValue,
            last.firstCursor.rawValue + last.count == cursor.rawValue
        {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(AcceptedRun(firstOperationID: number, firstCursor: cursor, count: 1))
        }
    }

    private func state(of key: EntityKey) -> ServerState {
        guard let head = head(key.collection, key.entityID) else { return .unknown }
        return ServerState(
            entityVersion: head.entityVersion, entityCBOR: head.entityCBOR,
            isDeleted: head.kind == .delete, cursor: head.cursor, deviceID: head.deviceID,
            hybridTimestamp: head.hybridTimestamp,
            lastModifiedMilliseconds: head.timestampMilliseconds)
    }
}
