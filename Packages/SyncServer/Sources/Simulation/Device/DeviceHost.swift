// SPDX-License-Identifier: MIT

import RecordLog
@_spi(Simulation) import SyncClient
import SyncProtocol
@_spi(Simulation) import SyncServer
import SyncTestSupport

/// A device: its disk, its clock, and the app with its store and its sync when it runs.
final class DeviceHost {
    typealias Store = DiskEntityStore<SimulatedDisk>
    typealias Cycle = SyncCycle<SimulatedDisk>

    /// What a cycle is waiting for.
    enum Phase {
        /// Nothing: no cycle is under way.
        case idle
        /// An answer.
        case exchanging(SyncRequest, number: Int)
        /// Time to pass before it tries again.
        case pausing(number: Int)
    }

    /// A pull that waits at the server, besides whatever cycle is under way.
    struct WaitingPull {
        var request: PullRequest
        var number: Int
        var link: VirtualLink
    }

    let world: World
    let index: Int
    let databaseID: DatabaseID
    let disk = SimulatedDisk()
    let wall: VirtualClock.Wall
    let resolver: WatchedResolver
    /// Whether the app starts its engine, so that this goes on by itself.
    let isFollowing: Bool
    private(set) var store: Store?
    private(set) var cycle: Cycle?
    var phase = Phase.idle
    /// What decides for the engine between its cycles, if it was started.
    var loop: FollowLoop?
    /// Whether the loop waits for the end of a cycle.
    var awaitsCycle = false
    /// Counts what the loop gives up waiting for.
    var loopNumber = 0
    var waitingPull: WaitingPull?
    /// The connections that are kept for further requests.
    var links: [VirtualLink] = []
    /// The network between the device and the server.
    var path: NetworkPath
    /// How long an answer may take, in nanoseconds.
    let requestTimeout: UInt64
    /// Whether a fault of its disk excuses failures.
    var isSick = false
    /// What the device is refused, and until when.
    var refusal: (paths: Set<String>, end: UInt64) = ([], 0)
    /// The fault that waits for a call to the disk.
    var armed: Condition?
    var checker: ReplicaChecker
    var cycleChecker: CycleChecker
    var seenChecker: SeenChecker
    private var receipts = ReceiptChecker()
    /// The store's segments when everything was last captured.
    var segmentsAtCapture: [String] = []
    /// Counts what is waited for, so that what comes too late finds nobody.
    var waitNumber = 0
    var generator: SeededGenerator
    /// The chance that the client sees: retry jitter, a new name.
    let random: SharedGenerator
    /// How many exchanges were begun in this step.
    var exchangesInStep = 0
    /// How many cycles have finished, and how many have failed.
    var finishedCycles = 0
    var failedCycles = 0
    /// A copy of the files, and what the device went by when it was taken.
    var copy: (tree: SimulatedDiskTree?, name: DeviceID, cycleChecker: CycleChecker)?
    private(set) var configuration: SyncConfiguration
    private let storeConfiguration: StoreConfiguration

    static let directory = "/device"

    init(world: World, index: Int, copyOf original: DeviceHost? = nil) {
        self.world = world
        self.index = index
        generator = world.scenario.stream(.devices, index + 1)
        random = SharedGenerator(world.scenario.stream(.names, index))
        path = NetworkPath(world.scenario, conditions: world.conditions, device: index)
        databaseID =
            original?.databaseID ?? world.databaseIDs.randomElement(using: &generator) ?? "db0"
        wall = VirtualClock.Wall(world.clock)
        resolver = .random(using: &generator)
        isFollowing = Bool.random(using: &generator) && world.conditions.contains(.following)
        let name = original?.configuration.deviceID ?? DeviceID("d\(index)")
        configuration = SyncConfiguration(databaseID: databaseID, deviceID: name)
        configuration.pullLimit = generator.oneOf([1, 2, 3, 10, 1_000])
        configuration.pollInterval = .milliseconds(generator.oneOf([100, 1_000]))
        configuration.idlePollInterval = .seconds(generator.oneOf([1, 5]))
        configuration.waitForOthers = .seconds(generator.oneOf([0, 1, 5, 25]))
        configuration.idlePullInterval = .seconds(generator.oneOf([1, 5]))
        if world.conditions.contains(.smallFiles) { configuration.queueCompactionBytesMin = 2_000 }
        requestTimeout = generator.oneOf([5, 30]) * 1_000_000_000
        var storeConfiguration = StoreConfiguration()
        if world.conditions.contains(.smallFiles) {
            storeConfiguration.checkpointLogBytes = 8 << 10
            storeConfiguration.segmentCountMax = 3
        }
        self.storeConfiguration = storeConfiguration
        cycleChecker = CycleChecker(
            name: "device \(index)", policy: .standard, limits: world.server.settings.limits,
            copyOf: original?.cycleChecker)
        seenChecker = SeenChecker(name: "device \(index)")
        checker = ReplicaChecker(
            name: "device \(index)", keepsName: original == nil ? name : nil)
    }

