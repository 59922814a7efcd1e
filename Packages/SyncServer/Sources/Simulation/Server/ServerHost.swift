// SPDX-License-Identifier: MIT

import RecordLog
@_spi(Simulation) import SyncClient
import SyncProtocol
@_spi(Simulation) import SyncServer
import SyncTestSupport

/// The server's machine: its disk, its clock, and the server process when it runs.
final class ServerHost {
    typealias Core = ServerCore<SimulatedDisk>

    let world: World
    let disk = SimulatedDisk()
    let wall: VirtualClock.Wall
    private(set) var settings: ServerCoreSettings
    private(set) var core: Core?
    /// Counts the processes, so that what belonged to an earlier one finds nobody.
    private(set) var life = 0
    var checker: AnswerChecker
    /// The links whose connections this process has accepted.
    var links: [Core.Connection: VirtualLink] = [:]
    /// Answers that are ready and leave when the turn ends, in the order of the requests.
    var ready: [(link: VirtualLink, bytes: [UInt8])] = []
    /// Pushes that wait for the commit, with the answers that are due.
    var staged: [(link: VirtualLink, request: PushRequest, due: PushResponse)] = []
    private var isTurnScheduled = false
    private var deadline: UInt64?
    var backup: Backup?
    /// The segments of each database when they were last looked at.
    var segments: [[Cursor: UInt64]] = []
    /// Whether the last process ended in order, with all that it knew written.
    private var endedCleanly = true
    /// The fault that waits for a call to the disk.
    var armed: Condition?
    var generator: SeededGenerator

    static let directory = "/server"

    /// A copy of the data directory, and what was in it.
    struct Backup {
        var tree: SimulatedDiskTree?
        var logs: [DatabaseID: LogModel.Log]
    }

    init(world: World) {
        self.world = world
        wall = VirtualClock.Wall(world.clock)
        generator = world.scenario.stream(.server)
        settings = ServerCoreSettings()
        let conditions = world.conditions
        let page = UInt64.random(in: 1...2, using: &generator)
        let push = UInt64.random(in: 1...3, using: &generator)
        let transaction = UInt64.random(in: 1...3, using: &generator)
        if conditions.contains(.smallPages) { settings.limits.maxPullOperations = page }
        if conditions.contains(.smallPushes) {
            settings.limits.maxPushOperations = push
            settings.limits.maxTransactionOperations = transaction
        }
        if conditions.contains(.largeEntities) {
            settings.limits.maxEntityBytes = Workload.largeEntityBytes
            settings.limits.maxBodyBytes = 4 * Workload.largeEntityBytes
        }
        if conditions.contains(.smallFiles) {
            settings.segmentBytesMax = 4 << 10
            settings.frameBytesTarget = 300
            settings.checkpointBytes = 2 << 10
            settings.checkpointAtCloseBytes = 0
            settings.zeroFillBytes = Bool.random(using: &generator) ? 64 << 10 : 0
        }
        let retention = Self.retention(of: world.scenario, &settings)
        if conditions.contains(.policies) {
            var policies = world.scenario.stream(.policies)
            settings.conflictPolicy = Self.policy(using: &policies)
        }
        checker = AnswerChecker(
            limits: settings.limits, policy: settings.conflictPolicy, retention: retention)
    }

    /// The policies of a server: one for all, and mostly one of its own for most edits.
    private static func policy(using generator: inout SeededGenerator) -> ConflictPolicy {
        let names = ["detect", "serverWins", "clientWins", "lastWriteWins", "merge", "merge"]
        var policy = ConflictPolicy(standard: generator.oneOf(names))
        let own = generator.oneOf(names)
        if generator.chance(75) { policy.byCollection["notes"] = own }
        return policy
    }

    var isRunning: Bool { core != nil }

    // MARK: Process

    /// Starts the server, and looks whether everything is there.
    func start() throws {
        guard core == nil else { return }
        disk.fullAfter(bytes: nil)
        let core: (core: Core, reports: [String])
        do {
            core = try open()
        } catch  where disk.isHalted {
            return dieAndRestart()
        }
        if disk.isHalted { return dieAndRestart() }
        if !core.reports.isEmpty { note("tells: \(core.reports.joined(separator: " "))") }
        try verify(core.core)
        if !endedCleanly { checker.forgetPlaces() }
        try run(core.core)
    }

