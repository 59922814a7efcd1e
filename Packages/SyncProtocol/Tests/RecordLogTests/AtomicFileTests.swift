// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@Suite struct AtomicFileTests {
    @Test func whatIsReplacedIsReadBack() throws {
        let disk = SimulatedDisk()
        #expect(try AtomicFile.read("a", on: disk) == nil)

        for content in [[1, 2, 3], [], [UInt8](repeating: 9, count: 10_000)] as [[UInt8]] {
            try AtomicFile.replace("a", content, on: disk)
            #expect(try AtomicFile.read("a", on: disk) == content)
        }
        #expect(try disk.contentsOfDirectory(at: "") == ["a"])
    }

    @Test func aFailureOrCrashAtAnyCallLeavesTheOldContentOrTheNew() throws {
        let old = [UInt8](repeating: 1, count: 5000)
        let new = [UInt8](repeating: 2, count: 6000)
        for number in 1...8 {
            for seed in 0..<50 as Range<UInt64> {
                let disk = SimulatedDisk()
                try disk.createDirectory(at: "d")
                try disk.syncDirectory(at: "")
                try AtomicFile.replace("d/a", old, on: disk)
                disk.failNextCall(
                    number: number, errorNumber: FileSystemError.Number.inputOutput)

                var isReplaced = true
                do { try AtomicFile.replace("d/a", new, on: disk) } catch { isReplaced = false }
                var generator = SeededGenerator(seed: seed)
                disk.crash(using: &generator)
                let found = try AtomicFile.read("d/a", on: disk)
                #expect(
                    found == new || (found == old && !isReplaced), "call \(number), seed \(seed)")
                try AtomicFile.replace("d/a", [3], on: disk)
                #expect(try disk.contentsOfDirectory(at: "d") == ["a"])
            }
        }
    }

    @Test func whatReplaceReturnedForSurvivesAnyCrash() throws {
        for seed in 0..<300 as Range<UInt64> {
            let disk = SimulatedDisk()
            var generator = SeededGenerator(seed: seed)
            for number in 0..<4 as Range<UInt8> {
                try AtomicFile.replace("a", [number, number], on: disk)
                disk.crash(using: &generator)
                #expect(try AtomicFile.read("a", on: disk) == [number, number])
            }
        }
    }

    @Test func aFileOverTheLimitIsNotTakenIntoMemory() throws {
        let disk = SimulatedDisk()
        try AtomicFile.replace("a", [UInt8](repeating: 0, count: 11), on: disk)

        let error = #expect(throws: FileSystemError.self) {
            try AtomicFile.read("a", on: disk, bytesMax: 10)
        }
        #expect(error?.errorNumber == FileSystemError.Number.fileTooLarge)
    }
}
