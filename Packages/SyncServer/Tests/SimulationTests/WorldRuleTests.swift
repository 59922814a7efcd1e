// SPDX-License-Identifier: MIT

@_spi(Simulation) @testable import SyncClient
import SyncProtocol
import SyncTestSupport
import Testing

@testable import Simulation

/// The rules that hosts and story judge by themselves. The worlds are real; what their judges are
/// told of them is not.
@Suite struct WorldRuleTests {
    private typealias Rule = SimulationFailure.Rule

    /// A calm world with a server and a device that has pushed a few edits.
    private func world() throws -> World {
        let calm = try #require((0..<1_000).first { Scenario(seed: $0).conditions.isEmpty })
        let world = World(Scenario(seed: calm, devicesMax: 2), trace: Trace())
        try world.server.start()
        let device = DeviceHost(world: world, index: 0)
        world.devices.append(device)
        try device.start()
        var workload = Workload(conditions: [], generator: world.scenario.stream(.workload))
        for _ in 0..<5 { try device.edit(&workload) }
        device.begin()
        try world.run(until: world.clock.now + 60_000_000_000)
        return world
    }

    /// Tells the server's judge of a log with another entity index than follows from it.
    private func lie(to world: World) throws {
        let model = try #require(world.server.checker.models["db0"])
        var log = model.durable
        log.current[try #require(log.current.keys.min())] = nil
        world.server.checker.restore("db0", logID: model.logID, log: log)
    }

    @Test func indexesThatDoNotFollowFromTheLogAreSeen() throws {
        let world = try world()
        defer { world.end() }
        #expect(broken { try world.server.verifyRunning() } == nil)

        try lie(to: world)

        #expect(broken { try world.server.verifyRunning() } == Rule.logReplays.rawValue)
    }

    @Test func acceptedNumbersThatDoNotFollowFromTheLogAreSeen() throws {
        let world = try world()
        defer { world.end() }
        let model = try #require(world.server.checker.models["db0"])
        var log = model.durable
        log.accepted["somebody"] = [1: 0]

        world.server.checker.restore("db0", logID: model.logID, log: log)

        #expect(broken { try world.server.verifyRunning() } == Rule.logReplays.rawValue)
    }

    @Test func aServerThatOpensDamagedFilesAndHasSomethingElseIsSeen() throws {
        let world = try world()
        defer { world.end() }
        world.server.stop(cleanly: true)
        #expect(try world.server.reportsDamage("nothing") == false)
        world.server.disk.killProcesses()

        try lie(to: world)

        #expect(
            broken { _ = try world.server.reportsDamage("a bit") } == Rule.damageIsFound.rawValue)
    }

    @Test func aDeviceThatOpensDamagedFilesAndHasSomethingElseIsSeen() throws {
        var found: Set<String?> = []
        for seed in 0..<40 as Range<UInt64> {
            let world = try world()
            defer { world.end() }
            let device = world.devices[0]
            device.checker.committed([(EntityKey("notes", "nowhere"), [0x80])])
            device.generator = SeededGenerator(seed: seed)
            found.insert(broken { _ = try device.flipBit() })
        }
        // Where the damage is reported, the lie is seen when the app starts again.
        #expect(found.contains(Rule.capturedInOrder.rawValue))
        #expect(found.isSubset(of: [Rule.damageIsFound.rawValue, Rule.capturedInOrder.rawValue]))
    }

    @Test func aDeviceThatCannotSyncDoesNotComeToRest() throws {
        let world = try world()
        defer { world.end() }
        let story = Story(world)
        #expect(broken { try story.comeToRest() } == nil)

        world.server.stop(cleanly: true)

        #expect(broken { try story.comeToRest() } == Rule.converges.rawValue)
    }

    @Test(arguments: [
        (Condition.serverRestores, "the server's files are put back from the copy"),
        (.deviceCrashes, "loses power"), (.serverCrashes, "the server loses power"),
    ])
    func onlyFaultsThatCameToPassCount(condition: Condition, line: String) {
        let others = Set(Condition.allCases).subtracting([condition])
        let seeds = (0..<200).lazy.filter { Scenario(seed: $0).conditions.contains(condition) }
        for seed in seeds.prefix(6) {
            var came = 0
            let counts = Simulator.run(Scenario(seed: seed, steps: 120, without: others)) { text in
                if text.hasSuffix(line) { came += 1 }
            }.counts

            #expect(counts.faults == (came == 0 ? [:] : [condition: came]))
        }
    }
}
