// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// What leaves the device, when, and under which numbers.
@Suite struct PushRuleTests {
    @Test func notesTheHighestNumberDurablyBeforeAPushLeaves() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.put([2], "y")
        try world.device.syncToPush(world.server)

        _ = try world.device.replica.makePushRequest()
        for seed in 0..<UInt64(20) {
            let copy = SimulatedDisk()
            copy.replaceTree(at: "/device", with: world.device.disk.copyTree(at: "/device"))
            var generator = SeededGenerator(seed: seed)
            copy.crash(using: &generator)
            let queue = try OfflineQueue(directory: "/device", on: copy, using: generator)
            #expect(queue.state.sentThrough == 2)
        }
        var generator = SeededGenerator(seed: 1)
        world.device.disk.crash(using: &generator)
        try world.device.reopen()
        #expect(world.device.replica.queue.state.sentThrough == 2)
    }

    @Test(arguments: [ModelDevice.Fate.requestIsLost, .answerIsLost])
    func sendsTheSameAgainBeforeItPullsAfterALostAnswer(_ fate: ModelDevice.Fate) throws {
        let world = try RuleWorld(.keepRemote)
        try world.share([("x", [1])])
        try world.device.put([1, 3], "x")
        try world.device.syncToPush(world.server)
        let scripted = ScriptedServer(world.server)
        _ = try world.device.step(scripted, fate)
        let sent = try #require(world.device.replica.queue.state.operations.first)
        try world.otherPuts([1, 2], "x")
        try world.device.put([1, 3, 4], "x")
        let pulls = world.server.pulls.count

        try world.device.syncToPush(scripted)
        let again = try world.device.replica.makePushRequest()

        #expect(again.operations == [sent])
        #expect(world.server.pulls.count == pulls)
    }

    @Test func sendsTheSameAgainAfterACrash() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        let sent = world.device.queued
        var generator = SeededGenerator(seed: 5)
        world.device.disk.crash(using: &generator)
        try world.device.reopen()
        try world.device.put([1, 2], "x")
        try world.device.sync(world.server)

        #expect(world.server.pushes[1].operations == sent)
        #expect(world.server.history.map(\.operationID) == [1, 2])
        #expect(world.device.queued.isEmpty)
    }

    @Test func givesARebasedEditANewNumberWithTheQueueBehindItInOrder() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1])])
        world.server.limits.maxPushOperations = 1
        try world.device.put([1, 3], "x")
        try world.device.put([4], "y")
        try world.device.put([1, 3, 5], "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1, 2], "x")

        _ = try world.device.step(world.server)

        let queued = world.device.queued
        #expect(queued.map(\.operationID) == [4, 5, 6])
        #expect(queued.map(\.entityID) == ["x", "y", "x"])
        #expect(queued.map(\.base) == [2, 0, nil])
        #expect(queued.map(\.baseOperationID) == [nil, nil, 4])
    }

    @Test func startsTheNewNumbersWithTheFirstMemberOfTheTransaction() throws {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1]), ("y", [2])])
        try world.device.put([("x", [1, 3]), ("y", [2, 3])])
        try world.device.syncToPush(world.server)
        try world.otherPuts([2, 9], "y")
        _ = try world.device.step(world.server)

        #expect(world.device.queued.map(\.operationID) == [3, 4])
        #expect(Set(world.device.queued.map(\.transactionID)).count == 1)
        try world.device.sync(world.server)
        #expect(world.serverContents == ["x": [1, 3], "y": [2, 3]])
    }

    @Test func neverSendsANumberAgainWithOtherContent() throws {
        let world = try RuleWorld(.merge(Tokens.encode([7])))
        try world.share([("x", [1]), ("y", [2])])
        try world.device.put([("x", [1, 3]), ("y", [2, 3])])
        try world.device.put([1, 3, 4], "x")
        try world.device.put([5], "z")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1, 2], "x")
        try world.device.sync(world.server)

        var contents: [OperationID: SyncOperation] = [:]
        for push in world.server.pushes where push.deviceID == "d" {
            for operation in push.operations {
                let first = contents[operation.operationID] ?? operation
                #expect(first.hasSameContent(as: operation), "number \(operation.operationID)")
                contents[operation.operationID] = first
            }
        }
        #expect(contents.count > 2)
    }

    @Test func basesTheNextEditOnTheCursorThatTheServerGave() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        try world.device.put([1, 2], "x")
        try world.device.replica.capture()

        #expect(world.device.queued.map(\.base) == [1])
    }

    @Test func basesAnEditMadeDuringThePushOnWhatThePushMade() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        let request = try world.device.replica.makePushRequest()
        let answer = try world.server.push(request)
        try world.device.put([1, 2], "x")

        try world.device.replica.settle(answer, to: request)

        #expect(world.device.queued.map(\.base) == [1])
        #expect(world.device.queued.map(\.baseOperationID) == [nil])
        #expect(world.device.tokens("x") == [1, 2])
    }

    @Test func takesADuplicateWithoutCursorAsAcknowledged() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .requestIsLost)
        let scripted = ScriptedServer(world.server) { request in
            PushResponse(
                acknowledgedUpTo: 1, serverCursor: 0,
                accepted: [AcceptedRun(firstOperationID: 1, firstCursor: 0, count: 1)])
        }
        _ = try world.device.step(scripted)

        #expect(world.device.queued.isEmpty)
        #expect(try world.device.base("x")?.cursor == .start)
        #expect(world.device.tokens("x") == [1])
    }

    @Test func keepsAnOperationThatTheAnswerSaysNothingOf() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        let request = try world.device.replica.makePushRequest()

        let error = #expect(throws: SyncError.self) {
            try world.device.replica.settle(
                PushResponse(acknowledgedUpTo: 1, serverCursor: 0, accepted: []), to: request)
        }

        #expect(error?.code == .invalidAnswer)
        #expect(world.device.queued == request.operations)
    }

    @Test func knowsTheLogWithoutPullingWhereOnlyItsOwnOperationsCame() throws {
        let world = try RuleWorld()
        try world.device.put([("x", [1]), ("y", [2])])
        try world.device.sync(world.server)

        #expect(world.device.replica.state.cursor == 2)
        #expect(world.server.pulls.count == 1)
    }

    @Test func pullsAgainWhereOthersPushedMeanwhile() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        try world.otherPuts([2], "y")
        while try world.device.step(world.server) {}

        #expect(world.device.contents == ["x": [1], "y": [2]])
    }
}
