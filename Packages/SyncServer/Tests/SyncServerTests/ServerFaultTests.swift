// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncServer

/// Laws 1, 2, 5, 7 and 10 with a fault at each call that a server makes of its disk.
@Suite struct ServerFaultTests {
    private func matrix() -> FaultMatrix<ServerLedger, ServerFiles.Content> {
        FaultMatrix(
            start: { (SimulatedDisk(), ServerLedger()) }, run: ServerStory.tell,
            open: ServerFiles.open, judge: { $1.judge($0) })
    }

    @Test func losesDoublesAndHalvesNothingWhereverItEnds() throws {
        let report = try matrix().endBehindEveryCall(crashes: 3)

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 500)
        #expect(report.counts[.cut] ?? 0 > 20)
    }

    @Test(arguments: [FileSystemError.Number.inputOutput, FileSystemError.Number.outOfSpace])
    func liesToNobodyWhicheverCallFails(errorNumber: Int32) throws {
        let report = try matrix().failEveryCall(with: [errorNumber])

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 150)
    }

    /// A disk that fails once often does so again, as when what a write left is to be taken back.
    @Test func liesToNobodyIfThreeCallsFailOneBehindTheOther() throws {
        let report = try matrix().failEveryCall(
            with: [FileSystemError.Number.inputOutput], burst: 3)

        #expect(report.lies.isEmpty, "\(report)")
    }

    @Test func liesToNobodyIfTheDiskIsFullAndStaysSo() throws {
        let report = try matrix().fillUp(step: 61)

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 30)
    }
}
