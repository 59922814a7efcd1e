// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// Operations that the server will not take: out of the way, kept, and nothing waits for them.
@Suite struct QuarantineTests {
    /// A content that the server finds too large.
    private let large = [UInt64](1_000...1_100)

    private func makeWorld(resolving: ConflictResolution = .keepRemote) throws -> RuleWorld {
        let world = try RuleWorld(resolving)
        world.server.limits.maxEntityBytes = 100
        try world.share([("x", [1]), ("y", [2])])
        return world
    }

    @Test func keepsTheOperationAndTheReason() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)

        let entry = try #require(try world.device.quarantined().first)
        #expect(entry.code == .tooLarge)
        #expect(entry.operation.entityCBOR.map(Tokens.decode) == large)
        #expect(entry.message.contains("maxEntityBytes"))
    }

    @Test func putsTheEntityBackToItsBaseRevision() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)

        #expect(world.device.contents == ["x": [1], "y": [2]])
        #expect(try world.device.base("x")?.cursor == 1)
        #expect(world.device.queued.isEmpty)
    }

    @Test func removesAnEntityThatHadNoRevision() throws {
        let world = try makeWorld()
        try world.device.put(large, "z")
        try world.device.sync(world.server)

        #expect(world.device.tokens("z") == nil)
    }

    @Test func bringsADeletedEntityBack() throws {
        let world = try makeWorld()
        let scripted = ScriptedServer(world.server) { request in
            PushResponse(
                acknowledgedUpTo: 0, serverCursor: 2, accepted: [],
                rejected: [Rejection(operationID: 1, code: .forbidden, message: "no")])
        }
        try world.device.delete("x")
        try world.device.syncToPush(scripted)
        _ = try world.device.step(scripted)

        #expect(world.device.tokens("x") == [1])
        #expect(try world.device.quarantined().map(\.code) == [.forbidden])
    }

    @Test func letsTheOthersGoOn() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.put([2, 3], "y")
        try world.device.sync(world.server)

        #expect(world.serverContents == ["x": [1], "y": [2, 3]])
    }

    @Test func givesTheBaseToTheNextEditWhichKeepsItsContent() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.put([1, 4], "x")
        try world.device.put([1, 4, 5], "x")
        try world.device.sync(world.server)

        let own = world.server.history.filter { $0.deviceID == "d" }
        #expect(own.map { Tokens.decode($0.entityCBOR ?? []) } == [[1, 4], [1, 4, 5]])
        #expect(own.first?.base == 1)
        #expect(world.device.tokens("x") == [1, 4, 5])
        #expect(world.resolver.conflicts.isEmpty)
    }

    @Test func putsTheEntityBackToTheEditBefore() throws {
        let world = try makeWorld()
        try world.device.put([1, 4], "x")
        try world.device.put(large, "x")
        try world.device.sync(world.server)

        #expect(world.device.tokens("x") == [1, 4])
        #expect(world.serverContents["x"] == [1, 4])
    }

    @Test func takesTheWholeTransaction() throws {
        let world = try makeWorld()
        try world.device.put([("x", [1, 3]), ("y", large)])
        try world.device.put([6], "z")
        try world.device.sync(world.server)

        #expect(try world.device.quarantined().count == 2)
        #expect(world.device.contents == ["x": [1], "y": [2], "z": [6]])
        #expect(world.serverContents == ["x": [1], "y": [2], "z": [6]])
        #expect(world.device.replica.takeCounts().quarantined == 2)
    }

    @Test func basesTheNextEditOnTheRevisionThatItWasPutBackTo() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        try world.otherPuts([1, 7], "x")
        try world.device.put([1, 4], "x")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map { $0.base.map(Tokens.decode) } == [[1]])
    }

    @Test func treatsTheEntityAsOneWithoutEdits() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        try world.otherPuts([1, 7], "x")
        try world.device.sync(world.server)

        #expect(world.device.tokens("x") == [1, 7])
        #expect(world.resolver.conflicts.isEmpty)
    }

    // MARK: Retry and discard

    @Test func retriesAsANewEditOnTheBaseThatItWasMadeOn() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        let entry = try #require(try world.device.quarantined().first)
        try world.device.replica.retryQuarantined(entry.id)

        let edit = try #require(world.device.queued.first)
        #expect(edit.operationID > entry.operation.operationID)
        #expect(edit.base == 1)
        #expect(world.device.tokens("x") == large)
        #expect(try world.device.quarantined().isEmpty)

        world.server.limits.maxEntityBytes = 1_000
        try world.device.sync(world.server)
        #expect(world.serverContents["x"] == large)
    }

    @Test func asksTheResolverAtOnceWhereARetriedEditMeetsWhatCameMeanwhile() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        try world.otherPuts([1, 7], "x")
        try world.device.sync(world.server)
        try world.device.replica.retryQuarantined(
            try #require(try world.device.quarantined().first).id)

        #expect(world.resolver.conflicts.map { $0.remote.map(Tokens.decode) } == [[1, 7]])
        // What it started from is no longer known, and must not seem to be the server's revision.
        #expect(world.resolver.conflicts.map(\.base) == [nil])
        #expect(world.device.queued.isEmpty)
        #expect(world.device.tokens("x") == [1, 7])
    }

    @Test func retriesOnWhatCameMeanwhileWhereTheEditWins() throws {
        let world = try makeWorld(resolving: .keepLocal)
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        try world.otherPuts([1, 7], "x")
        try world.device.sync(world.server)
        let entry = try #require(try world.device.quarantined().first)
        world.server.limits.maxEntityBytes = 1_000
        try world.device.replica.retryQuarantined(entry.id)

        let edit = try #require(world.device.queued.first)
        #expect(edit.base == 3)
        #expect(
            try #require(edit.hybridTimestamp) > (try #require(entry.operation.hybridTimestamp)))
        try world.device.sync(world.server)
        #expect(world.resolver.conflicts.count == 1)
        #expect(world.serverContents["x"] == large)
    }

    @Test func asksTheResolverWhereTheEditThatARetriedOneWasMadeOnWasMerged() throws {
        let world = try makeWorld()
        try world.device.put([1, 2], "x")
        try world.device.put(large, "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1, 7], "x")
        while try world.device.step(world.server) {}
        #expect(world.serverContents["x"] == [1, 7])

        try world.device.replica.retryQuarantined(
            try #require(try world.device.quarantined().first).id)
        #expect(world.resolver.conflicts.count == 2)
        #expect(world.device.tokens("x") == [1, 7])
    }

    @Test func meetsTheNewLogsRevisionWhenRetriedAfterAnotherLog() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        world.server.restore(world.server.backup(), as: .numbered(2))
        try world.device.sync(world.server)
        try world.device.replica.retryQuarantined(
            try #require(try world.device.quarantined().first).id)

        #expect(world.resolver.conflicts.map { $0.remote.map(Tokens.decode) } == [[1]])
        #expect(world.device.tokens("x") == [1])
    }

    @Test func refusesARetryUntilAnotherLogIsKnown() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        let entry = try #require(try world.device.quarantined().first)
        world.server.restore(world.server.backup(), as: .numbered(2))
        while world.device.replica.state.resync == nil, try world.device.step(world.server) {}

        let error = #expect(throws: SyncError.self) {
            try world.device.replica.retryQuarantined(entry.id)
        }
        #expect(error?.code == .configuration)
        #expect(try world.device.quarantined().count == 1)
    }

    @Test func refusesARetryWhileNewerEditsWait() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        try world.device.put([1, 8], "x")
        let entry = try #require(try world.device.quarantined().first)

        let error = #expect(throws: SyncError.self) {
            try world.device.replica.retryQuarantined(entry.id)
        }

        #expect(error?.code == .configuration)
        #expect(try world.device.quarantined().count == 1)
        #expect(world.device.tokens("x") == [1, 8])
    }

    @Test func discardsForGood() throws {
        let world = try makeWorld()
        try world.device.put(large, "x")
        try world.device.sync(world.server)
        let entry = try #require(try world.device.quarantined().first)
        try world.device.replica.removeEntry(entry.id, in: QuarantinedOperation.collection)

        #expect(try world.device.quarantined().isEmpty)
        try world.device.reopen()
        #expect(try world.device.quarantined().isEmpty)
    }

    @Test func namesAnEntryThatIsNotThere() throws {
        let world = try makeWorld()

        let error = #expect(throws: SyncError.self) {
            try world.device.replica.retryQuarantined("000000000009")
        }

        #expect(error?.message.contains("000000000009") == true)
    }
}
