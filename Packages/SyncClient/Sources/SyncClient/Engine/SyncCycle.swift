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
    public typealias Step = SyncStep

    private var driver: CycleDriver<SyncedEntityStore<Disk>, OfflineQueue<Disk>>

    var replica: Replica<SyncedEntityStore<Disk>, OfflineQueue<Disk>> { driver.replica }

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
        driver = CycleDriver(
            try Replica(
                store: SyncedEntityStore(store), directory: store.directory, disk: store.disk,
                configuration: configuration, resolver: resolver, environment: environment))
    }

    /// Captures what the app has written, and begins a cycle.
    ///
    /// - Parameter renewsHandshake: Whether to shake hands again.
    public func begin(renewsHandshake: Bool) throws(SyncError) -> Step {
        try driver.begin(renewsHandshake: renewsHandshake)
    }

    /// Takes what came of a request.
    ///
    /// - Throws: `SyncError`, after the retries that the policy allows: then the cycle has failed.
    public func take(
        _ outcome: Result<SyncAnswer, SyncError>, to request: SyncRequest
    ) throws(SyncError) -> Step {
        try driver.take(outcome, to: request)
    }

    /// Goes on after a wait.
    public func resume() throws(SyncError) -> Step { try driver.resume() }
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

    /// Whether the server's log was found, so that a pull can wait for what comes to it.
    public var knowsLog: Bool { replica.state.logID != nil }

    /// A pull that waits at the server until something comes; `nil` before the first handshake.
    public func makeWaitingPull(_ limit: Duration) -> PullRequest? {
        driver.makeWaitingPull(limit)
    }

    /// Applies the page that a waiting pull brought.
    ///
    /// - Returns: Whether there is news, so that a cycle is worth beginning.
    public func take(_ page: PullResponse, to request: PullRequest) throws(SyncError) -> Bool {
        try driver.take(page, to: request)
    }
}
