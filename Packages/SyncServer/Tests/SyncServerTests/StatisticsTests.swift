// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What `inspect` and `GET /v1/stats` say of a database.
@Suite struct StatisticsTests {
    private func server() throws -> ServiceUnderTest {
        let server = try ServiceUnderTest(CompactionTests.configuration())
        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "e", base: 1)])
        try server.push([operation(3, "f", base: 0, transaction: 5)])
        try server.push([operation(4, "f", base: 3, delete: true)])
        #expect(try server.push([operation(5, "e", base: 1)]).conflicts.count == 1)
        server.time.wall = 7_000
        _ = try server.pull(since: 1, device: "b")
        return server
    }

    private func look(_ server: ServiceUnderTest) throws -> DatabaseLook<SimulatedDisk> {
        let place = DataDirectory(path: "data", disk: server.disk).place(of: "db")
        return try #require(try DatabaseLook.read(place, on: server.disk))
    }

    @Test func theServersFiguresAreThoseOfItsFiles() throws {
        let server = try server()
        let database = server.database
        let figures = try DatabaseStatistics(database)

        #expect(figures.cursor == 4)
        #expect(figures.operations == 4)
        #expect(figures.entities == 1)
        #expect(figures.tombstones == 1)
        #expect(
            figures.devices == [
                .init(deviceID: "a", cursor: 0, lag: 4, lastSeenMilliseconds: 1_000),
                .init(deviceID: "b", cursor: 1, lag: 3, lastSeenMilliseconds: 7_000),
            ])
        server.service.close()
        let found = try look(server).statistics
        #expect(found.devices.sorted { $0.deviceID < $1.deviceID } == figures.devices)
        #expect(found.segments.map(\.firstCursor) == figures.segments.map(\.firstCursor))
        #expect(
            (found.cursor, found.operations, found.entities, found.tombstones) == (4, 4, 1, 1))
    }

    @Test func tombstonesAreCountedAsTheyComeAndGo() throws {
        let server = try server()
        func counts() throws -> [Int] {
            let figures = try DatabaseStatistics(server.database)
            return [figures.entities, figures.tombstones]
        }
        #expect(try counts() == [1, 1])
        _ = try server.push([operation(5, "f", base: 4)])
        #expect(try counts() == [2, 0])
        _ = try server.push([
            operation(6, "f", base: 5, delete: true), operation(7, "e", base: 2, delete: true),
        ])
        #expect(try counts() == [0, 2])
        server.database.dropEntities(whoseTombstonesAreAt: [6, 99])
        #expect(try counts() == [0, 1])
    }

    @Test func statsCountsConflictsAndNamesDatabasesThatAreNotOpen() throws {
        let server = try server()
        try server.handshake("a", database: "other")
        server.service.databases["other"] = .damaged(.damaged("x", at: 1, "Gone"))

        let lines = server.service.statistics.map(\.line)

        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix(#"{"database":"db","logId":""#))
        #expect(lines[0].contains(#""cursor":4,"oldestCursor":0,"operations":4,"entities":1,"#))
        #expect(lines[0].contains(#"{"device":"b","cursor":1,"lag":3,"lastSeenMs":7000}"#))
        #expect(lines[0].hasSuffix(#""state":"open","conflicts":1,"readOnly":false}"#))
        #expect(lines[1] == #"{"database":"other","state":"damaged"}"#)
    }

    @Test func aDatabaseThatTakesNothingIsReadOnlyInStatsAndTheServerIsNotReady() throws {
        let server = try server()
        server.disk.failNextCall(errorNumber: FileSystemError.Number.inputOutput)
        #expect(throws: ServiceFailure.self) { try server.push([operation(9, "x", base: 0)]) }

        #expect(server.service.statistics[0].line.contains(#""readOnly":true"#))
        #expect(!server.service.status.isReady)
        #expect(StatusPage.ready(server.service.status).status == 503)
    }

    @Test func theHistoryOfAnEntityIsItsOperationsInOrder() throws {
        let server = try server()
        var cursors: [Cursor?] = []
        var lines: [String] = []

        try look(server).log.forEachLine(at: 1...100, of: "c/f") {
            cursors.append($0.operation.cursor)
            lines += $0.lines
        }

        #expect(cursors == [3, 4])
        #expect(
            lines == [
                "3  upsert c/f on 0, version 1, by a #3, transaction 5, 1970-01-01T00:00:01Z",
                "    3",
                "4  delete c/f on 3, version 1, by a #4, 1970-01-01T00:00:01Z",
            ])
        var count = 0
        try look(server).log.forEachLine(at: 2...3, of: nil) { _ in count += 1 }
        #expect(count == 2)
    }

    @Test(
        arguments: [
            (0, "never"), (1_000, "1970-01-01T00:00:01Z"),
            (951_827_696_000, "2000-02-29T12:34:56Z"),
            (1_704_067_199_999, "2023-12-31T23:59:59Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00Z"),
        ] as [(UInt64, String)]) func timesAreCivil(milliseconds: UInt64, text: String)
    {
        #expect(utcTime(milliseconds) == text)
    }

    @Test(
        arguments: [
            ("", 1...UInt64.max), ("5", 5...5), ("5..7", 5...7), ("5..", 5...UInt64.max),
            ("0..7", nil),
            ("7..5", nil), ("5...7", nil), ("x", nil), ("5.7", nil), ("..7", nil),
        ] as [(String, ClosedRange<UInt64>?)])
    func rangesOfCursorsAreParsed(text: String, range: ClosedRange<UInt64>?) {
        var settings = MaintenanceSettings()
        settings.operations = text
        let expected = range.map { Cursor($0.lowerBound)...Cursor($0.upperBound) }
        #expect(settings.cursors == expected)
    }

    @Test func compactingNowGainsWhatAServerWould() throws {
        let server = try server()
        server.service.close()
        var gains: [CompactionGain] = []
        var generator = SeededGenerator(seed: 3)
        let data = DataDirectory(path: "data", disk: server.disk)

        try data.compact(
            nil, server.configuration, nowMilliseconds: server.time.wall, using: &generator
        ) { gains.append($0) }

        #expect(gains.map(\.before.operations) == [4])
        // Device b has applied cursor 1 only, so the tombstone stays.
        #expect(gains.map(\.after.operations) == [2])
        #expect(gains[0].after.bytes < gains[0].before.bytes)
        let found = DatabaseVerification.verify(data.place(of: "db"), on: server.disk)
        #expect(found.damage == nil && found.operations == 2)
        try server.restart()
        #expect(throws: MaintenanceError.self) {
            try data.compact(nil, server.configuration, nowMilliseconds: 0, using: &generator) {
                _ in
            }
        }
    }
}
