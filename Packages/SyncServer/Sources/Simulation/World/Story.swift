// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport

/// The story of a world: what is done in it, step by step, and how it comes to rest.
struct Story {
    private let world: World
    private var generator: SeededGenerator
    private var faults: SeededGenerator
    private var workload: Workload
    private var stranger = Stranger()
    /// What the end is numbered, behind all steps.
    private static let endStep = 1 << 30
    /// How many rounds of syncing a healed world may need to come to rest.
    private static let roundsMax = 24
    /// How many events a round may take for each device.
    private static let eventsMax = 60_000

    /// Whether steps are longer. By what the seed says, so that a condition which is taken away
    /// leaves the others their times.
    private let isSlow: Bool

    init(_ world: World) {
        self.world = world
        generator = world.scenario.stream(.schedule)
        isSlow = !world.scenario.seedConditions.isDisjoint(with: Self.slow)
        faults = world.scenario.stream(.faults)
        workload = Workload(
            conditions: world.conditions, generator: world.scenario.stream(.workload))
    }

    /// Tells all of it.
    ///
    /// - Parameter reached: Told the number of each step before it is taken.
    mutating func run(reached: (Int) -> Void) throws {
        try world.server.start()
        for index in 0..<world.scenario.deviceCount {
            let device = DeviceHost(world: world, index: index)
            world.devices.append(device)
            try device.start()
        }
        for step in 0..<world.scenario.steps {
            reached(step)
            begin(step: step + 1)
            try world.run(until: world.clock.now + pause())
            try takeStep()
            try world.throwFailure()
        }
        // The end draws the same numbers behind however many steps.
        begin(step: Self.endStep)
        try heal()
        try follow()
        try comeToRest()
        try checkEnd()
    }

    /// Each step draws from streams of its own: what is taken away from a scenario changes as
    /// little as may be of the rest.
    private mutating func begin(step: Int) {
        generator = world.scenario.stream(.schedule, step)
        faults = world.scenario.stream(.faults, step)
        workload.begin(world.scenario.stream(.workload, step))
        world.begin(step: step)
    }

    private mutating func pause() -> UInt64 {
        let milliseconds = [1, 10, 50, 200, 1_000].randomElement(using: &generator) ?? 10
        let pause = UInt64.random(in: 0...UInt64(milliseconds) * 1_000_000, using: &generator)
        // Where answers fail to come, all wait for their timeouts most of the time.
        return isSlow ? 3 * pause : pause
    }

    private static let slow: Set<Condition> = [
        .partitions, .oneWayPartitions, .longOffline, .slowLinks,
    ]

    private mutating func takeStep() throws {
        let roll = Int.random(in: 0..<100, using: &generator)
        // A device that was taken away takes what it did with it.
        if let device = world.device(using: &generator) { try takeStep(of: device, roll) }
        if faults.chance(28) { try takeFault() }
    }

    private mutating func takeStep(of device: DeviceHost, _ roll: Int) throws {
        switch roll {
        case 0..<22: try device.edit(&workload)
        case 22..<97:
            // A started engine syncs by itself, besides.
            readyDevice(from: device)?.begin()
        case 97..<98: try device.checkpoint()
        case 98..<99: try device.retryQuarantined()
        default: break
        }
    }

    /// The first device from `first` on that could begin a cycle now.
    private func readyDevice(from first: DeviceHost) -> DeviceHost? {
        (world.devices[first.index...] + world.devices[..<first.index]).first {
            $0.isRunning && $0.isIdle
        }
    }

    // MARK: Faults

    private mutating func takeFault() throws {
        let fault = faults.oneOf(Self.staged)
        let device = world.device(using: &faults)
        guard world.conditions.contains(fault) else { return }
        let call = Int.random(in: 1...faults.oneOf([3, 12, 60]), using: &faults)
        switch fault {
        case .serverCrashes, .serverRestarts, .serverDiskErrors, .serverDiskFull, .serverRestores:
            guard try disturbServer(fault, call) else { return }
        case .bitFlips:
            guard faults.chance(25) else { return }
            let hasFlipped =
                faults.chance(50) ? try world.server.flipBit() : try device?.flipBit() ?? false
            guard hasFlipped else { return }
        case .clockSkew:
            guard let device else { return }
            skewClock(device)
        case .refusals:
            device?.refuse(using: &faults)
            return
        case .strangers:
            let databaseID = faults.oneOf(world.databaseIDs)
            guard world.server.checker.models[databaseID] != nil else { return }
            try stranger.ask(world, databaseID, using: &faults)
        default: guard let device, try disturb(device, fault, call) else { return }
        }
        world.counts.note(fault)
    }

