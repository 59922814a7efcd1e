// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

/// The matrix finds the lies that are planted in a reader of one small file.
@Suite struct DamageMatrixTests {
    private static let whole: [UInt8] = [7, 1, 2, 3]

    private struct OtherError: Error {}

    /// A disk whose file `d/f` has a checksum, the first byte, over the others, and a line behind
    /// them that nobody needs.
    private func makeDisk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        try disk.createDirectory(at: "d")
        let sum = Self.whole.reduce(0, &+)
        try AtomicFile.replace("d/f", [sum] + Self.whole + [0xEE], on: disk)
        return disk
    }

    private func matrix(
        earlier: [[UInt8]] = [],
        _ open: @escaping (SimulatedDisk, [UInt8]) throws -> OpenedFiles<[UInt8]>
    ) throws -> DamageMatrix<[UInt8]> {
        DamageMatrix(try makeDisk(), at: "d", content: Self.whole, earlier: earlier) { disk in
            try open(disk, disk.bytes(at: "d/f") ?? [])
        }
    }

    private func shown(_ bytes: some Sequence<UInt8>, repairs: UInt64 = 0) -> OpenedFiles<[UInt8]> {
        OpenedFiles(Array(bytes), repairs: repairs) {}
    }

    private static let damage = DamageReport(path: "d/f", offset: 0, message: "damaged")

    /// Refuses what fails its checksum, and cuts the line behind.
    private func honest(_ disk: SimulatedDisk, _ bytes: [UInt8]) throws -> OpenedFiles<[UInt8]> {
        guard bytes.count >= 5, bytes[1..<5].reduce(0, &+) == bytes[0] else { throw Self.damage }
        guard bytes.count == 5 || bytes[5] == 0xEE else {
            disk.cutFile("d/f", to: 5)
            return shown(bytes[1..<5], repairs: 1)
        }
        return shown(bytes[1..<5])
    }

    private func flip(_ matrix: DamageMatrix<[UInt8]>) -> MatrixReport {
        matrix.flipEveryBit(of: "d/f") { $0 < 5 ? [.refused] : [.harmless] }
    }

    @Test func findsNoLieInAnHonestReader() throws {
        let matrix = try matrix { try honest($0, $1) }

        let flipped = flip(matrix)
        let cut = matrix.cutToEveryLength(of: "d/f") { $0 < 5 ? [.refused] : [.harmless] }
        let removed = matrix.remove("d/f", allowing: [.refused])

        #expect(flipped.lies.isEmpty && cut.lies.isEmpty && removed.lies.isEmpty)
        #expect(flipped.counts == [.refused: 40, .harmless: 8])
        #expect(cut.caseCount == 6)
    }

    @Test func findsOtherContent() throws {
        let report = flip(try matrix { _, bytes in shown(bytes.dropFirst().prefix(4)) })

        #expect(report.lies.count == 40)
        #expect(report.lies.first?.contains("d/f, byte 0, bit 0") == true)
    }

    @Test func findsAFileThatWasChangedBeforeItWasRefused() throws {
        let report = flip(
            try matrix { disk, bytes in
                do { return try honest(disk, bytes) } catch {
                    disk.flipBit("d/f", byte: 5, bit: 0)
                    throw error
                }
            })

        #expect(report.lies.count == 40)
    }

    @Test func findsARepairThatIsNeverDone() throws {
        let report = flip(
            try matrix { disk, bytes in
                let found = try honest(SimulatedDisk(copyOf: disk, at: "d"), bytes)
                return found
            })

        #expect(report.lies.count == 8)
    }

    @Test func findsAReportThatNamesAnotherFileOrALaterByte() throws {
        for report in [
            DamageReport(path: "e", offset: nil, message: ""),
            DamageReport(path: "d/f", offset: 99, message: ""),
        ] {
            #expect(flip(try matrix { _, _ in throw report }).lies.count == 48)
        }
    }

    @Test func findsOtherErrorsAndEndlessLoops() throws {
        #expect(flip(try matrix { _, _ in throw OtherError() }).lies.count == 48)
        var endless = try matrix { disk, _ in
            while true { _ = try disk.contentsOfDirectory(at: "d") }
        }
        endless.callsMax = 50
        #expect(flip(endless).lies.count == 48)
    }

    @Test func findsACutThatIsNotAllowedOrNotReported() throws {
        let matrix = try matrix(earlier: [[]]) { disk, bytes in
            disk.cutFile("d/f", to: 0)
            return shown([], repairs: bytes.isEmpty ? 0 : 1)
        }

        #expect(flip(matrix).lies.count == 48)
        let allowed = matrix.flipEveryBit(of: "d/f") { _ in [.cut] }
        #expect(allowed.lies.isEmpty)
        let silent = try self.matrix(earlier: [[]]) { _, _ in shown([]) }
        #expect(silent.flipEveryBit(of: "d/f") { _ in [.cut] }.lies.count == 48)
        #expect(silent.flipEveryBit(of: "d/f") { _ in [.forgotten] }.lies.isEmpty)
    }
}
