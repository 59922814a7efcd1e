// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// Judges every answer of the server against `LogModel`, as it is given.
struct AnswerChecker {
    /// The logs of all databases, as they must be.
    var models: [DatabaseID: LogModel] = [:]
    /// Logs that a restore has put an end to.
    private(set) var formerLogs: [LogID: LogModel] = [:]
    /// The limits that the server was given.
    let limits: SyncLimits
    /// The policies that the server was given.
    let policy: PolicyModel
    /// What the server may drop of its logs.
    var retention: RetentionModel
    /// Whether a fault of its disk excuses the server from answering well.
    var isServerSick = false
    /// Whether the fault is that nothing more can be written: what needs no writing goes on.
    var isServerFull = false
    /// The push in which each transaction of a device was first accepted.
    private var pushesByTransaction: [TransactionName: Int] = [:]
    /// The same of what waits for the commit.
    private var stagedTransactions: [DatabaseID: [(name: TransactionName, push: Int)]] = [:]
    private var pushCount = 0
    /// What devices have sent under each number.
    private var sent: [OperationName: SyncOperation] = [:]
    /// What became part of a log and was not looked at yet.
    private(set) var committed: [(databaseID: DatabaseID, operation: SyncOperation)] = []

    private struct OperationName: Hashable {
        var databaseID: DatabaseID
        var deviceID: DeviceID
        var operationID: OperationID
    }

    private struct TransactionName: Hashable {
        var logID: LogID
        var deviceID: DeviceID
        var transactionID: TransactionID
    }

    /// Names that two devices may go by, or one twice from the same place on: their numbers and
    /// transactions may be of either.
    private(set) var sharedNames: Set<DeviceID> = []

    init(
        limits: SyncLimits, policy: ConflictPolicy = .detect,
        retention: RetentionModel = .everything
    ) {
        self.limits = limits
        self.retention = retention
        self.policy = PolicyModel(policy)
    }

    /// Pushes that come a second time may commit what was refused the first time, and their device
    /// goes on with the same transactions under other numbers.
    private var repeatedTransactions: Set<RepeatedTransaction> = []

    private struct RepeatedTransaction: Hashable {
        var deviceID: DeviceID
        var transactionID: TransactionID
    }

    /// A network is about to bring a request once more.
    mutating func noteRepeat(of request: SyncRequest) {
        guard case .push(let push) = request else { return }
        for transactionID in push.operations.compactMap(\.transactionID) {
            repeatedTransactions.insert(
                RepeatedTransaction(deviceID: push.deviceID, transactionID: transactionID))
        }
    }

    /// A device's files were copied, or are put back.
    mutating func noteCopy(of deviceID: DeviceID) { sharedNames.insert(deviceID) }

    /// The log of an identity, present or former.
    func log(_ logID: LogID?, of databaseID: DatabaseID) -> LogModel.Log? {
        guard let logID else { return nil }
        if let model = models[databaseID], model.logID == logID { return model.durable }
        return formerLogs[logID]?.durable
    }

    /// Takes what became part of a log since this was last asked.
    mutating func takeCommitted() -> [(databaseID: DatabaseID, operation: SyncOperation)] {
        defer { committed = [] }
        return committed
    }

    // MARK: Requests

    /// Stages a push that the server has taken without answering it yet.
    ///
    /// - Returns: The answer that is due when it is committed.
    mutating func stage(
        _ request: PushRequest, nowMilliseconds: UInt64 = 0
    ) throws -> PushResponse {
        if let fault = faultOfEnvelope(
            request.databaseID, request.logID, [request.cursor], request.operations.count)
        {
            throw SimulationFailure(
                .answersFollowTheRules, "a push was taken and is to be refused: \(fault)")
        }
        guard var model = models[request.databaseID] else {
            throw SimulationFailure(
                .answersFollowTheRules, "a push was taken into a database that nobody made")
        }
        try checkNumbers(of: request)
        if sharedNames.contains(request.deviceID), model.hidesReuse(in: request) {
            throw BeyondPromises()
        }
        pushCount += 1
        let before = model.staged.operations.count
        let response = model.push(
            request, maxEntityBytes: limits.maxEntityBytes, nowMilliseconds: nowMilliseconds)
        models[request.databaseID] = model
        for operation in model.staged.operations[before...] {
            guard let transactionID = operation.transactionID, operation.deviceID != .server
            else { continue }
            let name = TransactionName(
                logID: model.logID, deviceID: operation.deviceID, transactionID: transactionID)
            stagedTransactions[request.databaseID, default: []].append((name, pushCount))
        }
        return response
    }

