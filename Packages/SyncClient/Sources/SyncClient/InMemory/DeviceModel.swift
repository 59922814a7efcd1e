// SPDX-License-Identifier: MIT

public import SyncProtocol

/// A device as a value: the real replica and state machine over a store and a queue in memory.
///
/// It can be copied, compared and hashed at any point, so that everything that may happen next can
/// be tried. Two devices are equal if nothing that they will ever do tells them apart, but for
/// times and for what they have already reported.
@_spi(Simulation)
public struct DeviceModel: Sendable {
    /// What all of a device's states have in common.
    public struct Setting: Sendable {
        /// Whose device it is.
        public var configuration: SyncConfiguration
        /// What decides its conflicts.
        public var resolver: any ConflictResolver

        /// Creates a setting, in which a failed exchange is tried again for ever.
        public init(_ configuration: SyncConfiguration, resolver: any ConflictResolver) {
            self.configuration = configuration
            self.configuration.retryPolicy = RetryPolicy(
                base: .zero, cap: .zero, attemptsMax: .max)
            self.resolver = resolver
        }
    }

    private typealias Driver = CycleDriver<MemoryStore, MemoryQueue>

    private var contents = MemoryStoreContents()
    private var queue = QueueState()
    private var memory: ReplicaMemory?
    /// The conflicts that were decided since this was last emptied.
    public var conflicts: [ConflictRecord] = []
    /// The operations that went to quarantine since this was last emptied.
    public var quarantined: [QuarantinedOperation] = []

    /// Makes a new device.
    public init(_ setting: Setting) throws(SyncError) { try restart(setting) }

    // MARK: What happens to it

    /// The app commits a transaction.
    public mutating func commit(_ writes: [(key: EntityKey, content: [UInt8]?)]) {
        contents.commit(
            writes.map {
                StoreWrite(
                    collection: $0.key.collection.rawValue, id: $0.key.entityID.rawValue,
                    content: $0.content)
            })
    }

    /// A cycle begins.
    ///
    /// - Returns: What to carry to the server; `nil` if the cycle is finished.
    public mutating func begin(_ setting: Setting) throws(SyncError) -> SyncRequest? {
        try run(setting) { driver throws(SyncError) in
            try driver.begin(renewsHandshake: false)
        }
    }

    /// A request has come to something. Waits take no time.
    ///
    /// - Returns: What to carry to the server; `nil` if the cycle is finished.
    public mutating func take(
        _ outcome: Result<SyncAnswer, SyncError>, to request: SyncRequest, _ setting: Setting
    ) throws(SyncError) -> SyncRequest? {
        try run(setting) { driver throws(SyncError) in
            let step = try driver.take(outcome, to: request)
            if case .wait = step { return try driver.resume() }
            return step
        }
    }

    /// The page of a waiting pull comes.
    public mutating func take(
        _ page: PullResponse, to request: PullRequest, _ setting: Setting
    ) throws(SyncError) {
        _ = try run(setting) { driver throws(SyncError) in
            _ = try driver.take(page, to: request)
            return .wait(.zero)
        }
    }

    /// The process ends and begins anew.
    public mutating func restart(_ setting: Setting) throws(SyncError) {
        memory = nil
        _ = try run(setting) { _ throws(SyncError) in .wait(.zero) }
    }

    /// The process dies while it settles `answer`, when the store has its part and the queue does
    /// not, and begins anew.
    ///
    /// - Returns: Whether there was such an instant.
    public mutating func die(
        taking answer: SyncAnswer, to request: SyncRequest, _ setting: Setting
    ) throws(SyncError) -> Bool {
        let store = MemoryStore(contents)
        let queue = MemoryQueue(queue)
        var driver = Driver(try replica(store, queue, setting))
        queue.diesAtSettlement = true
        do {
            _ = try driver.take(.success(answer), to: request)
            return false
        } catch  where error.code == .storage {
            contents = store.contents
            self.queue = queue.state
            try restart(setting)
            return true
        }
    }

    // MARK: How it stands

    /// A pull that waits at the server; `nil` before the first handshake.
    public func makeWaitingPull(_ setting: Setting) throws(SyncError) -> PullRequest? {
        let replica = try replica(MemoryStore(contents), MemoryQueue(queue), setting)
        return Driver(replica).makeWaitingPull(.zero)
    }

