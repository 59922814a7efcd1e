// SPDX-License-Identifier: MIT

public import RecordLog
public import SyncProtocol

/// Keeps an `EntityStore` of the real disk in sync with a server.
public typealias SyncEngine = DiskSyncEngine<POSIXFileSystem>

/// Keeps a store in sync with a server.
///
///     let engine = try SyncEngine(
///         store: store, configuration: SyncConfiguration(databaseID: "notes"),
///         transport: HTTPTransport(server: url))
///     let report = try await engine.sync()
///
/// The app reads and writes its store as ever, online or not. `sync()` exchanges everything once;
/// `start()` goes on doing so as the app writes and others push.
///
/// All decisions are taken elsewhere: what comes next by `SyncCycle`, and between cycles by
/// `FollowLoop`; what an answer changes by `Replica`. The actor carries requests between those and
/// the transport. One engine at a time serves a store.
public actor DiskSyncEngine<Disk: FileSystem> {
    private let cycle: SyncCycle<Disk>
    private let transport: any SyncTransport
    private let environment: SyncEnvironment
    private let clock: any Clock<Duration>
    private let broadcast = StateBroadcast()
    private var isRunning = false
    private var follow: FollowLoop
    private var loop: Task<Void, Never>?

    /// Creates an engine for `store`, which becomes a copy of `configuration.databaseID`.
    ///
    /// - Parameters:
    ///   - resolver: Decides conflicts; the server's revision stands unless told otherwise.
    ///   - environment: Wall clock and chance.
    ///   - clock: What waits wait on.
    /// - Throws: `SyncError` of code `configuration` if the store belongs to another database, and
    ///   of code `storage` if its files cannot be used.
    public init(
        store: DiskEntityStore<Disk>, configuration: SyncConfiguration,
        transport: any SyncTransport, resolver: any ConflictResolver = .serverWins,
        environment: SyncEnvironment = .system, clock: any Clock<Duration> = ContinuousClock()
    ) throws(SyncError) {
        var configuration = configuration
        configuration.answerBytesMax = transport.answerBytesMax
        cycle = try SyncCycle(
            store: store, configuration: configuration, resolver: resolver,
            environment: environment)
        follow = FollowLoop(configuration)
        self.transport = transport
        self.environment = environment
        self.clock = clock
    }

    private var replica: Replica<SyncedEntityStore<Disk>, OfflineQueue<Disk>> { cycle.replica }

    // MARK: Public face

    /// What the engine is doing, from now on; the present state comes first. A slow reader misses
    /// states in between, never the last.
    public nonisolated var states: AsyncStream<SyncState> { broadcast.stream() }

    /// What the engine is doing now.
    public nonisolated var state: SyncState { broadcast.latest }

    /// This device's name in the database.
    public var deviceID: DeviceID { replica.state.deviceID }

    /// How many operations wait to be acknowledged, after capturing what the app has written.
    public func pendingCount() throws(SyncError) -> Int {
        try replica.capture()
        return replica.queue.state.operations.count
    }

    /// Exchanges everything once: pulls until there is no more, pushes until the queue is empty.
    ///
    /// If a cycle is under way already, waits for that one and returns its report. Cancellation
    /// ends the wait, or the cycle at its next step; nothing is lost by that.
    ///
    /// - Throws: `SyncError`, after the retries that the policy allows.
    @discardableResult
    public func sync() async throws(SyncError) -> SyncReport {
        try await sync(renewsHandshake: true)
    }

    private func sync(renewsHandshake: Bool) async throws(SyncError) -> SyncReport {
        while isRunning {
            if let report = try await outcomeOfRunningCycle() { return report }
        }
        isRunning = true
        defer { isRunning = false }
        return try await runCycle(renewsHandshake: renewsHandshake)
    }

    /// The report of the cycle that is under way; `nil` if that was cancelled, and this task not.
    private func outcomeOfRunningCycle() async throws(SyncError) -> SyncReport? {
        for await state in states {
            switch state {
            case .synced(let report): return report
            case .error(let error) where error.code == .cancelled && !Task.isCancelled: return nil
            case .error(let error): throw error
            case .idle, .connecting, .pulling, .pushing: continue
            }
        }
        throw .cancelled
    }

    /// Goes on syncing until `stop()`: soon after the app writes, and as others push.
    public func start() {
        guard loop == nil else { return }
        loop = Task { await self.runLoop() }
    }

    /// Ends what `start()` began, and waits for that. Until then the engine stays alive.
    public func stop() async {
        loop?.cancel()
        await loop?.value
        loop = nil
    }

    // MARK: One cycle

    private func runCycle(renewsHandshake: Bool) async throws(SyncError) -> SyncReport {
        broadcast.send(.connecting)
        do throws(SyncError) {
            var step = try cycle.begin(renewsHandshake: renewsHandshake)
            while true {
                switch step {
                case .finished(let report):
                    broadcast.send(.synced(report))
                    return report
                case .wait(let duration):
                    try await wait(duration)
                    step = try cycle.resume()
                case .exchange(let request):
                    step = try await carry(request)
                }
            }
        } catch {
            broadcast.send(.error(error))
            throw error
        }
    }

    private func carry(_ request: SyncRequest) async throws(SyncError) -> SyncStep {
        if Task.isCancelled { throw .cancelled }
        broadcast.send(request.state)
        let outcome = await transport.perform(request)
        if case .failure = outcome, Task.isCancelled { throw .cancelled }
        return try cycle.take(outcome, to: request)
    }

    private func wait(_ duration: Duration) async throws(SyncError) {
        do { try await clock.sleep(for: duration) } catch { throw .cancelled }
    }

    // MARK: Going on

    private func runLoop() async {
        follow = FollowLoop(replica.configuration)
        var decision = follow.next(.rested)
        while !Task.isCancelled { decision = await goOn(from: decision) }
    }

    /// Carries a decision out; returns the next one.
    private func goOn(from decision: FollowLoop.Decision) async -> FollowLoop.Decision {
        do {
            if case .watch(let writes, let others) = decision {
                return try await watch(writes, others)
            }
            return follow.next(try await carryOut(decision))
        } catch {
            return follow.next(
                .failed(
                    retryAfterSeconds: (error as? SyncError)?.retryAfterSeconds,
                    random: environment.random()))
        }
    }

    /// Carries both out, and what follows, until one leads to a cycle.
    private func watch(
        _ writes: FollowLoop.Decision, _ others: FollowLoop.Decision
    ) async throws -> FollowLoop.Decision {
        try await withThrowingTaskGroup(of: FollowLoop.Decision.self) { group in
            group.addTask { try await self.carryOn(from: writes) }
            group.addTask { try await self.carryOn(from: others) }
            defer { group.cancelAll() }
            guard let first = try await group.next() else {
                preconditionFailure("Of two tasks one comes first.")
            }
            return first
        }
    }

    private func carryOn(from first: FollowLoop.Decision) async throws -> FollowLoop.Decision {
        var decision = first
        while decision.isBetweenCycles { decision = follow.next(try await carryOut(decision)) }
        return decision
    }

    private func carryOut(_ decision: FollowLoop.Decision) async throws -> FollowLoop.Outcome {
        switch decision {
        case .sync(let renewsHandshake):
            _ = try await sync(renewsHandshake: renewsHandshake)
            return .synced(knowsLog: cycle.knowsLog)
        case .look(let interval):
            if interval > .zero { try await clock.sleep(for: interval) }
            // Whoever else captured meanwhile, such as `pendingCount()`, has put the news there.
            let hasCaptured = try replica.capture() > 0
            return .looked(foundWrites: hasCaptured || !cycle.isQueueEmpty)
        case .pull(let limit):
            guard let request = cycle.makeWaitingPull(limit) else { return .heard(hasNews: true) }
            let page = try await transport.pull(request)
            return .heard(hasNews: try cycle.take(page, to: request))
        case .pause(let duration):
            try await clock.sleep(for: duration)
            return .heard(hasNews: true)
        case .sleep(let duration):
            try await clock.sleep(for: duration)
            return .rested
        case .watch: preconditionFailure("Both sides of a watch are carried out by themselves.")
        }
    }
}