    /// Opens the data directory without judging it.
    func open() throws -> (core: Core, reports: [String]) {
        let told = Reports()
        do {
            let core = try Core(
                directory: Self.directory, disk: disk, settings: settings,
                wallMilliseconds: { [wall] in wall.milliseconds },
                monotonicNanoseconds: { [clock = world.clock] in clock.now },
                generator: world.scenario.stream(.serverNames, life),
                tell: { told.lines.append($0) }
            )
            return (core, told.lines)
        } catch {
            throw SimulationFailure(.filesOpen, "the server does not start: \(error)")
        }
    }

    private final class Reports { var lines: [String] = [] }

    private func run(_ core: Core) throws {
        self.core = core
        life += 1
        endedCleanly = false
        checker.isServerSick = false
        checker.isServerFull = false
        armed = nil
        segments = world.databaseIDs.map(core.segments)
        schedule(try advance(core))
        for device in world.devices { device.checker.lookAnew() }
        note("the server runs")
    }

    /// Compares the databases with what was acknowledged.
    func verify(_ core: Core) throws {
        for databaseID in world.databaseIDs {
            if let damage = core.damage(of: databaseID) {
                throw SimulationFailure(
                    .filesOpen, "after a restart \(databaseID) is damaged: \(damage)")
            }
            guard let found = try inspect(databaseID, core) else {
                guard checker.models[databaseID] == nil else {
                    throw SimulationFailure(
                        .logKeepsWhatItShowed, "database \(databaseID) is gone after a restart")
                }
                continue
            }
            try checker.adopt(
                databaseID, logID: found.logID, operations: found.operations,
                oldest: found.oldestCursor)
            try checkIndexes(databaseID, found)
        }
        try world.judgeCommitted()
    }

    func inspect(_ databaseID: DatabaseID, _ core: Core) throws -> DatabaseInspection? {
        do {
            return try disk.aside { try core.inspect(databaseID) }
        } catch {
            throw SimulationFailure(.filesOpen, "the log of \(databaseID) cannot be read: \(error)")
        }
    }

    /// The indexes that the server holds follow from the log that it should have.
    func checkIndexes(_ databaseID: DatabaseID, _ found: DatabaseInspection) throws {
        guard let log = checker.models[databaseID]?.durable else { return }
        try checkNumbers(databaseID, found, log)
        let entities = log.current.map { key, index in
            let operation = log.operations[index]
            return "\(key) \(operation.cursor ?? 0) \(operation.entityVersion) "
                + "\(operation.operationID) \(operation.deviceID) \(operation.kind == .delete)"
        }
        guard found.entities == entities.sorted() else {
            throw SimulationFailure(
                .logReplays,
                "the entities of \(databaseID) are \(found.entities), and the log says "
                    + "\(entities.sorted())")
        }
    }

    /// The head and the accepted numbers are those of the log.
    private func checkNumbers(
        _ databaseID: DatabaseID, _ found: DatabaseInspection, _ log: LogModel.Log
    ) throws {
        guard found.head == log.head else {
            throw SimulationFailure(
                .logReplays, "\(databaseID) ends at \(found.head), and its log at \(log.head)")
        }
        for deviceID in Set(found.accepted.keys).union(log.accepted.keys).sorted() {
            let numbers = found.accepted[deviceID, default: []].flatMap { Array($0) }
            let due = log.accepted[deviceID, default: [:]].keys.map(\.rawValue).sorted()
            guard numbers == due else {
                throw SimulationFailure(
                    .logReplays,
                    "\(databaseID) has accepted \(numbers) of \(deviceID), and its "
                        + "log holds \(due)")
            }
        }
    }

    /// Compares what a running server has with what it should have.
    func verifyRunning() throws {
        if let core { try verify(core) }
    }

    /// Cuts the power: what was not synced is gone in part, and everybody is cut off.
    func cutPower() {
        note("the server loses power")
        core = nil
        end()
        disk.crash(using: &generator)
    }

    /// Stops the server in order, or as on kill -9, which leaves the disk as it is.
    func stop(cleanly: Bool) {
        guard let core else { return }
        note(cleanly ? "the server is stopped" : "the server is killed")
        if cleanly { core.close() }
        endedCleanly = cleanly && !checker.isServerSick && !disk.isHalted
        self.core = nil
        end()
        disk.killProcesses()
    }

    private func end() {
        life += 1
        deadline = nil
        isTurnScheduled = false
        (ready, staged) = ([], [])
        checker.abandonAll()
        let broken = links.sorted { $0.key < $1.key }
        links = [:]
        for (_, link) in broken { world.breakLink(link) }
    }

    // MARK: Turns

