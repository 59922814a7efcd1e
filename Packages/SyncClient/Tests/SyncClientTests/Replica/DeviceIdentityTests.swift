// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// Devices that were restored from a copy, or exist twice.
@Suite struct DeviceIdentityTests {
    @Test func aCloneTakesANewNameAndDropsWhatTheServerHas() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.put([2], "y")
        try world.device.replica.capture()
        let clone = try world.copyOfDevice()
        try world.device.sync(world.server)
        try clone.put([3], "z")
        try clone.sync(world.server)

        #expect(clone.replica.state.deviceID != "d")
        #expect(world.server.history.map(\.entityID) == ["x", "y", "z"])
        #expect(world.server.history.last?.deviceID == clone.replica.state.deviceID)
        #expect(clone.queued.isEmpty)
        #expect(clone.contents == ["x": [1], "y": [2], "z": [3]])
        #expect(world.resolver.conflicts.isEmpty)
    }

    /// The server keeps where it put a device's latest operations only. What it calls accepted and
    /// was never sent is of a copy of the device, and this device's edit is still to go out.
    @Test func anEditUnderANumberThatWasTakenLongAgoIsNotTakenForAccepted() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.syncToPush(world.server)
        let request = try world.device.replica.makePushRequest()

        try world.device.replica.settle(
            PushResponse(
                acknowledgedUpTo: 1, serverCursor: 20_000,
                accepted: [AcceptedRun(firstOperationID: 1, firstCursor: 0, count: 1)]),
            to: request)
        #expect(world.device.replica.state.deviceID != "d")
        #expect(world.device.queued.map(\.content) == request.operations.map(\.content))
        try world.device.sync(world.server)

        #expect(world.serverContents == ["x": [1]])
        #expect(world.device.queued.isEmpty)
    }

    @Test func keepsItsNewName() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        let clone = try world.copyOfDevice()
        try world.device.sync(world.server)
        try clone.sync(world.server)
        let name = clone.replica.state.deviceID
        try clone.reopen()
        try clone.sync(world.server)

        #expect(name.rawValue.hasPrefix("d~"))
        #expect(name.isValid)
        #expect(clone.replica.state.deviceID == name)
        #expect(world.device.replica.state.deviceID == "d")
    }

    @Test func aRestoredCopyTakesANewName() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        let copy = world.device.disk.copyTree(at: "/device")
        try world.device.put([1, 2], "x")
        try world.device.sync(world.server)
        world.device.store.close()
        world.device.disk.replaceTree(at: "/device", with: copy)
        try world.device.reopen()
        try world.device.put([3], "y")
        try world.device.sync(world.server)

        #expect(world.device.replica.state.deviceID != "d")
        #expect(world.device.contents == ["x": [1, 2], "y": [3]])
        #expect(world.serverContents == ["x": [1, 2], "y": [3]])
    }

    @Test func movesUnsentOperationsInOrderWithTheirTransactionsAndChains() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.replica.capture()
        let clone = try world.copyOfDevice()
        try world.device.sync(world.server)
        try clone.put([("x", [1, 2]), ("y", [3])])
        try clone.put([1, 2, 4], "x")
        try clone.sync(world.server)

        let moved = world.server.history.filter { $0.deviceID == clone.replica.state.deviceID }
        #expect(moved.map(\.entityID) == ["x", "y", "x"])
        #expect(moved.map(\.base) == [1, 0, nil])
        #expect(moved[2].baseOperationID == moved[0].operationID)
        #expect(moved[0].transactionID != nil && moved[0].transactionID == moved[1].transactionID)
        #expect(moved[2].transactionID == nil)
    }

    @Test func seesWhatACopyPushesUnderItsName() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.replica.capture()
        let clone = try world.copyOfDevice()
        _ = try world.device.step(world.server)
        try clone.put([2], "y")
        try clone.sync(world.server)
        while try world.device.step(world.server) {}

        #expect(world.device.replica.state.deviceID == clone.replica.state.deviceID)
        #expect(world.device.contents == ["x": [1], "y": [2]])
    }

    @Test func givesWayToWhatCameAfterAnEditThatACopyHadPushed() throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.replica.capture()
        let clone = try world.copyOfDevice()
        try world.device.sync(world.server)
        try world.other.sync(world.server)
        try world.otherPuts([1, 9], "x")
        try world.device.put([3], "y")
        try world.device.sync(world.server)
        try clone.sync(world.server)

        #expect(clone.queued.isEmpty)
        #expect(clone.contents == ["x": [1, 9], "y": [3]])
    }

    @Test func keepsAnOperationWhoseNumberTheOtherUsedForSomethingElse() throws {
        let world = try RuleWorld()
        let clone = try world.copyOfDevice()
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        try clone.put([2], "y")
        try clone.sync(world.server)

        #expect(world.serverContents == ["x": [1], "y": [2]])
    }

    @Test func takesReuseOfANumberAsSignOfACloneAndNeverQuarantines() throws {
        let world = try RuleWorld()
        let clone = try world.copyOfDevice()
        try clone.put([2], "y")
        try clone.syncToPush(world.server)
        try world.device.put([1], "x")
        try world.device.sync(world.server)
        while try clone.step(world.server) {}

        #expect(clone.replica.state.deviceID != "d")
        #expect(try clone.quarantined().isEmpty)
        #expect(world.serverContents == ["x": [1], "y": [2]])
        #expect(clone.contents == ["x": [1], "y": [2]])
    }

    @Test func pushesNothingBeforeItsResyncIsComplete() throws {
        let world = try RuleWorld(pullLimit: 1)
        for number in 1...4 { try world.device.put([UInt64(number)], "e\(number)") }
        try world.device.replica.capture()
        let clone = try world.copyOfDevice()
        try world.device.sync(world.server)
        try clone.put([9], "z")
        let pulls = world.server.pulls.count
        try clone.syncToPush(world.server)

        let resync = world.server.pulls.dropFirst(pulls)
        #expect(resync.allSatisfy { $0.includesOwn == true })
        #expect(resync.first?.sinceCursor == 0)
        #expect(clone.replica.state.resync == nil)
        #expect(clone.queued.map(\.entityID) == ["z"])
    }

    @Test func outlivesACrashInTheMiddleOfItsResync() throws {
        for steps in 1...6 {
            let world = try RuleWorld()
            for number in 1...4 { try world.device.put([UInt64(number)], "e\(number)") }
            try world.device.replica.capture()
            let clone = try world.copyOfDevice()
            clone.pullLimit = 1
            try clone.reopen()
            try world.device.sync(world.server)
            try clone.put([9], "z")
            for _ in 0..<steps { _ = try clone.step(world.server) }
            var generator = SeededGenerator(seed: UInt64(steps))
            clone.disk.crash(using: &generator)
            try clone.reopen()
            try clone.sync(world.server)

            #expect(world.server.history.count == 5, "after \(steps) steps")
            #expect(clone.contents.count == 5)
        }
    }
}
