// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// The server has dropped tombstones that a device has not seen: it pulls everything again.
@Suite struct CompactedResyncTests {
    /// Four entities are everywhere; `e1` is then deleted, and its tombstone dropped before the
    /// device could see it.
    private func makeWorld(
        _ resolution: ConflictResolution = .keepRemote, pullLimit: UInt64 = 100
    ) throws -> RuleWorld {
        let world = try RuleWorld(resolution, pullLimit: pullLimit)
        try world.share((1...4).map { (id: "e\($0)", tokens: [UInt64($0)]) })
        try world.otherDeletes("e1")
        try world.otherPuts([2, 9], "e2")
        try world.other.sync(world.server)
        world.server.stale.insert("d")
        return world
    }

    private let left: [String: [UInt64]] = ["e2": [2, 9], "e3": [3], "e4": [4]]

    @Test func dropsWhatTheServerNoLongerHas() throws {
        let world = try makeWorld()
        world.server.compact()
        #expect(world.server.oldest == 5)
        try world.device.sync(world.server)

        #expect(world.device.contents == left)
        #expect(try world.device.base("e1") == nil)
        #expect(try world.device.conflicts().isEmpty)
        #expect(world.device.replica.state.resync == nil)
    }

    @Test func asksForItsOwnOperationsToo() throws {
        let world = try makeWorld()
        try world.device.put([5], "own")
        try world.device.sync(world.server)
        try world.otherDeletes("e3")
        try world.other.sync(world.server)
        world.server.stale.insert("d")
        world.server.compact()
        try world.device.sync(world.server)

        #expect(world.device.tokens("own") == [5])
        #expect(world.server.pulls.last?.includesOwn == true)
    }

    @Test func keepsAnEntityWithUnsentEditsAndLetsTheResolverDecide() throws {
        let world = try makeWorld(.keepLocal)
        world.server.compact()
        try world.device.put([1, 7], "e1")
        try world.device.sync(world.server)

        #expect(world.resolver.conflicts.map(\.key.entityID) == ["e1"])
        #expect(world.resolver.conflicts.map { $0.base.map(Tokens.decode) } == [[1]])
        #expect(world.resolver.conflicts.map(\.remote) == [nil])
        #expect(world.serverContents["e1"] == [1, 7])
    }

    @Test func keepsAnEntityThatWasMadeWhileItWentOn() throws {
        let world = try makeWorld(pullLimit: 1)
        world.server.compact()
        for _ in 0..<3 { _ = try world.device.step(world.server) }
        #expect(world.device.replica.state.resync == .compacted)
        try world.device.put([8], "new")
        while try world.device.step(world.server) {}

        #expect(world.device.tokens("new") == [8])
        #expect(world.serverContents["new"] == [8])
    }

    @Test func namesItsSnapshotInEveryLaterPage() throws {
        let world = try makeWorld(pullLimit: 1)
        world.server.compact()
        let pulls = world.server.pulls.count
        try world.device.sync(world.server)

        let resync = world.server.pulls.dropFirst(pulls).drop { $0.sinceCursor > 0 }
        #expect(resync.map(\.snapshot) == [nil, 6, 6])
    }

    @Test func survivesACrashInItsMiddle() throws {
        var interrupted = 0
        for steps in 2...5 {
            let world = try makeWorld(pullLimit: 1)
            world.server.compact()
            for _ in 0..<steps { _ = try world.device.step(world.server) }
            let state = world.device.replica.state
            if state.resync == .compacted, state.cursor > 0 { interrupted += 1 }
            var generator = SeededGenerator(seed: UInt64(steps))
            world.device.disk.crash(using: &generator)
            try world.device.reopen()
            #expect(world.device.replica.state == state)
            try world.device.sync(world.server)

            #expect(world.device.contents == left, "after \(steps) steps")
        }
        #expect(interrupted > 0)
    }

    @Test func survivesADiskThatFailsAnywhere() throws {
        for call in 1...20 {
            let world = try makeWorld(pullLimit: 2)
            world.server.compact()
            world.device.disk.failNextCall(number: call, errorNumber: 5)
            try? world.device.sync(world.server)
            var generator = SeededGenerator(seed: UInt64(call))
            world.device.disk.crash(using: &generator)
            try world.device.reopen()
            try world.device.sync(world.server)

            #expect(world.device.contents == left, "call \(call)")
        }
    }

    @Test func dropsAnEditOfItsOwnThatIsGoneWithItsTombstone() throws {
        let world = try RuleWorld()
        try world.share([(id: "e1", tokens: [1])])
        try world.device.put([5], "own")
        try world.device.syncToPush(world.server)
        _ = try world.device.step(world.server, .answerIsLost)
        try world.other.sync(world.server)
        try world.otherDeletes("own")
        try world.otherPuts([9], "later")
        try world.other.sync(world.server)
        world.server.stale.insert("d")
        world.server.compact()

        try world.device.sync(world.server)

        #expect(world.device.contents == ["e1": [1], "later": [9]])
        #expect(try world.device.base("own") == nil)
        #expect(world.device.queued.isEmpty)
    }

    @Test func aPullFromTheStartIsAResyncForWhoeverHasPushed() throws {
        let world = try RuleWorld()
        try world.device.put([5], "own")
        try world.device.syncToPush(world.server)
        try world.otherPuts([1], "e1")
        _ = try world.device.step(world.server)
        #expect(try world.device.base("own")?.cursor == 2)
        #expect(world.device.replica.state.cursor == .start)
        try world.other.sync(world.server)
        try world.otherDeletes("own")
        try world.otherPuts([9], "later")
        try world.other.sync(world.server)
        world.server.stale.insert("d")
        world.server.compact()

        try world.device.sync(world.server)

        #expect(world.device.contents == ["e1": [1], "later": [9]])
        #expect(try world.device.base("own") == nil)
    }
}
