// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

/// One database: its log, the indexes that are rebuilt from it, and the pushes that wait for their
/// group commit.
///
/// The indexes speak of what is durable and of nothing else; what is staged lies over them until
/// `commit` has synced it. So a pull, which reads the durable side alone, can never show what a
/// crash could take back.
final class Database<Disk: FileSystem> {
    let identity: DatabaseIdentity
    let directory: String
    let log: FileOpLog<Disk>
    let configuration: ServiceConfiguration
    let disk: Disk

    /// The indexes, and what waits for the next commit.
    private let state: DatabaseState
    /// Whether device cursors changed since they were last written.
    private(set) var hasUnsavedDevices = false
    /// How many operations were answered with a conflict since the database was opened.
    private(set) var conflictCount = 0
    /// The checkpoint that is being written.
    var checkpointing: CheckpointWriting<Disk>?
    /// The segments that are being compacted.
    var compacting: CompactionWriting<Disk>?
    /// Whether it is time to look for segments to compact.
    var isCompactionDue = false
    /// Segments, by their first cursors, that are to be rewritten because later ones cannot be.
    var segmentsHoldingBack: Set<Cursor> = []
    /// Segments of which nothing could go when they were last looked at in this round.
    var fruitlessSegments: Set<Cursor> = []
    /// Whether the last checkpoint speaks of files that are gone.
    var isCheckpointOutdated = false
    /// About how many bytes the log has that the last checkpoint does not speak for.
    var uncheckpointedBytes: Int

    init(
        identity: DatabaseIdentity, directory: String, disk: Disk, log: FileOpLog<Disk>,
        indexes: DatabaseIndexes, configuration: ServiceConfiguration, uncheckpointedBytes: Int = 0
    ) {
        self.identity = identity
        self.directory = directory
        self.disk = disk
        self.log = log
        self.configuration = configuration
        self.uncheckpointedBytes = uncheckpointedBytes
        log.frameBytesTarget = configuration.frameBytesTarget
        state = DatabaseState(indexes)
    }

    /// The current revision of every entity.
    var entities: EntityTable<EntityRevision> { state.entities }
    /// How many of them are deletes.
    var tombstoneCount: Int { state.tombstoneCount }
    /// The devices, registered as they come.
    var devices: DeviceTable { state.devices }
    /// What waits for the next commit.
    var staged: StagedGroup? { state.staged }

    /// The highest durable cursor.
    var head: Cursor { log.head }
    /// The identity of the log.
    var logID: LogID { identity.logID }

    /// Refuses a device whose log or position is not this server's (protocol, §4).
    func check(logID: LogID?, _ cursors: Cursor?...) throws(ServiceFailure) {
        if let logID, logID != self.logID {
            throw invalidCursor(
                "otherLog",
                "The database's log is another one by now. Shake hands again without logId and "
                    + "cursor, and resync.")
        }
        for cursor in cursors {
            guard let cursor, cursor > head else { continue }
            throw invalidCursor(
                "ahead",
                "The device names cursor \(cursor), and this log ends at \(head). Shake hands "
                    + "again without logId and cursor, and resync.")
        }
    }

    /// Refuses a pull that would not learn of tombstones which are gone (protocol, §6.4).
    ///
    /// A snapshot from behind them counts if nothing was dropped since that the device has not come
    /// to: so only one that is known of the device, at that place or before.
    func checkNotCompacted(
        since cursor: Cursor, snapshot: Cursor?, of deviceID: DeviceID?
    ) throws(ServiceFailure) {
        let oldest = log.oldestCursor
        guard cursor > .start, cursor < oldest else { return }
        if let snapshot, snapshot >= oldest,
            let device = deviceID.flatMap(devices.number).map({ devices[$0] }),
            device.snapshot == snapshot, device.cursor <= cursor
        {
            return
        }
        throw invalidCursor(
            "compacted",
            "The device is at cursor \(cursor), and deletes up to \(oldest) are no longer kept. "
                + "Pull everything again from 0 (resync).", status: 410)
    }

    private func invalidCursor(
        _ reason: String, _ message: String, status: Int = 409
    ) -> ServiceFailure {
        .invalidCursor(
            reason, message, status: status, oldestCursor: log.oldestCursor, serverCursor: head,
            logID: logID)
    }

    /// The number of a device, which is registered if it is new.
    func register(_ deviceID: DeviceID) throws(ServiceFailure) -> DeviceNumber {
        if let number = devices.number(of: deviceID) { return number }
        // The server itself is none of them.
        let count = devices.count - (devices.number(of: .server) == nil ? 0 : 1)
        guard count < configuration.maxDevices else {
            throw .tooManyDevices(configuration.maxDevices)
        }
        hasUnsavedDevices = true
        return state.devices.insert(deviceID)
    }

    /// Notes that a device was heard of, and where it is if it said so.
    func note(_ device: DeviceNumber, cursor: Cursor?, nowMilliseconds: UInt64) {
        state.devices[device].lastSeenMilliseconds = nowMilliseconds
        if let cursor { state.devices[device].cursor = cursor }
        hasUnsavedDevices = true
    }

    /// Notes where a device pulls from.
    func note(_ device: DeviceNumber, _ pull: PullRequest, nowMilliseconds: UInt64) {
        note(device, cursor: pull.sinceCursor, nowMilliseconds: nowMilliseconds)
        if pull.sinceCursor == .start {
            state.devices[device].snapshot = head
        } else if pull.snapshot != devices[device].snapshot {
            // It is in no pull from the start any more, or in another one.
            state.devices[device].snapshot = nil
        }
    }

