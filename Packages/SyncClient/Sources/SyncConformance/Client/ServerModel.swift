// SPDX-License-Identifier: MIT

import SyncProtocol

/// A server of one database that keeps the rules of the protocol, in memory and without a wire.
struct ServerModel {
    /// An answer that is an error.
    struct Refusal: Error {
        var status: Int
        var response: ErrorResponse
        var retryAfterSeconds: UInt64?

        init(_ status: Int, _ code: SyncErrorCode, _ message: String) {
            self.status = status
            response = ErrorResponse(code: code, message: message)
        }
    }

    var logID: LogID
    /// What is kept of the log, in the order of cursors.
    private(set) var log: [SyncOperation] = []
    private(set) var lastCursor: Cursor = 0
    var oldestCursor: Cursor = 0
    /// Whether the database is there; a handshake makes it.
    private(set) var exists = false
    /// What was accepted, by device and number.
    var accepted: [DeviceID: [OperationID: SyncOperation]] = [:]
    private var heads: [EntityKey: SyncOperation] = [:]
    /// The most operations of a page, whatever is asked for.
    var pageLimit: UInt64 = 1_000
    var limits = SyncLimits.standard
    /// What is to be rejected alone, besides what has to be.
    var rejects: @Sendable (SyncOperation) -> RejectionCode? = { _ in nil }

    init(logID: LogID) { self.logID = logID }

    /// The current revision of an entity.
    func head(_ collection: CollectionName, _ entity: EntityID) -> SyncOperation? {
        heads[EntityKey(collection, entity)]
    }

    // MARK: Section 6

    mutating func handshake(_ request: HandshakeRequest) throws(Refusal) -> HandshakeResponse {
        guard exists || (request.logID == nil && (request.cursor ?? 0) == 0) else {
            throw otherHistory("otherLog")
        }
        if exists { try check(request.logID, request.cursor) }
        exists = true
        let last = accepted[request.deviceID]?.keys.max() ?? 0
        return HandshakeResponse(
            serverCursor: lastCursor,
            capabilities: ["pull": true, "push": true, "sse": false, "webSocket": false],
            protocolVersion: 1, logID: logID, oldestCursor: oldestCursor, lastOperationID: last,
            limits: limits, serverTimeMilliseconds: 1_700_000_000_000, conflictPolicy: .detect)
    }

    /// S3.
    func check(_ log: LogID?, _ cursor: Cursor?) throws(Refusal) {
        guard exists else { throw Refusal(404, .databaseNotFound, "There is no such database.") }
        if let log, log != logID { throw otherHistory("otherLog") }
        if let cursor, cursor > lastCursor { throw otherHistory("ahead") }
    }

    private func otherHistory(_ reason: String) -> Refusal {
        var refusal = Refusal(
            reason == "compacted" ? 410 : 409, .invalidCursor, "The log is another one.")
        refusal.response.details = ErrorResponse.Details(
            reason: reason, oldestCursor: oldestCursor, serverCursor: lastCursor, logID: logID)
        return refusal
    }

    // MARK: Section 8

    func pull(_ request: PullRequest) throws(Refusal) -> PullResponse {
        try check(request.logID, request.sinceCursor)
        let since = request.sinceCursor
        if since > 0, since < oldestCursor, (request.snapshot ?? 0) < oldestCursor {
            throw otherHistory("compacted")
        }
        let passing = log.filter { operation in
            guard let cursor = operation.cursor, cursor > since else { return false }
            let isOwn = operation.deviceID == request.deviceID && request.includesOwn != true
            return !isOwn && request.collections?.contains(operation.collection) ?? true
        }
        let limit = Int(min(request.limit, pageLimit))
        var count = min(limit, passing.count)
        // A page does not end inside a transaction (L6).
        while count > 0, count < passing.count, let group = passing[count - 1].transactionID,
            passing[count].transactionID == group,
            passing[count].deviceID == passing[count - 1].deviceID
        { count += 1 }
        let hasMore = count < passing.count
        let next = hasMore ? passing[count - 1].cursor ?? 0 : lastCursor
        return PullResponse(
            operations: Array(passing[..<count]), nextCursor: next, hasMore: hasMore,
            serverCursor: lastCursor, logID: logID)
    }

    // MARK: Section 9

    func report(_ request: CursorReport) throws(Refusal) -> CursorAnswer {
        try check(nil, request.cursor)
        return CursorAnswer(cursor: request.cursor)
    }

    // MARK: What a check does to it

    /// Appends an operation, and gives it its cursor.
    @discardableResult
    mutating func append(_ operation: SyncOperation) -> SyncOperation {
        lastCursor = lastCursor.next
        var logged = operation
        logged.cursor = lastCursor
        let version = heads[operation.key]?.entityVersion ?? 0
        logged.entityVersion = max(operation.entityVersion, version)
        log.append(logged)
        heads[operation.key] = logged
        accepted[operation.deviceID, default: [:]][operation.operationID] = logged
        return logged
    }

    /// Drops all but the newest operation of each entity, and the tombstones (8.4).
    mutating func compact() {
        let dropped = log.filter { $0.kind == .delete }.compactMap(\.cursor).max() ?? 0
        oldestCursor = max(oldestCursor, dropped)
        log = log.filter { operation in
            heads[operation.key]?.cursor == operation.cursor && operation.kind != .delete
        }
        heads = heads.filter { $0.value.kind != .delete }
    }

    /// Goes back to where it was at a cursor, as a server that was put back from a backup.
    mutating func restore(to cursor: Cursor, logID: LogID) {
        let kept = log.filter { ($0.cursor ?? 0) <= cursor }
        let exists = exists
        self = ServerModel(logID: logID)
        self.exists = exists
        for operation in kept { append(operation) }
    }
}
