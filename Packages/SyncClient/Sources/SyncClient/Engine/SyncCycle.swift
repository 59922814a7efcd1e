// SPDX-License-Identifier: MIT

public import RecordLog
public import SyncProtocol

/// Sync cycles of one store, a step at a time: everything that an engine does except waiting and
/// carrying requests.
///
/// `begin` starts a cycle and says what to do first; after that the owner does what it is told and
/// reports back, until the cycle is finished or fails:
///
///     exchange(request) ──take(outcome, to: request)──▶ next step
///     wait(duration)    ──resume()────────────────────▶ next step
///
/// A cycle may be dropped at any step and begun again; nothing is lost by that.
///
/// Not `Sendable`: its owner, an engine or a simulated device, makes all calls.
@_spi(Simulation)
public final class SyncCycle<Disk: FileSystem> {
    /// What to do next.
    public enum Step: Sendable, Equatable {
        /// Carry this to the server.
        case exchange(SyncRequest)
        /// Let this time pass.
        case wait(Duration)
        /// Everything is exchanged.
        case finished(SyncReport)
    }

    let replica: Replica<SyncedEntityStore<Disk>, Disk>
    private var machine: SyncStateMachine

    /// Opens the queue and the sync records of `store`, which becomes a copy of
    /// `configuration.databaseID`.
    ///
    /// - Throws: `SyncError` of code `configuration` if the store belongs to another database, and
    ///   of code `storage` if its files cannot be used.
    public init(
        store: DiskEntityStore<Disk>, configuration: SyncConfiguration,
        resolver: any ConflictResolver, environment: SyncEnvironment
    ) throws(SyncError) {
        if let fault = configuration.fault { throw fault }
        replica = try Replica(
            store: SyncedEntityStore(store), directory: store.directory, disk: store.disk,
            configuration: configuration, resolver: resolver, environment: environment)
        machine = SyncStateMachine(policy: configuration.retryPolicy)
    }

    /// Captures what the app has written, and begins a cycle.
    ///
    /// - Parameter renewsHandshake: Whether to shake hands again.
    public func begin(renewsHandshake: Bool) throws(SyncError) -> Step {
        machine = SyncStateMachine(policy: replica.configuration.retryPolicy)
        replica.beginCycle(renewsHandshake: renewsHandshake)
        try replica.capture()
        return try perform(machine.next(.begin, replica.outlook))
    }

    /// Takes what came of a request.
    ///
    /// - Throws: `SyncError`, after the retries that the policy allows: then the cycle has failed.
    public func take(
        _ outcome: Result<SyncAnswer, SyncError>, to request: SyncRequest
    ) throws(SyncError) -> Step {
        var event = SyncStateMachine.Event.done
        do throws(SyncError) {
            try settle(outcome.get(), to: request)
        } catch {
            event = try conclude(error, of: request)
        }
        return try perform(machine.next(event, replica.outlook))
    }

    /// Goes on after a wait.
    public func resume() throws(SyncError) -> Step {
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

    private func perform(_ action: SyncStateMachine.Action) throws(SyncError) -> Step {
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

/// Between the cycles of an engine that goes on.
extension SyncCycle {
    /// Takes what the app has committed into the queue.
    ///
    /// - Returns: How many operations were new.
    @discardableResult
    public func capture() throws(SyncError) -> Int { try replica.capture() }

    /// Whether nothing waits to be acknowledged, of what was captured.
    public var isQueueEmpty: Bool { replica.queue.state.isEmpty }

    /// A pull that waits at the server until something comes; `nil` before the first handshake.
    public func makeWaitingPull(_ limit: Duration) -> PullRequest? {
        guard replica.state.logID != nil else { return nil }
        let milliseconds =
            limit.components.seconds * 1_000 + limit.components.attoseconds / 1_000_000_000_000_000
        return replica.makePullRequest(waitMilliseconds: UInt64(milliseconds))
    }

    /// Applies the page that a waiting pull brought.
    ///
    /// - Returns: Whether there is news, so that a cycle is worth beginning.
    public func take(_ page: PullResponse, to request: PullRequest) throws(SyncError) -> Bool {
        try replica.settle(page, to: request)
        return !page.operations.isEmpty || page.hasMore
    }
}
