// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// One cycle of the engine, over encoded messages.
@Suite(.timeLimit(.minutes(10))) struct SyncEngineTests {
    private func states(
        of stream: AsyncStream<SyncState>
    ) async -> [SyncState] {
        var states: [SyncState] = []
        for await state in stream {
            states.append(state)
            switch state {
            case .synced, .error: return states
            case .idle, .connecting, .pulling, .pushing: continue
            }
        }
        return states
    }

    @Test func tellsItsStatesInOrder() async throws {
        let world = try EngineWorld()
        try world.put([1], "x")
        let stream = world.engine.states
        let report = try await world.engine.sync()

        #expect(
            await states(of: stream) == [.idle, .connecting, .pulling, .pushing, .synced(report)])
        #expect(world.engine.state == .synced(report))
    }

    @Test func reportsWhatACycleDid() async throws {
        let world = try EngineWorld()
        try await world.server.otherPuts([1], "x")
        try world.put([2], "y")
        try world.put([3], "z")
        let report = try await world.engine.sync()

        #expect(report.counts.pulled == 1)
        #expect(report.counts.pushed == 2)
        #expect(report.retries == 0)
        #expect(report.cursor == 3)
        #expect(world.tokens("x") == [1])
        #expect(await world.server.contents == ["x": [1], "y": [2], "z": [3]])
        let next = try await world.engine.sync()
        #expect(next.counts == SyncReport.Counts())
    }

    @Test func countsWhatWaits() async throws {
        let world = try EngineWorld()
        try world.put([1], "x")
        try world.put([2], "x")

        #expect(try await world.engine.pendingCount() == 2)
        try await world.engine.sync()
        #expect(try await world.engine.pendingCount() == 0)
    }

    @Test func joinsACycleThatIsUnderWay() async throws {
        let world = try EngineWorld()
        await world.server.plan([.hangs], for: "/v1/handshake")
        try world.put([1], "x")
        let first = Task { try await world.engine.sync() }
        await world.server.clock.waitForSleepers(1)
        let second = Task { try await world.engine.sync() }
        for _ in 0..<300 {
            _ = try await world.engine.pendingCount()
            await Task.yield()
        }
        world.server.clock.wakeAll()

        #expect(try await first.value == second.value)
        #expect(await world.server.requests == ["/v1/handshake", "/v1/pull", "/v1/push"])
    }

    @Test func endsTheWaitOfAJoinedTaskThatIsCancelledAndNothingElse() async throws {
        let world = try EngineWorld()
        await world.server.plan([.hangs], for: "/v1/handshake")
        let first = Task { try await world.engine.sync() }
        await world.server.clock.waitForSleepers(1)
        let second = Task { try await world.engine.sync() }
        second.cancel()

        let error = await #expect(throws: SyncError.self) { try await second.value }
        #expect(error?.code == .cancelled)
        world.server.clock.wakeAll()
        _ = try await first.value
    }

    @Test func goesOnForAJoinedTaskIfTheFirstIsCancelled() async throws {
        let world = try EngineWorld()
        await world.server.plan([.hangs], for: "/v1/handshake")
        try world.put([1], "x")
        let first = Task { try await world.engine.sync() }
        await world.server.clock.waitForSleepers(1)
        let second = Task { try await world.engine.sync() }
        for _ in 0..<300 {
            _ = try await world.engine.pendingCount()
            await Task.yield()
        }
        first.cancel()

        #expect(try await second.value.counts.pushed == 1)
        await #expect(throws: SyncError.self) { try await first.value }
    }

    @Test(
        "honours cancellation while a request hangs, and loses nothing",
        arguments: ["/v1/handshake", "/v1/pull", "/v1/push"],
        [LiveServer.Fault.hangs, .answerHangs])
    func honoursCancellationWhileARequestHangs(
        _ path: String, _ fault: LiveServer.Fault
    ) async throws {
        let world = try EngineWorld()
        await world.server.plan([fault], for: path)
        try world.put([1], "x")
        let task = Task { try await world.engine.sync() }
        await world.server.clock.waitForSleepers(1)
        task.cancel()

        let error = await #expect(throws: SyncError.self) { try await task.value }

        #expect(error?.code == .cancelled)
        #expect(world.engine.state == .error(.cancelled))
        try world.put([1, 2], "x")
        try await world.engine.sync()
        #expect(await world.server.contents == ["x": [1, 2]])
        #expect(await world.server.acceptedCount == 2)
    }

    @Test func endsAWaitForTheNextAttemptWhenCancelled() async throws {
        let world = try EngineWorld()
        await world.server.plan(
            [.answer(MessageAnswer(status: 503, body: []))], for: "/v1/handshake")
        let task = Task { try await world.engine.sync() }
        await world.clock.waitForSleepers(1)
        task.cancel()

        let error = await #expect(throws: SyncError.self) { try await task.value }
        #expect(error?.code == .cancelled)
    }

    // MARK: Configuration, conflicts, quarantine

    @Test(
        "refuses a configuration that cannot work",
        arguments: [("", "d", 1), ("a/b", "d", 1), ("db", "~server", 1), ("db", "d", 0)]
            as [(DatabaseID, DeviceID, UInt64)])
    func refusesAConfigurationThatCannotWork(
        _ database: DatabaseID, _ device: DeviceID, _ limit: UInt64
    ) throws {
        let error = #expect(throws: SyncError.self) {
            _ = try EngineWorld { configuration in
                configuration.databaseID = database
                configuration.deviceID = device
                configuration.pullLimit = limit
            }
        }

        #expect(error?.code == .configuration)
    }

    @Test func makesANameOfItsOwnAndKeepsIt() async throws {
        let disk = SimulatedDisk()
        let first = try EngineWorld(on: disk, deviceID: nil)
        let name = await first.engine.deviceID
        first.store.close()
        let second = try EngineWorld(on: disk, deviceID: "another")

        #expect(name.isValid)
        #expect(await second.engine.deviceID == name)
    }

    @Test func showsAndDismissesConflicts() async throws {
        let world = try EngineWorld()
        try await world.server.otherPuts([1], "x")
        try world.put([2], "x")
        #expect(try await world.engine.sync().counts.conflicts == 1)

        let record = try #require(try await world.engine.conflicts().first)
        #expect(record.lostContent.map(Tokens.decode) == [2])
        try await world.engine.dismissConflict(record.id)
        #expect(try await world.engine.conflicts().isEmpty)
    }

    @Test func showsRetriesAndDiscardsQuarantinedOperations() async throws {
        let world = try EngineWorld()
        await world.server.setEntityLimit(2)
        try world.put([1, 2, 3], "x")
        try world.put([4, 5, 6], "y")
        #expect(try await world.engine.sync().counts.quarantined == 2)

        let entries = try await world.engine.quarantinedOperations()
        #expect(entries.map(\.operation.entityID) == ["x", "y"])
        await world.server.setEntityLimit(100)
        try await world.engine.retryQuarantined(entries[0].id)
        try await world.engine.discardQuarantined(entries[1].id)
        try await world.engine.sync()
        #expect(await world.server.contents == ["x": [1, 2, 3]])
        #expect(try await world.engine.quarantinedOperations().isEmpty)
    }
}