    /// A number that was sent stands for what was sent under it, for ever.
    private mutating func checkNumbers(of request: PushRequest) throws {
        guard !sharedNames.contains(request.deviceID), request.deviceID != Stranger.deviceID
        else { return }
        for operation in request.operations {
            let name = OperationName(
                databaseID: request.databaseID, deviceID: request.deviceID,
                operationID: operation.operationID)
            if let earlier = sent[name], !earlier.hasSameContent(as: operation) {
                throw SimulationFailure(
                    .acceptedOnce,
                    "\(request.deviceID) sent something else as operation "
                        + "\(operation.operationID) than before")
            }
            sent[name] = operation
        }
    }

    /// The commit of a database's staged pushes went through, or not.
    mutating func endCommit(
        of databaseID: DatabaseID, succeeded: Bool, atMilliseconds now: UInt64 = 0
    ) throws {
        let transactions = stagedTransactions.removeValue(forKey: databaseID) ?? []
        guard succeeded else {
            models[databaseID]?.abandon()
            return
        }
        for operation in models[databaseID]?.commit(atMilliseconds: now) ?? [] {
            committed.append((databaseID, operation))
        }
        for (name, push) in transactions where !sharedNames.contains(name.deviceID) {
            let isRepeated = repeatedTransactions.contains(
                RepeatedTransaction(deviceID: name.deviceID, transactionID: name.transactionID))
            if isRepeated { continue }
            guard pushesByTransaction[name, default: push] == push else {
                throw SimulationFailure(
                    .wholeTransactions,
                    "transaction \(name.transactionID) of \(name.deviceID) came in two pushes")
            }
            pushesByTransaction[name] = push
        }
    }

    /// The server went down: what was staged is in doubt.
    mutating func abandonAll() {
        stagedTransactions = [:]
        for databaseID in models.keys { models[databaseID]?.abandon() }
    }

    // MARK: Answers

    /// Judges an answer other than that to a staged push.
    ///
    /// - Parameter hasWaited: Whether the request came earlier, and was judged then.
    mutating func check(
        _ outcome: Result<SyncAnswer, SyncError>, to request: SyncRequest, hasWaited: Bool = false
    ) throws {
        switch (outcome, request) {
        case (.success(.handshake(let answer)), .handshake(let request)):
            try check(answer, to: request)
        case (.success(.pull(let page)), .pull(let request)):
            if let fault = fault(of: page, to: request, hasWaited: hasWaited) {
                throw SimulationFailure(
                    .answersFollowTheRules,
                    "a page after cursor "
                        + "\(request.sinceCursor): \(fault)")
            }
        case (.failure(let error), _):
            try check(error, to: request)
        default:
            throw SimulationFailure(
                .answersFollowTheRules, "an answer came before the commit: \(outcome)")
        }
    }

    private mutating func check(_ answer: HandshakeResponse, to request: HandshakeRequest) throws {
        guard let logID = answer.logID else {
            throw SimulationFailure(.answersFollowTheRules, "a handshake without logId")
        }
        let model = models[request.databaseID] ?? LogModel(logID: logID, policy: policy)
        models[request.databaseID] = model
        if let fault = faultOfEnvelope(request.databaseID, request.logID, [request.cursor], 0) {
            throw SimulationFailure(
                .answersFollowTheRules, "a handshake was taken and is to be refused: \(fault)")
        }
        let due = (
            model.logID, model.durable.head, model.durable.highest[request.deviceID] ?? 0, limits
        )
        guard due.0 == logID, due.1 == answer.serverCursor, due.2 == answer.lastOperationID,
            due.3 == answer.limits, answer.oldestCursor == model.durable.oldest,
            answer.conflictPolicy == policy.announced
        else {
            throw SimulationFailure(
                .answersFollowTheRules, "a handshake says \(answer), and is to say \(due)")
        }
    }

    private func fault(
        of page: PullResponse, to request: PullRequest, hasWaited: Bool
    ) -> String? {
        if let fault = faultOfEnvelope(
            request.databaseID, request.logID, [request.sinceCursor, request.snapshot], 0)
        {
            return "it is to be refused: \(fault)"
        }
        guard let model = models[request.databaseID] else {
            return "of a database that is not there"
        }
        if !hasWaited, case .due = model.refusal(of: request) {
            return "it is to be refused: compacted"
        }
        return model.fault(of: page, to: request, limit: limits.maxPullOperations)
    }

