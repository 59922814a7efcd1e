// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// An edit that the server has not seen meets a revision that its author had not seen.
@Suite struct ConflictRuleTests {
    /// `x` is `[1]` on the server and both devices; then the other device makes it `[1, 2]` and
    /// this one `[1, 3]`.
    private func makeConflict(_ resolution: ConflictResolution) throws -> RuleWorld {
        let world = try RuleWorld(resolution)
        try world.share([("x", [1])])
        try world.otherPuts([1, 2], "x")
        try world.device.put([1, 3], "x")
        return world
    }

    @Test func showsTheResolverBaseLocalAndRemoteAtOnce() throws {
        let world = try makeConflict(.keepRemote)
        try world.device.sync(world.server)

        let conflict = try #require(world.resolver.conflicts.first)
        #expect(conflict.base.map(Tokens.decode) == [1])
        #expect(conflict.local.map(Tokens.decode) == [1, 3])
        #expect(conflict.remote.map(Tokens.decode) == [1, 2])
        #expect(conflict.localDeviceID == "d")
        #expect(conflict.remoteDeviceID == "o")
        #expect(conflict.localTimestamp != nil)
        #expect(conflict.remoteTimestamp == world.server.log.last?.hybridTimestamp)
    }

    @Test(arguments: [
        (ConflictPolicy(standard: "serverWins"), false),
        (ConflictPolicy(standard: "detect", byCollection: ["notes": "serverWins"]), false),
        (ConflictPolicy(standard: "serverWins", byCollection: ["notes": "detect"]), true),
        (ConflictPolicy(standard: "detect", byCollection: ["other": "serverWins"]), true),
        (ConflictPolicy(standard: "nobodyKnows"), true),
        (ConflictPolicy(standard: "merge"), true),
    ])
    func asksNoResolverWhereTheServersPolicyIsThatItWins(
        policy: ConflictPolicy, isAsked: Bool
    ) throws {
        let world = try RuleWorld(.keepLocal)
        world.server.policy = policy
        try world.share([("x", [1])])
        try world.device.put([1, 3], "x")
        // Once in a pull, and once in a push.
        try world.otherPuts([1, 2], "x")
        try world.device.sync(world.server)
        try world.device.put([1, 3, 5], "x")
        try world.device.syncToPush(world.server)
        try world.other.sync(world.server)
        try world.otherPuts([1, 4], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty == !isAsked)
        #expect(world.serverContents["x"] == (isAsked ? [1, 3, 5] : [1, 4]))
        #expect(world.device.contents["x"] == world.serverContents["x"])
        #expect(try world.device.conflicts().count == 2)
    }

