// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// A crash keeps any part of what was not synced: the mark, the write that begins with it again.
@Suite struct StorePowerFailureTests {
    /// Every way in which a disk can have performed a write at `offset`.
    private func outcomes(of write: [UInt8], at offset: Int, on base: [UInt8]) -> Set<[UInt8]> {
        var outcomes: Set<[UInt8]> = [base]
        for cut in 0...write.count {
            var grown = base
            grown += [UInt8](repeating: 0, count: max(0, offset + cut - base.count))
            var beginning = grown
            beginning.replaceSubrange(offset..<offset + cut, with: write[..<cut])
            var end = base
            end += [UInt8](repeating: 0, count: max(0, offset + write.count - base.count))
            end.replaceSubrange(offset + cut..<offset + write.count, with: write[cut...])
            outcomes.formUnion([grown, beginning, end])
        }
        return outcomes
    }

    /// All states between two commits, not a sample of them.
    @Test func opensAfterEveryCrashBetweenTwoCommits() throws {
        let states = try StoreLogState.afterEachCommit()
        let before = states[2]
        let after = states[3]
        let end = before.commitEnd
        var logs: Set<[UInt8]> = []
        for log in outcomes(
            of: Array(before.log[end...]), at: end, on: Array(before.log[..<end]))
        {
            logs.formUnion(outcomes(of: Array(after.log[end..<after.commitEnd]), at: end, on: log))
        }
        #expect(logs.count > 4000)
        for (number, log) in logs.enumerated() {
            let isWhole = log == after.log.dropLast(StoreLogState.markBytes)
            let disk = try after.disk(log: log)
            let store = try disk.openStore()
            #expect(StoreModel(store) == (isWhole ? after : before).model)
            #expect(isWhole || store.recovery.tornBytes <= UInt64(log.count - end))
            guard number.isMultiple(of: 16) else { continue }
            try store.putRaw([0x09], in: "notes", id: "z")
            let model = StoreModel(store)
            var generator = SeededGenerator(seed: UInt64(number))
            disk.crash(using: &generator)
            #expect(StoreModel(try disk.openStore()) == model)
        }
    }

    /// Cuts the power, so that whoever ran has no disk any more until the next crash.
    private static func crash(_ disk: SimulatedDisk, using generator: inout SeededGenerator) {
        disk.crash(using: &generator)
        for number in 1...500 {
            disk.failNextCall(number: number, errorNumber: FileSystemError.Number.inputOutput)
        }
    }

    /// Crash after crash, each in the middle of any call, the opening's own included.
    @Test(arguments: UInt64(1)...60)
    func losesNothingInOneCrashAfterAnother(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let disk = SimulatedDisk()
        var committed = StoreModel()
        var attempted: StoreModel?
        for round in 0..<20 {
            let meddling = MeddlingDisk(disk)
            var callsLeft = Int.random(in: 1...80, using: &generator)
            meddling.meddle = {
                callsLeft -= 1
                if callsLeft == 0 { Self.crash(disk, using: &generator) }
            }
            let workload = StoreWorkload(seed: seed << 32 | UInt64(round), stepCount: 60)
            do {
                let store = try DiskEntityStore(
                    directory: "/db", disk: meddling, configuration: StoreCrashTests.configuration)
                let found = StoreModel(store)
                #expect(found == committed || found == attempted, "seed \(seed), round \(round)")
                committed = found
                attempted = nil
                for case .commit(let writes) in workload.steps {
                    attempted = committed
                    attempted?.apply(writes)
                    try store.commit(writes)
                    committed = attempted ?? committed
                    attempted = nil
                }
                meddling.meddle = {}
            } catch let error as StoreError {
                #expect(error.code == .io || error.code == .readOnly, "seed \(seed): \(error)")
                #expect(callsLeft <= 0, "seed \(seed), round \(round): \(error)")
                // The power comes back.
                disk.crash(using: &generator)
            }
        }
        #expect(!committed.contents.isEmpty)
    }

    /// What was cut off must not come back in the middle of what took its place.
    @Test func neverMixesWhatFailedWithWhatCameAfterIt() throws {
        func writes(_ value: UInt8) -> [WALWrite] {
            ["a", "b", "c"].map {
                WALWrite(collection: "notes", entityID: $0, content: [0x41, value])
            }
        }
        for seed in UInt64(0)..<3000 {
            var generator = SeededGenerator(seed: seed)
            let disk = SimulatedDisk()
            let meddling = MeddlingDisk(disk)
            let store = try DiskEntityStore(directory: "/db", disk: meddling)
            try store.commit(writes(1))
            disk.fullAfter(bytes: Int.random(in: 60..<180, using: &generator))
            do {
                try store.commit(writes(2))
            } catch let error as StoreError {
                #expect(error.code == .outOfSpace)
            }
            let last = StoreModel(store)
            disk.fullAfter(bytes: nil)
            var callsLeft = 2
            meddling.meddle = {
                callsLeft -= 1
                // The write is done, its sync is not.
                if callsLeft == 0 { disk.crash(using: &generator) }
            }
            #expect(throws: StoreError.self) { try store.commit(writes(3)) }

            let found = StoreModel(try disk.openStore())

            var third = StoreModel()
            third.apply(writes(3))
            #expect(found == last || found == third, "seed \(seed)")
        }
    }

    /// After a failed sync the system's cache shows what the disk never got.
    @Test func vouchesForNothingThatOnlyTheCacheHas() throws {
        for seed in UInt64(0)..<60 {
            var generator = SeededGenerator(seed: seed)
            let disk = SimulatedDisk()
            let store = try disk.openStore()
            try store.putRaw([0x01], in: "notes", id: "a")
            // The sync fails, and then so does taking the write back.
            for call in 2...3 { disk.failNextCall(number: call, errorNumber: 5) }
            let large = [0x59, 0x40, 0x00] + [UInt8](repeating: 7, count: 0x4000)
            #expect(throws: StoreError.self) { try store.putRaw(large, in: "notes", id: "b") }
            store.close()

            let again = try disk.openStore()
            try again.putRaw([0x02], in: "notes", id: "c")
            let model = StoreModel(again)
            disk.crash(using: &generator)

            #expect(StoreModel(try disk.openStore()) == model, "seed \(seed)")
        }
    }
}
