// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Synchronization
import Testing

@testable import SyncClient

/// Pushes that the server will not take for reasons that lie in no operation, and what goes on all
/// the same.
@Suite struct PushRefusalTests {
    private static let forbidden = SyncError(
        .server(.authorizationFailed), "read only", status: 403)

    /// A server that refuses every push with `error`.
    private func makeServer(
        _ world: RuleWorld, refusing error: SyncError = forbidden
    ) -> ScriptedServer {
        ScriptedServer(world.server) { _ throws(SyncError) in throw error }
    }

    @Test(
        "a device that may not write goes on pulling",
        arguments: [(403, SyncErrorCode.authorizationFailed), (426, .versionMismatch)])
    func aDeviceThatMayNotWriteGoesOnPulling(_ status: Int, _ code: SyncErrorCode) throws {
        let world = try RuleWorld()
        let error = SyncError(.server(code), "no", status: status)
        let server = makeServer(world, refusing: error)
        try world.device.put([1], "x")
        for number in 2...4 {
            try world.otherPuts([UInt64(number)], "e\(number)")
            try world.device.sync(server)
            if number == 3 { try world.device.reopen() }

            #expect(world.device.lastFailure == error)
            #expect(world.device.contents["e\(number)"] == [UInt64(number)])
        }
        try world.device.sync(world.server)

        #expect(world.serverContents["x"] == [1])
        #expect(world.server.history.count { $0.entityID == "x" } == 1)
        #expect(world.server.history.last?.operationID == 1)
    }

    @Test func whatItPullsMeetsTheEditUnderANewNumber() throws {
        let world = try RuleWorld(.keepLocal)
        try world.device.put([1], "x")
        try world.device.sync(makeServer(world))
        try world.otherPuts([2], "x")
        try world.device.sync(makeServer(world))

        #expect(world.resolver.conflicts.count == 1)
        #expect(world.device.queued.map(\.base) == [1])
        #expect(world.device.queued[0].operationID > 1)
    }

    @Test func whatMayBeThereFromBeforeIsSettledFirst() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        try world.otherPuts([2], "y")
        let pulls = world.server.pulls.count
        try world.device.sync(makeServer(world))

        #expect(world.server.pulls.count == pulls)
        #expect(world.device.queued.map(\.operationID) == [1])
    }

    /// A proxy does not know what the server behind it has done.
    @Test func aRefusalWithoutAMessageSaysNothing() throws {
        let world = try RuleWorld()
        var error = Self.forbidden
        error.lacksMessage = true
        try world.device.put([1], "x")
        try world.device.sync(makeServer(world, refusing: error))
        let pulls = world.server.pulls.count
        try world.device.sync(makeServer(world, refusing: error))

        #expect(world.server.pulls.count == pulls)
    }

    @Test func aRefusedNumberStaysSent() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.sync(makeServer(world))

        #expect(world.device.replica.queue.state.sentThrough == 1)
        #expect(world.device.replica.queue.state.unansweredThrough == 0)
        try world.device.reopen()
        #expect(world.device.replica.queue.state.unansweredThrough == 0)
        _ = try world.device.replica.makePushRequest()
        #expect(world.device.replica.queue.state.unansweredThrough == 1)
    }

    @Test func aServerThatReportsTheSameConflictForEverIsLeftAlone() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1])])
        try world.device.put([1, 2], "x")
        let server = ScriptedServer(world.server) { request in
            PushResponse(
                acknowledgedUpTo: 0,
                conflicts: request.operations.map {
                    Conflict(
                        clientOperation: $0,
                        serverState: ServerState(
                            entityVersion: 1, entityCBOR: Tokens.encode([1]), isDeleted: false,
                            cursor: 1, deviceID: "o"))
                }, serverCursor: 1, accepted: [])
        }
        try world.device.sync(server)

        #expect(world.device.lastFailure?.code == .noProgress)
        #expect(server.pushes.count == 16)
        try world.device.sync(world.server)
        #expect(world.serverContents == ["x": [1, 2]])
    }

    @Test func aServerThatTakesOneEditAtATimeMakesProgress() throws {
        let world = try RuleWorld()
        for number in 0..<40 { try world.device.put([1], "e\(number)") }
        world.server.limits.maxPushOperations = 40
        let server = ScriptedServer(world.server) { request throws(SyncError) in
            guard request.operations.count > 1 else { return nil }
            throw SyncError(.server(.invalidRequest), "too many", status: 413)
        }
        try world.device.sync(server)

        #expect(world.server.history.count == 40)
    }

    @Test func anAnswerThatIsTooLargeHalvesThePushAndForgetsNothing() throws {
        let world = try RuleWorld()
        for number in 1...4 { try world.device.put([UInt64(number)], "e\(number)") }
        let server = ScriptedServer(world.server) { request throws(SyncError) in
            guard request.operations.count > 1 else { return nil }
            _ = try world.server.push(request)
            throw SyncError(.answerTooLarge, "too large")
        }
        try world.device.sync(server)

        #expect(server.pushes.map(\.operations.count).prefix(3) == [4, 2, 1])
        #expect(world.server.history.map(\.operationID) == [1, 2, 3, 4])
        #expect(world.device.queued.isEmpty)
        #expect(try world.device.quarantined().isEmpty)
    }

    @Test func anAnswerThatIsTooLargeToASingleEditIsTold() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        let error = SyncError(.answerTooLarge, "too large")
        try world.device.sync(makeServer(world, refusing: error))

        #expect(world.device.lastFailure == error)
        #expect(try world.device.quarantined().isEmpty)
        #expect(world.device.queued.count == 1)
    }

    @Test(
        "pages are asked for that fit what the transport takes",
        arguments: [
            (130 << 20, 16 << 20, (114 << 20) - (64 << 10)), (64 << 20, 64 << 20, 1),
        ] as [(UInt64, UInt64, UInt64)])
    func pagesFitWhatTheTransportTakes(
        _ answer: UInt64, _ body: UInt64, _ page: UInt64
    ) throws {
        var configuration = SyncConfiguration(databaseID: "db", deviceID: "d")
        configuration.answerBytesMax = answer
        let store = try DiskEntityStore(directory: "/device", disk: SimulatedDisk())
        let replica = try Replica(
            store: SyncedEntityStore(store), directory: "/device", disk: store.disk,
            configuration: configuration, resolver: .serverWins,
            environment: .deterministic(seed: 1))
        let server = ModelServer(logID: .numbered(1))
        server.limits.maxBodyBytes = body
        server.limits.maxPageBytes = 1 << 40
        try replica.settle(try server.handshake(replica.makeHandshakeRequest()))

        #expect(replica.makePullRequest().maxBytes == page)
        // Where the server's pages are no larger, nothing is said of them.
        server.limits.maxPageBytes = page
        try replica.settle(try server.handshake(replica.makeHandshakeRequest()))
        #expect(replica.makePullRequest().maxBytes == nil)
    }
}

