// SPDX-License-Identifier: MIT

import SyncProtocol

/// The answer to a push.
extension Reconciliation {
    /// Settles a push.
    ///
    /// - Parameters:
    ///   - firstSent: From which operation on no request had carried them before.
    ///   - unanswered: Operations that were sent earlier, are not part of this push and have had no
    ///     answer. While there are any, nothing that follows a refused operation may take a new
    ///     number, so refusals are left for a later push.
    /// - Returns: What the server refused and is still in the queue under its old number.
    /// - Throws: `SyncError` if the answer leaves an operation unsettled.
    mutating func settle(
        _ request: PushRequest, _ response: PushResponse, firstSent: OperationID?,
        unanswered: Set<OperationID>, newDeviceID: DeviceID
    ) throws(SyncError) -> Set<OperationID> {
        let accepted = try acceptedOperations(of: request, response)
        see(response, accepted.cursors)
        // What was never sent, and has been accepted so long ago that the server no longer knows
        // where, is another's: a copy of the device has used the number.
        let foreign = accepted.operations.filter { operation in
            accepted.cursors[operation.operationID] == .some(.start)
                && firstSent.map { $0 <= operation.operationID } ?? false
        }
        try acknowledge(
            accepted.operations.filter { !foreign.contains($0) }, cursors: accepted.cursors,
            frozen: unanswered)
        if !foreign.isEmpty {
            becomeNewDevice(newDeviceID)
            return []
        }
        let left = request.operations.map(\.operationID)
            .filter { queue.operation($0) != nil }
        guard unanswered.isEmpty else { return Set(left) }
        if response.rejected.contains(where: { $0.code == .operationIDReuse }) {
            becomeNewDevice(newDeviceID)
            return []
        }
        try settle(response.rejected)
        var settled: Set<EntityKey> = []
        for conflict in response.conflicts
        where settled.insert(EntityKey(conflict.collection, conflict.entityID)).inserted {
            try settle(conflict)
        }
        // Numbers of refused operations are free, but what goes out again may have changed.
        if let first = left.first(where: { queue.operation($0) != nil }) {
            change(.renumber(from: queue.transactionStart(of: first), device: state.deviceID))
        }
        return []
    }

    /// A device that had pulled everything, and whose operations are all that came since, knows the
    /// log up to the server's cursor without pulling again.
    mutating func passOwn(_ response: PushResponse) {
        guard state.resync == nil, state.snapshot == nil, let head = response.serverCursor,
            let runs = response.accepted, let first = runs.first
        else { return }
        var end = first.firstCursor.rawValue
        for run in runs {
            guard run.firstCursor.rawValue == end else { return }
            end += run.count
        }
        if first.firstCursor == state.cursor.next, end == head.rawValue + 1 { state.cursor = head }
    }

    private mutating func see(_ response: PushResponse, _ cursors: [OperationID: Cursor?]) {
        state.see(response.serverCursor)
        for cursor in cursors.values { state.see(cursor) }
        for conflict in response.conflicts { state.see(conflict.serverState.cursor) }
    }

    private func acceptedOperations(
        of request: PushRequest, _ response: PushResponse
    ) throws(SyncError) -> (operations: [SyncOperation], cursors: [OperationID: Cursor?]) {
        let refused = Set(
            response.conflicts.map(\.clientOperation.operationID)
                + response.rejected.map(\.operationID))
        var operations: [SyncOperation] = []
        var cursors: [OperationID: Cursor?] = [:]
        for operation in request.operations {
            let number = operation.operationID
            guard let runs = response.accepted else {
                // An older server: what is acknowledged and not in conflict is accepted.
                if number <= response.acknowledgedUpTo, !refused.contains(number) {
                    operations.append(operation)
                    cursors[number] = .some(nil)
                }
                continue
            }
            if let cursor = runs.lazy.compactMap({ $0.cursor(of: number) }).first {
                operations.append(operation)
                cursors[number] = cursor
            } else if !refused.contains(number) {
                throw SyncError(
                    .invalidAnswer,
                    "The answer to the push says nothing of operation \(number). It stays in the "
                        + "queue and is sent again.")
            }
        }
        return (operations, cursors)
    }

    private mutating func settle(_ rejections: [Rejection]) throws(SyncError) {
        for rejection in rejections {
            guard let operation = queue.operation(rejection.operationID) else { continue }
            switch rejection.code {
            // A stamp is made anew when a handshake has said what time it is.
            case .transactionAborted, .clockSkew: continue
            default:
                let members =
                    operation.transactionID.map(queue.members)
                    ?? [operation.operationID]
                try quarantine(
                    members.compactMap(queue.operation), code: rejection.code,
                    message: rejection.message)
            }
        }
    }

    /// A conflict goes the way of a pulled revision, except where the edit was already made on what
    /// the server has, or on a tombstone that the server has forgotten: then it is sent again.
    private mutating func settle(_ conflict: Conflict) throws(SyncError) {
        let remote = RemoteRevision(conflict)
        let edits = queue.operations(of: remote.key)
        guard let first = edits.first else { return }
        let base = try validBase(of: remote.key)
        if let cursor = remote.cursor {
            // A retried edit may be made on less than the device has seen since: its base counts.
            let isOwnBase = cursor == first.base ?? base?.cursor ?? .start
            let isLostTombstone =
                cursor == .start && remote.content == nil && (base?.isDeleted ?? false)
            if isOwnBase || isLostTombstone { return rebase(edits, on: remote) }
        }
        try meet(remote)
    }
}
