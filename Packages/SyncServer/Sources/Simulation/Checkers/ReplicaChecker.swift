// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

/// Judges what a device holds after every step, against the log that it pulls.
///
/// Without edits that wait, an entity is the log's revision at the cursor that the device knows as
/// its base, and the base is not behind what the device says it has pulled. With edits that wait it
/// is the content of the last one.
struct ReplicaChecker {
    private let name: String
    /// What the device said of itself when last looked at.
    private var last: (logID: LogID?, deviceID: DeviceID, cursor: Cursor, isResyncing: Bool)?
    /// What the app has committed since sync last touched the store.
    private var commits: [EntityKey: [UInt8]?] = [:]
    /// Entities of which a commit failed, so that either content may be there.
    private var doubtful: Set<EntityKey> = []
    private var captures = CaptureChecker()
    private var stamps = StampChecker()
    /// Entities that the app wrote since the last capture that is known of.
    private var unseen: Set<EntityKey> = []

    /// The device's name, if nothing in the world can give it another.
    private var keptName: DeviceID?
    /// The bases when they were last looked at.
    private var lastBases: [EntityKey: ReplicaInspection.KnownRevision] = [:]
    /// The queue, while it is being found out which of it the server has.
    private var sought: [OperationID: SyncOperation] = [:]
    /// The device and the log's head as all of it was last found in order; `nil` if anything may
    /// have changed since that does not show in them.
    private var judged: (stamp: ReplicaStamp, head: Cursor)?
    /// How often in a row nothing had changed.
    private var sparedCount = 0
    /// So often in a row it is believed that nothing has changed.
    private static let sparedMax = 16

    init(name: String, keepsName keptName: DeviceID? = nil) {
        self.name = name
        self.keptName = keptName
    }

    /// Something was copied or put back: a device may find that it has to go by another name.
    mutating func nameMayChange() { keptName = nil }

    // MARK: The app

    /// The app committed a transaction.
    mutating func committed(_ contents: [(key: EntityKey, content: [UInt8]?)]) {
        for (key, content) in contents { commits[key] = .some(content) }
        for (key, _) in contents {
            doubtful.remove(key)
            unseen.insert(key)
        }
        captures.committed(contents)
    }

    /// A commit threw: it may be there all the same.
    mutating func commitFailed(_ contents: [(key: EntityKey, content: [UInt8]?)]) {
        for (key, _) in contents { doubtful.insert(key) }
        captures.commitFailed(contents)
    }

    /// Sync is about to change the store and the queue, and may capture.
    mutating func willSync() {
        commits = [:]
        captures.mayHaveCaptured()
    }

    /// A capture failed: it may be in the queue all the same.
    mutating func captureFailed() { captures.mayHaveCaptured() }

    /// The app asks for a checkpoint: what was not captured becomes one transaction.
    mutating func willCheckpoint() { captures.willCheckpoint() }

    /// Everything that the app committed is captured.
    mutating func didCapture() {
        if !unseen.isEmpty { judged = nil }
        captures.didCapture()
        unseen = []
    }

    /// The device's files were put back from an older copy.
    mutating func historyIsGone() {
        judged = nil
        last = nil
        commits = [:]
        doubtful = []
        captures.historyIsGone()
        stamps = StampChecker()
    }

    /// A server has refused a stamp of the device for being ahead of its clock.
    mutating func clockIsAhead() { stamps.goBack() }

    /// The app was opened: what its store had confirmed is there.
    mutating func check(opened store: DiskEntityStore<SimulatedDisk>) throws {
        judged = nil
        for (key, content) in commits where !doubtful.contains(key) {
            let found = store.rawEntity(in: key.collection.rawValue, id: key.entityID.rawValue)
            guard found == content else {
                throw failure(
                    .storeKeepsCommits,
                    "\(key) is \(describe(found)) after opening, and was "
                        + "committed as \(describe(content))")
            }
        }
        // What is there now of commits that threw stays there.
        for key in doubtful { commits[key] = nil }
        doubtful = []
    }

