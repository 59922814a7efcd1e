// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// The server without its network: databases, handshakes, pushes, pulls and waiting pulls.
///
/// Synchronous and single-threaded: one owner makes all calls. Disk, clocks and randomness are
/// parameters, so what it does follows from its calls alone.
///
/// Pushes are staged by `push` and answered by `commit`, which makes all that was staged durable
/// with one sync for each database. Everything else answers from what is durable, at once.
final class SyncService<Disk: FileSystem> {
    /// Where a database is in its life.
    enum Slot {
        /// On disk, and not in use.
        case closed
        /// In use.
        case open(Database<Disk>)
        /// Not to be used; the fault was reported.
        case damaged(OpLogError)
    }

    let configuration: ServiceConfiguration
    let clock: ServiceClock
    let disk: Disk
    /// The data directory.
    let directory: String
    let metrics = ServerMetrics()
    /// Takes lines for the operator.
    let tell: (String) -> Void

    var databases: [DatabaseID: Slot] = [:]
    /// Open databases with something staged, in the order of their first push.
    private var staging: [Database<Disk>] = []
    private var waiting = WaitingPulls()
    /// Those that are told of each commit.
    var live = LiveSubscriptions()
    /// When device cursors are to be written next; `nil` while none changed.
    private var flushDeadline: UInt64?
    /// Databases whose device cursors may have to be written now, the next one last.
    private var unsaved: [DatabaseID] = []
    /// When the databases are looked over for segments to compact.
    private var compactionDeadline: UInt64
    /// Databases with steps to take beside pushes and pulls.
    private var maintaining: [Database<Disk>] = []
    var generator: any RandomNumberGenerator
    private let lock: Disk.Lock

    /// Opens a data directory, which is made if needed, and checks every database in it.
    ///
    /// A damaged database is reported and stays closed; the others are not affected.
    ///
    /// - Throws: `ServiceStartError` if the directory cannot be used, or another server uses it.
    init(
        directory: String, disk: Disk, configuration: ServiceConfiguration = .init(),
        clock: ServiceClock, generator: any RandomNumberGenerator,
        tell: @escaping (String) -> Void
    ) throws(ServiceStartError) {
        self.directory = directory
        self.disk = disk
        self.configuration = configuration
        self.clock = clock
        self.generator = generator
        self.tell = tell
        compactionDeadline =
            clock.monotonicNanoseconds() + configuration.compactionIntervalNanoseconds
        lock = try Self.lockDirectory(directory, on: disk)
        try openAll()
    }

    /// How many pulls wait.
    var waitingPullCount: Int { waiting.count }

    /// `POST /v1/handshake`. A database that there is not yet is made for who may write to it.
    func handshake(
        _ request: HandshakeRequest, for principal: Principal = .anyone
    ) throws(ServiceFailure) -> HandshakeResponse {
        guard request.protocolVersion == syncProtocolVersion else {
            throw .versionMismatch(request.protocolVersion)
        }
        let collections = principal.grants.collections
        let database = try databaseForHandshake(request, mayMake: collections.writesAny)
        try database.check(logID: request.logID, request.cursor)
        let now = clock.wallMilliseconds()
        let device = try database.register(request.deviceID)
        database.note(device, cursor: nil, nowMilliseconds: now)
        scheduleFlush()
        return HandshakeResponse(
            serverCursor: database.head,
            capabilities: ["pull": true, "push": true, "sse": true, "webSocket": true],
            protocolVersion: syncProtocolVersion, logID: database.logID,
            oldestCursor: database.log.oldestCursor,
            lastOperationID: database.devices[device].accepted.highest,
            limits: configuration.limits, serverTimeMilliseconds: now,
            conflictPolicy: configuration.policies.announced(to: collections))
    }

    /// `POST /v1/push`. `answer` is called in the next `commit`, or earlier if the group is full.
    ///
    /// - Throws: The failure to answer at once; nothing of the push was taken then.
    func push(
        _ request: borrowing PushRequestView, for principal: Principal = .anyone,
        answer: @escaping (ServiceAnswer) -> Void
    ) throws(ServiceFailure) {
        try checkSize(request)
        let database = try database(request.databaseID)
        let isFirst = database.staged == nil
        let counts = try database.push(
            request, collections: principal.grants.collections,
            nowMilliseconds: clock.wallMilliseconds(), answer: answer)
        metrics.notePush(counts)
        if isFirst { staging.append(database) }
        scheduleFlush()
        if database.isGroupFull { commit() }
    }