extension SyncRequest {
    /// What an engine is doing while it waits for the answer.
    fileprivate var state: SyncState {
        switch self {
        case .handshake: .connecting
        case .pull: .pulling
        case .push: .pushing
        }
    }
}

// MARK: Conflicts and quarantine

extension DiskSyncEngine {
    /// The conflict log, oldest first. O(n) in its entries.
    public func conflicts() throws(SyncError) -> [ConflictRecord] {
        try replica.entries(in: ConflictRecord.collection)
    }

    /// Takes an entry out of the conflict log.
    public func dismissConflict(_ id: String) throws(SyncError) {
        try replica.removeEntry(id, in: ConflictRecord.collection)
    }

    /// The operations that the server will not take, oldest first. O(n) in their number.
    public func quarantinedOperations() throws(SyncError) -> [QuarantinedOperation] {
        try replica.entries(in: QuarantinedOperation.collection)
    }

    /// Drops a quarantined operation for good.
    public func discardQuarantined(_ id: String) throws(SyncError) {
        try replica.removeEntry(id, in: QuarantinedOperation.collection)
    }

    /// Makes a quarantined operation a new edit of now, on the revision that it was made on. If the
    /// entity has a later one, the resolver decides between them at once; what loses is in the
    /// conflict log.
    ///
    /// - Throws: `SyncError` of code `configuration` if there is no such entry, if the entity has
    ///   newer edits that wait, or if the device is pulling everything again.
    public func retryQuarantined(_ id: String) throws(SyncError) {
        try replica.retryQuarantined(id)
    }
}
