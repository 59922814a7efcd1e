// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncServer

/// Pulls that wait (`waitMs`, protocol §6).
@Suite struct WaitingPullTests {
    private func request(
        since cursor: Cursor = 0, wait milliseconds: UInt64 = 1_000,
        collections: [CollectionName]? = nil, device: DeviceID? = nil, database: DatabaseID = "db"
    ) -> PullRequest {
        PullRequest(
            databaseID: database, sinceCursor: cursor, limit: 10, collections: collections,
            deviceID: device, waitMilliseconds: milliseconds)
    }

    @Test func isAnsweredAtOnceIfSomethingPasses() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0)])

        let (box, ticket) = try server.startPull(request())

        #expect(ticket == nil)
        #expect(try box.message(PullResponse.self).operations.count == 1)
    }

    @Test func isAnsweredByTheCommitThatBringsSomething() throws {
        let server = try ServiceUnderTest()
        let (box, _) = try server.startPull(request())

        _ = try server.stage([operation(1, "e", base: 0)])
        #expect(box.answer == nil)
        server.service.commit()

        let page = try box.message(PullResponse.self)
        #expect(page.operations.map(\.cursor) == [1])
        #expect(page.nextCursor == 1)
        #expect(!page.hasMore)
    }

    @Test func isNotWokenByWhatItsFilterLeavesOutButItsCursorMoves() throws {
        let server = try ServiceUnderTest()
        let (other, _) = try server.startPull(request(collections: ["d"]))
        let (own, _) = try server.startPull(request(device: "a"))

        try server.push([operation(1, "e", base: 0)])
        #expect(other.answer == nil && own.answer == nil)
        server.time.advance(milliseconds: 1_000)
        _ = server.service.advance(to: server.time.nanoseconds)

        for box in [other, own] {
            let page = try box.message(PullResponse.self)
            #expect(
                page
                    == PullResponse(
                        operations: [], nextCursor: 1, hasMore: false, serverCursor: 1,
                        logID: page.logID))
        }
    }

    @Test func isNotWokenByAnotherDatabase() throws {
        let server = try ServiceUnderTest()
        try server.handshake(database: "db2")
        let (box, _) = try server.startPull(request())

        try server.push([operation(1, "e", base: 0, database: "db2")], database: "db2")

        #expect(box.answer == nil)
    }

    @Test func findsWhatCameAfterOthersThatDidNotPass() throws {
        let server = try ServiceUnderTest()
        let (box, _) = try server.startPull(request(collections: ["d"]))
        try server.push([operation(1, "e", base: 0)])

        try server.push([operation(2, "e", base: 0, collection: "d")])

        #expect(try box.message(PullResponse.self).operations.map(\.cursor) == [2])
    }

    @Test func doesNotLookAgainAtWhatDidNotPass() throws {
        var configuration = ServiceConfiguration()
        configuration.scanBytesMax = 1
        let server = try ServiceUnderTest(configuration)
        let (box, _) = try server.startPull(request(collections: ["d"]))
        try server.push([operation(1, "e", base: 0)])

        try server.push([operation(2, "e", base: 0, collection: "d")])

        // A scan from where the pull began would have ended with the first group.
        #expect(try box.message(PullResponse.self).operations.map(\.cursor) == [2])
    }

    @Test func isAnsweredEmptyAtItsDeadlineAndNotBefore() throws {
        let server = try ServiceUnderTest()
        let start = server.time.nanoseconds
        let (box, _) = try server.startPull(request(wait: 500))

        #expect(server.service.advance(to: start + 499_999_999) == start + 500_000_000)
        #expect(box.answer == nil)
        _ = server.service.advance(to: start + 500_000_000)

        #expect(try box.message(PullResponse.self).operations.isEmpty)
    }

    @Test func waitsThirtySecondsAtMost() throws {
        let server = try ServiceUnderTest()
        let start = server.time.nanoseconds
        let (box, _) = try server.startPull(request(wait: 100_000))

        _ = server.service.advance(to: start + 30_000_000_000)

        #expect(box.answer != nil)
    }

    @Test func isAnsweredAtOnceWhenTheServerStops() throws {
        let server = try ServiceUnderTest()
        let (box, _) = try server.startPull(request())

        server.service.beginStop()

        #expect(try box.message(PullResponse.self).operations.isEmpty)
        #expect(try server.startPull(request()).box.answer != nil)
    }

    @Test func isForgottenWhenItsDeviceGoes() throws {
        let server = try ServiceUnderTest()
        let (box, ticket) = try server.startPull(request())
        let (other, _) = try server.startPull(request())

        server.service.cancel(try #require(ticket))
        server.service.cancel(try #require(ticket))
        try server.push([operation(1, "e", base: 0)])

        #expect(box.answer == nil)
        #expect(other.answer != nil)
    }

    @Test func theLongestWaitingIsAnsweredFirst() throws {
        let server = try ServiceUnderTest()
        var order: [Int] = []
        for index in 0..<20 {
            _ = try server.service.pull(request()) { _ in order.append(index) }
        }

        try server.push([operation(1, "e", base: 0)])

        #expect(order == Array(0..<20))
    }

    @Test func isNotWokenByAPushThatBroughtNothing() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0)])
        let (box, _) = try server.startPull(request(since: 1))

        try server.push([operation(1, "e", base: 0), operation(2, "e", base: 0)])

        #expect(box.answer == nil)
    }
}
