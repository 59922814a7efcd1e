// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// What the store promises about failing calls and power failures, tried at every call that a
/// workload makes on the disk.
@Suite struct StoreCrashTests {
    static let configuration: StoreConfiguration = {
        var configuration = StoreConfiguration()
        configuration.segmentCountMax = 3
        configuration.checkpointLogBytes = 900
        return configuration
    }()

    /// A store under a workload, what it has acknowledged, and a follower that does what it reads.
    struct Run {
        let disk: SimulatedDisk
        var store: SimulatedStore?
        /// What was committed, and what the transaction that failed would have made of it.
        var committed = StoreModel()
        var attempted: StoreModel?
        /// What a follower has made of what it was handed, and how far it is.
        var followed = StoreModel()
        var sequence: UInt64 = 0

        init(_ disk: SimulatedDisk) {
            self.disk = disk
        }

        /// Performs one step. What it throws is what the store threw.
        mutating func perform(_ step: StoreWorkload.Step) throws {
            if store == nil { store = try disk.openStore(configuration) }
            switch step {
            case .commit(let writes):
                attempted = committed
                attempted?.apply(writes)
                try store?.commit(writes)
                committed = attempted ?? committed
                attempted = nil
            case .checkpoint:
                try store?.checkpoint()
            case .reopen:
                store?.close()
                store = nil
            }
        }

        mutating func follow() throws {
            var poller = WALPoller(directory: "/db", disk: disk, after: sequence)
            for transaction in try poller.pollAll() { followed.apply(transaction.writes) }
            #expect(poller.lastSequence >= sequence)
            sequence = poller.lastSequence
        }

        /// Opens the store anew and holds it against what was acknowledged: all of it is there,
        /// whole, and nothing else but, perhaps, the one transaction that failed.
        mutating func reopenAndCheck(_ comment: Comment) throws {
            store?.close()
            store = nil
            let store = try disk.openStore(configuration)
            let found = StoreModel(store)
            #expect(found == committed || found == attempted, comment)
            committed = found
            attempted = nil
            self.store = store
        }
    }

    private static func callCount(of workload: StoreWorkload) throws -> Int {
        let disk = SimulatedDisk()
        var run = Run(disk)
        for step in workload.steps {
            try run.perform(step)
            try run.follow()
        }
        return disk.callCount
    }

    @Test(arguments: UInt64(1)...2)
    func losesNothingAndInventsNothingInACrashAtAnyCall(seed: UInt64) throws {
        let workload = StoreWorkload(seed: seed, stepCount: 24)
        let total = try Self.callCount(of: workload)
        #expect(total > 150)
        for call in 1...total {
            let comment: Comment = "seed \(seed), call \(call)"
            let disk = SimulatedDisk()
            var generator = SeededGenerator(seed: seed << 32 | UInt64(call))
            var run = Run(disk)
            disk.failNextCall(number: call, errorNumber: FileSystemError.Number.inputOutput)
            var failed = workload.steps.count
            for (index, step) in workload.steps.enumerated() {
                do {
                    try run.perform(step)
                    try run.follow()
                } catch {
                    failed = index
                    break
                }
            }
            // The power goes while the store is open: closing it would sync.
            disk.crash(using: &generator)
            try run.reopenAndCheck(comment)
            try run.follow()
            #expect(run.followed == run.committed, comment)
            // And it works on.
            for step in workload.steps.dropFirst(failed).prefix(6) {
                try run.perform(step)
                try run.follow()
            }
            try run.reopenAndCheck(comment)
            try run.follow()
            #expect(run.followed == run.committed, comment)
        }
    }

    @Test(arguments: [UInt64(3)])
    func showsNothingThatIsNotDurableWhicheverCallFails(seed: UInt64) throws {
        let workload = StoreWorkload(seed: seed, stepCount: 24)
        for call in 1...(try Self.callCount(of: workload)) {
            let comment: Comment = "seed \(seed), call \(call)"
            let disk = SimulatedDisk()
            var run = Run(disk)
            disk.failNextCall(number: call, errorNumber: FileSystemError.Number.inputOutput)
            for step in workload.steps {
                do {
                    try run.perform(step)
                    try run.follow()
                } catch {
                    #expect(error is StoreError || error is WALError, comment)
                    break
                }
            }
            if let store = run.store { #expect(StoreModel(store) == run.committed, comment) }
            try run.reopenAndCheck(comment)
            try run.follow()
            #expect(run.followed == run.committed, comment)
        }
    }

    @Test func staysReadOnlyAfterAFailedSync() throws {
        let disk = SimulatedDisk()
        let store = try disk.openStore()
        try store.putRaw([0x01], in: "notes", id: "a")
        // The write is the first call of a commit into a known collection, its sync the second.
        disk.failNextCall(number: 2, errorNumber: FileSystemError.Number.inputOutput)

        #expect { try store.putRaw([0x02], in: "notes", id: "a") } throws: {
            let error = $0 as? StoreError
            return error?.code == .io && error?.underlying?.operation == .sync
        }
        #expect { try store.putRaw([0x03], in: "notes", id: "a") } throws: {
            ($0 as? StoreError)?.code == .readOnly
        }
        #expect { try store.checkpoint() } throws: { ($0 as? StoreError)?.code == .readOnly }
        #expect(store.rawEntity(in: "notes", id: "a") == [0x01])
        // Nor is the commit that failed captured.
        var poller = store.makeCapturePoller(after: 0)
        #expect(try poller.pollAll().map(\.sequence) == [1])
    }

    @Test func saysThatTheDiskIsFullAndGoesOnWhenItIsNot() throws {
        for room in stride(from: 0, through: 160, by: 3) {
            let disk = SimulatedDisk()
            var run = Run(disk)
            try run.perform(.commit([WALWrite(collection: "a", entityID: "e", content: [0x01])]))
            try run.follow()
            disk.fullAfter(bytes: room)
            let length = try disk.contents(of: "/db/wal.log").count
            let sequence = try #require(run.store).withWriteLock { $0.lastSequence }
            let writes = [WALWrite(collection: "a", entityID: "f", content: [0x02])]
            do {
                try run.perform(.commit(writes))
            } catch let error as StoreError {
                #expect(error.code == .outOfSpace)
                #expect(try disk.contents(of: "/db/wal.log").count == length)
                #expect(run.store?.withWriteLock { $0.lastSequence } == sequence + 1)
            }
            let store = try #require(run.store)
            #expect(StoreModel(store) == run.committed)
            do {
                try run.perform(.checkpoint)
            } catch let error as StoreError {
                #expect(error.code == .outOfSpace)
            }
            #expect(StoreModel(store) == run.committed)

            disk.fullAfter(bytes: nil)
            try run.perform(.commit(writes))
            try run.perform(.checkpoint)
            try run.perform(.commit([WALWrite(collection: "b", entityID: "g", content: [0x03])]))
            try run.follow()

            #expect(run.followed == run.committed)
            try run.reopenAndCheck("room for \(room)")
        }
    }
}
