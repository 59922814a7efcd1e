// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// Another log comes in pages, and a later one may supersede what an earlier one says: contents
/// meet when all of it is there.
@Suite struct OtherLogPageTests {
    /// A device with `local`, and a server whose new log has these revisions in order. Pages have
    /// one operation.
    private func world(
        _ resolution: ConflictResolution = .keepRemote, local: [(id: String, tokens: [UInt64])],
        log revisions: [(id: String, tokens: [UInt64])]
    ) throws -> RuleWorld {
        let world = try RuleWorld(resolution, pullLimit: 1)
        for (id, tokens) in local { try world.device.put(tokens, id) }
        try world.device.sync(world.server)
        try replaceLog(of: world, 2, with: revisions)
        return world
    }

    private func replaceLog(
        of world: RuleWorld, _ number: UInt64,
        with revisions: [(id: String, tokens: [UInt64])]
    ) throws {
        let log = ModelServer(logID: .numbered(number))
        let author = try ModelDevice("author", environment: world.environment)
        for (id, tokens) in revisions {
            try author.put(tokens, id)
            try author.sync(log)
        }
        world.server.restore(log, as: log.logID)
    }

    private func decoded(_ contents: [[UInt8]?]) -> [[UInt64]?] {
        contents.map { $0.map(Tokens.decode) }
    }

    /// Steps until the first page of the new log is applied.
    private func takeFirstPage(_ world: RuleWorld) throws {
        try step(world) { world.device.replica.state.resync != nil && $0 > 0 }
    }

    /// Steps until the device is where it is to be, by its cursor.
    private func step(_ world: RuleWorld, until isThere: (Cursor) throws -> Bool) throws {
        for _ in 0..<100 {
            if try isThere(world.device.replica.state.cursor) { return }
            _ = try world.device.step(world.server)
        }
        Issue.record("The device does not come there.")
    }

