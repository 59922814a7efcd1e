// SPDX-License-Identifier: MIT

import SyncProtocol

@testable import SyncClient

/// A server that knows only the first keys of the messages: no logs, no cursors of revisions, no
/// lists of what it accepted, conflicts by version alone.
final class OlderServer: ModelPeer {
    private(set) var log: [SyncOperation] = []
    private(set) var current: [EntityKey: SyncOperation] = [:]
    private(set) var pushes: [PushRequest] = []
    private(set) var pulls: [PullRequest] = []
    private var accepted: [DeviceID: Set<OperationID>] = [:]

    func handshake(_ request: HandshakeRequest) throws(SyncError) -> HandshakeResponse {
        HandshakeResponse(
            serverCursor: Cursor(UInt64(log.count)), capabilities: ["pull": true, "push": true])
    }

    func pull(_ request: PullRequest) throws(SyncError) -> PullResponse {
        pulls.append(request)
        let since = Int(request.sinceCursor.rawValue)
        let end = min(since + Int(request.limit), log.count)
        return PullResponse(
            operations: Array(log[min(since, end)..<end]), nextCursor: Cursor(UInt64(end)),
            hasMore: end < log.count)
    }

    func push(_ request: PushRequest) throws(SyncError) -> PushResponse {
        pushes.append(request)
        var response = PushResponse(
            acknowledgedUpTo: request.operations.last?.operationID ?? 0)
        for operation in request.operations {
            if accepted[request.deviceID, default: []].contains(operation.operationID) { continue }
            let now = current[operation.key]
            if let now, operation.entityVersion <= now.entityVersion {
                response.conflicts.append(
                    Conflict(
                        clientOperation: operation,
                        serverState: ServerState(
                            entityVersion: now.entityVersion, entityCBOR: now.content,
                            isDeleted: now.kind == .delete, cursor: nil)))
                continue
            }
            accepted[request.deviceID, default: []].insert(operation.operationID)
            current[operation.key] = operation
            log.append(operation)
        }
        if let first = response.conflicts.first {
            response.acknowledgedUpTo = OperationID(first.clientOperation.operationID.rawValue - 1)
        }
        return response
    }

    var contents: [EntityKey: [UInt64]] {
        current.compactMapValues { $0.content.map(Tokens.decode) }
    }
}
