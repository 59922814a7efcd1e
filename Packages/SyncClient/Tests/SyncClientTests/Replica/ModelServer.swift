// SPDX-License-Identifier: MIT

import SyncProtocol

@testable import SyncClient

/// Whatever a model device exchanges messages with.
protocol ModelPeer: AnyObject {
    func handshake(_ request: HandshakeRequest) throws(SyncError) -> HandshakeResponse
    func pull(_ request: PullRequest) throws(SyncError) -> PullResponse
    func push(_ request: PushRequest) throws(SyncError) -> PushResponse
}

/// A server in memory, written naively from the protocol: the other side of the client's tests.
final class ModelServer: ModelPeer {
    var log: [SyncOperation] = []
    var head: UInt64 = 0
    var logID: LogID
    var oldest: Cursor = 0
    var current: [EntityKey: SyncOperation] = [:]
    var accepted: [DeviceID: [OperationID: SyncOperation]] = [:]
    var cursors: [DeviceID: Cursor] = [:]
    var stale: Set<DeviceID> = []
    var limits = SyncLimits.standard
    /// What handshakes announce; conflicts are answered all the same.
    var policy: ConflictPolicy?
    /// Everything that this log ever accepted, compacted or not.
    var history: [SyncOperation] = []
    /// Requests, for tests that look at what a client sends.
    var pushes: [PushRequest] = []
    var pulls: [PullRequest] = []

    init(logID: LogID) { self.logID = logID }

    func handshake(_ request: HandshakeRequest) throws(SyncError) -> HandshakeResponse {
        try check(request.logID, request.cursor)
        return HandshakeResponse(
            serverCursor: Cursor(head), capabilities: ["pull": true, "push": true],
            protocolVersion: 1, logID: logID, oldestCursor: oldest,
            lastOperationID: accepted[request.deviceID]?.keys.max() ?? 0, limits: limits,
            serverTimeMilliseconds: 1_000_000, conflictPolicy: policy)
    }

    func pull(_ request: PullRequest) throws(SyncError) -> PullResponse {
        pulls.append(request)
        try check(request.logID, request.sinceCursor)
        try check(nil, request.snapshot)
        if let device = request.deviceID {
            let snapshot = stale.contains(device) ? nil : request.snapshot
            if request.sinceCursor > 0, request.sinceCursor < oldest, (snapshot ?? 0) < oldest {
                throw invalidCursor("compacted")
            }
            stale.remove(device)
            cursors[device] = request.sinceCursor
        }
        let limit = Int(clamping: min(request.limit, limits.maxPullOperations))
        var page: [SyncOperation] = []
        var next = request.sinceCursor
        for operation in log where operation.cursor! > request.sinceCursor {
            let passes = request.includesOwn == true || operation.deviceID != request.deviceID
            if passes, page.count >= limit, !isSameTransaction(page.last, operation) {
                return PullResponse(
                    operations: page, nextCursor: next, hasMore: true, serverCursor: Cursor(head),
                    logID: logID)
            }
            if passes { page.append(operation) }
            next = operation.cursor!
        }
        return PullResponse(
            operations: page, nextCursor: Cursor(head), hasMore: false,
            serverCursor: Cursor(head), logID: logID)
    }

    private func isSameTransaction(_ a: SyncOperation?, _ b: SyncOperation) -> Bool {
        guard let a, let transaction = a.transactionID else { return false }
        return transaction == b.transactionID && a.deviceID == b.deviceID
    }

    private func check(_ logID: LogID?, _ cursor: Cursor?) throws(SyncError) {
        if let logID, logID != self.logID { throw invalidCursor("otherLog") }
        if let cursor, cursor > Cursor(head) { throw invalidCursor("ahead") }
    }

    private func invalidCursor(_ reason: String) -> SyncError {
        SyncError(
            .server(.invalidCursor), reason, status: reason == "compacted" ? 410 : 409,
            details: .init(
                reason: reason, oldestCursor: oldest, serverCursor: Cursor(head), logID: logID))
    }

    // MARK: Push

    private enum Verdict {
        case duplicate(Cursor)
        case reuse
        case rejected(RejectionCode, String)
        case conflict
        case fits
    }

    func push(_ request: PushRequest) throws(SyncError) -> PushResponse {
        pushes.append(request)
        try check(request.logID, request.cursor)
        if request.operations.count > Int(clamping: limits.maxTransactionOperations) {
            throw SyncError(.server(.invalidRequest), "too many operations", status: 413)
        }
        var response = PushResponse(
            acknowledgedUpTo: request.operations.last?.operationID
                ?? accepted[request.deviceID]?.keys.max() ?? 0,
            serverCursor: 0, accepted: [])
        var refused: Set<EntityKey> = []
        var start = 0
        while start < request.operations.count {
            var end = start + 1
            while end < request.operations.count,
                isSameTransaction(request.operations[start], request.operations[end])
            { end += 1 }
            settle(Array(request.operations[start..<end]), &refused, &response)
            start = end
        }
        response.serverCursor = Cursor(head)
        let firstRefused =
            (response.conflicts.map(\.clientOperation.operationID)
            + response.rejected.map(\.operationID)).min()
        if let firstRefused { response.acknowledgedUpTo = OperationID(firstRefused.rawValue - 1) }
        return response
    }

