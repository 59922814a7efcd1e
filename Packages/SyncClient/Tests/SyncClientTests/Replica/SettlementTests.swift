// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// The store and the queue are two files, and change together.
@Suite struct SettlementTests {
    /// `x` is in conflict, `z` waits behind it, and the page that shows the conflict is at hand.
    private func makeConflict(
        _ resolution: ConflictResolution
    ) throws -> (world: RuleWorld, request: PullRequest, page: PullResponse) {
        let world = try RuleWorld(resolution)
        try world.share([("x", [1]), ("y", [2])])
        try world.other.put([("x", [1, 5]), ("y", [2, 5])])
        try world.other.sync(world.server)
        try world.device.put([1, 6], "x")
        try world.device.put([7], "z")
        try world.device.replica.capture()
        let request = world.device.replica.makePullRequest()
        return (world, request, try world.server.pull(request))
    }

    private static let resolutions: [(ConflictResolution, [UInt64])] = [
        (.keepRemote, [1, 5]), (.keepLocal, [1, 6]),
        (.merge(Tokens.encode([1, 5, 6])), [1, 5, 6]),
    ]

    @Test(arguments: resolutions)
    func losesAndDoublesNothingWhereverTheDiskFails(
        _ resolution: ConflictResolution, _ stands: [UInt64]
    ) throws {
        var failed = 0, caughtUp = 0
        for call in 1...16 {
            for seed in 0..<UInt64(4) {
                let (world, request, page) = try makeConflict(resolution)
                world.device.disk.failNextCall(
                    number: call, errorNumber: FileSystemError.Number.inputOutput)
                if (try? world.device.replica.settle(page, to: request)) == nil { failed += 1 }
                var generator = SeededGenerator(seed: seed)
                world.device.disk.crash(using: &generator)
                let settled = try settlementOfQueueFile(world.device)
                try world.device.reopen()
                if settled < world.device.replica.state.settlement { caughtUp += 1 }

                #expect(world.device.replica.queue.state.checkInvariants() == nil)
                try world.device.sync(world.server)
                let place: Comment = "call \(call), seed \(seed)"
                #expect(world.serverContents == ["x": stands, "y": [2, 5], "z": [7]], place)
                #expect(world.device.contents == world.serverContents, place)
                #expect(try world.device.conflicts().count == 1, place)
                let own = world.server.history.filter { $0.deviceID == "d" }
                #expect(own.count == (resolution == .keepRemote ? 1 : 2), place)
            }
        }
        #expect(failed > 0)
        #expect(caughtUp > 0)
    }

    /// What the queue's file says before anything is opened again.
    private func settlementOfQueueFile(_ device: ModelDevice) throws -> UInt64 {
        let disk = SimulatedDisk()
        disk.replaceTree(at: "/device", with: device.disk.copyTree(at: "/device"))
        let queue = try OfflineQueue(
            directory: "/device", on: disk, using: SeededGenerator(seed: 1))
        return queue.state.settlement
    }

    @Test func takesNoMorePartAfterAFailedSettlement() throws {
        let (world, request, page) = try makeConflict(.keepLocal)
        world.device.disk.fullAfter(bytes: 0)
        #expect(throws: SyncError.self) {
            try world.device.replica.settle(page, to: request)
        }
        world.device.disk.fullAfter(bytes: nil)

        let error = #expect(throws: SyncError.self) { try world.device.replica.makePushRequest() }

        #expect(error?.code == .storage)
        try world.device.reopen()
        try world.device.sync(world.server)
        #expect(world.serverContents == ["x": [1, 6], "y": [2, 5], "z": [7]])
    }

    @Test func refusesAStoreWhoseQueueIsFromAnotherTime() throws {
        let (world, request, page) = try makeConflict(.keepLocal)
        let queue = world.device.disk.copyTree(at: "/device/queue.log")
        try world.device.replica.settle(page, to: request)
        try world.device.sync(world.server)
        world.device.store.close()
        world.device.disk.replaceTree(at: "/device/queue.log", with: queue)

        let error = #expect(throws: SyncError.self) { try world.device.reopen() }

        #expect(error?.code == .storage)
        #expect(error?.message.contains("settlement") == true)
    }

    @Test func namesTheRecordThatCannotBeRead() throws {
        let (world, _, _) = try makeConflict(.keepLocal)
        try world.device.store.withWriteLock { locked throws(StoreError) in
            _ = try locked.commit(
                [WALWrite(collection: "_sync", entityID: "state", content: [0x01])], mark: nil)
        }

        let error = #expect(throws: SyncError.self) { try world.device.reopen() }

        #expect(error?.code == .storage)
        #expect(error?.message.contains("_sync/state") == true)
    }
}
