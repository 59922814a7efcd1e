// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
@_spi(Simulation) import SyncServer

/// All logs that were found, and what the server's code answers on each; judged against `LogModel`,
/// once each.
struct LogStates {
    /// What a request leads to.
    struct Effect {
        /// The log after it.
        var log: Int32
        var answer: Int32
        /// The edits that the new revisions have no more, of those that they took the place of.
        var overwritten: EditSet = []
        /// The edits in the new revisions.
        var written: EditSet = []
    }

    private(set) var logs = Numbering<LogValue>()
    /// What follows from each log.
    private(set) var models: [LogModel] = []
    private let messages: Messages
    private var effects: [UInt64: Effect] = [:]

    init(_ messages: Messages) { self.messages = messages }

    /// The empty log.
    mutating func first() -> Int32 { number(of: LogValue()) }

    subscript(number: Int32) -> LogModel.Log { models[Int(number)].durable }

    /// What the server makes of a request.
    mutating func serve(_ asked: Int32, log: Int32) throws -> Effect {
        let key = UInt64(log) << 32 | UInt64(asked)
        if let known = effects[key] { return known }
        let effect: Effect
        switch messages.requests[asked] {
        case .handshake(let request):
            effect = Effect(log: log, answer: number(of: .handshake(answer(request, log))))
        case .pull(let request):
            effect = Effect(log: log, answer: number(of: .pull(try page(request, log))))
        case .push(let request): effect = try push(request, log)
        }
        effects[key] = effect
        return effect
    }

    /// The page that a pull returns.
    func page(_ request: PullRequest, _ log: Int32) throws -> PullResponse {
        let page = try logs[log].pull(
            try PullRequest(decoding: request.encoded()), logID: SmallWorld.logID)
        if let fault = models[Int(log)].fault(
            of: page, to: request, limit: SyncLimits.standard.maxPullOperations)
        {
            throw SimulationFailure(
                .answersFollowTheRules, "a page after cursor \(request.sinceCursor): \(fault)")
        }
        return page
    }

    private func answer(_ request: HandshakeRequest, _ log: Int32) -> HandshakeResponse {
        HandshakeResponse(
            serverCursor: logs[log].head, capabilities: [:], protocolVersion: 1,
            logID: SmallWorld.logID, oldestCursor: 0,
            lastOperationID: logs[log].highestOperationID(of: request.deviceID),
            limits: .standard, serverTimeMilliseconds: 0)
    }

    private mutating func push(_ request: PushRequest, _ log: Int32) throws -> Effect {
        var value = logs[log]
        let response = try value.push(request.encoded())
        var model = models[Int(log)]
        let due = model.push(request, maxEntityBytes: SyncLimits.standard.maxEntityBytes)
        guard response.plain == due.plain, model.staged.operations == value.operations else {
            throw SimulationFailure(
                .answersFollowTheRules,
                "a push of \(request.deviceID) was answered "
                    + "\(response), and is to be answered \(due)")
        }
        let decoded = try PushResponse(decoding: response.encoded())
        var effect = Effect(log: number(of: value), answer: number(of: .push(decoded)))
        let before = models[Int(log)].durable
        for operation in value.operations.dropFirst(before.operations.count) {
            try judge(operation, before.operations, &effect)
        }
        return effect
    }

    /// Judges an operation that becomes part of the log.
    private func judge(
        _ operation: SyncOperation, _ before: [SyncOperation], _ effect: inout Effect
    ) throws {
        let cursor = Int((operation.cursor ?? 0).rawValue)
        let log = models[Int(effect.log)].durable
        let earlier = log.operations.prefix(cursor - 1).filter { $0.key == operation.key }
        let content = EditSet(operation.content)
        effect.written.formUnion(content)
        if let previous = earlier.last {
            effect.overwritten.formUnion(EditSet(previous.content).subtracting(content))
        }
        guard operation.kind == .delete || !earlier.contains(where: operation.hasSameContent) else {
            throw SimulationFailure(
                .acceptedOnce,
                "edits \(content.tokens) of \(operation.key) are in the log again, "
                    + "at cursor \(cursor)")
        }
    }

    private func number(of answer: SyncAnswer) -> Int32 { messages.number(of: answer) }

    private mutating func number(of log: LogValue) -> Int32 {
        let number = logs.number(of: log)
        if Int(number) == models.count {
            models.append(LogModel(logID: SmallWorld.logID, operations: log.operations))
        }
        return number
    }
}
