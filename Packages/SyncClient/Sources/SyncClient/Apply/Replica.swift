// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// One device's copy of a database: the store, the offline queue, and where it stands. It makes the
/// requests and settles the answers; it never waits, and knows nothing of the network.
///
/// A settlement changes the store and the queue together, although they are two files: the store's
/// transaction carries the queue's changes with a number, and a queue that lacks that number after
/// a crash is given them on open. So the store's commit decides, and there is no instant between.
///
/// Not `Sendable`: the engine that owns it makes all calls.
final class Replica<Store: LocalStore, Queue: DurableQueue> {
    let store: Store
    let resolver: any ConflictResolver
    let environment: SyncEnvironment
    let configuration: SyncConfiguration

    private(set) var state: ReplicaState
    let queue: Queue
    /// What ends with the process.
    var memory: ReplicaMemory
    /// Why the replica takes part no more, once its store and its queue may disagree.
    private var failure: SyncError?

    /// The local collection record that carries a settlement's changes of the queue.
    private static var settlementID: String { "settlement" }

    /// Opens the replica of `configuration.databaseID` that `store` and `queue` hold, or makes them
    /// one.
    ///
    /// - Parameter memory: What a replica of the same files knew; `nil` in a new process.
    init(
        store: Store, queue: Queue, configuration: SyncConfiguration,
        resolver: any ConflictResolver, environment: SyncEnvironment, memory: ReplicaMemory? = nil
    ) throws(SyncError) {
        self.store = store
        self.queue = queue
        self.resolver = resolver
        self.environment = environment
        self.configuration = configuration
        self.memory = memory ?? ReplicaMemory(capturedThrough: queue.state.checkpoint)
        state = try store.withWriteLock { access throws(SyncError) in
            let state = try Self.loadState(access, configuration, environment)
            try Self.catchUp(queue, with: state, access)
            return state
        }
    }

    private static func loadState(
        _ access: Store.Access, _ configuration: SyncConfiguration, _ environment: SyncEnvironment
    ) throws(SyncError) -> ReplicaState {
        if let bytes = try access.record(ReplicaState.id, in: ReplicaState.collection) {
            let state = try decoded(ReplicaState.self, from: bytes, named: "_sync/state")
            guard state.databaseID == configuration.databaseID else {
                throw SyncError(
                    .configuration,
                    "The store belongs to the database \"\(state.databaseID)\", not to "
                        + "\"\(configuration.databaseID)\". Open it with its own name, or use "
                        + "another directory.")
            }
            return state
        }
        var generator = environment.generator
        let state = ReplicaState(
            databaseID: configuration.databaseID,
            deviceID: configuration.deviceID ?? .makeRandom(using: &generator))
        try access.commit([write(state)], cursor: 0, logID: nil, settlement: 0)
        return state
    }

    /// Fails if the store and the queue cannot be of one time: a crash leaves the queue behind by
    /// one settlement at most, and the store not at all.
    ///
    /// A store that lost commits gives their sequences again, and what is committed under them
    /// would pass for captured and never be sent.
    private static func requireSameTime(
        _ queue: QueueState, _ access: Store.Access
    ) throws(SyncError) {
        guard access.lastCommit >= queue.checkpoint else {
            throw SyncError(
                .storage,
                "The store ends at commit \(access.lastCommit), and its queue knows commit "
                    + "\(queue.checkpoint): the store lost its end, or one of them was restored "
                    + "without the other. Restore the whole directory from one copy.")
        }
        var settlement: UInt64 = 0
        if let bytes = try access.record(ReplicaState.id, in: ReplicaState.collection) {
            let state = try decoded(ReplicaState.self, from: bytes, named: "_sync/state")
            settlement = state.settlement
        }
        guard settlement == queue.settlement || settlement == queue.settlement + 1 else {
            throw otherTime(store: settlement, queue: queue.settlement)
        }
    }

    private static func otherTime(store: UInt64, queue: UInt64) -> SyncError {
        SyncError(
            .storage,
            "The store is at settlement \(store) and its queue at \(queue): one of them was "
                + "restored without the other. Restore the whole directory from one copy.")
    }

    /// Gives the queue the changes of a settlement that a crash kept from it.
    private static func catchUp(
        _ queue: Queue, with state: ReplicaState, _ access: Store.Access
    ) throws(SyncError) {
        guard state.settlement != queue.state.settlement else { return }
        guard let bytes = try access.record(settlementID, in: ReplicaState.collection),
            case .changes(let changes, state.settlement) = try decoded(
                QueueRecord.self, from: bytes, named: "_sync/\(settlementID)")
        else { throw otherTime(store: state.settlement, queue: queue.state.settlement) }
        try queue.commit(changes, settlement: state.settlement)
    }

    private static func write(_ state: ReplicaState) -> StoreWrite {
        StoreWrite(
            collection: ReplicaState.collection, id: ReplicaState.id, content: state.encoded())
    }

    // MARK: Capture

