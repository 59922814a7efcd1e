// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// Laws: what `sync()` returned for is there after any crash, in order, and nothing is invented; a
/// sync that failed stays failed.
@Suite struct RecordLogCrashTests {
    /// A log, the program that writes it, and what the program has been told.
    struct Trial {
        var log: TestLog
        var generator: SeededGenerator
        /// Whether `create` has returned.
        var exists = false
        /// Records that a returned `sync()`, or an open, has vouched for.
        var told: [[UInt8]] = []
        /// Records appended after those, in order.
        var untold: [[UInt8]] = []
        var number = 0
        /// Whether the program keeps zeros in the file, more or less of them or none in each life.
        let hasZeros: Bool
        private var zeroFillBytes = 0

        init(seed: UInt64, hasZeros: Bool) {
            self.hasZeros = hasZeros
            log = TestLog(seed: ~seed)
            generator = SeededGenerator(seed: seed)
        }

        mutating func chance(_ one: Int, in all: Int) -> Bool {
            Int.random(in: 0..<all, using: &generator) < one
        }

        /// One life of the program: open or create, check what is there, write, perhaps fail, stop.
        mutating func live(withFaults: Bool) throws {
            let units = hasZeros ? Int.random(in: 0...2, using: &generator) : 0
            zeroFillBytes = units * RecordLogLimits.zeroFillUnitBytes
            if withFaults { planFault() }
            do throws(RecordLogError) {
                let file = try openOrCreate()
                try check(file)
                try write(to: file)
            } catch {
                guard withFaults else { throw error }
                switch error.code {
                case .io, .readOnly: return
                default: throw error
                }
            }
        }

        private mutating func openOrCreate() throws(RecordLogError) -> SimulatedLog {
            let file: SimulatedLog
            do throws(RecordLogError) {
                file = try SimulatedLog.open(
                    at: log.path, on: log.disk, purpose: .test, zeroFillBytes: zeroFillBytes)
            } catch {
                guard case .io(let cause) = error.code, cause.isNotFound, !exists else {
                    throw error
                }
                file = try SimulatedLog.create(
                    at: log.path, on: log.disk, purpose: .test, using: &log.generator,
                    zeroFillBytes: zeroFillBytes)
            }
            exists = true
            return file
        }

        private mutating func check(_ file: SimulatedLog) throws(RecordLogError) {
            var found: [[UInt8]] = []
            try file.forEach { record in
                found.append(Array(record.payload))
                return true
            }
            #expect(Array(found.prefix(told.count)) == told, "a record was lost or changed")
            let more = Array(found.dropFirst(told.count))
            #expect(more == Array(untold.prefix(more.count)), "a record was invented")
            // Open for writing has made them durable: from here on they count.
            told = found
            untold = []
        }

        private mutating func write(to file: SimulatedLog) throws(RecordLogError) {
            for _ in 0..<Int.random(in: 0..<12, using: &generator) {
                if chance(2, in: 3) {
                    let length =
                        chance(1, in: 12)
                        ? hasZeros ? 30_000 : 9000 : Int.random(in: 0..<60, using: &generator)
                    let payload = [UInt8](
                        repeating: UInt8(truncatingIfNeeded: number), count: length)
                    number += 1
                    untold.append(payload + Array("\(number)".utf8))
                    _ = try file.append(untold[untold.count - 1])
                } else {
                    try file.sync()
                    told += untold
                    untold = []
                }
            }
            if chance(1, in: 4) {
                try file.close()
                told += untold
                untold = []
            }
        }

        private mutating func planFault() {
            if chance(1, in: 2) {
                log.disk.failNextCall(
                    number: Int.random(in: 1...25, using: &generator),
                    errorNumber: FileSystemError.Number.inputOutput)
            }
            log.disk.fullAfter(
                bytes: chance(1, in: 3)
                    ? Int.random(in: 0..<(hasZeros ? 100_000 : 3000), using: &generator) : nil)
        }

        mutating func crash() {
            log.disk.crash(using: &generator)
        }
    }

    @Test(arguments: [false, true])
    func everySyncedRecordSurvivesCrashesInOrder(_ hasZeros: Bool) throws {
        var cuts = 0
        for seed in 0..<2000 as Range<UInt64> {
            var trial = Trial(seed: seed, hasZeros: hasZeros)
            for _ in 0..<5 {
                do { try trial.live(withFaults: false) } catch {
                    Issue.record("seed \(seed): \(error)")
                    return
                }
                trial.crash()
                if let size = trial.log.disk.bytes(at: "log")?.count, size > 40 { cuts += 1 }
            }
        }
        #expect(cuts > 1000, "the trials hardly write anything")
    }

    /// Also without a crash between failure and reopening, when the system's cache still shows what
    /// never reached the platter.
    @Test(arguments: [false, true])
    func everySyncedRecordSurvivesCrashesAndFaults(_ hasZeros: Bool) throws {
        for seed in 0..<2500 as Range<UInt64> {
            var trial = Trial(seed: seed, hasZeros: hasZeros)
            for _ in 0..<8 {
                do { try trial.live(withFaults: true) } catch {
                    Issue.record("seed \(seed): \(error)")
                    return
                }
                if trial.chance(1, in: 2) { trial.crash() }
            }
        }
    }
}