    /// The conditions that strike at single moments; the others are there all the time.
    private static let staged: [Condition] = [
        .serverCrashes, .serverRestarts, .deviceCrashes, .deviceRestarts, .serverDiskErrors,
        .deviceDiskErrors, .serverDiskFull, .deviceDiskFull, .bitFlips, .serverRestores,
        .deviceRestores, .clones, .clockSkew, .strangers, .refusals,
    ]

    /// - Returns: Whether it came to pass; what waits for a call to the disk is counted when that
    ///   comes.
    private mutating func disturbServer(_ fault: Condition, _ call: Int) throws -> Bool {
        let server = world.server!
        guard server.isRunning, !server.checker.isServerSick, !server.disk.isHalted else {
            return false
        }
        switch fault {
        case .serverCrashes:
            server.disk.halt(afterCalls: call)
            server.armed = fault
            return false
        case .serverRestarts:
            server.stop(cleanly: faults.chance(50))
            let delay = UInt64.random(in: 0...3_000_000_000, using: &faults)
            world.after(delay) { try server.start() }
        case .serverDiskErrors:
            server.checker.isServerSick = true
            server.disk.failNextCall(number: call, errorNumber: 5)
            server.armed = fault
            restartLater(server)
            return false
        case .serverDiskFull:
            server.checker.isServerSick = true
            server.checker.isServerFull = true
            server.disk.fullAfter(bytes: Int.random(in: 0...4_000, using: &faults))
            server.armed = fault
            restartLater(server)
            return false
        default:
            guard faults.chance(50) else { return try server.restoreBackup() }
            server.takeBackup()
            return false
        }
        return true
    }

    /// An operator sees to the disk and starts the server again.
    private mutating func restartLater(_ server: ServerHost) {
        let life = server.life
        let powerFails = faults.chance(50)
        let delay = UInt64.random(in: 500_000_000...6_000_000_000, using: &faults)
        world.after(delay) {
            guard server.life == life else { return }
            if powerFails { server.cutPower() } else { server.stop(cleanly: true) }
            server.disk.fullAfter(bytes: nil)
            try server.start()
        }
    }

    /// - Returns: Whether it came to pass; see `disturbServer`.
    private mutating func disturb(
        _ device: DeviceHost, _ fault: Condition, _ call: Int
    ) throws -> Bool {
        guard device.isRunning, !device.isSick, !device.disk.isHalted else { return false }
        switch fault {
        case .deviceCrashes:
            device.disk.halt(afterCalls: call)
            device.armed = fault
            return false
        case .deviceRestarts:
            device.stop(cleanly: faults.chance(50))
            world.after(UInt64.random(in: 0...3_000_000_000, using: &faults)) { try device.start() }
        case .deviceDiskErrors:
            device.isSick = true
            device.disk.failNextCall(number: call, errorNumber: 5)
            device.armed = fault
            return false
        case .deviceDiskFull:
            device.isSick = true
            device.disk.fullAfter(bytes: Int.random(in: 0...4_000, using: &faults))
            device.armed = fault
            return false
        case .deviceRestores:
            guard faults.chance(30) else { return false }
            return try device.copyOrRestore()
        case .clones:
            guard faults.chance(10), world.devices.count < 8 else { return false }
            let clone = try device.clone(as: world.devices.count)
            world.devices.append(clone)
            try clone.start()
        default: return false
        }
        return true
    }

    private mutating func skewClock(_ device: DeviceHost) {
        let wall = faults.chance(15) ? world.server.wall : device.wall
        let span = faults.oneOf([100, 100_000, 100_000_000]) as Int
        if faults.chance(20) {
            wall.stop()
        } else {
            wall.skew(by: Int64.random(in: -Int64(span)...Int64(span), using: &faults))
        }
    }

    // MARK: The end

    /// Nothing fails any more, and everything runs.
    private func heal() throws {
        world.note("heal", 0, text: "everything is healed")
        world.isHealed = true
        let server = world.server!
        if server.checker.isServerSick || server.disk.isHalted { server.stop(cleanly: false) }
        server.disk.fullAfter(bytes: nil)
        server.disk.forgetPlans()
        world.letsFollow = false
        for device in world.devices {
            device.stopFollowing()
            if device.isSick || device.disk.isHalted { device.stop(cleanly: false) }
            device.repair()
            device.disk.forgetPlans()
        }
        // What was on its way arrives, what was to start starts, and cycles under way end.
        for _ in 0..<2 {
            try world.server.start()
            for device in world.devices { try device.start() }
            try world.run(until: world.clock.now + 200_000_000_000)
        }
    }