    /// Sync captured: the queue has grown by the app's transactions and by nothing else.
    ///
    /// - Parameter log: What stamps of others are looked up in.
    mutating func captured(
        before: ReplicaInspection, after: ReplicaInspection, _ log: LogModel.Log? = nil
    ) throws {
        defer { didCapture() }
        if let fault = captures.fault(of: before.operations, after.operations) {
            throw failure(fault.rule, fault.detail)
        }
        let count = before.operations.count
        if let fault = stamps.fault(
            of: after.operations.dropFirst(count), received: before.receivedTimestamp, log)
        {
            throw failure(.stampsGoUp, fault)
        }
    }

    // MARK: The replica

    /// Judges everything, unless the device is in the midst of finding out where it stands.
    ///
    /// A device that has not changed is believed to be as it was, a few times in a row.
    mutating func check(
        _ cycle: SyncCycle<SimulatedDisk>, _ store: DiskEntityStore<SimulatedDisk>,
        _ server: AnswerChecker, _ databaseID: DatabaseID
    ) throws {
        let stamp = try cycle.stamp()
        if let judged, judged.stamp == stamp, sparedCount < Self.sparedMax,
            let log = server.log(last?.logID, of: databaseID), judged.head <= log.head
        {
            sparedCount += 1
            return
        }
        judged = nil
        sparedCount = 0
        let found = try cycle.inspect()
        if let fault = found.queueFault { throw failure(.queueIsSound, fault) }
        stamps.note(found.operations)
        try checkName(found)
        try checkPosition(found)
        try checkSought(found)
        guard !found.isResyncing, let log = server.log(found.logID, of: databaseID) else { return }
        var held: [EntityKey: [UInt8]] = [:]
        held.reserveCapacity(lastBases.count)
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                held[EntityKey(CollectionName(collection), EntityID(entity.id))] = entity.content
            }
        }
        try checkEntities(found, held, unseen: unseen, log)
        judged = (stamp, log.head)
    }

    /// Lets the next look be at everything.
    mutating func lookAnew() { judged = nil }

    private func checkName(_ found: ReplicaInspection) throws {
        guard let keptName, found.deviceID != keptName else { return }
        throw failure(
            .goesOn, "it calls itself \(found.deviceID), and nobody has copied \(keptName)")
    }

    /// An operation that may come back stays what it was until it does, or until it cannot.
    private mutating func checkSought(_ found: ReplicaInspection) throws {
        guard found.isFindingOwn else {
            sought = [:]
            return
        }
        let before = sought
        sought = [:]
        for operation in found.operations {
            sought[operation.operationID] = operation
            guard let earlier = before[operation.operationID],
                !earlier.hasSameContent(as: operation)
            else { continue }
            throw failure(
                .queueIsSound, "operation \(operation.operationID) changed while it may come back")
        }
    }

    private mutating func checkPosition(_ found: ReplicaInspection) throws {
        defer { lastBases = found.bases }
        defer { last = (found.logID, found.deviceID, found.cursor, found.isResyncing) }
        guard let last, last.logID == found.logID, last.deviceID == found.deviceID,
            !last.isResyncing, !found.isResyncing
        else { return }
        if found.cursor < last.cursor {
            throw failure(.cursorsGoUp, "the cursor went from \(last.cursor) to \(found.cursor)")
        }
        for (key, base) in found.bases {
            guard let cursor = base.cursor, let before = lastBases[key]?.cursor, cursor < before
            else {
                continue
            }
            throw failure(.cursorsGoUp, "the base of \(key) went from \(before) to \(cursor)")
        }
    }

    func describe(_ content: [UInt8]?) -> String {
        content.map { "\(EntityContent.tokens($0))" } ?? "deleted"
    }

    func failure(_ rule: SimulationFailure.Rule, _ detail: String) -> SimulationFailure {
        SimulationFailure(rule, "\(name): \(detail)")
    }
}

extension SyncOperation {
    /// What the entity is after the operation; `nil` for none.
    var content: [UInt8]? { kind == .delete ? nil : entityCBOR }
}
