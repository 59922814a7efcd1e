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
    }

    /// What goes into the log, in this order, at unbroken cursors.
    private(set) var accepted: [Accepted] = []
    /// The answer, which may leave when all of that is durable.
    private(set) var response: PushResponse

    /// Puts the answer to `operations` together from what became of each.
    ///
    /// - Parameters:
    ///   - highestAccepted: The highest number that was accepted from the device so far.
    ///   - conflictBytesMax: How many bytes of server states the answer may hold.
    /// - Throws: The failure to answer instead; then nothing of the push may be logged.
    init(
        _ operations: [SyncOperation], _ settlements: [Settlement], view: some PushView,
        highestAccepted: OperationID, conflictBytesMax: Int
    ) throws(ServiceFailure) {
        response = PushResponse(
            acknowledgedUpTo: operations.last?.operationID ?? highestAccepted, accepted: [])
        var runs: [AcceptedRun] = []
        var conflictBytes = 0
        var firstRefused: OperationID?
        let transaction = operations.first?.transactionID
        let isOneTransaction =
            transaction != nil && operations.allSatisfy { $0.transactionID == transaction }
        for (index, settlement) in settlements.enumerated() {
            let operation = operations[index]
            switch settlement {
            case .accepted(let revision):
                note(index, revision, in: operations)
                Self.extend(&runs, operation.operationID, revision.cursor)
            case .duplicate(let cursor): Self.extend(&runs, operation.operationID, cursor)
            case .rejected(let code, let message):
                firstRefused = firstRefused ?? operation.operationID
                response.rejected.append(
                    Rejection(operationID: operation.operationID, code: code, message: message))
            case .conflict(let revision):
                firstRefused = firstRefused ?? operation.operationID
                let state = try state(of: revision, operations, view)
                conflictBytes += state.entityCBOR?.count ?? 0
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
                            operationID: operation.operationID, code: .transactionAborted,
                            message: "Other conflicts of its transaction fill the answer."))
                    continue
                }
                response.conflicts.append(
                    Conflict(clientOperation: operation, serverState: state))
            }
        }
        if let firstRefused { response.acknowledgedUpTo = OperationID(firstRefused.rawValue - 1) }
        response.accepted = runs
        response.serverCursor = Cursor(view.nextCursor.rawValue + UInt64(accepted.count) - 1)
    }

    private mutating func note(
        _ index: Int, _ revision: EntityRevision, in operations: [SyncOperation]
    ) {
        let transaction = operations[index].transactionID
        // Duplicates between two members are not in the log here, so they break no run.
        let continues =
            transaction != nil
            && accepted.last.map { operations[$0.index].transactionID == transaction } ?? false
        accepted.append(
            Accepted(index: index, revision: revision, continuesTransaction: continues))
    }

    /// What the server has: a revision in the log, or one that this very push made.
    private func state(
        of revision: EntityRevision?, _ operations: [SyncOperation], _ view: some PushView
    ) throws(ServiceFailure) -> ServerState {
        guard let revision else { return .unknown }
        if revision.cursor >= view.nextCursor {
            let made = accepted[Int(revision.cursor.rawValue - view.nextCursor.rawValue)]
            return ServerState(operations[made.index], revision)
        }
        do throws(OpLogError) {
            return try view.withOperation(at: revision.cursor) { ServerState($0, revision) }
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
    /// The state of an entity whose current revision `operation` made, in this very push.
    fileprivate init(_ operation: SyncOperation, _ revision: EntityRevision) {
        self.init(
            revision, entityCBOR: operation.entityCBOR, deviceID: operation.deviceID,
            hybridTimestamp: operation.hybridTimestamp,
            timestampMilliseconds: operation.timestampMilliseconds)
    }

    /// The state of an entity whose current revision `operation`, borrowed from the log, made.
    fileprivate init(_ operation: borrowing SyncOperationView, _ revision: EntityRevision) {
        self.init(
            revision, entityCBOR: operation.entityCBOR.map { [UInt8]($0) },
            deviceID: DeviceID(String(decoding: operation.deviceID, as: UTF8.self)),
            hybridTimestamp: operation.hybridTimestamp,
            timestampMilliseconds: operation.timestampMilliseconds)
    }

    private init(
        _ revision: EntityRevision, entityCBOR: [UInt8]?, deviceID: DeviceID,
        hybridTimestamp: HybridTimestamp?, timestampMilliseconds: UInt64
    ) {
        self.init(
            entityVersion: revision.version, entityCBOR: entityCBOR,
            isDeleted: revision.isDeleted, cursor: revision.cursor, deviceID: deviceID,
            hybridTimestamp: hybridTimestamp, lastModifiedMilliseconds: timestampMilliseconds)
    }
}
