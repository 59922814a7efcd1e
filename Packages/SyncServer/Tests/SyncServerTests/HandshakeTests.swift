// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Handshakes, logs and cursors that are not this server's, limits (protocol, §4, §10).
@Suite struct HandshakeTests {
    private func failure(_ body: () throws -> Void) -> ServiceFailure? {
        #expect(throws: ServiceFailure.self, performing: body)
    }

    @Test func saysWhereTheServerStandsAndWhatItCanDo() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(5, "e", base: 0)])

        let answer = try server.handshake()

        #expect(answer.serverCursor == 1)
        #expect(
            answer.capabilities == ["pull": true, "push": true, "sse": true, "webSocket": true])
        #expect(answer.protocolVersion == 1)
        #expect(answer.oldestCursor == 0)
        #expect(answer.lastOperationID == 5)
        #expect(answer.limits == .standard)
        #expect(answer.serverTimeMilliseconds == 1_000)
        #expect(answer.conflictPolicy == .detect)
        #expect(try server.handshake("new").lastOperationID == 0)
    }

    @Test func makesAnUnknownDatabaseWithALogOfItsOwnThatStays() throws {
        let server = try ServiceUnderTest()

        let first = try server.handshake(database: "other").logID
        try server.restart()

        #expect(first != nil)
        #expect(try server.handshake(database: "other").logID == first)
        #expect(try server.handshake().logID != first)
    }

    @Test func pushPullAndCursorToAnUnknownDatabaseAreError4() throws {
        let server = try ServiceUnderTest()
        let failures = [
            failure { try server.push([], database: "nowhere") },
            failure { _ = try server.pull(database: "nowhere") },
            failure {
                _ = try server.service.noteApplied(
                    CursorReport(databaseID: "nowhere", deviceID: "a", cursor: 0))
            },
        ]

        for failure in failures {
            #expect(failure?.status == 404)
            #expect(failure?.response.code == .databaseNotFound)
        }
        #expect(server.service.status.databases == 1)
    }

    @Test(arguments: [0, 2, UInt64(Int64.max)])
    func anotherVersionIsError5AndNamesBoth(version: UInt64) throws {
        let server = try ServiceUnderTest()

        let found = failure { try server.handshake(database: "x", version: version) }

        #expect(found?.status == 426)
        #expect(found?.response.code == .versionMismatch)
        #expect(found?.response.message.contains("\(version)") == true)
        #expect(found?.response.message.contains("version 1 only") == true)
        #expect(server.service.status.databases == 1)
    }

    /// The ways to name a log or a cursor.
    enum Naming: CaseIterable, Sendable {
        case handshakeLog, handshakeCursor, pushLog, pushCursor, pullLog, pullSince, pullSnapshot
        case report

        var reason: String {
            switch self {
            case .handshakeLog, .pushLog, .pullLog: "otherLog"
            default: "ahead"
            }
        }

        func perform(on server: ServiceUnderTest) throws {
            let log = LogID([UInt8](repeating: 1, count: 16))
            let edit = operation(9, "n", base: 0)
            switch self {
            case .handshakeLog: try server.handshake(logID: log)
            case .handshakeCursor: try server.handshake(cursor: 2)
            case .pushLog: try server.push([edit], logID: log)
            case .pushCursor: try server.push([edit], cursor: 2)
            case .pullLog: _ = try server.pull(device: "z", logID: log)
            case .pullSince: _ = try server.pull(since: 2, device: "z")
            case .pullSnapshot: _ = try server.pull(device: "z", snapshot: 2)
            case .report:
                _ = try server.service.noteApplied(
                    CursorReport(databaseID: "db", deviceID: "z", cursor: 2))
            }
        }
    }

    @Test(arguments: Naming.allCases)
    func anotherLogOrACursorAheadIsError11AndStoresNothing(_ naming: Naming) throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0)])
        let logID = try server.handshake().logID

        let found = failure { try naming.perform(on: server) }

        #expect(found?.status == 409)
        #expect(found?.response.code == .invalidCursor)
        #expect(
            found?.response.details
                == .init(
                    reason: naming.reason, oldestCursor: 0, serverCursor: 1, logID: logID))
        #expect(try server.wholeLog().count == 1)
        #expect(try server.handshake().lastOperationID == 1)
    }

    @Test func theRightLogAndCursorAreTaken() throws {
        let server = try ServiceUnderTest()
        let logID = try server.handshake().logID
        try server.push([operation(1, "e", base: 0)], logID: logID, cursor: 0)

        try server.handshake(logID: logID, cursor: 1)
        #expect(try server.pull(since: 1, logID: logID).nextCursor == 1)
        #expect(try server.pull(since: 0, device: "b", logID: logID, snapshot: 1).nextCursor == 1)
    }

    @Test(arguments: [true, false])
    func aDeviceOfAnotherHistoryMakesNoDatabase(namesLog: Bool) throws {
        let server = try ServiceUnderTest()
        let log = namesLog ? LogID([UInt8](repeating: 1, count: 16)) : nil

        let found = failure {
            try server.handshake(database: "lost", logID: log, cursor: namesLog ? nil : 3)
        }

        #expect(found?.response.details.reason == (namesLog ? "otherLog" : "ahead"))
        #expect(server.service.status.databases == 1)
        try server.handshake(database: "lost")
        #expect(server.service.status.databases == 2)
    }

    @Test func databasesAreLimited() throws {
        var configuration = ServiceConfiguration()
        configuration.maxDatabases = 2
        let server = try ServiceUnderTest(configuration)
        try server.handshake(database: "two")

        let found = failure { try server.handshake(database: "three") }

        #expect(found?.status == 503)
        #expect(found?.response.details.limit == "maxDatabases")
        try server.handshake(database: "two")
    }

    @Test func devicesOfADatabaseAreLimited() throws {
        var configuration = ServiceConfiguration()
        configuration.maxDevices = 2
        let server = try ServiceUnderTest(configuration)
        try server.handshake("b")

        let failures = [
            failure { try server.handshake("z") },
            failure { try server.push([operation(1, "e", base: 0, device: "z")], device: "z") },
            failure { _ = try server.pull(device: "z") },
        ]

        for found in failures {
            #expect(found?.status == 429)
            #expect(found?.response.code == .rateLimitExceeded)
            #expect(found?.response.retryAfterSeconds != nil)
            #expect(found?.response.details.maximum == 2)
        }
        #expect(try server.pull().operations.isEmpty)
    }

    @Test func databasesHaveLogsAndCursorsOfTheirOwn() throws {
        let server = try ServiceUnderTest()
        try server.handshake(database: "DB")
        try server.push([operation(1, "e", base: 0)])

        let answer = try server.push([operation(1, "e", base: 0, database: "DB")], database: "DB")

        #expect(answer.cursors == [1: 1])
        #expect(try server.wholeLog().count == 1)
        #expect(try server.wholeLog(database: "DB").count == 1)
    }

    @Test func aSecondServerOnTheDirectoryIsRefusedByName() throws {
        let server = try ServiceUnderTest()

        let error = #expect(throws: ServiceStartError.self) {
            try ServiceUnderTest(disk: server.disk)
        }

        #expect(error?.description.contains("data directory data") == true)
        server.service.close()
        _ = try ServiceUnderTest(disk: server.disk)
    }
}
