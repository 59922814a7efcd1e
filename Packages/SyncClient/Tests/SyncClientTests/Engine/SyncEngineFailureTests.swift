// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol
import Testing

@testable import SyncClient

/// Cycles that meet errors: what is tried again, when, and when the engine gives up.
@Suite(.timeLimit(.minutes(10))) struct SyncEngineFailureTests {
    @Test func sendsTheSameAgainAfterALostAnswer() async throws {
        let world = try EngineWorld()
        await world.server.plan([.answerIsLost], for: "/v1/push")
        try world.put([1], "x")
        let task = Task { try await world.engine.sync() }
        await world.clock.waitForSleepers(1)
        world.clock.advance(by: .milliseconds(500))

        let report = try await task.value
        #expect(report.retries == 1)
        #expect(report.counts.pushed == 1)
        #expect(world.clock.sleeps == [.milliseconds(500)])
        #expect(await world.server.acceptedCount == 1)
        #expect(
            await world.server.requests
                == ["/v1/handshake", "/v1/pull", "/v1/push", "/v1/push"])
    }

    @Test func waitsAsLongAsTheServerAsks() async throws {
        let world = try EngineWorld()
        await world.server.plan(
            [.answer(MessageAnswer(status: 429, body: [], retryAfterSeconds: 70))],
            for: "/v1/pull")
        let task = Task { try await world.engine.sync() }
        await world.clock.waitForSleepers(1)
        world.clock.advance(by: .seconds(69))
        #expect(world.clock.sleeperCount == 1)
        world.clock.advance(by: .seconds(1))

        #expect(try await task.value.retries == 1)
        #expect(world.clock.sleeps == [.seconds(70)])
    }

    @Test func givesUpWithTheErrorAfterThePolicysAttemptsAndWorksLater() async throws {
        let world = try EngineWorld()
        let busy = LiveServer.Fault.answer(MessageAnswer(status: 503, body: []))
        await world.server.plan([busy, busy, busy, busy], for: "/v1/handshake")
        try world.put([1], "x")
        let task = Task { try await world.engine.sync() }
        for _ in 0..<EngineWorld.policy.attemptsMax {
            await world.clock.waitForSleepers(1)
            world.clock.advance(by: .seconds(60))
        }

        let error = await #expect(throws: SyncError.self) { try await task.value }
        #expect(error?.code == .server(.serviceUnavailable))
        #expect(
            world.clock.sleeps == [.milliseconds(500), .milliseconds(1_000), .milliseconds(2_000)])
        #expect(world.engine.state == error.map(SyncState.error))
        try await world.engine.sync()
        #expect(await world.server.contents == ["x": [1]])
    }

    @Test func failsAtOnceWhereTryingAgainMakesNoSense() async throws {
        let world = try EngineWorld()
        await world.server.plan(
            [.answer(MessageAnswer(status: 403, body: []))], for: "/v1/handshake")

        let error = await #expect(throws: SyncError.self) { try await world.engine.sync() }

        #expect(error?.code == .server(.authorizationFailed))
        #expect(world.clock.sleeps.isEmpty)
    }

    @Test func failsAtOnceWithoutAToken() async throws {
        struct NoToken: Error {}
        let transport = HTTPTransport(server: try #require(.init(string: "http://127.0.0.1:1"))) {
            throw NoToken()
        }
        let world = try EngineWorld(transport: transport)

        let error = await #expect(throws: SyncError.self) { try await world.engine.sync() }

        #expect(error?.code == .authentication)
        #expect(world.clock.sleeps.isEmpty)
    }
}
