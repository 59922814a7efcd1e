// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// How the app's transactions become operations, and what never does.
@Suite struct CaptureRuleTests {
    @Test func capturesWhatIsCommittedBeforeItAppliesAPage() throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("x", [1])])
        try world.otherPuts([1, 2], "x")
        let request = world.device.replica.makePullRequest()
        let page = try world.server.pull(request)

        try world.device.put([1, 3], "x")
        try world.device.replica.settle(page, to: request)

        let conflict = try #require(world.resolver.conflicts.first)
        #expect(conflict.base.map(Tokens.decode) == [1])
        #expect(conflict.local.map(Tokens.decode) == [1, 3])
    }

    @Test func basesAnEditOnTheRevisionThatItsAuthorSaw() throws {
        let world = try RuleWorld()
        try world.share([("w", [9]), ("x", [1])])

        try world.device.put([1, 3], "x")
        try world.device.replica.capture()

        let edit = try #require(world.device.queued.first)
        #expect(edit.base == world.server.current[edit.key]?.cursor)
        #expect(edit.entityVersion == 2)
    }

    @Test func basesANewEntityOnNoRevision() throws {
        let world = try RuleWorld()

        try world.device.put([1], "x")
        try world.device.replica.capture()

        #expect(world.device.queued.map(\.base) == [0])
    }

    @Test func takesWhatACheckpointHasJoinedAsOneTransaction() throws {
        let world = try RuleWorld()
        try world.device.put([("x", [1]), ("y", [2])])
        try world.device.put([1, 3], "x")
        try world.device.store.checkpoint()
        try world.device.replica.capture()

        // The first commit can no longer be told: without x, y alone never was in the store.
        #expect(world.device.queued.map(\.entityID) == ["y", "x"])
        #expect(world.device.queued[0].transactionID != nil)
        #expect(world.device.queued[0].transactionID == world.device.queued[1].transactionID)
    }

    @Test func chainsEditsOfOneEntity() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.put([1, 2], "x")
        try world.device.replica.capture()
        try world.device.put([1, 2, 3], "x")
        try world.device.replica.capture()

        #expect(world.device.queued.map(\.baseOperationID) == [nil, 1, 2])
        #expect(world.device.queued.map(\.base) == [0, nil, nil])
        #expect(world.device.queued.map(\.entityVersion) == [1, 2, 3])
    }

    @Test func basesAnEditAfterAPulledDeleteOnTheTombstone() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.otherDeletes("x")
        try world.device.sync(world.server)

        try world.device.put([5], "x")
        try world.device.sync(world.server)

        #expect(world.server.pushes.last?.operations.map(\.base) == [2])
        #expect(world.resolver.conflicts.isEmpty)
        #expect(world.serverContents == ["x": [5]])
    }

    @Test func marksTheMembersOfATransactionAndNothingElse() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.put([("y", [2]), ("z", [3])])
        try world.device.replica.capture()

        #expect(world.device.queued.map(\.transactionID) == [nil, 2, 2])
    }

    @Test func stampsAnEditAfterEverythingReceived() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        let received = try #require(world.server.log.last?.hybridTimestamp)
        // A wall clock that stands behind the other device's.
        let behind = SyncEnvironment(wallMilliseconds: { 1_000_000 }, random: { 7 })
        let device = try ModelDevice("behind", environment: behind)
        try device.sync(world.server)

        try device.put([1, 2], "x")
        try device.replica.capture()

        let stamp = try #require(device.queued.first?.hybridTimestamp)
        #expect(stamp > received)
    }

    @Test func neverCapturesEchoesOfPulledWrites() throws {
        let world = try RuleWorld()
        try world.share([("x", [1]), ("y", [2])])

        #expect(try world.device.replica.capture() == 0)
        try world.device.reopen()
        #expect(try world.device.replica.capture() == 0)
        #expect(world.device.queued.isEmpty)
    }

    @Test func neverCapturesWhatASettlementMerged() throws {
        let world = try RuleWorld(.merge(Tokens.encode([1, 2, 3])))
        try world.share([("x", [1])])
        try world.otherPuts([1, 2], "x")
        try world.device.put([1, 3], "x")

        try world.device.sync(world.server)
        try world.device.reopen()

        #expect(try world.device.replica.capture() == 0)
        #expect(world.server.history.filter { $0.deviceID == "d" }.count == 1)
        #expect(world.serverContents == ["x": [1, 2, 3]])
    }

    @Test func neverSendsLocalCollections() throws {
        let world = try RuleWorld()
        try world.device.store.withWriteLock { locked throws(StoreError) in
            _ = try locked.commit(
                [
                    WALWrite(collection: "_drafts", entityID: "a", content: Tokens.encode([1])),
                    WALWrite(collection: "notes", entityID: "x", content: Tokens.encode([2])),
                ], mark: nil)
        }

        try world.device.sync(world.server)

        #expect(world.server.pushes.flatMap(\.operations).map(\.collection) == ["notes"])
    }

    @Test func capturesEachWriteOnce() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")

        #expect(try world.device.replica.capture() == 1)
        #expect(try world.device.replica.capture() == 0)
        try world.device.reopen()
        #expect(try world.device.replica.capture() == 0)
    }

    @Test func capturesWhatWasWrittenWhileSyncWasClosed() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.store.checkpoint()
        try world.device.reopen()

        #expect(try world.device.replica.capture() == 1)
    }

    @Test func refusesAStoreOfAnotherDatabase() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        let configuration = SyncConfiguration(databaseID: "another", deviceID: "d")

        let error = #expect(throws: SyncError.self) {
            _ = try Replica(
                store: SyncedEntityStore(world.device.store), directory: "/device",
                disk: world.device.disk, configuration: configuration, resolver: .serverWins,
                environment: world.environment)
        }

        #expect(error?.code == .configuration)
    }
}