    /// Started engines push what waits and what comes, and pull what there is, by themselves.
    private mutating func follow() throws {
        world.letsFollow = true
        for device in world.devices { device.startFollowing() }
        try world.run(until: world.clock.now + 15_000_000_000)
        for device in world.devices where device.loop != nil { try device.edit(&workload) }
        try world.run(until: world.clock.now + 30_000_000_000)
        world.letsFollow = false
        for device in world.devices where device.loop != nil {
            device.stopFollowing()
            // A copy shows in a handshake, and those of a started engine are rare.
            guard world.struck.isDisjoint(with: [.clones, .deviceRestores]),
                let cycle = device.cycle
            else { continue }
            let found = try cycle.inspect(isBrief: true)
            let head = world.server.checker.models[device.databaseID]?.durable.head ?? .start
            guard found.operations.isEmpty, found.cursor == head else {
                throw SimulationFailure(
                    .converges,
                    "device \(device.index) follows at \(found.cursor) of \(head), and "
                        + "\(found.operations.count) operations wait")
            }
        }
        try world.run(until: world.clock.now + 200_000_000_000)
    }

    /// Everybody syncs until nothing moves any more.
    func comeToRest() throws {
        var heads: [UInt64] = []
        for round in 0..<Self.roundsMax {
            for device in world.devices { try sync(device) }
            let now = world.databaseIDs.map {
                world.server.checker.models[$0]?.durable.head.rawValue ?? 0
            }
            let isQuiet = try world.devices.allSatisfy {
                try $0.cycle?.inspect(isBrief: true).operations.isEmpty ?? false
            }
            if round > 0, isQuiet, now == heads { return }
            heads = now
        }
        let waiting = try world.devices.map {
            try $0.cycle?.inspect(isBrief: true).operations.count ?? 0
        }
        throw SimulationFailure(
            .converges, "after \(Self.roundsMax) rounds \(waiting) operations wait on the devices")
    }

    /// One whole cycle of a device, in a world where nothing fails.
    private func sync(_ device: DeviceHost) throws {
        let before = (device.finishedCycles, device.failedCycles)
        let end = world.counts.events + Self.eventsMax
        device.begin()
        try world.throwFailure()
        while device.finishedCycles == before.0, device.failedCycles == before.1 {
            guard world.scheduler.nextTime != nil, world.counts.events < end else {
                throw SimulationFailure(
                    .converges, "a cycle of device \(device.index) does not come to its end")
            }
            try world.runNext()
        }
        if device.failedCycles != before.1 {
            throw SimulationFailure(.converges, "a cycle of device \(device.index) fails")
        }
    }

    private func checkEnd() throws {
        try world.server.verifyRunning()
        for databaseID in world.databaseIDs {
            let devices = world.devices.filter { $0.databaseID == databaseID }
            let log = world.server.checker.models[databaseID]?.durable ?? LogModel.Log()
            var standing: [EntityKey: [UInt8]] = [:]
            for (key, index) in log.current { standing[key] = log.operations[index].content }
            world.counts.operations += log.operations.count
            for device in devices {
                device.checker.lookAnew()
                try device.check()
                try check(device, holds: standing)
            }
            try checkEdits(databaseID, devices, standing)
        }
        world.server.stop(cleanly: true)
        try world.server.verifyFiles()
        try world.server.start()
    }

    private func check(_ device: DeviceHost, holds standing: [EntityKey: [UInt8]]) throws {
        guard let store = device.store else { return }
        var held: [EntityKey: [UInt8]] = [:]
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                let key = EntityKey(CollectionName(collection), EntityID(entity.id))
                held[key] = entity.content
                world.trace.add(entity.content)
            }
        }
        for key in Set(held.keys).union(standing.keys).sorted() where held[key] != standing[key] {
            throw SimulationFailure(
                .everyoneIsEqual,
                "device \(device.index) has \(key) = "
                    + "\(EntityContent.tokens(held[key])), and the server "
                    + "\(EntityContent.tokens(standing[key]))")
        }
        world.counts.cycles += device.finishedCycles
        world.counts.failedCycles += device.failedCycles
    }

    private func checkEdits(
        _ databaseID: DatabaseID, _ devices: [DeviceHost], _ standing: [EntityKey: [UInt8]]
    ) throws {
        var tokens: Set<UInt64> = [], kept: [EntityKey: [Set<UInt64>]] = [:]
        for content in standing.values { tokens.formUnion(EntityContent.tokens(content)) }
        for device in devices { kept.merge(try device.kept(), uniquingKeysWith: +) }
        let ledger = world.ledger(of: databaseID)
        let missing = ledger.missing(from: tokens, kept: Set(kept.values.joined().joined()))
        guard missing.isEmpty else {
            throw SimulationFailure(
                .noEditIsLost,
                "edits \(missing) are in no entity, no conflict log and no quarantine")
        }
        let undone = ledger.lostRemovals(standing, kept: kept)
        guard undone.isEmpty else {
            throw SimulationFailure(
                .noEditIsLost,
                "deletes of \(undone) are undone, and in no conflict log and no quarantine")
        }
    }
}

extension SeededGenerator {
    /// A yes in `percent` of all cases.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// One of a few values, which must be there.
    mutating func oneOf<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &self)]
    }
}