    /// Whether something that a pull asks for is durable.
    func hasNews(for request: PullRequest) -> Bool {
        guard let model = models[request.databaseID], model.logID == request.logID else {
            return false
        }
        return model.hasOperations(for: request)
    }

    private func check(_ error: SyncError, to request: SyncRequest) throws {
        if isServerSick, case .server(let code) = error.code, code.isRetryable {
            guard isServerFull, models[request.databaseID] != nil else { return }
            if case .push = request { return }
        }
        let due: String?
        switch request {
        case .handshake(let request) where models[request.databaseID] == nil:
            // It makes the database, which then is not the one that the device speaks of.
            due = request.logID != nil ? "otherLog" : request.cursor ?? 0 > 0 ? "ahead" : nil
        case .handshake(let request):
            due = faultOfEnvelope(request.databaseID, request.logID, [request.cursor], 0)
        case .pull(let request):
            due =
                faultOfEnvelope(
                    request.databaseID, request.logID, [request.sinceCursor, request.snapshot], 0)
                ?? faultOfPosition(request)
        case .push(let request):
            let isLarge = UInt64(request.encoded().count) > limits.maxBodyBytes
            due =
                faultOfEnvelope(
                    request.databaseID, request.logID, [request.cursor],
                    isTooMany(request.operations) ? .max : 0) ?? (isLarge ? "413" : nil)
        }
        let isDue =
            switch error.code {
            // Of a database that nobody has shaken hands with yet the log is not known.
            case .server(.invalidCursor):
                due == "no database"
                    || (due != nil && due == error.details.reason
                        && error.status == (due == "compacted" ? 410 : 409)
                        && error.details.oldestCursor == oldestCursor(of: request))
            case .server(.databaseNotFound): due == "no database"
            case .server(.invalidRequest): due == "413" && error.status == 413
            default: false
            }
        guard isDue else {
            throw SimulationFailure(
                .goesOn, "the server answered \(error.code) \(error.message) to \(request.path)")
        }
    }

    private func isTooMany(_ operations: [SyncOperation]) -> Bool {
        let count = UInt64(operations.count)
        let isOneTransaction =
            operations.first?.transactionID.map { transaction in
                operations.allSatisfy { $0.transactionID == transaction }
            } ?? false
        return count > limits.maxPushOperations
            && !(isOneTransaction && count <= limits.maxTransactionOperations)
    }

    /// Why a request is to be refused whatever it holds.
    private func faultOfEnvelope(
        _ databaseID: DatabaseID, _ logID: LogID?, _ cursors: [Cursor?], _ operations: Int
    ) -> String? {
        if operations == .max { return "413" }
        guard let model = models[databaseID] else { return "no database" }
        if let logID, logID != model.logID { return "otherLog" }
        return cursors.contains { $0 ?? 0 > model.durable.head } ? "ahead" : nil
    }

    // MARK: Restarts

    /// Judges what a restarted server has of a database.
    mutating func adopt(
        _ databaseID: DatabaseID, logID: LogID, operations: [SyncOperation],
        oldest: Cursor = .start
    ) throws {
        guard var model = models[databaseID] else {
            guard operations.isEmpty else {
                throw SimulationFailure(
                    .nothingInvented,
                    "database \(databaseID) holds operations before anybody "
                        + "shook hands with it")
            }
            return
        }
        guard model.logID == logID else {
            throw SimulationFailure(
                .logKeepsWhatItShowed,
                "database \(databaseID) has logId \(logID), and had \(model.logID)")
        }
        let known = model.durable.operations.count
        if let fault = model.adopt(operations, oldest: oldest, retention) {
            throw SimulationFailure(.logKeepsWhatItShowed, "after a restart: \(fault)")
        }
        models[databaseID] = model
        for operation in model.durable.operations[known...] {
            committed.append((databaseID, operation))
        }
    }

    /// The server was restored: the log goes on from `log` under another identity, or is gone.
    mutating func restore(_ databaseID: DatabaseID, logID: LogID?, log: LogModel.Log) {
        if let model = models[databaseID] { formerLogs[model.logID] = model }
        models[databaseID] = logID.map { LogModel(logID: $0, log: log, policy: policy) }
    }
}
