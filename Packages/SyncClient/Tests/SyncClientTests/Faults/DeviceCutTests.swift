// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// A device whose log or queue lost its end, and that was never told so by its disk: what it does
/// with the server afterwards.
@Suite struct DeviceCutTests {
    /// A device with an edit that is settled, one that was sent and got no answer, one that is
    /// captured and one that is not.
    private func makeWorld() throws -> RuleWorld {
        let world = try RuleWorld(.keepLocal)
        try world.share([("x", [1]), ("y", [2])])
        try world.otherPuts([1, 5], "x")
        try world.device.put([1, 6], "x")
        try world.device.sync(world.server)
        try world.device.put([3], "sent")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        try world.device.put([4], "captured")
        try world.device.replica.capture()
        try world.device.put([5], "committed")
        return world
    }

    private static let whole: [String: [UInt64]] = [
        "x": [1, 6], "y": [2], "sent": [3], "captured": [4], "committed": [5],
    ]

    /// Opens a copy of the device with one file cut, or gone, edits and syncs; returns what the
    /// server has, or `nil` if the device refused to open and left its files alone.
    private func contents(
        _ world: RuleWorld, cutting path: String, to length: Int?
    ) throws -> [String: [UInt64]]? {
        let disk = SimulatedDisk(copyOf: world.device.disk, at: "/device")
        if let length {
            disk.cutFile(path, to: length)
        } else {
            disk.replaceTree(at: path, with: nil)
        }
        let place = "\(path) cut to \(length ?? -1)"
        // The store repairs itself, before sync looks at it.
        try ModelDevice.Store(directory: "/device", disk: disk).close()
        let before = disk.copyTree(at: "/device")
        let server = world.server.backup()
        let device: ModelDevice
        do {
            device = try ModelDevice(
                "d", on: disk, resolver: world.resolver, environment: .deterministic(seed: 9))
        } catch {
            let isUnchanged = disk.copyTree(at: "/device") == before
            #expect(isUnchanged, "\(place): \(error)")
            return nil
        }
        try device.put([9], "new")
        try device.sync(server)
        var found: [String: [UInt64]] = [:]
        for (key, operation) in server.current {
            found[key.entityID.rawValue] = operation.content.map(Tokens.decode)
        }
        #expect(device.contents == found, "\(place)")
        let own = server.history.map { "\($0.entityID) \(Tokens.decode($0.content ?? []))" }
        #expect(Set(own).count == own.count, "\(place) doubles an edit")
        return found
    }

    /// The queue may lose its end: the log still has what was captured, and the store the
    /// settlement.
    @Test func losesNoEditWhateverLengthTheQueueIsCutTo() throws {
        let world = try makeWorld()
        let path = "/device/queue.log"
        var expected = Self.whole
        expected["new"] = [9]
        var opened = 0
        let size = try #require(world.device.disk.bytes(at: path)).count
        for length in 0..<size {
            if let found = try contents(world, cutting: path, to: length) {
                #expect(found == expected, "cut to \(length)")
                opened += 1
            }
        }
        #expect(opened > 0 && opened < size)
    }

    /// The log may lose its end. What was captured is in the queue; what was not is gone, and
    /// nothing knows of it. An edit made afterwards is sent.
    @Test func losesNoLaterEditWhateverLengthTheLogIsCutTo() throws {
        let world = try makeWorld()
        let path = "/device/wal.log"
        var opened = 0
        let size = try #require(world.device.disk.bytes(at: path)).count
        for length in 0..<size {
            if let found = try contents(world, cutting: path, to: length) {
                #expect(found["new"] == [9], "cut to \(length)")
                for (id, tokens) in Self.whole where id != "committed" {
                    #expect(found[id] == tokens, "cut to \(length)")
                }
                opened += 1
            }
        }
        #expect(opened > 0 && opened < size)
    }

    @Test func refusesADeviceWhoseSettledQueueIsGone() throws {
        #expect(try contents(makeWorld(), cutting: "/device/queue.log", to: nil) == nil)
    }

    /// Before the first settlement the store alone has everything; what was sent under the numbers
    /// that are given again shows in the handshake, as on a device that was copied.
    @Test(arguments: [false, true])
    func losesNoEditOfADeviceWhoseUnsettledQueueIsGone(isSent: Bool) throws {
        let world = try RuleWorld()
        try world.device.put([1], "x")
        try world.device.put([2], "y")
        try world.device.syncToPush(world.server)
        if isSent { _ = try world.device.step(world.server, .answerIsLost) }

        let found = try contents(world, cutting: "/device/queue.log", to: nil)

        #expect(found == ["x": [1], "y": [2], "new": [9]])
    }

    @Test func refusesAQueueWhoseStoreIsGone() throws {
        let world = try makeWorld()
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "/device")
        disk.replaceTree(
            at: "/device/queue.log", with: world.device.disk.copyTree(at: "/device/queue.log"))

        #expect(throws: SyncError.self) {
            try ModelDevice("d", on: disk, environment: .deterministic(seed: 9))
        }
    }

    /// A commit whose sync failed, and that the disk did not let us take back, is still seen in the
    /// log, and not durable.
    @Test func capturesNoCommitThatFailed() throws {
        for seed in UInt64(0)..<20 {
            let world = try RuleWorld()
            try world.share([("x", [1])])
            for call in 2...3 {
                world.device.disk.failNextCall(
                    number: call, errorNumber: FileSystemError.Number.inputOutput)
            }
            #expect(throws: StoreError.self) { try world.device.put([1, 2], "x") }

            #expect(throws: SyncError.self) { try world.device.replica.capture() }
            var generator = SeededGenerator(seed: seed)
            world.device.disk.crash(using: &generator)
            try world.device.reopen()
            try world.device.put([3], "y")
            try world.device.sync(world.server)

            #expect(world.serverContents["y"] == [3])
            #expect(world.device.contents == world.serverContents)
        }
    }
}
