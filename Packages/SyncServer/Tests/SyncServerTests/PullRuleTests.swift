// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What a pull returns (protocol, §6).
@Suite struct PullRuleTests {
    /// Ten operations: of device `a` in `c` at odd cursors, of device `b` in `d` at even ones.
    private func makeServer(
        _ configuration: ServiceConfiguration = .init()
    ) throws -> ServiceUnderTest {
        let server = try ServiceUnderTest(configuration)
        for index in 1...5 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(index), EntityID("e\(index)"), base: 0)])
            try server.push(
                [
                    operation(
                        OperationID(index), EntityID("e\(index)"), base: 0, device: "b",
                        collection: "d")
                ], device: "b")
        }
        return server
    }

    struct PullCase: CustomStringConvertible, Sendable {
        var description: String
        var since: Cursor = 0
        var limit: UInt64 = 100
        var collections: [CollectionName]?
        var device: DeviceID?
        var includesOwn: Bool?
        var cursors: [Cursor]
        var next: Cursor = 10
        var hasMore = false
    }

    static let pullCases: [PullCase] = [
        .init(description: "everything", cursors: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        .init(description: "sinceCursor is exclusive", since: 8, cursors: [9, 10]),
        .init(description: "at the end", since: 10, cursors: []),
        .init(description: "a full page", limit: 3, cursors: [1, 2, 3], next: 3, hasMore: true),
        .init(description: "the last page is full", since: 7, limit: 3, cursors: [8, 9, 10]),
        .init(description: "one collection", collections: ["d"], cursors: [2, 4, 6, 8, 10]),
        .init(
            description: "two collections", since: 6, collections: ["d", "c"],
            cursors: [7, 8, 9, 10]),
        .init(description: "no collection", collections: [], cursors: []),
        .init(description: "a collection that has nothing", collections: ["x"], cursors: []),
        .init(
            description: "a page of one collection ends before the next that passes", limit: 2,
            collections: ["d"], cursors: [2, 4], next: 5, hasMore: true),
        .init(
            description: "nothing that passes is left after a full page", since: 4, limit: 3,
            collections: ["c"], cursors: [5, 7, 9], next: 10),
        .init(description: "own operations are left out", device: "a", cursors: [2, 4, 6, 8, 10]),
        .init(
            description: "own operations at the end move the cursor", since: 8, device: "b",
            cursors: [9]),
        .init(
            description: "own operations if asked for", since: 6, device: "a", includesOwn: true,
            cursors: [7, 8, 9, 10]),
        .init(
            description: "own and collection", collections: ["c"], device: "a", cursors: []),
        .init(
            description: "includeOwn false is as absent", since: 8, device: "a", includesOwn: false,
            cursors: [10]),
    ]

    @Test(arguments: pullCases)
    func aPullReturnsWhatPassesInCursorOrder(_ row: PullCase) throws {
        let server = try makeServer()

        let page = try server.pull(
            since: row.since, limit: row.limit, collections: row.collections, device: row.device,
            includesOwn: row.includesOwn)

        #expect(page.operations.map(\.cursor) == row.cursors)
        #expect(page.nextCursor == row.next)
        #expect(page.hasMore == row.hasMore)
        #expect(page.serverCursor == 10)
    }

    @Test(arguments: pullCases)
    func aPullAfterARestartReturnsTheSame(_ row: PullCase) throws {
        let server = try makeServer()
        let before = try server.pull(
            since: row.since, limit: row.limit, collections: row.collections, device: row.device)
        try server.restart()

        let after = try server.pull(
            since: row.since, limit: row.limit, collections: row.collections, device: row.device)

        #expect(before == after)
    }

    @Test func anAbsentCollectionNameIsComparedByteForByte() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0, collection: "caf\u{E9}")])

        #expect(try server.pull(collections: ["cafe\u{301}"]).operations.isEmpty)
        #expect(try server.pull(collections: ["caf\u{E9}"]).operations.count == 1)
    }

    @Test func aLimitAboveTheServersIsLowered() throws {
        var configuration = ServiceConfiguration()
        configuration.limits.maxPullOperations = 4
        let server = try makeServer(configuration)

        let page = try server.pull(limit: 9)

        #expect(page.operations.count == 4)
        #expect(page.hasMore)
    }

    @Test func aPageKeepsToMaxBytesButHoldsAtLeastOneOperation() throws {
        let server = try makeServer()
        let size = UInt64(try server.pull(limit: 1).operations[0].encoded().count)

        #expect(try server.pull(maxBytes: 3 * size).operations.count == 3)
        #expect(try server.pull(maxBytes: 3 * size - 1).operations.count == 2)
        #expect(try server.pull(maxBytes: 0).operations.count == 1)
        #expect(try server.pull(maxBytes: 0).hasMore)
    }

    @Test func maxBytesAboveTheServersIsLowered() throws {
        var configuration = ServiceConfiguration()
        configuration.limits.maxPageBytes = 1
        let server = try makeServer(configuration)

        #expect(try server.pull(maxBytes: 1 << 40).operations.count == 1)
        #expect(try server.pull().operations.count == 1)
    }

    /// Cursor 1 alone, 2–4 transaction 7, 5 alone, 6–7 transaction 7 of another device.
    private func makeTransactions() throws -> ServiceUnderTest {
        let server = try ServiceUnderTest()
        try server.push([
            operation(1, "e1", base: 0),
            operation(2, "e2", base: 0, transaction: 7),
            operation(3, "e3", base: 0, transaction: 7, collection: "d"),
            operation(4, "e4", base: 0, transaction: 7),
            operation(5, "e5", base: 0),
        ])
        let others = [
            operation(1, "f1", base: 0, transaction: 7, device: "b"),
            operation(2, "f2", base: 0, transaction: 7, device: "b"),
        ]
        try server.push(others, device: "b")
        return server
    }

    @Test(
        arguments: [
            (0, 1, nil, [1], 1), (0, 2, nil, [1], 1), (0, 3, nil, [1], 1),
            (0, 4, nil, [1, 2, 3, 4], 4), (1, 1, nil, [2, 3, 4], 4), (1, 2, nil, [2, 3, 4], 4),
            (1, 4, nil, [2, 3, 4, 5], 5), (4, 2, nil, [5], 5), (5, 1, nil, [6, 7], 7),
            // What the filter leaves out does not count, and does not break a transaction either.
            (1, 1, ["c"], [2, 4], 4), (0, 2, ["c"], [1], 1), (0, 3, ["c"], [1, 2, 4], 4),
            (0, 1, ["d"], [3], 7),
        ] as [(Cursor, UInt64, [CollectionName]?, [Cursor], Cursor)])
    func aPageNeverEndsInsideATransaction(
        since: Cursor, limit: UInt64, collections: [CollectionName]?, cursors: [Cursor],
        next: Cursor
    ) throws {
        let server = try makeTransactions()

        let page = try server.pull(since: since, limit: limit, collections: collections)

        #expect(page.operations.map(\.cursor) == cursors)
        #expect(page.nextCursor == next)
        #expect(page.hasMore == (next < 7))
    }

    @Test func aTransactionLargerThanMaxBytesComesWhole() throws {
        let server = try makeTransactions()

        let page = try server.pull(since: 1, maxBytes: 1)

        #expect(page.operations.map(\.cursor) == [2, 3, 4])
    }

    @Test func aFilterThatKeepsLittleIsAnsweredInBoundedScans() throws {
        var configuration = ServiceConfiguration()
        configuration.scanBytesMax = 1
        let server = try makeServer(configuration)
        var cursor = Cursor.start
        var seen: [Cursor?] = []

        // Each scan ends after one group; an empty page with more to come has moved the cursor.
        for _ in 0..<10 {
            let page = try server.pull(since: cursor, collections: ["d"])
            #expect(page.nextCursor > cursor)
            seen += page.operations.map(\.cursor)
            cursor = page.nextCursor
            if !page.hasMore { break }
        }

        #expect(seen == [2, 4, 6, 8, 10])
        #expect(cursor == 10)
    }

    @Test func pagesAreReadAcrossSegments() throws {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 200
        let server = try makeServer(configuration)
        let names = try server.disk.contentsOfDirectory(at: "data/databases/db/log")
            .filter { $0.hasSuffix(".seg") }

        #expect(names.count > 5)
        #expect(try server.wholeLog().map(\.cursor) == (1...10).map { Cursor($0) })
        try server.restart()
        #expect(try server.pull(since: 3, limit: 2).operations.map(\.cursor) == [4, 5])
    }

    @Test func aPullSetsItsDevicesCursorAndACursorReportOnlyRaisesIt() throws {
        let server = try makeServer()
        func kept() throws -> Cursor {
            try server.service.noteApplied(
                CursorReport(databaseID: "db", deviceID: "b", cursor: 0)
            ).cursor
        }

        _ = try server.pull(since: 5, device: "b")
        #expect(try kept() == 5)
        let report = CursorReport(databaseID: "db", deviceID: "b", cursor: 7)
        #expect(try server.service.noteApplied(report).cursor == 7)
        #expect(try kept() == 7)
        _ = try server.pull(since: 6, device: "b")
        #expect(try kept() == 6)
        _ = try server.pull(since: 0, device: "b")
        #expect(try kept() == 0)
    }

    @Test func deviceCursorsOutliveARestart() throws {
        let server = try makeServer()
        _ = try server.pull(since: 5, device: "b")

        try server.restart()

        let report = CursorReport(databaseID: "db", deviceID: "b", cursor: 1)
        #expect(try server.service.noteApplied(report).cursor == 5)
    }

    @Test func deviceCursorsAreWrittenSomeTimeAfterTheyChanged() throws {
        let server = try makeServer()
        _ = try server.pull(since: 5, device: "b")
        let due = try #require(server.service.advance(to: server.time.nanoseconds))

        #expect(try !server.disk.fileExists(at: "data/databases/db/devices"))
        _ = server.service.advance(to: due)

        #expect(try server.disk.fileExists(at: "data/databases/db/devices"))
        #expect(server.service.advance(to: due) ?? .max > due)
        var generator = SeededGenerator(seed: 1)
        try server.crash(using: &generator)
        let report = CursorReport(databaseID: "db", deviceID: "b", cursor: 1)
        #expect(try server.service.noteApplied(report).cursor == 5)
    }
}
