// SPDX-License-Identifier: MIT

import RecordLog
public import SyncProtocol

/// Where a device stands, for a checker that trusts nothing.
@_spi(Simulation)
public struct ReplicaInspection: Sendable {
    /// The device's present name.
    public var deviceID: DeviceID
    /// The log that `cursor` belongs to.
    public var logID: LogID?
    /// Everything up to here is applied.
    public var cursor: Cursor
    /// Whether everything is being pulled again.
    public var isResyncing: Bool
    /// Whether it is being found out which queued operations the server has.
    public var isFindingOwn: Bool
    /// The highest stamp that came from others.
    public var receivedTimestamp: HybridTimestamp
    /// What waits to be acknowledged, in the order of the queue.
    public var operations: [SyncOperation]
    /// The highest number that may have been sent.
    public var sentThrough: OperationID
    /// The highest number that may be on the server.
    public var unansweredThrough: OperationID
    /// The rule that the queue breaks, in words; `nil` if it keeps them all.
    public var queueFault: String?
    /// What the device knows of entities' revisions on the server, void ones left out.
    public var bases: [EntityKey: KnownRevision]

    /// What a device knows of an entity's revision.
    public struct KnownRevision: Sendable, Equatable {
        /// Its cursor; `nil` if an older server did not say.
        public var cursor: Cursor?
        /// Whether it deleted the entity.
        public var isDeleted: Bool
        /// Its content where the entity holds another one, as it has edits that wait.
        public var shadow: [UInt8]??
    }
}

/// A moment of a device, to be compared with another one.
@_spi(Simulation)
public struct ReplicaStamp: Sendable, Equatable {
    let state: ReplicaState
    let queue: QueueState
    let lastCommit: UInt64
}

extension SyncCycle {
    /// Looks into the device. O(n) in its entities and its queue.
    ///
    /// - Parameter isBrief: Whether `queueFault` and `bases` are left out: then it is O(1).
    public func inspect(isBrief: Bool = false) throws(SyncError) -> ReplicaInspection {
        try replica.inspect(isBrief: isBrief)
    }

    /// What everything that `inspect` says follows from: it is the same while the stamp is.
    public func stamp() throws(SyncError) -> ReplicaStamp {
        ReplicaStamp(
            state: replica.state, queue: replica.queue.state,
            lastCommit: try replica.store.withWriteLock { access in access.lastCommit })
    }

    /// The conflict log, oldest first.
    public func conflicts() throws(SyncError) -> [ConflictRecord] {
        try replica.entries(in: ConflictRecord.collection)
    }

    /// The quarantine, oldest first.
    public func quarantinedOperations() throws(SyncError) -> [QuarantinedOperation] {
        try replica.entries(in: QuarantinedOperation.collection)
    }

    /// Makes a quarantined operation a new edit.
    public func retryQuarantined(_ id: String) throws(SyncError) {
        try replica.retryQuarantined(id)
    }
}

extension Replica {
    /// Looks into the device.
    func inspect(isBrief: Bool = false) throws(SyncError) -> ReplicaInspection {
        let queue = self.queue.state
        return ReplicaInspection(
            deviceID: state.deviceID, logID: state.logID, cursor: state.cursor,
            isResyncing: state.resync != nil,
            isFindingOwn: state.resync == .otherLog || state.resync == .newDevice,
            receivedTimestamp: state.receivedTimestamp, operations: queue.operations,
            sentThrough: queue.sentThrough, unansweredThrough: queue.unansweredThrough,
            queueFault: isBrief ? nil : queue.checkInvariants(),
            bases: isBrief ? [:] : try knownRevisions())
    }

    private func knownRevisions() throws(SyncError)
        -> [EntityKey: ReplicaInspection.KnownRevision]
    {
        var bases: [EntityKey: ReplicaInspection.KnownRevision] = [:]
        try store.withWriteLock { access throws(SyncError) in
            for collection in try access.localCollections(prefix: BaseRecord.prefix) {
                let name = CollectionName(String(collection.dropFirst(BaseRecord.prefix.count)))
                for record in try access.records(in: collection) {
                    let base = try decoded(
                        BaseRecord.self, from: record.content, named: "\(collection)/\(record.id)")
                    guard base.logEpoch == state.logEpoch else { continue }
                    bases[EntityKey(name, EntityID(record.id))] = .init(
                        cursor: base.cursor, isDeleted: base.isDeleted,
                        shadow: base.shadow.map(\.content))
                }
            }
        }
        return bases
    }
}
