// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Law 11, bounded everything, where the service itself keeps the bounds.
@Suite struct ServiceLimitTests {
    private func large(_ number: OperationID, base: Cursor) -> SyncOperation {
        operation(
            number, EntityID("e\(number)"), base: base,
            content: [0x58, 200] + [UInt8](repeating: 1, count: 200))
    }

    @Test func aPushWhoseConflictsComeToTooMuchIsRefusedWholeAndCanBeHalved() throws {
        var configuration = ServiceConfiguration()
        configuration.conflictBytesMax = 700
        let server = try ServiceUnderTest(configuration)
        try server.push((1...3).map { large(OperationID($0), base: 0) })
        let stale = (11...13).map { (number: UInt64) in
            operation(OperationID(number), EntityID("e\(number - 10)"), base: 9)
        }

        let failure = #expect(throws: ServiceFailure.self) {
            try server.push(stale + [operation(14, "new", base: 0)])
        }

        #expect(failure?.status == 413)
        #expect(failure?.response.details.limit == "conflictBytes")
        #expect(try server.wholeLog().count == 3)
        #expect(try server.push(Array(stale.prefix(2))).conflicting == [11, 12])
    }

    @Test func theConflictOfASingleOperationIsAlwaysAnswered() throws {
        var configuration = ServiceConfiguration()
        configuration.conflictBytesMax = 0
        let server = try ServiceUnderTest(configuration)
        try server.push([large(1, base: 0)])

        #expect(try server.push([operation(2, "e1", base: 9)]).conflicting == [2])
    }

    @Test(arguments: [(2, nil), (3, RejectionCode.malformed)] as [(Int, RejectionCode?)])
    func anOperatorMayTightenTheNestingOfEntities(depth: Int, code: RejectionCode?) throws {
        var configuration = ServiceConfiguration()
        configuration.maxEntityDepth = 2
        let server = try ServiceUnderTest(configuration)
        let content = [UInt8](repeating: 0x81, count: depth) + [1]

        let answer = try server.push([operation(1, "e", base: 0, content: content)])

        #expect(answer.rejectionCodes[1] == code)
    }

    @Test func moreDatabasesThanAreKeptOpenAreOpenedWhenAskedFor() throws {
        var configuration = ServiceConfiguration()
        configuration.openAtStartMax = 1
        let server = try ServiceUnderTest(configuration)
        let names = (1...4).map { DatabaseID("db\($0)") }
        for name in names {
            try server.handshake(database: name)
            try server.push([operation(1, "e", base: 0, database: name)], database: name)
        }

        try server.restart()

        #expect(server.service.status == ServiceStatus(databases: 5, damaged: 0, readOnly: 0))
        for name in names.reversed() {
            let answer = try server.push(
                [
                    operation(1, "e", base: 0, database: name),
                    operation(2, "f", base: 0, database: name),
                ],
                database: name)
            #expect(answer.cursors == [1: 1, 2: 2])
        }
    }

    @Test func aSegmentThatCannotBeStartedMakesTheDatabaseReadOnlyAndLosesNothing() throws {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 1
        let server = try ServiceUnderTest(configuration)
        try server.push([operation(1, "e", base: 0)])
        // Closing the first segment needs no room; the header of the second does.
        server.disk.fullAfter(bytes: 0)

        let failure = #expect(throws: ServiceFailure.self) {
            try server.push([operation(2, "f", base: 0)])
        }
        #expect(failure?.status == 503)
        #expect(try server.wholeLog().count == 1)

        server.disk.fullAfter(bytes: nil)
        try server.restart()
        #expect(try server.push([operation(2, "f", base: 0)]).cursors == [2: 2])
        #expect(try server.logFiles().count == 2)
    }
}