    /// Looks into the device.
    public func inspect(_ setting: Setting) throws(SyncError) -> ReplicaInspection {
        try replica(MemoryStore(contents), MemoryQueue(queue), setting).inspect()
    }

    /// What the app sees.
    public var entities: [EntityKey: [UInt8]] { contents.entities }

    /// The entities of transactions that the queue does not have yet.
    public var uncaptured: Set<EntityKey> {
        Set(
            contents.uncaptured.joined().map {
                EntityKey(CollectionName($0.collection), EntityID($0.id))
            })
    }

    private func replica(
        _ store: MemoryStore, _ queue: MemoryQueue, _ setting: Setting
    ) throws(SyncError) -> Replica<MemoryStore, MemoryQueue> {
        try Replica(
            store: store, queue: queue, configuration: setting.configuration,
            resolver: setting.resolver,
            environment: SyncEnvironment(wallMilliseconds: { 0 }, random: { 0 }), memory: memory)
    }

    private mutating func run(
        _ setting: Setting, _ body: (inout Driver) throws(SyncError) -> SyncStep
    ) throws(SyncError) -> SyncRequest? {
        let store = MemoryStore(contents)
        let queue = MemoryQueue(queue)
        let replica = try replica(store, queue, setting)
        var driver = Driver(replica)
        let step = try body(&driver)
        contents = store.contents
        self.queue = queue.state
        memory = replica.memory
        try putInPlainForm()
        guard case .exchange(let request) = step else { return nil }
        return request.withoutTimes
    }
}

extension DeviceModel: Hashable {
    /// Whether the two will do the same for ever.
    public static func == (one: Self, other: Self) -> Bool {
        one.contents == other.contents && one.queue == other.queue && one.memory == other.memory
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(contents)
        hasher.combine(queue)
        hasher.combine(memory)
    }
}

// What cannot matter any more is taken out, so that histories which differ in nothing else meet.
extension DeviceModel {
    private mutating func putInPlainForm() throws(SyncError) {
        contents.forget(through: queue.checkpoint)
        try takeRecords()
        let store = MemoryStore(contents)
        let bytes = store.record(ReplicaState.id, in: ReplicaState.collection) ?? []
        var state = try decoded(ReplicaState.self, from: bytes, named: "_sync/state")
        (state.settlement, state.receivedTimestamp, state.recordCount) = (0, 0, 0)
        // In small worlds no log goes back.
        state.forgetMarks()
        contents.collections[ReplicaState.collection] = [ReplicaState.id: state.encoded()]
        queue = QueueState(
            operations: queue.operations.map(\.withoutTimes),
            nextOperationID: queue.nextOperationID, sentThrough: queue.sentThrough,
            unansweredThrough: queue.unansweredThrough,
            checkpoint: queue.checkpoint, settlement: 0, clock: HybridLogicalClock())
        // Of a handshake only the limits and the log are looked at later.
        memory?.handshake?.serverCursor = 0
        memory?.handshake?.lastOperationID = nil
        memory?.counts = SyncReport.Counts()
        // No server of a small world refuses the same for ever.
        memory?.standstill = 0
    }

    private mutating func takeRecords() throws(SyncError) {
        let store = MemoryStore(contents)
        for record in store.records(in: ConflictRecord.collection) {
            conflicts.append(
                try decoded(ConflictRecord.self, from: record.content, named: record.id))
        }
        for record in store.records(in: QuarantinedOperation.collection) {
            quarantined.append(
                try decoded(QuarantinedOperation.self, from: record.content, named: record.id))
        }
        contents.collections[ConflictRecord.collection] = nil
        contents.collections[QuarantinedOperation.collection] = nil
    }
}

extension SyncRequest {
    fileprivate var withoutTimes: SyncRequest {
        guard case .push(var request) = self else { return self }
        request.operations = request.operations.map(\.withoutTimes)
        return .push(request)
    }
}

extension SyncOperation {
    fileprivate var withoutTimes: SyncOperation {
        var operation = self
        (operation.timestampMilliseconds, operation.hybridTimestamp) = (0, nil)
        return operation
    }
}
