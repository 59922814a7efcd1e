// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// A queue with a fault at each call that it makes of its disk, compaction and all.
@Suite struct QueueFaultTests {
    /// What the queue has said, and what the commit that failed would have made of it.
    private struct Ledger {
        var told = QueueState()
        var attempted: QueueState?
        var nextNumber: UInt64 = 1

        mutating func judge(_ found: QueueState) -> String? {
            guard found == told || found == attempted else {
                return "told \(told), attempted \(attempted as Any)"
            }
            told = found
            attempted = nil
            return nil
        }
    }

    /// Commits, of which every few make the queue write its file anew, and a restart.
    private static func run(_ disk: SimulatedDisk, _ ledger: inout Ledger) -> Bool {
        do {
            for _ in 0..<2 {
                let queue = try QueueFiles.openQueue(disk, compactionBytesMin: 600)
                for _ in 0..<4 {
                    let number = ledger.nextNumber
                    ledger.nextNumber += 2
                    var next = ledger.told
                    let changes: [QueueChange] = [
                        .enqueue(
                            [
                                QueueFiles.operation(number, bytes: 200),
                                QueueFiles.operation(number + 1),
                            ], checkpoint: number),
                        .noteSent(OperationID(number)),
                        .remove([OperationID(number), OperationID(max(number, 6) - 5)]),
                    ]
                    for change in changes { next.apply(change) }
                    next.settled(number)
                    ledger.attempted = next
                    try queue.commit(changes, settlement: number)
                    ledger.told = next
                    ledger.attempted = nil
                }
            }
            return true
        } catch {
            return false
        }
    }

    private func matrix() -> FaultMatrix<Ledger, QueueState> {
        FaultMatrix(
            start: { (try QueueFiles.makeDisk(), Ledger()) }, run: Self.run,
            open: QueueFiles.open, judge: { $1.judge($0) })
    }

    @Test func compactsInTheWorkload() throws {
        let disk = try QueueFiles.makeDisk()
        var ledger = Ledger()

        #expect(Self.run(disk, &ledger))

        #expect(try #require(disk.bytes(at: QueueFiles.path)).count < 1500)
        #expect(ledger.nextNumber == 17)
    }

    @Test func losesAndInventsNothingWhereverItEnds() throws {
        let report = try matrix().endBehindEveryCall(crashes: 4)

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 300)
    }

    @Test func liesToNobodyWhicheverCallFails() throws {
        let report = try matrix().failEveryCall(with: [
            FileSystemError.Number.inputOutput, FileSystemError.Number.outOfSpace,
        ])

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 200)
    }

    /// A disk that fails once often does so again, as when what a write left is to be taken back.
    @Test func liesToNobodyIfThreeCallsFailOneBehindTheOther() throws {
        let report = try matrix().failEveryCall(
            with: [FileSystemError.Number.inputOutput], burst: 3)

        #expect(report.lies.isEmpty, "\(report)")
    }

    @Test func liesToNobodyIfTheDiskIsFullAndStaysSo() throws {
        let report = try matrix().fillUp(step: 37)

        #expect(report.lies.isEmpty, "\(report)")
        #expect(report.caseCount > 30)
    }
}
