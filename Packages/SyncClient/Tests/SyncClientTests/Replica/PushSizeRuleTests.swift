// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// Pushes that the server refuses as a whole, and transactions that are too large for it.
@Suite struct PushSizeRuleTests {
    private static func refusal(_ status: Int) -> SyncError {
        SyncError(.server(.invalidRequest), "refused", status: status)
    }

    /// A server that refuses every push that `refuses` names, and what it was sent.
    private func makeServer(
        _ world: RuleWorld, status: Int, refuses: @escaping (PushRequest) -> Bool
    ) -> ScriptedServer {
        ScriptedServer(world.server) { request throws(SyncError) in
            if refuses(request) { throw Self.refusal(status) }
            return nil
        }
    }

    @Test(arguments: [413, 400])
    func halvesARefusedPushUntilItIsTaken(_ status: Int) throws {
        let world = try RuleWorld()
        for number in 1...4 { try world.device.put([UInt64(number)], "e\(number)") }
        let server = makeServer(world, status: status) { $0.operations.count > 1 }
        try world.device.sync(server)

        #expect(server.pushes.prefix(3).map(\.operations.count) == [4, 2, 1])
        #expect(world.serverContents.count == 4)
        #expect(try world.device.quarantined().isEmpty)
        #expect(world.server.history.map(\.entityID) == ["e1", "e2", "e3", "e4"])
    }

    @Test func halvesAtTheBoundaryOfATransaction() throws {
        let world = try RuleWorld()
        try world.device.put([("a", [1]), ("b", [2]), ("c", [3])])
        try world.device.put([("d", [4]), ("e", [5])])
        let server = makeServer(world, status: 413) { $0.operations.count > 3 }
        try world.device.sync(server)

        #expect(server.pushes.map(\.operations.count) == [5, 3, 2])
    }

    @Test(arguments: [(413, RejectionCode.tooLarge), (400, .malformed)])
    func quarantinesWhatFailsAloneOnceAnEmptyPushGoesThrough(
        _ status: Int, _ code: RejectionCode
    ) throws {
        let world = try RuleWorld()
        for name in ["a", "bad", "c"] { try world.device.put([1], name) }
        let server = makeServer(world, status: status) { request in
            request.operations.contains { $0.entityID == "bad" }
        }
        try world.device.sync(server)

        #expect(server.pushes.filter(\.operations.isEmpty).count == 1)
        #expect(try world.device.quarantined().map(\.operation.entityID) == ["bad"])
        #expect(try world.device.quarantined().map(\.code) == [code])
        #expect(Set(world.serverContents.keys) == ["a", "c"])
    }

    @Test func quarantinesNothingIfTheEmptyPushFailsToo() throws {
        let world = try RuleWorld()
        try world.device.put([1], "a")
        let server = makeServer(world, status: 400) { _ in true }
        try world.device.sync(server)

        #expect(world.device.lastFailure?.status == 400)
        #expect(server.pushes.map(\.operations.count) == [1, 0])
        #expect(try world.device.quarantined().isEmpty)
        #expect(world.device.queued.count == 1)

        try world.device.sync(world.server)
        #expect(world.serverContents == ["a": [1]])
    }

    @Test func quarantinesNothingIfTheEmptyPushHasNoAnswer() throws {
        let world = try RuleWorld()
        try world.device.put([1], "a")
        var isCut = true
        let server = ScriptedServer(world.server) { request throws(SyncError) in
            guard isCut else { return nil }
            if request.operations.isEmpty { throw SyncError(.network, "cut") }
            throw Self.refusal(413)
        }
        try world.device.sync(server)
        #expect(world.device.lastFailure?.code == .network)
        #expect(try world.device.quarantined().isEmpty)

        isCut = false
        try world.device.reopen()
        try world.device.sync(server)
        #expect(world.serverContents == ["a": [1]])
    }

    @Test func sendsAnEditThatFollowsAQuarantinedOneOnItsBase() throws {
        let world = try RuleWorld()
        try world.share([("bad", [1])])
        try world.device.put([1, 2], "bad")
        try world.device.put([1, 3], "bad")
        let server = makeServer(world, status: 413) { request in
            request.operations.contains { $0.entityCBOR == Tokens.encode([1, 2]) }
        }
        try world.device.sync(server)

        #expect(world.serverContents == ["bad": [1, 3]])
        #expect(world.device.contents == ["bad": [1, 3]])
        #expect(world.resolver.conflicts.isEmpty)
    }

    // MARK: Too large a transaction

    @Test func sendsATransactionThatIsTooLargeInPieces() throws {
        let world = try RuleWorld()
        world.server.limits.maxTransactionOperations = 2
        world.server.limits.maxPushOperations = 2
        let entities = (1...5).map { (id: "e\($0)", tokens: [UInt64($0)]) }
        try world.device.put(entities)
        try world.device.sync(world.server)

        let pieces = world.server.pushes.map { $0.operations.map(\.transactionID) }
        #expect(pieces.map(\.count) == [2, 2, 1])
        #expect(pieces.allSatisfy { Set($0).count == 1 && $0[0] != nil })
        #expect(Set(pieces.map { $0[0] }).count == 3)
        #expect(world.device.replica.takeCounts().splitTransactions == 1)
        #expect(world.serverContents.count == 5)
    }

    @Test func doesNotSplitATransactionThatMayHaveArrived() throws {
        let world = try RuleWorld()
        try world.device.put([("a", [1]), ("b", [2]), ("c", [3])])
        try world.device.syncToPush(world.server)
        let sent = world.device.queued
        _ = try world.device.step(world.server, .answerIsLost)
        world.server.limits.maxTransactionOperations = 2
        let scripted = ScriptedServer(world.server)
        try world.device.syncToPush(scripted)

        let again = try world.device.replica.makePushRequest()
        #expect(again.operations == sent)
    }
}