    /// Draws from streams of this step.
    func begin(step: Int) {
        exchangesInStep = 0
        generator = world.scenario.stream(.devices, index + 1, step)
        random.replace(with: world.scenario.stream(.names, index, step))
    }

    var isRunning: Bool { cycle != nil }
    var isIdle: Bool { if case .idle = phase { true } else { false } }

    /// Whether the device may not ask this now.
    func isRefused(_ request: SyncRequest) -> Bool {
        !world.isHealed && world.clock.now < refusal.end && refusal.paths.contains(request.path)
    }

    func note(_ text: @autoclosure () -> String) {
        world.note("device", UInt64(index), text: "device \(index) " + text())
    }

    /// Tells the ledger what the resolver has decided, and hands it on.
    @discardableResult
    func noteDecisions() -> [(EntityConflict, ConflictResolution)] {
        let ledger = world.ledger(of: databaseID)
        let decisions = resolver.takeDecisions()
        for (conflict, resolution) in decisions { ledger.resolved(conflict, resolution) }
        return decisions
    }

    /// Judges that a cycle, which knows the server's policies, asked about what is the device's
    /// business.
    func checkPolicies(_ decisions: [(EntityConflict, ConflictResolution)]) throws {
        let policy = world.server.checker.policy
        for (conflict, _) in decisions where policy.name(conflict.key.collection) == "serverWins" {
            throw SimulationFailure(
                .decidedAsAsked,
                "device \(index) asks its resolver about \(conflict.key), where the server wins")
        }
    }

    /// Judges what has become of conflicts, and of what the server refused.
    func check(_ decisions: [(EntityConflict, ConflictResolution)]) throws {
        guard let store, let cycle else { return }
        if let fault = resolver.takeFault() {
            throw SimulationFailure(.decidedAsAsked, "device \(index): \(fault)")
        }
        try cycleChecker.check(decisions) {
            store.rawEntity(in: $0.collection.rawValue, id: $0.entityID.rawValue)
        }
        try cycleChecker.check(
            cycle.quarantinedOperations().map(\.operation), cycle.inspect(isBrief: true))
    }
}

// The app's process.
extension DeviceHost {
    /// Opens the app.
    func start() throws {
        guard cycle == nil else { return }
        do {
            try open()
        } catch let failure as SimulationFailure {
            throw failure
        } catch  where disk.isHalted {
            return dieAndRestart()
        } catch  where isSick {
            faultCame()
            note("cannot open its files: \(error)")
            end()
            disk.killProcesses()
            return world.after(1_000_000_000) { [self] in
                repair()
                try start()
            }
        } catch {
            throw SimulationFailure(.filesOpen, "device \(index) cannot open its files: \(error)")
        }
        note("the app runs")
        try check(isOpening: true)
        startFollowing()
    }

    /// Opens the files without judging them.
    func open() throws {
        let store = try Store(
            directory: Self.directory, disk: disk, configuration: storeConfiguration)
        let (random, wall) = (random, wall)
        let cycle = try Cycle(
            store: store, configuration: configuration, resolver: resolver,
            environment: SyncEnvironment(
                wallMilliseconds: { wall.milliseconds }, random: { random.next() }))
        try capture(cycle)
        self.store = store
        self.cycle = cycle
    }

    /// Judges what the device holds.
    func check(isOpening: Bool = false) throws {
        guard let store, let cycle else { return }
        if isOpening { try checker.check(opened: store) }
        try checker.check(cycle, store, world.server.checker, databaseID)
        let found = try cycle.inspect(isBrief: true)
        if isOpening { receipts.begin(found) }
        let log = world.server.checker.log(found.logID, of: databaseID)
        if let fault = receipts.fault(of: found, log, wallMilliseconds: wall.milliseconds) {
            throw SimulationFailure(.stampsGoUp, "device \(index): \(fault)")
        }
        if world.conditions.contains(.clockSkew) {
            try cycleChecker.holds(
                found.receivedTimestamp, wallMilliseconds: wall.milliseconds)
        }
    }