/// Stamps that are too far ahead of the server's clock (section 7.4).
@Suite struct ClockSkewTests {
    /// A wall clock that a test sets.
    private final class Wall: Sendable {
        let milliseconds: Mutex<UInt64>
        init(_ milliseconds: UInt64) { self.milliseconds = Mutex(milliseconds) }
    }

    /// A server whose clock says 1 000 000, and which takes stamps up to a minute later.
    private func makeServer(_ server: ModelServer) -> ScriptedServer {
        ScriptedServer(server) { request in
            let early = request.operations.filter {
                ($0.hybridTimestamp?.milliseconds ?? 0) > 1_060_000
            }
            guard !early.isEmpty else { return nil }
            return PushResponse(
                acknowledgedUpTo: 0, serverCursor: Cursor(server.head), accepted: [],
                rejected: request.operations.map {
                    Rejection(operationID: $0.operationID, code: .clockSkew, message: "")
                })
        }
    }

    private func makeDevice(_ wall: Wall) throws -> ModelDevice {
        try ModelDevice(
            "d",
            environment: SyncEnvironment(
                wallMilliseconds: { wall.milliseconds.withLock { $0 } }, random: { 0 }))
    }

    @Test func editsAreStampedAnewByTheServersClockAndInTheirOrder() throws {
        let device = try makeDevice(Wall(9_000_000))
        let server = ModelServer(logID: .numbered(1))
        for number in 1...3 { try device.put([UInt64(number)], "e\(number)") }
        try device.sync(makeServer(server))

        let first = HybridTimestamp.first(atMilliseconds: 1_000_000).rawValue
        #expect(server.history.map(\.hybridTimestamp?.rawValue) == [first, first + 1, first + 2])
        #expect(server.history.map(\.operationID) == [4, 5, 6])
        #expect(try device.quarantined().isEmpty)
    }

    @Test func theDeviceShakesHandsForThePresentTime() throws {
        let device = try makeDevice(Wall(9_000_000))
        let server = ModelServer(logID: .numbered(1))
        try device.put([1], "x")
        try device.syncToPush(server)
        _ = try device.step(makeServer(server))

        #expect(device.replica.outlook.needsHandshake)
        #expect(device.queued.map(\.hybridTimestamp?.milliseconds) == [9_000_000])
    }

    @Test func theKeptStampGoesBackAndIsKeptBack() throws {
        let wall = Wall(9_000_000)
        let device = try makeDevice(wall)
        let server = ModelServer(logID: .numbered(1))
        let scripted = makeServer(server)
        try device.put([1], "x")
        try device.sync(scripted)
        wall.milliseconds.withLock { $0 = 1_000_000 }
        try device.reopen()
        let pushes = scripted.pushes.count
        try device.put([1, 2], "x")
        try device.sync(scripted)

        #expect(scripted.pushes.count == pushes + 1)
        #expect(server.history.last?.hybridTimestamp?.milliseconds == 1_000_000)
    }

    @Test func aServerThatTakesNoStampAtAllIsLeftAlone() throws {
        let device = try makeDevice(Wall(1_000_000))
        let server = ScriptedServer(ModelServer(logID: .numbered(1))) { request in
            PushResponse(
                acknowledgedUpTo: 0, serverCursor: 0, accepted: [],
                rejected: request.operations.map {
                    Rejection(operationID: $0.operationID, code: .clockSkew, message: "")
                })
        }
        try device.put([1], "x")
        try device.sync(server)

        #expect(device.lastFailure?.code == .noProgress)
    }
}
