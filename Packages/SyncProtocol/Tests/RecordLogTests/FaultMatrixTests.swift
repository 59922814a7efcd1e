// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// The matrix finds the lies that are planted in a counter of one small file, and none in the
/// honest one.
@Suite struct FaultMatrixTests {
    /// What is wrong with a counter.
    enum Defect: CaseIterable, Sendable {
        case none, skipsSync, skipsDirectorySync, swallowsErrors, countsTwice, writesInPlace
    }

    struct Ledger {
        var told: UInt64 = 0
        var attempted: UInt64 = 0
    }

    /// Counts to the next five; each count is a file replaced whole.
    private static func run(
        _ disk: SimulatedDisk, _ ledger: inout Ledger, _ defect: Defect
    ) -> Bool {
        do {
            let file = try AtomicFile.read("d/n", on: disk) ?? [0]
            for value in file[0] + 1...file[0] + 5 {
                ledger.attempted = UInt64(value)
                do { try write(value, on: disk, defect) } catch {
                    guard defect == .swallowsErrors else { throw error }
                }
                ledger.told = UInt64(value)
            }
            return true
        } catch {
            return false
        }
    }

    private static func write(
        _ value: UInt8, on disk: SimulatedDisk, _ defect: Defect
    ) throws(FileSystemError) {
        let isInPlace = defect == .writesInPlace
        let file = try disk.openFile(at: isInPlace ? "d/n" : "d/n.new", .createIfMissing)
        let bytes = [defect == .countsTwice && value == 4 ? 9 : value, value ^ 0xFF]
        try file.write(bytes, at: 0)
        if defect != .skipsSync { try file.sync() }
        if !isInPlace { try disk.rename("d/n.new", to: "d/n") }
        if defect != .skipsDirectorySync { try disk.syncDirectory(at: "d") }
    }

    private static func open(
        _ disk: SimulatedDisk, _ defect: Defect
    ) throws -> OpenedFiles<UInt64> {
        try disk.syncDirectory(at: "d")
        guard let bytes = try AtomicFile.read("d/n", on: disk) else {
            return OpenedFiles(0, repairs: 0) {}
        }
        guard bytes.count == 2, bytes[1] == bytes[0] ^ 0xFF || defect == .countsTwice else {
            throw DamageReport(path: "d/n", offset: 0, message: "the file is damaged")
        }
        // What a killed process has written need not be durable.
        try disk.openFile(at: "d/n", .readWrite).write(bytes, at: 0)
        try disk.openFile(at: "d/n", .readWrite).sync()
        return OpenedFiles(UInt64(bytes[0]), repairs: 0) {}
    }

    private func matrix(_ defect: Defect) -> FaultMatrix<Ledger, UInt64> {
        FaultMatrix(
            start: {
                let disk = SimulatedDisk()
                try disk.createDirectory(at: "d")
                try disk.syncDirectory(at: "")
                return (disk, Ledger())
            }, run: { Self.run($0, &$1, defect) }, open: { try Self.open($0, defect) },
            judge: { found, ledger in
                guard found == ledger.told || found == ledger.attempted else {
                    return "told \(ledger.told), attempted \(ledger.attempted)"
                }
                ledger.told = found
                ledger.attempted = found
                return nil
            })
    }

    @Test func findsNoLieInAnHonestCounter() throws {
        let ended = try matrix(.none).endBehindEveryCall(crashes: 6)
        let failed = try matrix(.none).failEveryCall(with: [
            FileSystemError.Number.inputOutput, FileSystemError.Number.outOfSpace,
        ])

        #expect(ended.lies.isEmpty, "\(ended)")
        #expect(failed.lies.isEmpty, "\(failed)")
        #expect(ended.caseCount > 150 && failed.caseCount > 40)
    }

    @Test(arguments: [Defect.skipsSync, .skipsDirectorySync, .countsTwice, .writesInPlace])
    func findsALieThatAPowerFailureShows(_ defect: Defect) throws {
        #expect(try !matrix(defect).endBehindEveryCall(crashes: 6).lies.isEmpty)
    }

    @Test func findsAnErrorThatIsSwallowed() throws {
        let report = try matrix(.swallowsErrors).failEveryCall(with: [
            FileSystemError.Number.inputOutput
        ])

        #expect(!report.lies.isEmpty)
        #expect(report.description.contains("lies"))
    }
}
