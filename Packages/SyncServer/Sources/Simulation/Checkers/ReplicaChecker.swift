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
    /// The app's transactions since the last capture.
    private var uncaptured: [[(key: EntityKey, content: [UInt8]?)]] = []
    private var isCaptureKnown = true
    /// Entities that the app wrote since the last capture that is known of.
    private var unseen: Set<EntityKey> = []

    /// The device's name, if nothing in the world can give it another.
    private var keptName: DeviceID?
    /// The bases when they were last looked at.
    private var lastBases: [EntityKey: Cursor] = [:]
    /// The queue, while it is being found out which of it the server has.
    private var sought: [OperationID: SyncOperation] = [:]

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
        if !contents.isEmpty { uncaptured.append(contents) }
    }

    /// A commit threw: it may be there all the same.
    mutating func commitFailed(_ contents: [(key: EntityKey, content: [UInt8]?)]) {
        for (key, _) in contents { doubtful.insert(key) }
        isCaptureKnown = false
    }

    /// Sync is about to change the store and the queue, and may capture.
    mutating func willSync() {
        commits = [:]
        isCaptureKnown = isCaptureKnown && uncaptured.isEmpty
        uncaptured = []
    }

    /// The app asks for a checkpoint: what was not captured becomes one transaction.
    mutating func willCheckpoint() {
        isCaptureKnown = isCaptureKnown && uncaptured.isEmpty
    }

    /// Everything that the app committed is captured.
    mutating func didCapture() {
        uncaptured = []
        unseen = []
        isCaptureKnown = true
    }

    /// The device's files were put back from an older copy.
    mutating func historyIsGone() {
        last = nil
        commits = [:]
        doubtful = []
        uncaptured = []
        isCaptureKnown = false
    }

    /// The app was opened: what its store had confirmed is there.
    mutating func check(opened store: DiskEntityStore<SimulatedDisk>) throws {
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
        didCapture()
    }

    /// Sync captured: the queue has grown by the app's transactions and by nothing else.
    mutating func captured(
        before: ReplicaInspection, after: ReplicaInspection, _ log: LogModel.Log? = nil
    ) throws {
        defer { didCapture() }
        guard isCaptureKnown else { return }
        let new = after.operations[min(before.operations.count, after.operations.count)...]
        guard after.operations.prefix(before.operations.count).elementsEqual(before.operations)
        else { throw failure(.capturedInOrder, "capturing changed operations that were queued") }
        // Within a transaction the order of entities means nothing.
        let expected = uncaptured.flatMap { $0.sorted { $0.key < $1.key } }
        guard new.count == expected.count,
            zip(sortedInTransactions(new), expected).allSatisfy({
                $0.key == $1.key && $0.content == $1.content
            })
        else {
            throw failure(
                .capturedInOrder,
                "captured \(new.map(\.key)), and the app committed "
                    + "\(expected.map(\.key))")
        }
        try checkTransactions(new)
        try checkStamps(new, before, log)
    }

    private func sortedInTransactions(_ new: ArraySlice<SyncOperation>) -> [SyncOperation] {
        var rest = new
        return uncaptured.flatMap { transaction in
            defer { rest = rest.dropFirst(transaction.count) }
            return rest.prefix(transaction.count).sorted { $0.key < $1.key }
        }
    }

    private func checkTransactions(_ new: ArraySlice<SyncOperation>) throws {
        var rest = new
        var names: Set<TransactionID> = []
        for transaction in uncaptured {
            let members = rest.prefix(transaction.count)
            rest = rest.dropFirst(transaction.count)
            let name = members.first?.transactionID
            guard members.allSatisfy({ $0.transactionID == name }),
                (name != nil) == (transaction.count > 1)
            else {
                throw failure(
                    .wholeTransactions,
                    "a commit of \(transaction.count) entities was captured "
                        + "as transactions \(members.map(\.transactionID))")
            }
            guard name.map({ names.insert($0).inserted }) ?? true else {
                throw failure(.wholeTransactions, "two commits were captured as one transaction")
            }
        }
    }

    /// An edit's stamp is later than all that its author had made or received.
    private func checkStamps(
        _ new: ArraySlice<SyncOperation>, _ before: ReplicaInspection, _ log: LogModel.Log?
    ) throws {
        let made = before.operations.compactMap(\.hybridTimestamp).max() ?? 0
        var latest = max(made, before.receivedTimestamp)
        for operation in new {
            if let base = operation.base, base > .start, let log, base <= log.head {
                let revision = log.operations[Int(base.rawValue) - 1]
                latest = max(latest, revision.hybridTimestamp ?? 0)
            }
            guard let stamp = operation.hybridTimestamp, stamp > latest else {
                throw failure(
                    .capturedInOrder,
                    "operation \(operation.operationID) is stamped "
                        + "\(operation.hybridTimestamp ?? 0), not later than \(latest)")
            }
            latest = stamp
        }
    }

    /// Nothing of a transaction waits while another part of it is in quarantine.
    func check(_ quarantine: [QuarantinedOperation], _ found: ReplicaInspection) throws {
        let refused = Set(quarantine.compactMap(\.operation.transactionID))
        guard
            let member = found.operations.first(where: {
                $0.transactionID.map(refused.contains) ?? false
            })
        else { return }
        throw failure(
            .wholeTransactions,
            "operation \(member.operationID) waits, and another part of its "
                + "transaction is in quarantine")
    }

    // MARK: The replica

    /// Judges everything, unless the device is in the midst of finding out where it stands.
    mutating func check(
        _ cycle: SyncCycle<SimulatedDisk>, _ store: DiskEntityStore<SimulatedDisk>,
        _ server: AnswerChecker, _ databaseID: DatabaseID
    ) throws {
        let found = try cycle.inspect()
        if let fault = found.queueFault { throw failure(.queueIsSound, fault) }
        try checkName(found)
        try checkPosition(found)
        try checkSought(found)
        guard !found.isResyncing, let log = server.log(found.logID, of: databaseID) else { return }
        var held: [EntityKey: [UInt8]] = [:]
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                held[EntityKey(CollectionName(collection), EntityID(entity.id))] = entity.content
            }
        }
        try checkEntities(found, held, unseen: unseen, log)
    }

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
        defer { lastBases = found.bases.compactMapValues(\.cursor) }
        defer { last = (found.logID, found.deviceID, found.cursor, found.isResyncing) }
        guard let last, last.logID == found.logID, last.deviceID == found.deviceID,
            !last.isResyncing, !found.isResyncing
        else { return }
        if found.cursor < last.cursor {
            throw failure(.cursorsGoUp, "the cursor went from \(last.cursor) to \(found.cursor)")
        }
        for (key, base) in found.bases {
            guard let cursor = base.cursor, let before = lastBases[key], cursor < before else {
                continue
            }
            throw failure(.cursorsGoUp, "the base of \(key) went from \(before) to \(cursor)")
        }
    }

    /// Judges the entities that a device holds, apart from those that its app wrote unseen by sync.
    func checkEntities(
        _ found: ReplicaInspection, _ held: [EntityKey: [UInt8]], unseen: Set<EntityKey>,
        _ log: LogModel.Log
    ) throws {
        var queued: [EntityKey: SyncOperation] = [:]
        for operation in found.operations { queued[operation.key] = operation }
        if found.cursor > log.head {
            throw failure(
                .appliedWithCursor, "the cursor is \(found.cursor), and the log ends at \(log.head)"
            )
        }
        let keys = Set(held.keys).union(found.bases.keys).union(log.current.keys)
        for key in keys.subtracting(unseen).sorted() {
            if let operation = queued[key], held[key] != operation.content {
                throw failure(
                    .appliedWithCursor,
                    "\(key) is \(describe(held[key])), and its last edit is "
                        + "\(describe(operation.content))")
            }
            try checkBase(
                key, found.bases[key], held: queued[key] == nil ? held[key] : nil,
                isEdited: queued[key] != nil, found.cursor, log)
        }
    }

    /// The entity's base is not behind what was pulled, and the content is the base's.
    private func checkBase(
        _ key: EntityKey, _ base: ReplicaInspection.KnownRevision?, held: [UInt8]?, isEdited: Bool,
        _ cursor: Cursor, _ log: LogModel.Log
    ) throws {
        let pulled = log.latest(of: key, upTo: cursor)
        let known = base?.cursor ?? 0
        if let pulled, let place = pulled.cursor, known < place {
            throw failure(
                .appliedWithCursor,
                "everything up to \(cursor) is pulled, and of \(key) revision "
                    + "\(known) is known, not \(place)")
        }
        guard known > .start, known <= log.head else {
            if known > log.head {
                throw failure(
                    .appliedWithCursor, "\(key) is based on \(known), behind the log's end")
            }
            if !isEdited, held != nil {
                throw failure(
                    .appliedWithCursor, "\(key) is \(describe(held)), which nobody pulled or wrote")
            }
            return
        }
        let revision = log.operations[Int(known.rawValue) - 1]
        guard revision.key == key else {
            throw failure(.appliedWithCursor, "\(key) is based on a revision of \(revision.key)")
        }
        if !isEdited, held != revision.content {
            throw failure(
                .appliedWithCursor,
                "\(key) is \(describe(held)), and revision \(known) is "
                    + "\(describe(revision.content))")
        }
        if isEdited, let shadow = base?.shadow, shadow != revision.content {
            throw failure(
                .appliedWithCursor,
                "the base of \(key) is kept as \(describe(shadow)), and "
                    + "revision \(known) is \(describe(revision.content))")
        }
    }

    private func describe(_ content: [UInt8]?) -> String {
        content.map { "\(EntityContent.tokens($0))" } ?? "deleted"
    }

    private func failure(_ rule: SimulationFailure.Rule, _ detail: String) -> SimulationFailure {
        SimulationFailure(rule, "\(name): \(detail)")
    }
}

extension SyncOperation {
    /// What the entity is after the operation; `nil` for none.
    var content: [UInt8]? { kind == .delete ? nil : entityCBOR }
}

extension LogModel.Log {
    /// The latest revision of an entity at or before `cursor`.
    func latest(of key: EntityKey, upTo cursor: Cursor) -> SyncOperation? {
        guard let index = current[key] else { return nil }
        if index < Int(cursor.rawValue) { return operations[index] }
        return operations.prefix(Int(cursor.rawValue)).last { $0.key == key }
    }
}