    /// `POST /v1/pull`. `answer` is called at once, or later if the pull waits.
    ///
    /// - Returns: What `cancel` takes, if the pull waits.
    /// - Throws: The failure to answer at once.
    func pull(
        _ request: PullRequest, for principal: Principal = .anyone,
        answer: @escaping (ServiceAnswer) -> Void
    ) throws(ServiceFailure) -> WaitingPulls.Ticket? {
        let database = try checkedDatabase(of: request)
        let filter = PullFilter(request, readable: principal.grants.collections.readable)
        let page = try readPage(database, request, after: request.sinceCursor, filter)
        let wait = min(request.waitMilliseconds ?? 0, configuration.maxWaitMilliseconds)
        guard !page.isWorthAnswering, wait > 0, !isStopping else {
            answer(.page(page.answer))
            return nil
        }
        // Whoever waits longer than its token lives is told so when that ends.
        let (rest, hasEnded) = principal.expiresAtMilliseconds.subtractingReportingOverflow(
            clock.wallMilliseconds())
        return waiting.insert(
            WaitingPull(
                request: request, principal: principal, filter: filter, receiver: answer,
                scanned: database.head),
            deadline: clock.monotonicNanoseconds() + min(wait, hasEnded ? 0 : rest) * 1_000_000)
    }

    /// The database that a pull can be answered from; the device's cursor is noted.
    func checkedDatabase(of request: PullRequest) throws(ServiceFailure) -> Database<Disk> {
        let database = try database(request.databaseID)
        try database.check(logID: request.logID, request.sinceCursor, request.snapshot)
        try database.checkNotCompacted(
            since: request.sinceCursor, snapshot: request.snapshot, of: request.deviceID)
        if let deviceID = request.deviceID {
            let device = try database.register(deviceID)
            database.note(device, request, nowMilliseconds: clock.wallMilliseconds())
            scheduleFlush()
        }
        return database
    }

    /// Forgets a waiting pull whose device has gone.
    func cancel(_ ticket: WaitingPulls.Ticket) { waiting.remove(ticket) }

    /// `POST /v1/cursor`: notes what a device has applied; never lowers it.
    func noteApplied(_ report: CursorReport) throws(ServiceFailure) -> CursorAnswer {
        let database = try database(report.databaseID)
        try database.check(logID: nil, report.cursor)
        let device = try database.register(report.deviceID)
        let cursor = max(report.cursor, database.devices[device].cursor)
        database.note(device, cursor: cursor, nowMilliseconds: clock.wallMilliseconds())
        scheduleFlush()
        return CursorAnswer(cursor: cursor)
    }

    /// Whether `beginStop` was called: then nothing waits any more.
    private var isStopping = false

    private func scheduleFlush() {
        guard flushDeadline == nil else { return }
        flushDeadline = clock.monotonicNanoseconds() + configuration.deviceFlushNanoseconds
    }
}

// Time, commits and the end.
extension SyncService {
    /// Makes all that was staged durable and answers it, then answers the waiting pulls that it
    /// brings something, and tells the subscribers.
    func commit() {
        let databases = staging
        staging = []
        for database in databases {
            do throws(OpLogError) {
                let start = clock.monotonicNanoseconds()
                let group = try database.commit(
                    nowMilliseconds: clock.wallMilliseconds(), using: &generator)
                if let group {
                    metrics.noteCommit(
                        operations: group.count, bytes: group.operations.count,
                        nanoseconds: clock.monotonicNanoseconds() - start)
                    wake(database, group)
                    announce(database, group)
                    noteMaintenance(of: database)
                }
            } catch {
                tell("database \(database.identity.databaseID) is read-only now: \(error)")
            }
        }
    }

    /// Answers the waiting pulls whose time has come, and writes device cursors if that is due.
    ///
    /// - Parameter now: In monotonic nanoseconds.
    /// - Returns: When to call next; `nil` if nothing is due.
    func advance(to now: UInt64) -> UInt64? {
        while let pull = waiting.popDue(at: now) { giveUp(pull) }
        if let deadline = flushDeadline, deadline <= now {
            flushDeadline = nil
            unsaved = databases.keys.sorted(by: >)
        }
        // One a turn, as each is a sync that everybody else waits for.
        while let databaseID = unsaved.popLast(), !saveDevices(of: databaseID) {}
        if compactionDeadline <= now {
            compactionDeadline = now + configuration.compactionIntervalNanoseconds
            beginCompactions()
        }
        maintain()
        let isFeeding = feedSubscribers()
        if isFeeding || !unsaved.isEmpty || !maintaining.isEmpty { return now }
        return [waiting.firstDeadline, flushDeadline, compactionDeadline].compactMap { $0 }.min()
    }

