// SPDX-License-Identifier: MIT

import SyncProtocol

/// The answer to a push, and what of it goes into the log.
struct PushOutcome {
    /// An accepted operation.
    struct Accepted {
        /// Its place in the request.
        var index: Int
        /// The revision that it makes.
        var revision: EntityRevision
        /// Whether the operation before it in the log belongs to the same transaction.
        var continuesTransaction: Bool
        /// The server's revision that follows it, if its content does not stand.
        var answer: ServerRevision?
    }

    /// What goes into the log, in this order, at unbroken cursors.
    private(set) var accepted: [Accepted] = []
    /// What lies at each cursor from the first of these on, as an index into `accepted`.
    private var places: [Int] = []
    /// The answer, which may leave when all of that is durable.
    private(set) var response: PushResponse

    /// Puts the answer to `operations` together from what became of each.
    ///
    /// - Parameters:
    ///   - highestAccepted: The highest number that was accepted from the device so far.
    ///   - conflictBytesMax: How many bytes of server states and refused operations the answer may
    ///     hold.
    /// - Throws: The failure to answer instead; then nothing of the push may be logged.
    init(
        _ operations: borrowing SyncOperationViews, _ settlements: [Settlement],
        view: some PushView, highestAccepted: OperationID, conflictBytesMax: Int
    ) throws(ServiceFailure) {
        response = PushResponse(
            acknowledgedUpTo: operations.lastNumber ?? highestAccepted, accepted: [])
        var runs: [AcceptedRun] = []
        var conflictBytes = 0
        var firstRefused: OperationID?
        let isOneTransaction = operations.areOneTransaction
        for (index, settlement) in settlements.enumerated() {
            let operationID = operations[index].operationID
            switch settlement {
            case .accepted(let revision):
                note(index, revision, in: operations)
                Self.extend(&runs, operationID, revision.cursor)
            case .overruled(let revision, let answer):
                note(index, revision, answer: answer, in: operations)
                Self.extend(&runs, operationID, revision.cursor)
            case .duplicate(let cursor): Self.extend(&runs, operationID, cursor)
            case .rejected(let code, let message):
                firstRefused = firstRefused ?? operationID
                response.rejected.append(
                    Rejection(operationID: operationID, code: code, message: message))
            case .conflict(let revision):
                firstRefused = firstRefused ?? operationID
                let state = try state(of: revision, operations, view)
                conflictBytes += state.entityCBOR?.count ?? 0
                conflictBytes += operations[index].encoded.count
                if conflictBytes > conflictBytesMax, !response.conflicts.isEmpty {
                    // A transaction cannot be halved: its device settles what it has been told,
                    // and sends the others again.
                    guard isOneTransaction else {
                        throw .tooMany(
                            "conflictBytes", UInt64(conflictBytesMax),
                            "The conflicts of this push come to more than \(conflictBytesMax) "
                                + "bytes (conflictBytes). Send it in halves.")
                    }
                    response.rejected.append(
                        Rejection(
                            operationID: operationID, code: .transactionAborted,
                            message: "Other conflicts of its transaction fill the answer."))
                    continue
                }
                response.conflicts.append(
                    Conflict(
                        clientOperation: SyncOperation(operations[index]), serverState: state))
            }
        }
        if let firstRefused { response.acknowledgedUpTo = OperationID(firstRefused.rawValue - 1) }
        response.accepted = runs
        response.serverCursor = Cursor(view.nextCursor.rawValue + UInt64(places.count) - 1)
    }

    private mutating func note(
        _ index: Int, _ revision: EntityRevision, answer: ServerRevision? = nil,
        in operations: borrowing SyncOperationViews
    ) {
        let transaction = operations[index].transactionID
        // Duplicates between two members are not in the log here, so they break no run.
        var continues = false
        if transaction != nil, let last = accepted.last {
            continues = operations[last.index].transactionID == transaction
        }
        places.append(accepted.count)
        if answer != nil { places.append(accepted.count) }
        accepted.append(
            Accepted(
                index: index, revision: revision, continuesTransaction: continues, answer: answer))
    }

    /// What the server has: a revision in the log, or one that this very push made.
    private func state(
        of revision: EntityRevision?, _ operations: borrowing SyncOperationViews,
        _ view: some PushView
    ) throws(ServiceFailure) -> ServerState {
        guard let revision else { return .unknown }
        if revision.cursor >= view.nextCursor {
            let made = accepted[places[Int(revision.cursor.rawValue - view.nextCursor.rawValue)]]
            if let answer = made.answer, answer.revision == revision {
                return ServerState(answer.operation, revision)
            }
            return ServerState(operations[made.index], revision)
        }
        do throws(OpLogError) {
            // The current revision of an entity is never compacted away.
            return try view.withOperation(at: revision.cursor) { ServerState($0, revision) }
                ?? .unknown
        } catch {
            throw ServiceFailure(error)
        }
    }

    /// Adds an accepted operation to runs that stay maximal.
    private static func extend(
        _ runs: inout [AcceptedRun], _ operationID: OperationID, _ cursor: Cursor
    ) {
        if cursor > .start, let last = runs.last, last.firstCursor > .start,
            last.firstOperationID.rawValue + last.count == operationID.rawValue,
            last.firstCursor.rawValue + last.count == cursor.rawValue
        {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(
                AcceptedRun(firstOperationID: operationID, firstCursor: cursor, count: 1))
        }
    }
}

extension ServerState {
    /// The state of an entity whose current revision `operation` made.
    fileprivate init(_ operation: borrowing SyncOperationView, _ revision: EntityRevision) {
        self.init(
            entityVersion: revision.version, entityCBOR: operation.entityCBOR.map { [UInt8]($0) },
            isDeleted: revision.isDeleted, cursor: revision.cursor,
            deviceID: DeviceID(String(decoding: operation.deviceID, as: UTF8.self)),
            hybridTimestamp: operation.hybridTimestamp,
            lastModifiedMilliseconds: operation.timestampMilliseconds)
    }

    /// The state of an entity whose current revision the server made.
    fileprivate init(_ operation: SyncOperation, _ revision: EntityRevision) {
        self.init(
            entityVersion: revision.version, entityCBOR: operation.entityCBOR,
            isDeleted: operation.kind == .delete, cursor: revision.cursor,
            deviceID: operation.deviceID,
            hybridTimestamp: operation.hybridTimestamp,
            lastModifiedMilliseconds: operation.timestampMilliseconds)
    }
}

extension SyncOperationViews {
    /// Whether all of them are one transaction.
    var areOneTransaction: Bool {
        guard count > 0, let transaction = self[0].transactionID else { return false }
        return (1..<count).allSatisfy { self[$0].transactionID == transaction }
    }

    /// The number of the last one.
    fileprivate var lastNumber: OperationID? { count > 0 ? self[count - 1].operationID : nil }
}
