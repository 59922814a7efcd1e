// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// What becomes of a page of pulled operations.
@Suite struct PullRuleTests {
    /// A page that brings `operations` after what the device has.
    private func settle(
        _ operations: [SyncOperation], through cursor: Cursor, on world: RuleWorld
    ) throws {
        let page = PullResponse(
            operations: operations, nextCursor: cursor, hasMore: false, serverCursor: cursor,
            logID: world.server.logID)
        try world.device.replica.settle(page, to: world.device.replica.makePullRequest())
    }

    private func operation(
        _ tokens: [UInt64]?, _ id: EntityID, at cursor: Cursor?, number: OperationID = 90
    ) -> SyncOperation {
        SyncOperation(
            operationID: number, databaseID: "db", deviceID: "o", collection: "notes",
            entityID: id, kind: tokens == nil ? .delete : .upsert, entityVersion: 7,
            entityCBOR: tokens.map(Tokens.encode), timestampMilliseconds: 0, cursor: cursor)
    }

    @Test func appliesWhereNoEditWaitsAndTakesTheCursorAsBase() throws {
        let world = try RuleWorld()
        try world.share([("w", [9]), ("x", [1])])

        let base = try #require(try world.device.base("x"))
        #expect(world.device.contents == ["w": [9], "x": [1]])
        #expect(base.cursor == 2)
        #expect(!base.isDeleted)
    }

    @Test func skipsAnOperationThatIsNotAboveTheBase() throws {
        let world = try RuleWorld()
        try world.share([("w", [9]), ("x", [1])])

        try settle(
            [operation([8], "x", at: 1), operation([8], "x", at: 2)], through: 3, on: world)

        #expect(world.device.tokens("x") == [1])
        #expect(try world.device.base("x")?.cursor == 2)
    }

    @Test func skipsAnOperationThatIsNotAboveTheBaseOfTheFirstUnsentEdit() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1])])
        try world.device.put([1, 3], "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1, 2], "x")
        _ = try world.device.step(world.server)
        #expect(world.device.queued.map(\.base) == [2])

        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.count == 1)
        #expect(world.serverContents == ["x": [1, 3]])
    }

    @Test func comparesWithTheBaseOfTheFirstUnsentEditToo() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1])])
        try world.device.put([1, 3], "x")
        try world.device.replica.settle { reconciliation throws(SyncError) in
            reconciliation.change(.rebase(1, base: 5, baseOperationID: nil, version: 3))
        }

        try settle([operation([8], "x", at: 5)], through: 5, on: world)
        #expect(world.resolver.conflicts.isEmpty)
        try settle([operation([8], "x", at: 6)], through: 6, on: world)
        #expect(world.resolver.conflicts.count == 1)
    }

    @Test func keepsTheBaseOfADeletedEntity() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.otherDeletes("x")
        try world.device.sync(world.server)

        let base = try #require(try world.device.base("x"))
        #expect(base.isDeleted)
        #expect(base.cursor == 2)
    }

    @Test func makesEntitiesBasesAndCursorOneTransaction() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.other.put([("x", [1, 2]), ("y", [3]), ("z", [4])])
        try world.other.sync(world.server)
        let request = world.device.replica.makePullRequest()
        let page = try world.server.pull(request)
        let before = world.device.commitCount

        try world.device.replica.settle(page, to: request)

        #expect(world.device.commitCount == before + 1)
        #expect(world.device.contents == ["x": [1, 2], "y": [3], "z": [4]])
        #expect(world.device.replica.state.cursor == 4)
    }

    @Test func appliesAPageWhollyOrNotAtAllWhereverTheDiskFails() throws {
        var failed = 0
        for call in 1...30 {
            let world = try RuleWorld()
            try world.share([("x", [1])])
            try world.other.put([("x", [1, 2]), ("y", [3])])
            try world.other.sync(world.server)
            let request = world.device.replica.makePullRequest()
            let page = try world.server.pull(request)
            world.device.disk.failNextCall(
                number: call, errorNumber: FileSystemError.Number.inputOutput)

            if (try? world.device.replica.settle(page, to: request)) == nil { failed += 1 }
            var generator = SeededGenerator(seed: UInt64(call))
            world.device.disk.crash(using: &generator)
            try world.device.reopen()

            let state = world.device.replica.state
            let isOld = state.cursor == 1 && world.device.contents == ["x": [1]]
            let isNew = state.cursor == 3 && world.device.contents == ["x": [1, 2], "y": [3]]
            #expect(isOld || isNew, "call \(call): \(state), \(world.device.contents)")
            #expect(try world.device.base("x")?.cursor == (isOld ? 1 : 2))
        }
        #expect(failed > 0)
    }

    @Test func appliesTheOtherMembersOfATransactionTogetherWithItsConflict() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1]), ("y", [2])])
        try world.other.put([("x", [1, 5]), ("y", [2, 5])])
        try world.other.sync(world.server)
        try world.device.put([1, 6], "x")
        try world.device.replica.capture()
        let request = world.device.replica.makePullRequest()
        let page = try world.server.pull(request)
        let before = world.device.commitCount

        try world.device.replica.settle(page, to: request)

        #expect(world.device.commitCount == before + 1)
        #expect(world.device.contents == ["x": [1, 6], "y": [2, 5]])
        #expect(world.resolver.conflicts.count == 1)
    }

    @Test(
        "refuses a page that never ends",
        arguments: [(Cursor(1), true), (Cursor(0), true), (Cursor(0), false)])
    func refusesAPageThatNeverEnds(_ next: Cursor, _ hasMore: Bool) throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        let page = PullResponse(operations: [], nextCursor: next, hasMore: hasMore)

        let error = #expect(throws: SyncError.self) {
            try world.device.replica.settle(page, to: world.device.replica.makePullRequest())
        }

        #expect(error?.code == .invalidAnswer)
        #expect(world.device.replica.state.cursor == 1)
    }

    @Test func appliesNothingOfAPageWithAnOperationThatItCannotApply() throws {
        let unknown = { (operation: inout SyncOperation) in operation.kind = .unknown("patch") }
        let local = { (operation: inout SyncOperation) in operation.collection = "_sync" }
        let empty = { (operation: inout SyncOperation) in operation.entityCBOR = nil }
        for damage in [unknown, local, empty] {
            let world = try RuleWorld()
            try world.share([("x", [1])])
            var bad = operation([3], "y", at: 3)
            damage(&bad)

            let error = #expect(throws: SyncError.self) {
                try settle([operation([2], "x", at: 2), bad], through: 3, on: world)
            }

            #expect(error?.code == .invalidAnswer)
            #expect(world.device.contents == ["x": [1]])
            #expect(world.device.replica.state.cursor == 1)
        }
    }

    @Test func appliesNothingWhileAPushHasNoAnswer() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        let request = world.device.replica.makePullRequest()
        try world.device.put([4], "y")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .requestIsLost)
        try world.otherPuts([1, 2], "x")

        try world.device.replica.settle(try world.server.pull(request), to: request)

        #expect(world.device.tokens("x") == [1])
        #expect(world.device.replica.state.cursor == 1)
    }

    @Test func appliesNoPageThatAnotherOneHasOvertaken() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        let request = world.device.replica.makePullRequest()
        let late = try world.server.pull(request)
        try world.otherPuts([1, 2], "x")
        try world.device.sync(world.server)

        try world.device.replica.settle(late, to: request)

        #expect(world.device.replica.state.cursor == 2)
    }
}