    /// Takes everything that the app has committed and that was not captured yet into the queue.
    ///
    /// - Returns: How many operations were new.
    @discardableResult
    func capture() throws(SyncError) -> Int {
        try requireWorking()
        return try store.withWriteLock { access throws(SyncError) in try capture(access) }
    }

    private func capture(_ access: Store.Access) throws(SyncError) -> Int {
        let captured = try access.capture(after: memory.capturedThrough)
        let transformer = OperationTransformer(
            store: access, state: state, wallMilliseconds: environment.wallMilliseconds())
        let change = try transformer.change(for: captured, queue: queue.state)
        guard case .enqueue(let operations, _)? = change, let change else {
            access.noteCaptured(through: captured.checkpoint)
            return 0
        }
        // A checkpoint that only passes pulled transactions is not worth a sync of its own.
        if !operations.isEmpty {
            try committing { () throws(SyncError) in try queue.commit([change]) }
        }
        memory.capturedThrough = captured.checkpoint
        access.noteCaptured(through: captured.checkpoint)
        return operations.count
    }

    // MARK: Settlements

    /// Works out and carries out what an answer changes, with everything captured first, so that
    /// the base of each edit is the revision that its author saw.
    func settle<Value>(
        _ body: (inout Reconciliation<Store.Access>) throws(SyncError) -> Value
    ) throws(SyncError) -> Value {
        try requireWorking()
        return try store.withWriteLock { access throws(SyncError) in
            _ = try capture(access)
            var reconciliation = Reconciliation(
                store: access, resolver: resolver,
                policy: memory.policy,
                wallMilliseconds: environment.wallMilliseconds(), state: state,
                queue: queue.state)
            let value = try body(&reconciliation)
            try carryOut(reconciliation.finish(), access)
            return value
        }
    }

    private func carryOut(
        _ settlement: Settlement, _ access: Store.Access
    ) throws(SyncError) {
        var next = settlement.state
        var writes = settlement.writes
        if !settlement.changes.isEmpty {
            next.settlement += 1
            writes.append(
                StoreWrite(
                    collection: ReplicaState.collection, id: Self.settlementID,
                    content: QueueRecord.changes(
                        settlement.changes, settlement: next.settlement
                    ).encoded()))
        }
        guard next != state || !writes.isEmpty else { return }
        writes.append(Self.write(next))
        try committing { () throws(SyncError) in
            try access.commit(
                writes, cursor: next.cursor, logID: next.logID, settlement: next.settlement)
            if !settlement.changes.isEmpty {
                try queue.commit(settlement.changes, settlement: next.settlement)
            }
        }
        state = next
        memory.counts += settlement.counts
    }

    func takeCounts() -> SyncReport.Counts {
        defer { memory.counts = SyncReport.Counts() }
        return memory.counts
    }

    /// After a failed commit nobody knows what the files hold; only opening them again tells.
    func committing(_ body: () throws(SyncError) -> Void) throws(SyncError) {
        do {
            try body()
        } catch {
            failure = error
            throw error
        }
    }

    func requireWorking() throws(SyncError) {
        guard let failure else { return }
        throw SyncError(
            failure.code,
            "Sync has stopped, as its files could not be written: \(failure.message) Put that "
                + "right, then open the store again; nothing is lost.")
    }

    // MARK: How it stands

    var outlook: SyncStateMachine.Outlook {
        SyncStateMachine.Outlook(
            needsHandshake: memory.handshake == nil,
            hasSentOperations: queue.state.hasSentOperations,
            isResyncing: state.resync == .otherLog || state.resync == .newDevice,
            isPullComplete: memory.isPullComplete && state.resync == nil,
            hasOperations: !queue.state.isEmpty || memory.pushSize.isProbing)
    }

    /// Begins a sync cycle: what others did since the last one is not known.
    ///
    /// - Parameter renewsHandshake: Whether to shake hands again. A copy of this device elsewhere
    ///   shows only there, and until then neither sees what the other pushed.
    func beginCycle(renewsHandshake: Bool) {
        memory.isPullComplete = false
        memory.standstill = 0
        if renewsHandshake { memory.handshake = nil }
    }
}

extension Replica {
    /// Opens the replica that `store` holds, with its queue as a file.
    ///
    /// - Parameter directory: Where the queue's file is.
    convenience init<Disk: FileSystem>(
        store: Store, directory: String, disk: Disk, configuration: SyncConfiguration,
        resolver: any ConflictResolver, environment: SyncEnvironment
    ) throws(SyncError) where Queue == OfflineQueue<Disk> {
        let queue = try OfflineQueue(
            directory: directory, on: disk, using: environment.generator,
            compactionBytesMin: configuration.queueCompactionBytesMin
        ) { queue throws(SyncError) in
            try store.withWriteLock { access throws(SyncError) in
                try Self.requireSameTime(queue, access)
            }
        }
        try self.init(
            store: store, queue: queue, configuration: configuration, resolver: resolver,
            environment: environment)
    }
}
