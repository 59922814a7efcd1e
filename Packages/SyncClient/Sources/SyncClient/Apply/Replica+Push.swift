// SPDX-License-Identifier: MIT

import SyncProtocol

/// Push: the request, and what its answer changes.
extension Replica {
    /// The next push, with its highest number durably noted as sent.
    func makePushRequest() throws(SyncError) -> PushRequest {
        try requireWorking()
        let operations = try memory.pushSize.isProbing ? [] : nextBatch()
        memory.inFlight = memory.postponed.intersection(operations.map(\.operationID))
        memory.postponed.subtract(memory.inFlight)
        memory.firstSent = operations.first.map(\.operationID)
            .flatMap { $0 > queue.state.sentThrough ? $0 : nil }
        if let last = operations.last, last.operationID > queue.state.sentThrough {
            try committing { () throws(SyncError) in
                try queue.commit([.noteSent(last.operationID)])
            }
        }
        return PushRequest(
            databaseID: state.databaseID, deviceID: state.deviceID, logID: state.logID,
            cursor: state.seen,
            operations: serverKnowsBases ? operations : operations.map(\.withoutBase))
    }

    /// An older server names no log, and compares versions instead of bases.
    private var serverKnowsBases: Bool { memory.handshake?.logID != nil }

    private func nextBatch() throws(SyncError) -> [SyncOperation] {
        let sent = queue.state.sentOperations.filter { !memory.postponed.contains($0.operationID) }
        let candidates = sent.isEmpty ? queue.state.operations[...] : sent[...]
        guard !candidates.isEmpty else { return [] }
        let plan = PushPlan.choose(
            from: candidates, limits: memory.handshake?.limits ?? .standard,
            countMax: memory.pushSize.countMax, mayBeSent: !sent.isEmpty)
        switch plan {
        case .push(let count):
            let batch = candidates.prefix(count)
            return Array(serverKnowsBases ? batch : batch.upToChainedEdit)
        case .split(let starts):
            try split(at: starts)
            return try nextBatch()
        }
    }

    /// Each piece of a transaction becomes one of its own, named by its first operation's number.
    private func split(at starts: [OperationID]) throws(SyncError) {
        guard let first = starts.first, let whole = queue.state.operation(first)?.transactionID
        else { return }
        var piece = TransactionID(first.rawValue)
        let changes = queue.state.members(of: whole).map { number in
            if starts.contains(number) { piece = TransactionID(number.rawValue) }
            return QueueChange.regroup(number, piece)
        }
        try committing { () throws(SyncError) in try queue.commit(changes) }
        memory.counts.splitTransactions += 1
    }

    func settle(_ response: PushResponse, to request: PushRequest) throws(SyncError) {
        if request.operations.isEmpty { return try settleProbe() }
        let carried = Set(request.operations.map(\.operationID))
        let unanswered = Set(queue.state.sentOperations.map(\.operationID))
            .subtracting(carried).subtracting(memory.postponed)
        let newDeviceID = makeDeviceID()
        let isUpToDate = memory.isPullComplete
        let refused = try settle { reconciliation throws(SyncError) in
            let refused = try reconciliation.settle(
                request, response, firstSent: memory.firstSent, unanswered: unanswered,
                newDeviceID: newDeviceID,
                serverMilliseconds: memory.handshake?.serverTimeMilliseconds)
            if isUpToDate { reconciliation.passOwn(response) }
            return refused
        }
        memory.firstSent = nil
        memory.postponed.formUnion(queue.state.sentOperationsRefused(with: refused))
        memory.postponed.formIntersection(queue.state.sentOperations.map(\.operationID))
        memory.pushSize.grow()
        memory.isPullComplete = isUpToDate && response.serverCursor == state.cursor
        if state.resync != nil { memory.handshake = nil }
    }

    /// An empty push went through, so what the server refuses lies in the operations.
    private func settleProbe() throws(SyncError) {
        guard let suspect = memory.pushSize.endProbe() else { return }
        try settle { reconciliation throws(SyncError) in
            try reconciliation.quarantine(
                suspect.operations.compactMap(reconciliation.queue.operation), code: suspect.code,
                message: suspect.message)
        }
    }
}

extension SyncOperation {
    fileprivate var withoutBase: SyncOperation {
        var operation = self
        (operation.base, operation.baseOperationID) = (nil, nil)
        return operation
    }
}

extension ArraySlice<SyncOperation> {
    /// Whole transactions up to the first that holds a later edit of an entity. By its version
    /// alone an older server would take that edit even where it refuses the one before.
    fileprivate var upToChainedEdit: ArraySlice<SyncOperation> {
        var entities: Set<EntityKey> = []
        guard var end = firstIndex(where: { !entities.insert($0.key).inserted }) else {
            return self
        }
        if let transaction = self[end].transactionID {
            while end > startIndex, self[end - 1].transactionID == transaction { end -= 1 }
        }
        return end > startIndex ? self[..<end] : self
    }
}
