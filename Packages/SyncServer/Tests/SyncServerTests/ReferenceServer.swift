// SPDX-License-Identifier: MIT

import SyncProtocol

/// The protocol's rules for pushes and pulls, written down as slowly and plainly as they can be:
/// the log is a list, and every question is answered by walking over all of it.
struct ReferenceServer {
    /// All accepted operations, with cursor and kept version.
    var log: [SyncOperation] = []

    fileprivate enum Verdict {
        case duplicate(Cursor), rejected(RejectionCode), conflict, accepted
    }

    private func current(_ key: EntityKey) -> SyncOperation? { log.last { $0.key == key } }

    private func accepted(_ device: DeviceID, _ number: OperationID) -> SyncOperation? {
        log.first { $0.deviceID == device && $0.operationID == number }
    }

    /// §5: settles the operations one transaction after the other.
    mutating func push(_ operations: [SyncOperation], from device: DeviceID) -> PushResponse {
        var refusedEntities: [EntityKey] = []
        var verdicts: [OperationID: Verdict] = [:]
        var states: [OperationID: ServerState] = [:]
        var rest = operations[...]
        while let first = rest.first {
            var members = [first]
            rest = rest.dropFirst()
            while let transaction = first.transactionID, rest.first?.transactionID == transaction {
                members.append(rest.removeFirst())
            }
            let before = self
            for member in members {
                let verdict = judge(member, refusedEntities)
                verdicts[member.operationID] = verdict
                states[member.operationID] = before.state(member.key)
                if case .accepted = verdict { append(member) }
            }
            let failed = members.filter { verdicts[$0.operationID]?.isRefusal ?? false }
            if !failed.isEmpty {
                self = before
                for member in members {
                    if case .accepted? = verdicts[member.operationID] {
                        verdicts[member.operationID] = .rejected(.transactionAborted)
                    }
                }
            }
            refusedEntities += members.filter { verdicts[$0.operationID]?.isRefusal ?? false }
                .map(\.key)
        }
        return answer(operations, device, verdicts, states)
    }

    private func judge(_ operation: SyncOperation, _ refusedEntities: [EntityKey]) -> Verdict {
        if let earlier = accepted(operation.deviceID, operation.operationID) {
            return earlier.hasSameContent(as: operation)
                ? .duplicate(earlier.cursor ?? 0) : .rejected(.operationIDReuse)
        }
        if let violation = operation.violation(maxEntityBytes: 1 << 20) {
            return .rejected(violation.code)
        }
        if refusedEntities.contains(operation.key) { return .conflict }
        let revision = current(operation.key)
        let isGone = revision == nil || revision?.kind == .delete
        if operation.kind == .delete, isGone { return .accepted }
        let isBased: Bool
        if let base = operation.base {
            isBased = base == revision?.cursor ?? 0
        } else if let number = operation.baseOperationID {
            isBased = revision?.operationID == number && revision?.deviceID == operation.deviceID
        } else {
            isBased = !(operation.entityVersion <= revision?.entityVersion ?? 0)
        }
        return isBased ? .accepted : .conflict
    }

    private mutating func append(_ operation: SyncOperation) {
        var stored = operation
        stored.cursor = Cursor(UInt64(log.count + 1))
        stored.entityVersion = max(
            operation.entityVersion, current(operation.key)?.entityVersion ?? 0)
        log.append(stored)
    }

    private func state(_ key: EntityKey) -> ServerState {
        guard let revision = current(key) else { return .unknown }
        return ServerState(
            entityVersion: revision.entityVersion, entityCBOR: revision.entityCBOR,
            isDeleted: revision.kind == .delete, cursor: revision.cursor,
            deviceID: revision.deviceID, hybridTimestamp: revision.hybridTimestamp,
            lastModifiedMilliseconds: revision.timestampMilliseconds)
    }

    private func answer(
        _ operations: [SyncOperation], _ device: DeviceID, _ verdicts: [OperationID: Verdict],
        _ states: [OperationID: ServerState]
    ) -> PushResponse {
        let highest = log.filter { $0.deviceID == device }.map(\.operationID).max() ?? 0
        var response = PushResponse(
            acknowledgedUpTo: operations.last?.operationID ?? highest,
            serverCursor: Cursor(UInt64(log.count)), accepted: [])
        for operation in operations.reversed() {
            let number = operation.operationID
            switch verdicts[number] {
            case .accepted?, .duplicate?:
                let cursor = accepted(device, number)?.cursor ?? 0
                response.accepted?.insert(
                    AcceptedRun(firstOperationID: number, firstCursor: cursor, count: 1), at: 0)
            case .rejected(let code)?:
                response.acknowledgedUpTo = OperationID(number.rawValue - 1)
                response.rejected.insert(
                    Rejection(operationID: number, code: code, message: ""), at: 0)
            case .conflict?, nil:
                response.acknowledgedUpTo = OperationID(number.rawValue - 1)
                response.conflicts.insert(
                    Conflict(
                        clientOperation: operation, serverState: states[number] ?? .unknown), at: 0)
            }
        }
        return response
    }

    /// What is wrong with a page, by §6.1 and §6.2; `nil` if nothing is.
    func fault(of page: PullResponse, _ request: PullRequest) -> String? {
        func passes(_ operation: SyncOperation) -> Bool {
            if operation.deviceID == request.deviceID, request.includesOwn != true { return false }
            return request.collections?.contains(operation.collection) ?? true
        }
        let passing = log.filter { passes($0) && $0.cursor ?? 0 > request.sinceCursor }
        let expected = passing.filter { $0.cursor ?? 0 <= page.nextCursor }
        if page.operations != expected { return "not the operations up to nextCursor" }
        if page.hasMore != (passing.count > expected.count) { return "hasMore is wrong" }
        if !page.hasMore, page.nextCursor != Cursor(UInt64(log.count)) { return "nextCursor" }
        if page.operations.isEmpty, page.hasMore {
            return "an empty page although something passes"
        }
        if page.hasMore, let last = page.operations.last, last.transactionID != nil,
            passing[expected.count].transactionID == last.transactionID,
            passing[expected.count].deviceID == last.deviceID
        {
            return "the page ends inside a transaction"
        }
        return nil
    }
}

extension ReferenceServer.Verdict {
    fileprivate var isRefusal: Bool {
        switch self {
        case .rejected, .conflict: true
        case .duplicate, .accepted: false
        }
    }
}

extension PushResponse {
    /// The answer with each accepted operation as a run of its own and without messages, so that
    /// two ways to put an answer together can be compared.
    var plain: PushResponse {
        var plain = self
        plain.accepted = accepted?.flatMap { run in
            (0..<run.count).map { index in
                let number = OperationID(run.firstOperationID.rawValue + index)
                return AcceptedRun(
                    firstOperationID: number, firstCursor: run.cursor(of: number) ?? 0, count: 1)
            }
        }
        for index in plain.rejected.indices { plain.rejected[index].message = "" }
        return plain
    }
}
