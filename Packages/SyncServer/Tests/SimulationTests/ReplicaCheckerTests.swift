// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import SyncTestSupport
import Testing

@testable import Simulation

/// The judge of devices is not fooled. Each device here is a real one, in a world where nothing
/// fails; the lies are told to the judge.
@Suite struct ReplicaCheckerTests {
    private typealias Rule = SimulationFailure.Rule
    private let key = EntityKey("notes", "a")

    /// A calm world with a server and two devices that have synced a few edits.
    private func world() throws -> World {
        let calm = try #require((0..<1_000).first { Scenario(seed: $0).conditions.isEmpty })
        let world = World(Scenario(seed: calm, devicesMax: 2), trace: Trace())
        try world.server.start()
        var workload = Workload(
            conditions: [], generator: world.scenario.stream(.workload))
        for index in 0..<2 {
            let device = DeviceHost(world: world, index: index)
            world.devices.append(device)
            try device.start()
        }
        for _ in 0..<6 {
            for device in world.devices {
                try device.edit(&workload)
                device.begin()
                try world.run(until: world.clock.now + 60_000_000_000)
            }
        }
        return world
    }

    private func device() throws -> (DeviceHost, World) {
        let world = try world()
        let device = world.devices[0]
        try device.check()
        return (device, world)
    }

    @Test func aCommitThatIsGoneAfterOpeningIsSeen() throws {
        let (device, world) = try device()
        defer { world.end() }
        let store = try #require(device.store)

        device.checker.committed([(key, EntityContent(tokens: [99]).encoded)])

        #expect(
            broken { try device.checker.check(opened: store) } == Rule.storeKeepsCommits.rawValue)
    }

    @Test func aCommitThatFailedMayBeThereOrNot() throws {
        let (device, world) = try device()
        defer { world.end() }
        let store = try #require(device.store)

        device.checker.committed([(key, EntityContent(tokens: [99]).encoded)])
        device.checker.commitFailed([(key, EntityContent(tokens: [99]).encoded)])

        #expect(broken { try device.checker.check(opened: store) } == nil)
    }

    @Test func aCommitThatIsNotCapturedIsSeen() throws {
        let (device, world) = try device()
        defer { world.end() }
        let found = try #require(try device.cycle?.inspect())

        device.checker.committed([(key, EntityContent(tokens: [99]).encoded)])

        #expect(
            broken { try device.checker.captured(before: found, after: found) }
                == Rule.capturedInOrder.rawValue)
    }

    @Test func aContentThatTheServerDoesNotHaveIsSeen() throws {
        let (device, world) = try device()
        defer { world.end() }
        let store = try #require(device.store)
        let entity = try #require(store.rawEntities(in: "notes").first)

        // Nobody tells the judge of this write.
        try store.putRaw([0x80], in: "notes", id: entity.id)

        #expect(broken { try device.check() } == Rule.appliedWithCursor.rawValue)
    }

    @Test func aLogThatIsShorterThanWhatWasPulledIsSeen() throws {
        let (device, world) = try device()
        defer { world.end() }
        let logID = try #require(try device.cycle?.inspect().logID)

        world.server.checker.restore(device.databaseID, logID: logID, log: LogModel.Log())

        #expect(broken { try device.check() } == Rule.appliedWithCursor.rawValue)
    }

    @Test func anOperationThatWasNotPulledIsSeen() throws {
        let (device, world) = try device()
        defer { world.end() }
        try forgeLog(of: device, in: world)

        device.checker.lookAnew()

        #expect(broken { try device.check() } == Rule.appliedWithCursor.rawValue)
    }

    @Test func aDeviceThatHasNotChangedIsBelievedForAWhileOnly() throws {
        let (device, world) = try device()
        defer { world.end() }
        try device.check()
        try forgeLog(of: device, in: world)

        let verdicts = (0..<20).map { _ in broken { try device.check() } }

        #expect(verdicts.first == .some(nil))
        #expect(verdicts.contains(Rule.appliedWithCursor.rawValue))
    }

    /// Puts something else in the place of an operation that the device has pulled.
    private func forgeLog(of device: DeviceHost, in world: World) throws {
        let found = try #require(try device.cycle?.inspect())
        let logID = try #require(found.logID)
        var operations = try #require(world.server.checker.models[device.databaseID])
            .durable.operations
        operations[0].entityID = "elsewhere"
        operations[0].deviceID = "somebody"
        world.server.checker.restore(
            device.databaseID, logID: logID,
            log: LogModel(logID: logID, operations: operations).durable)
    }

    @Test func aCursorThatGoesBackIsSeen() throws {
        let (device, world) = try device()
        defer { world.end() }
        let (cycle, store) = (try #require(device.cycle), try #require(device.store))
        let early = try #require(device.disk.copyTree(at: DeviceHost.directory))
        var workload = Workload(
            conditions: [], generator: world.scenario.stream(.workload, 9))
        try world.devices[1].edit(&workload)
        for _ in 0..<3 {
            for device in world.devices {
                device.begin()
                try world.run(until: world.clock.now + 60_000_000_000)
            }
        }
        #expect(
            broken { try device.checker.check(cycle, store, world.server.checker, "db0") } == nil)

        device.stop(cleanly: true)
        device.disk.replaceTree(at: DeviceHost.directory, with: early)

        #expect(broken { try device.start() } == Rule.cursorsGoUp.rawValue)
    }
}
