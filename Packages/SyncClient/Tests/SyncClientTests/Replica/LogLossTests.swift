// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// The server's files are put back and keep the name of their log: what the device knows of the
/// log says that it has gone back.
@Suite struct LogLossTests {
    /// A device whose last push was accepted above what it has pulled, and a copy of the server's
    /// files from before.
    private func pushedPastOthers() throws -> (RuleWorld, ModelServer) {
        let world = try RuleWorld()
        try world.share([("x", [1]), ("y", [2])])
        try world.device.put([3], "z")
        try world.device.syncToPush(world.server)
        try world.otherPuts([2, 4], "y")
        let backup = world.server.backup()
        try world.otherPuts([2, 4, 5], "y")
        _ = try world.device.step(world.server)
        return (world, backup)
    }

    @Test func namesTheHighestCursorThatAnAnswerHasShown() throws {
        let (world, _) = try pushedPastOthers()
        #expect(world.device.replica.state.cursor == 2)
        #expect(world.device.replica.makeHandshakeRequest().cursor == 5)
        try world.device.reopen()

        #expect(world.device.replica.makeHandshakeRequest().cursor == 5)
        #expect(try world.device.replica.makePushRequest().cursor == 5)
    }

    @Test func leavesALogThatEndsBeforeAnEditWhichItAccepted() throws {
        let (world, backup) = try pushedPastOthers()
        world.server.restore(backup, as: world.server.logID)
        try world.device.reopen()
        try world.device.sync(world.server)

        #expect(world.device.replica.state.logEpoch == 1)
        #expect(world.serverContents == ["x": [1], "y": [2, 4], "z": [3]])
        #expect(world.device.contents == world.serverContents)
        #expect(world.device.replica.state.seen == Cursor(world.server.head))
    }

    @Test func leavesALogThatHasLostAnOperationWhichItAccepted() throws {
        let (world, backup) = try pushedPastOthers()
        world.server.restore(backup, as: world.server.logID)
        let author = try ModelDevice("a", environment: world.environment)
        for number in 1...9 { try author.put([UInt64(10 + number)], "e\(number)") }
        try author.sync(world.server)
        try world.device.reopen()
        try world.device.sync(world.server)

        #expect(world.device.replica.state.logEpoch == 1)
        #expect(world.serverContents["z"] == [3])
        #expect(world.device.contents == world.serverContents)
        #expect(world.device.replica.state.acceptedThrough > 0)
    }

    @Test func leavesALogOnceForWhatItHasLost() throws {
        let (world, backup) = try pushedPastOthers()
        world.server.restore(backup, as: world.server.logID)
        for _ in 0..<3 { try world.device.sync(world.server) }

        #expect(world.device.replica.state.logEpoch == 1)
    }

    @Test func aCopyOfADeviceKnowsLessAndTakesANewName() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        let copy = world.device.disk.copyTree(at: "/device")
        try world.device.put([1, 2], "x")
        try world.device.sync(world.server)
        world.device.store.close()
        world.device.disk.replaceTree(at: "/device", with: copy)
        try world.device.reopen()
        #expect(world.device.replica.state.acceptedThrough == 1)
        try world.device.sync(world.server)

        #expect(world.device.replica.state.logEpoch == 0)
        #expect(world.device.replica.state.deviceID != "d")
        #expect(world.device.replica.state.acceptedThrough == 0)
        #expect(world.device.contents == ["x": [1, 2]])
    }

    /// The server answers the handshake, then takes what a copy of the device has sent; the page of
    /// a pull that waited comes first.
    @Test func anAnswerThatIsOlderThanAPageIsNoSign() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        try world.device.put([2], "y")
        try world.device.replica.capture()
        let copy = try world.copyOfDevice()
        let waiting = world.device.replica.makePullRequest(waitMilliseconds: 1_000)
        let answer = try world.server.handshake(world.device.replica.makeHandshakeRequest())
        try copy.sync(world.server)
        let page = try world.server.pull(waiting)

        try world.device.replica.settle(page, to: waiting)
        try world.device.replica.settle(answer)
        #expect(world.device.replica.state.logEpoch == 0)
        #expect(world.device.replica.state.logID == world.server.logID)
        #expect(world.device.replica.state.acceptedThrough == 2)
    }

    @Test func compactionTakesNoNumberBack() throws {
        let world = try RuleWorld()
        try world.share([("x", [1])])
        try world.device.put([1, 2], "x")
        try world.device.sync(world.server)
        try world.otherDeletes("x")
        try world.device.sync(world.server)
        world.server.compact()
        try world.device.sync(world.server)

        #expect(world.device.replica.state.logEpoch == 0)
    }

    @Test func anOlderServerGivesNoSign() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        _ = world.device.replica.makeHandshakeRequest()
        try world.device.replica.settle(
            HandshakeResponse(serverCursor: 0, capabilities: [:], lastOperationID: 0))

        #expect(world.device.replica.state.logEpoch == 0)
    }

    @Test func readsWhatAnEarlierVersionKept() throws {
        var state = ReplicaState(databaseID: "db", deviceID: "d")
        state.cursor = 7
        var bytes = state.encoded()
        #expect(bytes[0] == 0x8E)
        // Without its last two elements, which are zeros.
        bytes[0] = 0x8C
        let earlier = try ReplicaState(decoding: Array(bytes.dropLast(2)))

        #expect(earlier.seen == 7)
        #expect(earlier.acceptedThrough == 0)
    }
}
