// SPDX-License-Identifier: MIT

import SyncProtocol

/// What the owner of a sync cycle does next.
@_spi(Simulation)
public enum SyncStep: Sendable, Equatable {
    /// Carry this to the server.
    case exchange(SyncRequest)
    /// Let this time pass.
    case wait(Duration)
    /// Everything is exchanged.
    case finished(SyncReport)
}

/// Takes a replica, wherever its store and its queue lie, through sync cycles: the state machine
/// says what comes next, and the replica does it.
struct CycleDriver<Store: LocalStore, Queue: DurableQueue> {
    let replica: Replica<Store, Queue>
    private var machine: SyncStateMachine

    init(_ replica: Replica<Store, Queue>) {
        self.replica = replica
        machine = SyncStateMachine(policy: replica.configuration.retryPolicy)
    }

    /// Captures what the app has written, and begins a cycle.
    mutating func begin(renewsHandshake: Bool) throws(SyncError) -> SyncStep {
        machine = SyncStateMachine(policy: replica.configuration.retryPolicy)
        replica.beginCycle(renewsHandshake: renewsHandshake)
        try replica.capture()
        return try perform(machine.next(.begin, replica.outlook))
    }

    /// Takes what came of a request.
    mutating func take(
        _ outcome: Result<SyncAnswer, SyncError>, to request: SyncRequest
    ) throws(SyncError) -> SyncStep {
        var event = SyncStateMachine.Event.done
        do throws(SyncError) {
            try settle(outcome.get(), to: request)
        } catch {
            event = try conclude(error, of: request)
        }
        return try perform(machine.next(event, replica.outlook))
    }

    /// Goes on after a wait.
    func resume() throws(SyncError) -> SyncStep {
        try perform(machine.resume(replica.outlook))
    }

    private func settle(_ answer: SyncAnswer, to request: SyncRequest) throws(SyncError) {
        switch (answer, request) {
        case (.handshake(let response), .handshake): try replica.settle(response)
        case (.pull(let page), .pull(let request)): try replica.settle(page, to: request)
        case (.push(let response), .push(let request)): try replica.settle(response, to: request)
        case (.handshake, _), (.pull, _), (.push, _):
            preconditionFailure("An answer is settled with the request that it answers.")
        }
    }

    private func conclude(
        _ error: SyncError, of request: SyncRequest?
    ) throws(SyncError) -> SyncStateMachine.Event {
        var push: PushRequest?
        if case .push(let request)? = request { push = request }
        return try replica.recover(from: error, push: push)
            ? .recovered(error) : .failed(error, random: replica.environment.random())
    }

    private func perform(_ action: SyncStateMachine.Action) throws(SyncError) -> SyncStep {
        switch action {
        case .handshake: return .exchange(.handshake(replica.makeHandshakeRequest()))
        case .pull: return .exchange(.pull(replica.makePullRequest()))
        case .push: return .exchange(.push(try replica.makePushRequest()))
        case .wait(let duration): return .wait(duration)
        case .fail(let error): throw error
        case .finish:
            var report = SyncReport()
            report.counts = replica.takeCounts()
            report.retries = machine.retries
            report.cursor = replica.state.cursor
            return .finished(report)
        }
    }
}

/// Between cycles.
extension CycleDriver {
    /// A pull that waits at the server until something comes; `nil` before the first handshake.
    func makeWaitingPull(_ limit: Duration) -> PullRequest? {
        guard replica.state.logID != nil else { return nil }
        let milliseconds =
            limit.components.seconds * 1_000 + limit.components.attoseconds / 1_000_000_000_000_000
        return replica.makePullRequest(waitMilliseconds: UInt64(milliseconds))
    }

    /// Applies the page that a waiting pull brought.
    ///
    /// - Returns: Whether there is news, so that a cycle is worth beginning.
    func take(_ page: PullResponse, to request: PullRequest) throws(SyncError) -> Bool {
        try replica.settle(page, to: request)
        return !page.operations.isEmpty || page.hasMore
    }
}