    /// Closes the app: in order, or as on kill -9.
    func stop(cleanly: Bool) {
        guard cycle != nil else { return }
        note(cleanly ? "the app is closed" : "the app is killed")
        if cleanly { store?.close() }
        end()
        disk.killProcesses()
    }

    /// Cuts the device's power.
    func cutPower() {
        note("loses power")
        end()
        disk.crash(using: &generator)
    }

    func end() {
        noteDecisions()
        seenChecker.ends()
        store = nil
        cycle = nil
        phase = .idle
        waitNumber += 1
        stopFollowing()
        for link in links { world.abandon(link) }
        links = []
    }

    /// The power went at some call in the midst of what the app was doing.
    func dieAndRestart() {
        faultCame()
        cutPower()
        world.after(UInt64.random(in: 0...5_000_000_000, using: &generator)) { [self] in
            try start()
        }
    }

    /// What was to strike at some call to the disk has struck.
    private func faultCame() {
        if let armed { world.counts.note(armed) }
        armed = nil
    }

    /// The disk is as good as new, with what is on it.
    func repair() {
        isSick = false
        armed = nil
        disk.fullAfter(bytes: nil)
    }

    /// Something of the app failed: its machine died, its disk is at fault, or it is a bug.
    func failed(_ error: any Error) throws {
        if disk.isHalted { return dieAndRestart() }
        guard isSick else {
            throw SimulationFailure(.goesOn, "device \(index) fails without a fault: \(error)")
        }
        faultCame()
        note("fails: \(error)")
        // Only its files say what holds, so the app opens them again.
        stop(cleanly: true)
        world.after(UInt64.random(in: 0...1_000_000_000, using: &generator)) { [self] in
            repair()
            try start()
        }
    }
}

// What the app does.
extension DeviceHost {
    /// The app commits a transaction.
    func edit(_ workload: inout Workload) throws {
        guard let store else { return }
        let ledger = world.ledger(of: databaseID)
        var tokens: [UInt64] = [], removed: [UInt64] = []
        var contents: [(key: EntityKey, content: [UInt8]?)] = []
        var deleted: [(key: EntityKey, edits: [UInt64])] = []
        let writes = workload.transaction()
        do {
            try store.transaction { transaction in
                for write in writes {
                    let (name, id) = (write.key.collection.rawValue, write.key.entityID.rawValue)
                    let before = transaction.rawEntity(in: name, id: id)
                    if write.isDelete, before == nil { continue }
                    let token = ledger.nextToken()
                    let edit = workload.edit(before, write, token: token)
                    removed += edit.removed
                    contents.append((write.key, edit.content))
                    if let content = edit.content {
                        tokens.append(token)
                        ledger.wrote(content, write.key)
                        try transaction.putRaw(content, in: name, id: id)
                    } else {
                        deleted.append((write.key, edit.removed))
                        _ = try transaction.delete(in: name, id: id)
                    }
                }
            }
            checker.committed(contents)
            for (key, edits) in deleted { ledger.removed(key, edits) }
            ledger.excuse(removed)
            if disk.isHalted { return dieAndRestart() }
            note("commits " + contents.map(describe).joined(separator: ", "))
        } catch {
            // Nobody was promised anything about a commit that threw; it may be there all the same.
            ledger.excuse(tokens + removed)
            checker.commitFailed(contents)
            try failed(error)
        }
    }

    private func describe(_ key: EntityKey, _ content: [UInt8]?) -> String {
        "\(key) = \(content.map { "\(EntityContent.tokens($0))" } ?? "deleted")"
    }

    /// Writes the store's log into a segment.
    func checkpoint() throws {
        checker.willCheckpoint()
        do { try store?.checkpoint() } catch { try failed(error) }
    }

    /// Makes the oldest quarantined operation a new edit, where the app may.
    func retryQuarantined() throws {
        guard let cycle else { return }
        do {
            guard let oldest = try cycle.quarantinedOperations().first else { return }
            checker.willSync()
            try cycle.retryQuarantined(oldest.id)
            note("tries operation \(oldest.operation.operationID) again")
            let decisions = noteDecisions()
            try check()
            try check(decisions)
        } catch let error as SyncError where error.code == .configuration {
            // Newer edits of the entity wait.
        } catch let failure as SimulationFailure {
            throw failure
        } catch {
            noteDecisions()
            try failed(error)
        }
    }
}