    @Test func showsTheContentOfTheBaseAfterSeveralEdits() throws {
        let world = try makeConflict(.keepRemote)
        try world.device.put([1, 3, 4], "x")
        try world.device.reopen()
        try world.device.put([1, 3, 4, 5], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.base.map(Tokens.decode) } == [[1]])
        #expect(world.resolver.conflicts.map { $0.local.map(Tokens.decode) } == [[1, 3, 4, 5]])
    }

    @Test func showsWhatAcknowledgedEditMadeAsBase() throws {
        let world = try RuleWorld(.keepRemote)
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        try world.other.sync(world.server)
        try world.otherPuts([1, 2], "x")
        try world.device.put([1, 3], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.base.map(Tokens.decode) } == [[1]])
    }

    @Test(
        "settles as the resolver says",
        arguments: [
            (ConflictResolution.keepRemote, [1, 2], 0),
            (.keepLocal, [1, 3], 1),
            (.merge(Tokens.encode([1, 2, 3])), [1, 2, 3], 1),
        ] as [(ConflictResolution, [UInt64], Int)])
    func settlesAsTheResolverSays(
        _ resolution: ConflictResolution, _ stands: [UInt64], _ pushed: Int
    ) throws {
        let world = try makeConflict(resolution)
        try world.device.sync(world.server)
        try world.other.sync(world.server)

        #expect(world.serverContents == ["x": stands])
        #expect(world.device.contents == ["x": stands])
        #expect(world.other.contents == ["x": stands])
        let own = world.server.history.filter { $0.deviceID == "d" }
        #expect(own.map(\.base) == Array(repeating: 2, count: pushed))
        #expect(own.allSatisfy { $0.entityVersion == 3 })
    }

    @Test func keepsWhatLostInTheConflictLog() throws {
        let world = try makeConflict(.keepRemote)
        try world.device.sync(world.server)

        let record = try #require(try world.device.conflicts().first)
        #expect(record.resolution == .keepRemote)
        #expect(record.lostContent.map(Tokens.decode) == [1, 3])
        try world.device.replica.removeEntry(record.id, in: ConflictRecord.collection)
        #expect(try world.device.conflicts().isEmpty)
    }

    /// Where nothing is known of an entity, a delete under the device's own name may be a copy's.
    @Test func asksTheResolverWhereACopyHasDeletedWhatTheDeviceDoesNotKnow() throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("y", [1])])
        try world.device.put([7], "x")
        #expect(try world.device.replica.capture() == 1)
        let edit = try #require(world.device.queued.first)
        let scripted = ScriptedServer(world.server)
        scripted.onPull = { request throws(SyncError) in
            var page = try world.server.pull(request)
            var delete = edit
            delete.operationID = 90
            (delete.kind, delete.entityCBOR) = (.delete, nil)
            delete.cursor = 2
            page.operations.append(delete)
            page.nextCursor = 2
            return page
        }
        try world.device.sync(scripted)

        #expect(world.resolver.conflicts.map(\.remote) == [nil])
        #expect(try world.device.conflicts().map(\.lostContent) == [Tokens.encode([7])])
    }

    /// A delete that was refused comes a second time, when others have deleted the entity: then the
    /// server takes it, as it does no harm. It is no conflict with what its device does next.
    @Test(arguments: [false, true])
    func sendsAnEditAgainOnALateDeleteOfItsOwn(_ isPulledBefore: Bool) throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("x", [1])])
        try world.device.store.delete(in: "notes", id: "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1, 2], "x")
        var late: PushRequest?
        _ = try world.device.step(world.server, .comesLater) { late = $0 }
        try world.device.sync(world.server)
        try world.otherDeletes("x")
        try world.device.sync(world.server)

        let asked = world.resolver.conflicts.count
        try world.device.put([3], "x")
        if isPulledBefore { try world.device.syncToPush(world.server) }
        let answer = try world.server.push(try #require(late))
        #expect(answer.accepted?.first?.firstCursor == 4)
        while try world.device.step(world.server) {}
        #expect(world.serverContents == ["x": [3]])
        #expect(world.device.contents == ["x": [3]])
        #expect(world.resolver.conflicts.count == asked)
    }

    @Test func mergesToADeletion() throws {
        let world = try makeConflict(.merge(nil))
        try world.device.sync(world.server)

        #expect(world.device.contents.isEmpty)
        #expect(world.server.log.last?.kind == .delete)
        #expect(world.server.log.last?.base == 2)
    }

    @Test(
        "takes a merge that equals one side as that side",
        arguments: [([1, 2], ConflictResolution.keepRemote), ([1, 3], .keepLocal)]
            as [([UInt64], ConflictResolution)])
    func takesAMergeThatEqualsOneSideAsThatSide(
        _ merged: [UInt64], _ resolution: ConflictResolution
    ) throws {
        let world = try makeConflict(.merge(Tokens.encode(merged)))
        try world.device.sync(world.server)

        #expect(try world.device.conflicts().map(\.resolution) == [resolution])
        #expect(world.serverContents == ["x": merged])
    }

    @Test func settlesEqualContentWithoutAConflict() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.otherPuts([1, 2], "x")
        try world.device.put([1, 2], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty)
        #expect(try world.device.conflicts().isEmpty)
        #expect(world.device.queued.isEmpty)
        #expect(world.server.head == 2)
        #expect(try world.device.base("x")?.cursor == 2)
    }

    @Test func goesTheSameWayWhenThePushReportsIt() throws {
        let world = try RuleWorld(.merge(Tokens.encode([1, 2, 3])))
        try world.share([("x", [1])])
        try world.device.put([1, 3], "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1, 2], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.base.map(Tokens.decode) } == [[1]])
        #expect(world.resolver.conflicts.map { $0.remote.map(Tokens.decode) } == [[1, 2]])
        #expect(world.serverContents == ["x": [1, 2, 3]])
    }

    @Test func dropsAnUnsentDeleteThatMeetsAPulledOne() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.otherDeletes("x")
        try world.device.delete("x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.device.queued.isEmpty)
        #expect(world.server.head == 2)
        #expect(try world.device.base("x")?.cursor == 2)
    }

    @Test func asksTheResolverWhereALaterEditFollowsTheDelete() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1])])
        try world.otherDeletes("x")
        try world.device.delete("x")
        try world.device.put([5], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map(\.remote) == [nil])
        #expect(world.serverContents == ["x": [5]])
    }

    @Test func sendsAnEditOfAForgottenTombstoneOnBaseZeroWithoutAskingTheResolver() throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("x", [1])])
        try world.otherDeletes("x")
        for device in [world.device, world.other, world.device] { try device.sync(world.server) }
        try world.device.put([5], "x")
        world.server.compact()
        #expect(world.server.current.isEmpty)
        try world.device.sync(world.server)

        let bases = world.server.pushes.suffix(2).map { $0.operations.map(\.base) }
        #expect(bases == [[2], [0]])
        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.serverContents == ["x": [5]])
    }

    @Test func sendsAnEditAgainWhereTheConflictNamesTheBaseThatItHas() throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("x", [1]), ("y", [2])])
        // `x` is aborted with its transaction, and the server then refuses the later edit of it.
        try world.device.put([("x", [1, 3]), ("y", [2, 3])])
        try world.device.put([1, 3, 4], "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([2, 9], "y")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map(\.key.entityID) == ["y"])
        #expect(world.serverContents == ["x": [1, 3, 4], "y": [2, 9]])
    }
}