    @Test func aRevisionThatALaterPageSupersedesMeetsNothing() throws {
        let world = try world(local: [("x", [1, 2])], log: [("x", [1]), ("x", [1, 2])])
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty)
        #expect(try world.device.conflicts().isEmpty)
        #expect(world.device.contents == ["x": [1, 2]])
        #expect(try world.device.base("x")?.cursor == 2)
        #expect(try world.device.base("x")?.oldBase == nil)
        #expect(try world.device.base("x")?.shadow == nil)
    }

    @Test func theResolverIsAskedOnceAndAboutTheNewestRevision() throws {
        let world = try world(
            .merge(Tokens.encode([9, 1, 2])), local: [("x", [9])],
            log: [("x", [1]), ("x", [1, 2])])
        try world.device.sync(world.server)

        #expect(decoded(world.resolver.conflicts.map(\.local)) == [[9]])
        #expect(decoded(world.resolver.conflicts.map(\.remote)) == [[1, 2]])
        #expect(world.serverContents == ["x": [9, 1, 2]])
        #expect(world.server.history.last?.base == 2)
    }

    @Test func aContentThatIsOnlyAnEarlierRevisionIsNotOverwrittenUnasked() throws {
        let world = try world(local: [("x", [1])], log: [("x", [1]), ("x", [1, 2])])
        try world.device.sync(world.server)

        #expect(decoded(world.resolver.conflicts.map(\.local)) == [[1]])
        #expect(decoded(try world.device.conflicts().map(\.lostContent)) == [[1]])
        #expect(world.device.contents == ["x": [1, 2]])
    }

    @Test func theResolverIsToldWhoMadeTheRevisionAndWhen() throws {
        let world = try world(local: [("x", [9])], log: [("x", [1]), ("y", [2])])
        try world.device.sync(world.server)

        let conflict = world.resolver.conflicts.first
        #expect(conflict?.remoteDeviceID == "author")
        #expect(conflict?.remoteTimestamp == world.server.history[0].hybridTimestamp)
        #expect(conflict?.remoteTimestamp != nil)
    }

    @Test func theEntityKeepsItsContentUntilTheResyncIsComplete() throws {
        let world = try world(local: [("x", [9])], log: [("x", [1]), ("y", [2]), ("z", [3])])
        try takeFirstPage(world)

        #expect(world.device.contents["x"] == [9])
        #expect(world.resolver.conflicts.isEmpty)
    }

    @Test("outlives a crash after any step", arguments: 1...9)
    func outlivesACrashAfterAnyStep(_ steps: Int) throws {
        let world = try world(
            .merge(Tokens.encode([9, 1, 2])), local: [("w", [4]), ("x", [9]), ("y", [3])],
            log: [("x", [1]), ("y", [3]), ("x", [1, 2])])
        var generator = SeededGenerator(seed: UInt64(steps))
        for _ in 0..<steps { _ = try world.device.step(world.server) }
        world.device.disk.crash(using: &generator)
        try world.device.reopen()
        try world.device.sync(world.server)

        #expect(world.serverContents == ["w": [4], "x": [9, 1, 2], "y": [3]])
        #expect(world.device.contents == world.serverContents)
        #expect(decoded(world.resolver.conflicts.map(\.remote)) == [[1, 2]])
        #expect(world.server.history.map(\.entityID) == ["x", "y", "x", "w", "x"])
    }

    @Test("an edit made meanwhile is on no revision", arguments: [[9, 5], nil] as [[UInt64]?])
    func anEditMadeMeanwhileIsOnNoRevision(_ edit: [UInt64]?) throws {
        let world = try world(.keepLocal, local: [("x", [9])], log: [("x", [1]), ("y", [2])])
        try takeFirstPage(world)
        if let edit { try world.device.put(edit, "x") } else { try world.device.delete("x") }
        try world.device.replica.capture()
        #expect(world.device.queued.map(\.base) == [0])
        #expect(world.device.queued.map(\.entityVersion) == [2])
        try world.device.sync(world.server)

        #expect(decoded(world.resolver.conflicts.map(\.local)) == [edit])
        #expect(decoded(world.resolver.conflicts.map(\.remote)) == [[1]])
        #expect(world.serverContents["x"] == edit)
        #expect(try world.device.base("x")?.oldBase == nil)
    }

    @Test func anEditMadeMeanwhileOnAnEqualContentIsOnNoRevisionEither() throws {
        let world = try world(local: [("x", [1])], log: [("x", [1]), ("x", [1, 2])])
        try takeFirstPage(world)
        try world.device.put([1, 7], "x")
        try world.device.sync(world.server)

        #expect(decoded(try world.device.conflicts().map(\.lostContent)) == [[1, 7]])
        #expect(world.device.contents == ["x": [1, 2]])
    }

    @Test func editsThatWaitAreToldOfTheirConflictByTheirPush() throws {
        let world = try RuleWorld(.keepLocal, pullLimit: 1)
        try world.device.put([9], "x")
        try world.device.sync(world.server)
        try world.device.put([9, 5], "x")
        try replaceLog(of: world, 2, with: [("x", [1]), ("x", [1, 2])])
        try world.device.sync(world.server)

        #expect(decoded(world.resolver.conflicts.map(\.remote)) == [[1, 2]])
        #expect(world.serverContents == ["x": [9, 5]])
        #expect(try world.device.base("x")?.oldBase == nil)
    }

    @Test func anOwnOperationThatComesBackGivesWayToWhatCameAfterIt() throws {
        let world = try RuleWorld(pullLimit: 1)
        try world.share([("x", [1])])
        try world.device.put([1, 5], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        try world.other.sync(world.server)
        try world.otherPuts([1, 5, 6], "x")
        world.server.restore(world.server.backup(), as: .numbered(2))
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.device.contents == ["x": [1, 5, 6]])
    }

    @Test func whatYetAnotherLogBringsIsComparedWithTheContentFromBefore() throws {
        let world = try world(local: [("x", [9]), ("y", [8])], log: [("x", [1]), ("z", [2])])
        try takeFirstPage(world)
        try replaceLog(of: world, 3, with: [("y", [7]), ("y", [8])])
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.serverContents == ["x": [9], "y": [8]])
        #expect(world.device.contents == world.serverContents)
        #expect(world.server.history.last?.base == 0)
    }

    /// Its old base was not above the third log's oldest cursor, though what the second log had of
    /// it was.
    @Test func anOldBaseStaysThroughYetAnotherLog() throws {
        let world = try world(
            local: [("x", [9])], log: [("z", [1]), ("z", [2]), ("x", [1]), ("z", [3])])
        try step(world) { _ in try world.device.base("x")?.oldBase != nil }
        try replaceLog(of: world, 3, with: [("y", [7])])
        world.server.oldest = 2
        try world.device.sync(world.server)

        #expect(world.device.contents == ["y": [7]])
        let lost = try world.device.conflicts().filter { $0.conflict.key.entityID == "x" }
        #expect(decoded(lost.map(\.lostContent)) == [[9]])
    }

    @Test func whatTheLogDropsDuringTheResyncIsLacking() throws {
        let world = try world(local: [("x", [9])], log: [("x", [1]), ("y", [2]), ("y", [3])])
        try takeFirstPage(world)
        world.server.current[EntityKey("notes", "x")] = nil
        world.server.log.removeAll { $0.entityID == "x" }
        try world.device.replica.recoverForTest(reason: "compacted")
        try world.device.sync(world.server)

        #expect(world.serverContents == ["x": [9], "y": [3]])
        #expect(world.device.contents == world.serverContents)
        #expect(world.resolver.conflicts.isEmpty)
    }
}

extension Replica {
    /// As if the server had answered with error 11.
    fileprivate func recoverForTest(reason: String) throws {
        _ = try recover(
            from: SyncError(.server(.invalidCursor), reason, details: .init(reason: reason)))
    }
}