    /// Answers all waiting pulls now; from here on none waits.
    func beginStop() {
        isStopping = true
        for pull in waiting.removeAll() { giveUp(pull) }
    }

    /// Commits what is staged, writes what is left, and gives the data directory up.
    func close() {
        beginStop()
        commit()
        for (databaseID, slot) in databases.sorted(by: { $0.key < $1.key }) {
            guard case .open(let database) = slot else { continue }
            do throws(OpLogError) {
                try database.close(using: &generator)
            } catch {
                tell("closing database \(databaseID): \(error)")
            }
            databases[databaseID] = .closed
        }
        lock.release()
    }

    /// Returns whether there was anything to write.
    private func saveDevices(of databaseID: DatabaseID) -> Bool {
        guard case .open(let database)? = databases[databaseID], database.hasUnsavedDevices else {
            return false
        }
        do throws(OpLogError) {
            try database.saveDevices()
        } catch {
            tell("device cursors of database \(databaseID) were not written: \(error)")
            scheduleFlush()
        }
        return true
    }

    /// Puts a database in the list of those with steps to take, if it has any.
    func noteMaintenance(of database: Database<Disk>) {
        guard database.hasMaintenance, !maintaining.contains(where: { $0 === database }) else {
            return
        }
        maintaining.append(database)
    }

    /// Has all open databases look for segments to compact.
    func beginCompactions() {
        for (_, slot) in databases.sorted(by: { $0.key < $1.key }) {
            guard case .open(let database) = slot else { continue }
            database.isCompactionDue = true
            noteMaintenance(of: database)
        }
    }

    /// Takes one step of one database.
    private func maintain() {
        guard !maintaining.isEmpty else { return }
        let database = maintaining.removeFirst()
        do throws(OpLogError) {
            try database.maintain(
                nowMilliseconds: clock.wallMilliseconds(), using: &generator)
        } catch {
            tell(
                "database \(database.identity.databaseID): its checkpoint or its compaction was "
                    + "given up and will be tried again: \(error)")
        }
        noteMaintenance(of: database)
    }

    private func wake(_ database: Database<Disk>, _ group: LogGroupBuilder) {
        let databaseID = database.identity.databaseID
        guard waiting.hasPulls(of: databaseID) else { return }
        let woken = waiting.wake(databaseID, head: database.head) { filter in
            group.hasOperations(passing: filter)
        }
        for pull in woken where !endIfExpired(pull) {
            do throws(ServiceFailure) {
                let page = try readPage(database, pull.request, after: pull.scanned, pull.filter)
                pull.receiver(.page(page.answer))
            } catch {
                pull.receiver(.failure(error))
            }
        }
    }

    /// Answers a pull whose token has expired, and returns whether it has.
    private func endIfExpired(_ pull: WaitingPull) -> Bool {
        let end = pull.principal.expiresAtMilliseconds
        guard end != .max, clock.wallMilliseconds() >= end else { return false }
        pull.receiver(.failure(AccessRefusal.expired.failure))
        return true
    }

    /// Ends the waiting pulls that `refusal` has an answer to.
    func refuseWaiting(_ refusal: (WaitingPull) -> ServiceFailure?) {
        for (pull, failure) in waiting.remove(refusal) { pull.receiver(.failure(failure)) }
    }

    /// Answers a pull that nothing passed.
    private func giveUp(_ pull: WaitingPull) {
        if endIfExpired(pull) { return }
        guard case .open(let database)? = databases[pull.request.databaseID] else {
            return pull.receiver(.failure(.databaseNotFound))
        }
        pull.receiver(.page(database.emptyPage))
    }

    private func readPage(
        _ database: Database<Disk>, _ request: PullRequest, after cursor: Cursor,
        _ filter: PullFilter
    ) throws(ServiceFailure) -> (answer: ByteChain, isWorthAnswering: Bool) {
        do throws(OpLogError) {
            return try database.page(request, after: cursor, filter: filter)
        } catch {
            tell("a pull of database \(database.identity.databaseID) failed: \(error)")
            throw ServiceFailure(error)
        }
    }

    private func checkSize(_ request: borrowing PushRequestView) throws(ServiceFailure) {
        let count = UInt64(request.operations.count)
        let limits = configuration.limits
        guard count > limits.maxPushOperations else { return }
        let (name, maximum) =
            request.operations.areOneTransaction
            ? ("maxTransactionOps", limits.maxTransactionOperations)
            : ("maxPushOps", limits.maxPushOperations)
        guard count > maximum else { return }
        throw .tooMany(
            name, maximum,
            "The push has \(count) operations; \(maximum) are taken (\(name)). Send it in pieces.")
    }
}
