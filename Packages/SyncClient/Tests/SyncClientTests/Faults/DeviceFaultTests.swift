// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Testing

@testable import SyncClient

/// Laws 3, 4, 6, 7 and 10 with a fault at each call that a device makes of its disk.
@Suite struct DeviceFaultTests {
    private func matrix() -> FaultMatrix<DeviceLedger, DeviceContent> {
        FaultMatrix(
            start: { (SimulatedDisk(), DeviceLedger()) }, run: DeviceStory.tell,
            open: DeviceFiles.open, judge: { $1.judge($0) })
    }

    @Test func meetsAConflictInThePullAndInThePush() throws {
        let disk = SimulatedDisk()
        var ledger = DeviceLedger()

        #expect(DeviceStory.tell(disk, &ledger))

        let content = try DeviceFiles.open(disk).content
        #expect(ledger.judge(content) == nil)
        #expect(content.conflicts.count >= 2)
        #expect(content.state.settlement > 3)
    }

    @Test func losesDoublesAndHalvesNothingWhereverItEnds() throws {
        let report = try matrix().endBehindEveryCall(crashes: 1)

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 600)
        #expect(report.counts[.cut] ?? 0 > 60)
    }

    @Test(arguments: [FileSystemError.Number.inputOutput, FileSystemError.Number.outOfSpace])
    func liesToNobodyWhicheverCallFails(errorNumber: Int32) throws {
        let report = try matrix().failEveryCall(with: [errorNumber])

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 300)
    }

    /// A disk that fails once often does so again, as when what a write left is to be taken back.
    @Test func liesToNobodyIfThreeCallsFailOneBehindTheOther() throws {
        let report = try matrix().failEveryCall(
            with: [FileSystemError.Number.inputOutput], burst: 3)

        #expect(report.lies.isEmpty, "\(report)")
    }

    @Test func liesToNobodyIfTheDiskIsFullAndStaysSo() throws {
        let report = try matrix().fillUp(step: 101)

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 30)
    }
}
