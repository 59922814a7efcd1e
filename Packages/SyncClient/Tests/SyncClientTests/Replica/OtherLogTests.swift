// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// The server's log is another one: what the device knew of revisions is void.
@Suite struct OtherLogTests {
    /// The server starts a new log, in which a fresh device has made `entities`.
    private func replaceLog(
        of world: RuleWorld, with entities: [(id: String, tokens: [UInt64])],
        oldest: Cursor = 0
    ) throws {
        let log = ModelServer(logID: .numbered(2))
        let author = try ModelDevice("author", environment: world.environment)
        for (id, tokens) in entities { try author.put(tokens, id) }
        try author.sync(log)
        log.oldest = oldest
        world.server.restore(log, as: log.logID)
    }

    @Test func takesTheNewBaseSilentlyWhereTheContentIsEqual() throws {
        let world = try RuleWorld()
        try world.share([("x", [1]), ("y", [2])])
        try replaceLog(of: world, with: [("y", [2]), ("x", [1])])
        try world.device.sync(world.server)

        #expect(try world.device.conflicts().isEmpty)
        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.device.queued.isEmpty)
        #expect(try world.device.base("x")?.cursor == 2)
        #expect(world.server.head == 2)
    }

    @Test func takesTheNewBaseSilentlyInALogWithOlderRevisions() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.otherPuts([1, 2], "x")
        try world.device.sync(world.server)
        world.server.restore(world.server.backup(), as: .numbered(2))
        try world.device.sync(world.server)

        #expect(try world.device.conflicts().isEmpty)
        #expect(world.device.contents == ["x": [1, 2]])
        #expect(world.server.head == 2)
    }

    @Test(
        "lets the resolver decide where the content differs",
        arguments: [
            (ConflictResolution.keepRemote, [7], [1]), (.keepLocal, [1], [7]),
            (.merge(Tokens.encode([1, 7])), [1, 7], nil),
        ] as [(ConflictResolution, [UInt64], [UInt64]?)])
    func letsTheResolverDecideWhereTheContentDiffers(
        _ resolution: ConflictResolution, _ stands: [UInt64], _ lost: [UInt64]?
    ) throws {
        let world = try RuleWorld(resolution)
        try world.share([("x", [1])])
        try replaceLog(of: world, with: [("x", [7])])
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.local.map(Tokens.decode) } == [[1]])
        #expect(world.resolver.conflicts.map { $0.remote.map(Tokens.decode) } == [[7]])
        #expect(try world.device.conflicts().map { $0.lostContent.map(Tokens.decode) } == [lost])
        #expect(world.serverContents == ["x": stands])
        #expect(world.device.contents == ["x": stands])
    }

    /// Whoever made it: a server that was put back must not win over what is newer than its backup.
    @Test(arguments: [true, false])
    func tellsTheResolverWhenTheContentWasMade(byTheDevice: Bool) throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1])])
        let backup = world.server.backup()
        if byTheDevice { try world.device.put([1, 2], "x") } else { try world.otherPuts([2], "x") }
        try world.device.sync(world.server)
        let stamps = world.server.history.map(\.hybridTimestamp)
        world.server.restore(backup, as: .numbered(2))
        try world.device.sync(world.server)

        let conflict = try #require(world.resolver.conflicts.last)
        #expect([conflict.remoteTimestamp, conflict.localTimestamp] == stamps)
        #expect(LastWriteWinsResolver().resolve(conflict) == .keepLocal)
    }

    /// Or the device that had not heard of the delete would bring the entity back in silence.
    @Test func aDeleteThatTheNewLogLacksIsPushedAgain() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.device.delete("x")
        try world.device.sync(world.server)
        world.server.restore(ModelServer(logID: .numbered(2)), as: .numbered(2))

        try world.device.sync(world.server)
        try world.other.sync(world.server)
        try world.device.sync(world.server)

        #expect(world.server.history.map(\.kind) == [.delete])
        #expect(world.serverContents.isEmpty)
        #expect(world.device.contents.isEmpty)
        #expect(world.other.contents.isEmpty)
        #expect(try world.other.conflicts().map { $0.lostContent.map(Tokens.decode) } == [[1]])
    }

    @Test func aDeleteThatTheNewLogMayHaveForgottenIsNot() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.device.delete("x")
        try world.device.sync(world.server)
        try replaceLog(of: world, with: [("y", [2])], oldest: 9)

        try world.device.sync(world.server)

        #expect(world.server.history.map(\.kind) == [.upsert])
        #expect(world.device.queued.isEmpty)
        #expect(try world.device.base("x") == nil)
    }

    @Test(
        "lets the resolver decide where a delete is gone with the log",
        arguments: [(ConflictResolution.keepRemote, [1], 1), (.keepLocal, nil, 0)]
            as [(ConflictResolution, [UInt64]?, Int)])
    func letsTheResolverDecideWhereADeleteIsGoneWithTheLog(
        _ resolution: ConflictResolution, _ stands: [UInt64]?, _ lostDeletes: Int
    ) throws {
        let world = try RuleWorld(resolution)
        try world.share([("x", [1])])
        let backup = world.server.backup()
        try world.device.delete("x")
        try world.device.sync(world.server)
        world.server.restore(backup, as: .numbered(2))
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map(\.local) == [nil])
        #expect(
            try world.device.conflicts().filter { $0.lostContent == nil }.count == lostDeletes)
        #expect(world.serverContents["x"] == stands)
        #expect(world.device.contents["x"] == stands)
    }

    @Test func leavesAnEditThatMayStillComeBackAsItWasSent() throws {
        let world = try RuleWorld(.merge(Tokens.encode([1, 2, 3])))
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        try world.device.put([1, 2], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        world.server.restore(world.server.backup(), as: .numbered(2))
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.server.head == 2)
        #expect(world.device.queued.isEmpty)
        #expect(world.device.contents == ["x": [1, 2]])
    }

    @Test func asksTheResolverAboutAnEditOnceItsOwnPushIsAnswered() throws {
        let world = try RuleWorld(.merge(Tokens.encode([1, 2, 7])))
        try world.share([("x", [1])])
        try world.device.put([1, 2], "x")
        try replaceLog(of: world, with: [("x", [7])])
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.local.map(Tokens.decode) } == [[1, 2]])
        #expect(world.resolver.conflicts.map { $0.remote.map(Tokens.decode) } == [[7]])
        #expect(world.serverContents == ["x": [1, 2, 7]])
    }

    @Test func pushesAnEntityThatTheNewLogLacksOnBaseZero() throws {
        let world = try RuleWorld()
        try world.share([("x", [1]), ("y", [2])])
        try replaceLog(of: world, with: [("x", [1])])
        try world.device.sync(world.server)

        #expect(world.server.pushes.last?.operations.map(\.entityID) == ["y"])
        #expect(world.server.pushes.last?.operations.map(\.base) == [0])
        #expect(world.serverContents == ["x": [1], "y": [2]])
        #expect(try world.device.conflicts().isEmpty)
    }

    @Test func dropsAnEntityThatMayHaveBeenDeletedAndKeepsItInTheConflictLog() throws {
        let world = try RuleWorld()
        try world.share([("x", [1]), ("y", [2])])
        try replaceLog(of: world, with: [("z", [3]), ("w", [4])], oldest: 1)
        try world.device.sync(world.server)

        #expect(world.device.contents == ["w": [4], "y": [2], "z": [3]])
        #expect(try world.device.conflicts().map(\.conflict.key.entityID) == ["x"])
        #expect(try world.device.conflicts().map { $0.lostContent.map(Tokens.decode) } == [[1]])
    }

    @Test func putsUnsentEditsOnBaseZero() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1]), ("y", [2])])
        try world.device.put([1, 3], "x")
        try replaceLog(of: world, with: [("y", [2])])
        try world.device.sync(world.server)

        #expect(world.server.pushes.last?.operations.map(\.base) == [0])
        #expect(world.serverContents == ["x": [1, 3], "y": [2]])
    }

    @Test func putsEditsOnBaseZeroThatAreMadeBeforeTheNewLogIsPulled() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try replaceLog(of: world, with: [("y", [2])])
        _ = try world.device.step(world.server)
        #expect(world.device.replica.state.resync == .otherLog)
        try world.device.put([1, 3], "x")
        try world.device.replica.capture()

        #expect(world.device.queued.map(\.base) == [0])
    }

    @Test func letsTheResolverSeeUnsentEdits() throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("x", [1])])
        try world.device.put([1, 3], "x")
        try replaceLog(of: world, with: [("x", [7])])
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.local.map(Tokens.decode) } == [[1, 3]])
        #expect(world.device.contents == ["x": [7]])
    }

    @Test func countsAnOwnOperationThatComesBackAsAcknowledged() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        try world.device.put([1, 2], "x")
        world.server.restore(world.server.backup(), as: .numbered(2))
        try world.device.sync(world.server)

        #expect(world.server.history.map { Tokens.decode($0.entityCBOR ?? []) } == [[1], [1, 2]])
        #expect(world.server.history[1].base == 1)
        #expect(world.resolver.conflicts.isEmpty)
    }

    @Test func sendsWhatDoesNotComeBackUnderANewNumber() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        try replaceLog(of: world, with: [("y", [2])])
        try world.device.sync(world.server)

        let own = world.server.history.filter { $0.deviceID == "d" }
        #expect(own.map(\.operationID) == [2])
        #expect(own.map(\.base) == [0])
    }

    @Test func resyncsWhereTheServerIsBehind() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        let backup = world.server.backup()
        try world.otherPuts([1, 2], "x")
        try world.device.sync(world.server)
        world.server.restore(backup, as: world.server.logID)
        try world.device.sync(world.server)

        #expect(world.device.replica.state.logEpoch > 0)
        #expect(try world.device.conflicts().count == 1)
        #expect(world.device.contents == ["x": [1]])
    }
}
