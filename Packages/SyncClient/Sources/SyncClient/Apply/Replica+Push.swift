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
        memory.firstDoubted = operations.first.map(\.operationID)
            .flatMap { $0 > queue.state.unansweredThrough ? $0 : nil }
        if let last = operations.last, last.operationID > queue.state.unansweredThrough {
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
            countMax: memory.pushSize.countMax,
            mayBeSent: candidates.first.map { $0.operationID <= queue.state.sentThrough } ?? false)
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
        let (seen, postponed) = (state.seen, memory.postponed.count)
        var hasSettled = false
        let refused = try settle { reconciliation throws(SyncError) in
            let count = reconciliation.queue.operations.count
            let refused = try reconciliation.settle(
                request, response, firstSent: memory.firstSent, unanswered: unanswered,
                newDeviceID: newDeviceID)
            if isUpToDate { reconciliation.passOwn(response) }
            hasSettled = reconciliation.queue.operations.count < count
            return refused
        }
        (memory.firstSent, memory.firstDoubted) = (nil, nil)
        memory.postponed.formUnion(queue.state.sentOperationsRefused(with: refused))
        memory.postponed.formIntersection(queue.state.sentOperations.map(\.operationID))
        memory.pushSize.grow()
        memory.isPullComplete = isUpToDate && response.serverCursor == state.cursor
        if state.resync != nil { memory.handshake = nil }
        if response.rejected.contains(where: { $0.code == .clockSkew }), refused.isEmpty {
            memory.restampsAtHandshake = true
            memory.handshake = nil
        }
        let hasMoved = hasSettled || state.seen > seen || memory.postponed.count > postponed
        try noteProgress(hasMoved)
    }

    /// A conflict that was settled is not reported again by a server that follows the protocol, but
    /// one that does it for ever must not keep a device pushing.
    private func noteProgress(_ hasMoved: Bool) throws(SyncError) {
        memory.standstill = hasMoved ? 0 : memory.standstill + 1
        guard memory.standstill >= Self.standstillMax else { return }
        memory.standstill = 0
        throw SyncError(
            .noProgress,
            "The server has refused the same edits \(Self.standstillMax) times in a row, although "
                + "they were changed as it asked. They wait in the queue; look at what runs on the "
                + "server.")
    }

    /// More than any server needs that follows the protocol: one for the conflict, and one for what
    /// its end changes.
    static var standstillMax: Int { 16 }

    /// The server said that it stored nothing of a push: what no other push has carried counts as
    /// not sent, so that others' edits can come meanwhile.
    func noteUnstored(_ error: SyncError) throws(SyncError) {
        guard error.saysNothingWasStored, let first = memory.firstDoubted else { return }
        memory.firstDoubted = nil
        try committing { () throws(SyncError) in
            try queue.commit([.noteUnstored(after: OperationID(first.rawValue - 1))])
        }
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