    /// Lets pulls from the start begin anew that have not come to tombstones which are to go, and
    /// makes that durable.
    func voidSnapshots(before cursor: Cursor) throws(OpLogError) {
        var isAny = false
        for record in devices.records where record.snapshot != nil && record.cursor < cursor {
            guard let number = devices.number(of: record.deviceID) else { continue }
            state.devices[number].snapshot = nil
            isAny = true
        }
        guard isAny else { return }
        hasUnsavedDevices = true
        try saveDevices()
    }

    /// Forgets the entities whose current revisions are tombstones that the log has dropped.
    func dropEntities(whoseTombstonesAreAt cursors: Set<Cursor>) {
        state.dropEntities(whoseTombstonesAreAt: cursors)
    }

    /// Writes the devices' cursors, if any changed.
    func saveDevices() throws(OpLogError) {
        guard hasUnsavedDevices else { return }
        try DeviceCursorFile.write(
            devices.records.filter { $0.deviceID != .server }, in: directory, on: disk)
        hasUnsavedDevices = false
    }

    /// Syncs what is left and ends writing.
    func close(using generator: inout some RandomNumberGenerator) throws(OpLogError) {
        var failure: OpLogError?
        do throws(OpLogError) {
            try saveDevices()
            try checkpointBeforeClosing(using: &generator)
        } catch {
            failure = error
        }
        try log.close()
        if let failure { throw failure }
    }
}

// Pushes.
extension Database {
    /// Decides a push and stages what is accepted.
    ///
    /// `answer` is called in `commit`, when all that it speaks of is durable, or has failed.
    ///
    /// - Returns: What became of the operations.
    /// - Throws: The failure to answer at once. Nothing was staged then.
    func push(
        _ request: borrowing PushRequestView, collections: CollectionGrants = .all,
        nowMilliseconds: UInt64, answer: @escaping (ServiceAnswer) -> Void
    ) throws(ServiceFailure) -> PushCounts {
        if let failure = log.failure {
            throw ServiceFailure(.readOnly(log.active.path, because: failure))
        }
        try check(logID: request.logID, request.cursor)
        let device = try register(request.deviceID)
        note(device, cursor: nil, nowMilliseconds: nowMilliseconds)
        defer { log.forgetLargeGroup() }
        let policies = configuration.policies
        let server = policies.decides ? state.devices.insert(.server) : nil
        let view = pushView(device, server: server)
        let rules = ValueRules(
            maxEntityBytes: configuration.limits.maxEntityBytes,
            maxEntityDepth: configuration.maxEntityDepth, collections: collections)
        let decision: PushDecision<DatabasePushView>
        do throws(OpLogError) {
            decision = try PushDecision(
                request.operations, rules: rules, view: view, policies: policies,
                nowMilliseconds: nowMilliseconds)
        } catch {
            throw ServiceFailure(error)
        }
        let outcome = try PushOutcome(
            request.operations, decision.settlements, view: view,
            highestAccepted: view.highestAccepted,
            conflictBytesMax: configuration.conflictBytesMax)
        conflictCount += outcome.response.conflicts.count
        stage(outcome, request.operations, answer)
        return PushCounts(decision)
    }

    /// The database as a push of `device` sees it.
    func pushView(_ device: DeviceNumber, server: DeviceNumber? = nil) -> DatabasePushView {
        DatabasePushView(
            database: state, device: device, server: server,
            nextCursor: staged?.builder.nextCursor ?? head.next, log: log)
    }

    private func stage(
        _ outcome: PushOutcome, _ operations: borrowing SyncOperationViews,
        _ answer: @escaping (ServiceAnswer) -> Void
    ) {
        var group = state.staged.take() ?? StagedGroup(after: head)
        for accepted in outcome.accepted {
            group.append(
                operations[accepted.index], accepted.revision,
                continuesTransaction: accepted.continuesTransaction)
            if let answer = accepted.answer { group.append(answer) }
        }
        group.answers.append((outcome.response.encoded(), answer))
        state.staged = consume group
    }

    /// Whether so much is staged that it is to be committed now.
    var isGroupFull: Bool {
        (state.staged?.builder.operations.count ?? 0) >= configuration.groupBytesMax
    }

    /// Makes all that is staged durable with one write and one sync, and only then answers it.
    ///
    /// If that fails, all that was staged is forgotten, every answer of the group is a failure, and
    /// the log takes no more operations.
    ///
    /// - Returns: The committed group, if there was any operation.
    /// - Throws: The failure, after answering.
    func commit(
        nowMilliseconds: UInt64, using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> LogGroupBuilder? {
        guard let group = state.staged.take() else { return nil }
        if group.builder.count > 0 {
            do throws(OpLogError) {
                try log.append(
                    group.builder, committedAtMilliseconds: nowMilliseconds, using: &generator)
            } catch {
                let failure = ServiceFailure(.readOnly(log.active.path, because: error))
                for (_, receiver) in group.answers { receiver(.failure(failure)) }
                throw error
            }
            state.merge(group)
            uncheckpointedBytes += group.builder.operations.count
        }
        for (answer, receiver) in group.answers { receiver(.message(answer)) }
        return group.builder.count > 0 ? group.builder : nil
    }
}