    private func settle(
        _ group: [SyncOperation], _ refused: inout Set<EntityKey>, _ response: inout PushResponse
    ) {
        var pending: [EntityKey: SyncOperation] = [:]
        let verdicts = group.map { operation in
            let verdict = verdict(on: operation, pending, refused)
            if case .fits = verdict { pending[operation.key] = operation }
            if case .conflict = verdict { refused.insert(operation.key) }
            return verdict
        }
        let isWhole = verdicts.allSatisfy {
            switch $0 {
            case .duplicate, .fits: true
            default: false
            }
        }
        for (operation, verdict) in zip(group, verdicts) {
            switch verdict {
            case .duplicate(let cursor): accept(operation.operationID, cursor, &response)
            case .fits where isWhole:
                accept(operation.operationID, append(operation), &response)
            case .fits:
                refused.insert(operation.key)
                response.rejected.append(
                    Rejection(
                        operationID: operation.operationID, code: .transactionAborted, message: ""))
            case .reuse:
                refused.insert(operation.key)
                response.rejected.append(
                    Rejection(
                        operationID: operation.operationID, code: .operationIDReuse, message: ""))
            case .rejected(let code, let message):
                refused.insert(operation.key)
                response.rejected.append(
                    Rejection(
                        operationID: operation.operationID, code: code, message: message))
            case .conflict:
                response.conflicts.append(
                    Conflict(clientOperation: operation, serverState: state(of: operation.key)))
            }
        }
    }

    private func accept(
        _ number: OperationID, _ cursor: Cursor, _ response: inout PushResponse
    ) {
        var runs = response.accepted ?? []
        if let last = runs.last,
            last.firstOperationID.rawValue + last.count == number.rawValue,
            last.firstCursor.rawValue + last.count == cursor.rawValue
        {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(AcceptedRun(firstOperationID: number, firstCursor: cursor, count: 1))
        }
        response.accepted = runs
    }

    private func append(_ operation: SyncOperation) -> Cursor {
        head += 1
        var stored = operation
        stored.cursor = Cursor(head)
        stored.entityVersion = max(
            operation.entityVersion, current[operation.key]?.entityVersion ?? 0)
        log.append(stored)
        history.append(stored)
        current[operation.key] = stored
        accepted[operation.deviceID, default: [:]][operation.operationID] = stored
        return Cursor(head)
    }

    private func verdict(
        on operation: SyncOperation, _ pending: [EntityKey: SyncOperation],
        _ refused: Set<EntityKey>
    ) -> Verdict {
        if let earlier = accepted[operation.deviceID]?[operation.operationID] {
            return earlier.hasSameContent(as: operation) ? .duplicate(earlier.cursor!) : .reuse
        }
        if let violation = operation.violation(maxEntityBytes: limits.maxEntityBytes) {
            return .rejected(violation.code, violation.message)
        }
        if refused.contains(operation.key) { return .conflict }
        let now = pending[operation.key] ?? current[operation.key]
        if operation.kind == .delete, now == nil || now?.kind == .delete { return .fits }
        guard let now else { return operation.base == 0 ? .fits : .conflict }
        if let base = operation.base { return base == now.cursor ? .fits : .conflict }
        if let base = operation.baseOperationID {
            return now.deviceID == operation.deviceID && now.operationID == base ? .fits : .conflict
        }
        return operation.entityVersion > now.entityVersion ? .fits : .conflict
    }

    private func state(of key: EntityKey) -> ServerState {
        guard let operation = current[key] else { return .unknown }
        return ServerState(
            entityVersion: operation.entityVersion, entityCBOR: operation.content,
            isDeleted: operation.kind == .delete, cursor: operation.cursor,
            deviceID: operation.deviceID, hybridTimestamp: operation.hybridTimestamp)
    }

    // MARK: What operators do

    /// Drops what is superseded, and the tombstones that every active device has seen.
    func compact() {
        let horizon =
            cursors.filter { !stale.contains($0.key) }.values.min() ?? Cursor(head)
        for (key, operation) in current
        where operation.kind == .delete && operation.cursor! <= horizon {
            oldest = max(oldest, operation.cursor!)
            current[key] = nil
        }
        log.removeAll { current[$0.key]?.cursor != $0.cursor }
    }

    func backup() -> ModelServer {
        let copy = ModelServer(logID: logID)
        copy.restore(self, as: logID)
        return copy
    }

    func restore(_ other: ModelServer, as logID: LogID) {
        self.logID = logID
        (log, head, oldest, current) = (other.log, other.head, other.oldest, other.current)
        (accepted, history) = (other.accepted, other.history)
        cursors = [:]
        stale = []
    }
}
