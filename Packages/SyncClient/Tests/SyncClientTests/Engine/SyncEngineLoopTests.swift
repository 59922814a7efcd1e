// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// An engine that goes on syncing.
@Suite(.timeLimit(.minutes(10))) struct SyncEngineLoopTests {
    /// Starts the engine and returns once it has synced and waits for news, on both sides.
    private func start(_ world: EngineWorld) async {
        let states = world.engine.states
        await world.engine.start()
        _ = await states.nextSynced()
        await world.clock.waitForSleepers(1)
        await world.server.clock.waitForSleepers(1)
    }

    @Test func pushesSoonAfterTheAppWrites() async throws {
        let world = try EngineWorld()
        await start(world)
        let states = world.engine.states
        try world.put([1], "x")
        world.clock.advance(by: .milliseconds(100))

        #expect(await states.nextSynced()?.counts.pushed == 1)
        #expect(await world.server.contents == ["x": [1]])
        await world.engine.stop()
    }

    @Test func appliesWhatOthersPush() async throws {
        let world = try EngineWorld()
        await start(world)
        let states = world.engine.states
        try await world.server.otherPuts([1], "x")
        _ = await states.nextSynced()

        #expect(world.tokens("x") == [1])
        await world.engine.stop()
    }

    @Test func waitsAtTheServerAsLongAsItIsTold() async throws {
        let world = try EngineWorld { $0.waitForOthers = .seconds(90) }
        await start(world)

        #expect(world.server.clock.sleeps == [.seconds(30)])
        await world.engine.stop()
    }

    @Test func looksForWritesLessAndLessOften() async throws {
        let world = try EngineWorld { configuration in
            configuration.pollInterval = .milliseconds(100)
            configuration.idlePollInterval = .milliseconds(150)
        }
        await start(world)
        for _ in 0..<3 {
            world.clock.advance(by: .milliseconds(150))
            await world.clock.waitForSleepers(1)
        }

        let sleeps = world.clock.sleeps
        #expect(sleeps == [100, 125, 150, 150].map { .milliseconds($0) })
        await world.engine.stop()
    }

    @Test func asksAtIntervalsWhereTheServerCannotWait() async throws {
        let world = try EngineWorld { configuration in
            configuration.waitForOthers = .zero
            configuration.idlePullInterval = .seconds(5)
            configuration.pollInterval = .seconds(60)
            configuration.idlePollInterval = .seconds(60)
        }
        let states = world.engine.states
        await world.engine.start()
        _ = await states.nextSynced()
        await world.clock.waitForSleepers(2)
        let next = world.engine.states
        try await world.server.otherPuts([1], "x")
        world.clock.advance(by: .seconds(5))
        _ = await next.nextSynced()

        #expect(world.tokens("x") == [1])
        #expect(world.server.clock.sleeps.isEmpty)
        await world.engine.stop()
    }

    @Test func asksAtIntervalsWhereTheServerIsOlder() async throws {
        let world = try EngineWorld()
        await world.server.becomeOlder()
        let states = world.engine.states
        await world.engine.start()
        _ = await states.nextSynced()
        await world.clock.waitForSleepers(2)

        #expect(Set(world.clock.sleeps) == [.milliseconds(100), .seconds(5)])
        await world.engine.stop()
    }

    @Test func endsWhenItIsStopped() async throws {
        let world = try EngineWorld()
        await start(world)
        await world.engine.stop()

        #expect(world.clock.sleeperCount == 0)
        #expect(world.server.clock.sleeperCount == 0)
        let requests = await world.server.requests.count
        try world.put([1], "x")
        world.clock.advance(by: .seconds(600))
        #expect(await world.server.requests.count == requests)
    }

    @Test(arguments: ["/v1/handshake", "/v1/pull", "/v1/push"])
    func endsWhenItIsStoppedWhileARequestHangs(_ path: String) async throws {
        let world = try EngineWorld()
        await world.server.plan([.hangs], for: path)
        try world.put([1], "x")
        await world.engine.start()
        await world.server.clock.waitForSleepers(1)
        await world.engine.stop()

        #expect(world.server.clock.sleeperCount == 0)
        try await world.engine.sync()
        #expect(await world.server.acceptedCount == 1)
    }

    @Test func canBeStartedAgain() async throws {
        let world = try EngineWorld()
        await start(world)
        await world.engine.start()
        await world.engine.stop()
        await start(world)

        #expect(world.clock.sleeperCount == 1)
        await world.engine.stop()
    }

    @Test func waitsAfterAFailureAndGoesOn() async throws {
        let world = try EngineWorld()
        let refusal = LiveServer.Fault.answer(
            MessageAnswer(status: 403, body: [], retryAfterSeconds: 20))
        await world.server.plan([refusal], for: "/v1/handshake")
        try world.put([1], "x")
        let states = world.engine.states
        await world.engine.start()
        await world.clock.waitForSleepers(1)
        #expect(world.clock.sleeps == [.seconds(20)])
        world.clock.advance(by: .seconds(20))
        _ = await states.nextSynced()

        #expect(await world.server.contents == ["x": [1]])
        await world.engine.stop()
    }

    @Test func goesOnAfterTheAppsOwnSync() async throws {
        let world = try EngineWorld()
        await start(world)
        try world.put([1], "x")
        #expect(try await world.engine.sync().counts.pushed == 1)
        let states = world.engine.states
        try world.put([2], "y")
        world.clock.advance(by: .seconds(1))

        #expect(await states.nextSynced()?.counts.pushed == 1)
        #expect(await world.server.acceptedCount == 2)
        await world.engine.stop()
    }

    @Test func goesOnAfterTheAppsOwnSyncIsCancelled() async throws {
        let world = try EngineWorld()
        await start(world)
        await world.server.plan([.hangs], for: "/v1/push")
        try world.put([1], "x")
        let task = Task { try await world.engine.sync() }
        // The waiting pull and the hanging push.
        await world.server.clock.waitForSleepers(2)
        task.cancel()
        await #expect(throws: SyncError.self) { try await task.value }
        let states = world.engine.states
        try world.put([2], "y")
        world.clock.advance(by: .seconds(1))
        _ = await states.nextSynced()

        #expect(await world.server.contents == ["x": [1], "y": [2]])
        await world.engine.stop()
    }

    @Test func appliesNothingThatAWaitingPullBringsDuringAPush() async throws {
        let world = try EngineWorld()
        try world.put([1], "x")
        await start(world)
        await world.server.plan([.answerHangs], for: "/v1/push")
        try world.put([1, 2], "x")
        let task = Task { try await world.engine.sync() }
        await world.server.clock.waitForSleepers(2)
        // Wakes the pull and the push together; either may be first.
        try await world.server.otherPuts([3], "z")
        _ = try await task.value
        try await world.engine.sync()

        #expect(world.tokens("x") == [1, 2])
        #expect(world.tokens("z") == [3])
        #expect(await world.server.acceptedCount == 3)
        #expect(try await world.engine.conflicts().isEmpty)
        await world.engine.stop()
    }
}
