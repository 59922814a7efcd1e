// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

@testable import Simulation

/// What the tests of the checkers speak of: one log, and operations for it.
enum Fixture {
    static let logID = LogID([UInt8](repeating: 1, count: 16))!
    static let otherLogID = LogID([UInt8](repeating: 2, count: 16))!

    /// An operation that writes `tokens`, or deletes the entity if there are none.
    static func operation(
        _ number: OperationID, _ entity: EntityID = "a", by device: DeviceID = "d",
        _ tokens: [UInt64] = [1], base: Cursor? = 0, baseOp: OperationID? = nil,
        in transaction: UInt64? = nil, version: EntityVersion = 1
    ) -> SyncOperation {
        SyncOperation(
            operationID: number, databaseID: "db", deviceID: device, collection: "notes",
            entityID: entity, kind: tokens.isEmpty ? .delete : .upsert, entityVersion: version,
            entityCBOR: tokens.isEmpty ? nil : EntityContent(tokens: tokens).encoded,
            timestampMilliseconds: 1, base: baseOp == nil ? base : nil, baseOperationID: baseOp,
            transactionID: transaction.map { TransactionID($0) })
    }

    static func push(_ operations: [SyncOperation], by device: DeviceID = "d") -> PushRequest {
        PushRequest(databaseID: "db", deviceID: device, logID: logID, operations: operations)
    }

    static func pull(after cursor: Cursor, by device: DeviceID = "other") -> PullRequest {
        PullRequest(
            databaseID: "db", logID: logID, sinceCursor: cursor, limit: 2, deviceID: device)
    }

    static func page(
        _ operations: [SyncOperation], next: Cursor, hasMore: Bool = false, head: Cursor
    ) -> PullResponse {
        PullResponse(
            operations: operations, nextCursor: next, hasMore: hasMore, serverCursor: head,
            logID: logID)
    }

    /// A model with these operations pushed and committed.
    static func model(_ operations: [SyncOperation]) -> LogModel {
        var model = LogModel(logID: logID)
        for operation in operations {
            _ = model.push(push([operation], by: operation.deviceID), maxEntityBytes: 1_000)
        }
        _ = model.commit()
        return model
    }

    /// A checker that has seen a handshake and these operations pushed and committed.
    static func checker(_ operations: [SyncOperation] = []) throws -> AnswerChecker {
        var checker = AnswerChecker(limits: .standard)
        try checker.check(.success(.handshake(handshake())), to: .handshake(handshakeRequest))
        for operation in operations {
            _ = try checker.stage(push([operation], by: operation.deviceID))
        }
        try checker.endCommit(of: "db", succeeded: true)
        return checker
    }

    /// What the server answers whoever names a cursor or a log that is not to be served.
    static func refusal(_ reason: String, oldest: Cursor = 0) -> SyncError {
        SyncError(
            .server(.invalidCursor), "", status: reason == "compacted" ? 410 : 409,
            details: ErrorResponse.Details(reason: reason, oldestCursor: oldest))
    }

    static let handshakeRequest = HandshakeRequest(
        databaseID: "db", deviceID: "d",
        clientInfo: ClientInfo(platform: "test", appVersion: "1"))

    static func handshake(head: Cursor = 0, last: OperationID = 0) -> HandshakeResponse {
        HandshakeResponse(
            serverCursor: head, capabilities: [:], protocolVersion: 1, logID: logID,
            oldestCursor: 0, lastOperationID: last, limits: .standard,
            conflictPolicy: .detect)
    }
}

/// The rule that a body finds broken; `nil` if it finds none.
func broken(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch {
        return (error as? SimulationFailure)?.rule ?? "\(error)"
    }
}

extension SimulationFailure.Rule: CustomStringConvertible {
    /// As failures name it.
    public var description: String { rawValue }
}
