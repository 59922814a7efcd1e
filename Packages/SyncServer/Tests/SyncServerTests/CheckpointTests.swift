// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What a server finds after it was stopped, killed or lost its power, with small files,
/// checkpoints and zeros ahead.
@Suite struct CheckpointTests {
    private func configuration(zeroFillBytes: Int) -> ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 4 << 10
        configuration.frameBytesTarget = 300
        configuration.checkpointBytes = 2 << 10
        configuration.checkpointAtCloseBytes = 0
        configuration.zeroFillBytes = zeroFillBytes
        return configuration
    }

    @Test(arguments: [0, 64 << 10], 0..<12 as Range<UInt64>)
    func nothingThatWasAcknowledgedIsMissingHoweverItEnded(
        zeroFillBytes: Int, seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let server = try ServiceUnderTest(configuration(zeroFillBytes: zeroFillBytes))
        var number: UInt64 = 0
        for round in 0..<25 {
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                number += 1
                try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
                if Bool.random(using: &generator) { _ = server.service.advance(to: 0) }
            }
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: try server.restart()
            case 1:
                server.disk.killProcesses()
                try server.crash(using: &generator)
            default: try server.crash(using: &generator)
            }
            #expect(server.told.allSatisfy { $0.contains("nobody was told of") }, "\(server.told)")
            #expect(try server.wholeLog().count == Int(number), "round \(round)")
            #expect(server.database.head == Cursor(number), "round \(round)")
            #expect(server.database.entities.count == Int(number), "round \(round)")
        }
    }

    @Test func anIndexOfAnotherFileOfTheSameLengthIsNotUsed() throws {
        let server = try ServiceUnderTest(configuration(zeroFillBytes: 0))
        for number in 1...80 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }
        #expect(try server.logFiles().count > 2)
        try server.restart {
            let first = server.databaseDirectory + "/log/" + (try server.logFiles()[0])
            var index = try #require(try SegmentIndex.read(beside: first, on: server.disk))
            index.identity ^= 1
            index.sparse = SparseIndex()
            index.sparse.note(1, at: 41)
            try index.write(beside: first, on: server.disk)
        }

        #expect(try server.wholeLog().count == 80)
    }
}