    /// Lets the turn end soon, with whatever else comes until then.
    func scheduleTurn() {
        guard !isTurnScheduled else { return }
        isTurnScheduled = true
        let life = life
        world.after(UInt64.random(in: 0...2_000_000, using: &generator)) { [self] in
            guard life == self.life else { return }
            isTurnScheduled = false
            try endTurn()
        }
    }

    private func endTurn() throws {
        guard let core else { return }
        core.endTurn()
        if disk.isHalted { return dieAndRestart() }
        try judgeStaged(core)
        let leaving = ready
        ready = []
        for (link, bytes) in leaving { world.sendAnswer(bytes, on: link) }
        schedule(try advance(core))
        if disk.isHalted { return dieAndRestart() }
        try collectLate(core)
    }

    /// The power went at some call in the midst of what the server was doing.
    func dieAndRestart() {
        faultCame()
        cutPower()
        world.after(UInt64.random(in: 0...5_000_000_000, using: &generator)) { [self] in
            try start()
        }
    }

    /// What was to strike at some call to the disk has struck.
    func faultCame() {
        if let armed { world.counts.note(armed) }
        armed = nil
    }

    private func judgeStaged(_ core: Core) throws {
        let waiting = staged
        staged = []
        var outcomes: [DatabaseID: Bool] = [:]
        for (link, request, due) in waiting {
            guard let connection = link.connection, links[connection] === link else { continue }
            let bytes = core.takeOutput(of: connection).bytes
            let outcome = try world.decode(bytes, to: .push(request))
            switch outcome {
            case .success(.push(let answer)):
                guard answer.plain == due else {
                    throw SimulationFailure(
                        .answersFollowTheRules,
                        "a push is answered \(answer.plain), and is due "
                            + "\(due)")
                }
            case .failure where checker.isServerSick: faultCame()
            default:
                throw SimulationFailure(.goesOn, "a push is answered \(outcome)")
            }
            if case .failure = outcome { outcomes[request.databaseID] = false }
            outcomes[request.databaseID] = outcomes[request.databaseID] ?? true
            ready.append((link, bytes))
        }
        // A push whose device has gone is committed with the others.
        for (_, request, _) in waiting where outcomes[request.databaseID] == nil {
            let failure = try inspect(request.databaseID, core)?.failure
            outcomes[request.databaseID] = failure == nil
        }
        for (databaseID, succeeded) in outcomes.sorted(by: { $0.key < $1.key }) {
            try checker.endCommit(
                of: databaseID, succeeded: succeeded, atMilliseconds: wall.milliseconds)
        }
        try world.judgeCommitted()
    }

    /// Takes the answers of pulls that have waited, and what is said to connections whose time is
    /// over.
    private func collectLate(_ core: Core) throws {
        for (connection, link) in links.sorted(by: { $0.key < $1.key })
        where !ready.contains(where: { $0.link === link }) {
            let (bytes, isClosed) = core.takeOutput(of: connection)
            if !bytes.isEmpty { try takeLate(bytes, of: link) }
            if isClosed {
                links[connection] = nil
                world.endLink(link)
            } else if let exchange = link.exchange, exchange.waitsForNews,
                case .pull(let request) = exchange.request, checker.hasNews(for: request)
            {
                throw SimulationFailure(
                    .goesOn,
                    "a pull after \(request.sinceCursor) goes on waiting, and there is news")
            }
        }
    }

    private func takeLate(_ bytes: [UInt8], of link: VirtualLink) throws {
        // Whoever gave up is answered all the same, as long as the server does not know.
        guard let exchange = link.exchange else { return }
        let answer = try world.decode(bytes, to: exchange.request)
        if exchange.waitsForNews {
            link.exchange?.waitsForNews = false
            try checker.check(answer, to: exchange.request, hasWaited: true)
        } else if case .success = answer {
            throw SimulationFailure(
                .answersFollowTheRules, "half of \(exchange.request.summary) is answered")
        }
        world.sendAnswer(bytes, on: link)
    }

    private func schedule(_ time: UInt64?) {
        // What is to be done at once takes its turn with what else there is.
        let isAtOnce = time.map { $0 <= world.clock.now } ?? false
        let delay = isAtOnce ? UInt64.random(in: 0...4_000_000, using: &generator) : 0
        guard let time = time.map({ max($0, world.clock.now) + delay }),
            deadline.map({ time < $0 || $0 <= world.clock.now }) ?? true
        else { return }
        deadline = time
        let life = life
        world.at(time) { [self] in
            guard life == self.life, let core else { return }
            deadline = nil
            schedule(try advance(core))
            if disk.isHalted { return dieAndRestart() }
            try collectLate(core)
        }
    }

    func note(_ text: String) { world.note("server", 0, text: text) }
}
