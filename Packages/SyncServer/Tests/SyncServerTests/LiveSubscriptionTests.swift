// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The one tail that all subscribers are told from.
@Suite struct LiveSubscriptionTests {
    private func filter(
        _ collections: [CollectionName]? = nil, device: DeviceID? = nil
    ) -> PullFilter {
        PullFilter(
            PullRequest(
                databaseID: "db", sinceCursor: 0, limit: 1, collections: collections,
                deviceID: device))
    }

    private func listen(
        _ server: ServiceUnderTest, _ ear: LiveEar, after cursor: Cursor? = nil,
        _ collections: [CollectionName]? = nil, device: DeviceID? = nil
    ) throws -> LiveSubscription {
        try server.service.subscribe(
            toEventsOf: "db", filter(collections, device: device), after: cursor, receiver: ear)
    }

    private func pull(
        since cursor: Cursor = 0, limit: UInt64 = 100, device: DeviceID? = nil,
        maxBytes: UInt64? = nil, collections: [CollectionName]? = nil
    ) -> PullRequest {
        PullRequest(
            databaseID: "db", sinceCursor: cursor, limit: limit, collections: collections,
            deviceID: device, maxBytes: maxBytes)
    }

    /// Feeds until nobody waits for a page.
    private func feed(_ server: ServiceUnderTest) {
        while server.service.feedSubscribers() {}
    }

    @Test func tellsWhatIsDurableAndNothingBefore() throws {
        let server = try ServiceUnderTest()
        let ear = LiveEar()
        _ = try listen(server, ear)

        _ = try server.stage([operation(1, "e\"\n", base: 0), operation(2, "f", delete: true)])
        #expect(ear.events.isEmpty)
        server.service.commit()

        #expect(ear.events.count == 1)
        #expect(ear.events[0].name == "operations" && ear.events[0].id == "2")
        #expect(
            ear.events[0].data
                == #"{"cursor":2,"count":2,"operations":[{"opId":1,"deviceId":"a","#
                + #""collection":"c","entityId":"e\"\u000a","opType":"upsert","entityVersion":1},"#
                + #"{"opId":2,"deviceId":"a","collection":"c","entityId":"f","opType":"delete","#
                + #""entityVersion":1}]}"#)
    }

    @Test func tellsNothingOfACommitThatFailed() throws {
        let server = try ServiceUnderTest()
        let ear = LiveEar()
        _ = try listen(server, ear)
        server.disk.failNextCall(errorNumber: 5)

        let box = try server.stage([operation(1, "e", base: 0)])
        server.service.commit()

        #expect(throws: ServiceFailure.self) { try box.message(PushResponse.self) }
        #expect(ear.events.isEmpty)
    }

    @Test func leavesOutWhatAPullWould() throws {
        let server = try ServiceUnderTest()
        let (others, own, none) = (LiveEar(), LiveEar(), LiveEar())
        let subscriptions = [
            try listen(server, others, ["d"]), try listen(server, own, device: "a"),
            try listen(server, none, []),
        ]

        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "e", base: 0, collection: "d")])
        try server.push([operation(1, "f", base: 0, device: "b")], device: "b")

        #expect(others.cursors == [2] && own.cursors == [3] && none.cursors == [])
        #expect(subscriptions.map(\.cursor) == [3, 3, 3])
    }

    @Test func encodesOnceForAllThatLetTheSameThrough() throws {
        let server = try ServiceUnderTest()
        let ears = (0..<5).map { _ in LiveEar() }
        let filters = [
            filter(), filter(["c", "d"]), filter(device: "b"), filter(["d"]), filter(["d", "x"]),
        ]
        let subscriptions = try zip(ears, filters).map { ear, filter in
            try server.service.subscribe(
                toEventsOf: "db", filter, after: nil, receiver: ear)
        }

        try server.push([operation(1, "e", base: 0), operation(2, "e", base: 0, collection: "d")])

        let addresses = ears.map(\.address)
        #expect(addresses.allSatisfy { $0 != nil })
        #expect(Set(addresses[0...2]).count == 1 && Set(addresses[3...4]).count == 1)
        #expect(addresses[0] != addresses[3])
        #expect(subscriptions.count == 5)
    }

    @Test func tellsFirstWhatCameSinceAnID() throws {
        let server = try ServiceUnderTest()
        for number in 1...5 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }
        let ear = LiveEar()
        let subscription = try listen(server, ear, after: 2)
        #expect(ear.events.isEmpty)
        try server.push([operation(6, "e6", base: 0)])
        feed(server)

        #expect(ear.events.count == 1 && ear.cursors == [6])
        #expect(ear.events[0].data.contains(#""count":4"#))
        #expect(subscription.phase == .live)
        try server.push([operation(7, "e7", base: 0)])
        #expect(ear.cursors == [6, 7])
    }

    @Test func anEventNamesFewOperationsAndTheirIDsGoUp() throws {
        let server = try ServiceUnderTest()
        let ear = LiveEar()
        _ = try listen(server, ear)
        try server.push((1...600).map { operation(OperationID($0), EntityID("e\($0)"), base: 0) })
        #expect(ear.cursors == [256, 512, 600])
    }

    @Test func doesNotGoOnFromWhatTheLogNeverHad() throws {
        let server = try ServiceUnderTest()
        #expect(throws: ServiceFailure.self) { try listen(server, LiveEar(), after: 1) }
        #expect(throws: ServiceFailure.self) {
            try server.service.subscribe(pull(since: 1), receiver: LiveEar())
        }
    }

    @Test func handsOnOperationsAtFirstAndThenAsTheyCome() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0), operation(2, "f", base: 0)])
        let ear = LiveEar()
        let subscription = try server.service.subscribe(pull(), receiver: ear)
        feed(server)
        try server.push([operation(3, "g", base: 0)])

        #expect(ear.messages.map(\.cursors) == [[1, 2], [3]])
        #expect(ear.messages.map(\.nextCursor) == [2, 3])
        #expect(subscription.phase == .live)
    }

    @Test func theFirstMessageComesEvenIfItIsEmpty() throws {
        let server = try ServiceUnderTest()
        let ear = LiveEar()
        let subscription = try server.service.subscribe(pull(collections: []), receiver: ear)
        feed(server)
        try server.push([operation(1, "e", base: 0)])

        #expect(ear.messages.map(\.cursors) == [[]])
        #expect(subscription.cursor == 1)
    }

    @Test func keepsToItsLimitsAndToWholeTransactions() throws {
        let server = try ServiceUnderTest()
        let ear = LiveEar()
        let subscription = try server.service.subscribe(pull(limit: 2), receiver: ear)
        feed(server)
        try server.push([
            operation(1, "a", base: 0), operation(2, "b", base: 0, transaction: 1),
            operation(3, "c", base: 0, transaction: 1), operation(4, "d", base: 0, transaction: 1),
            operation(5, "e", base: 0),
        ])
        feed(server)

        #expect(ear.messages.map(\.cursors) == [[], [1], [2, 3, 4], [5]])
        #expect(subscription.phase == .live)
    }

    @Test func aDeviceIsWhereItSubscribes() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0)])
        _ = try server.service.subscribe(pull(since: 1, device: "b"), receiver: LiveEar())
        let database = try server.service.database("db")
        let number = try #require(database.devices.number(of: "b"))
        #expect(database.devices[number].cursor == 1)
    }

    @Test func oneThatDoesNotReadIsToldLaterFromTheLog() throws {
        let server = try ServiceUnderTest()
        let (slow, quick) = (LiveEar(), LiveEar())
        let subscription = try server.service.subscribe(pull(), receiver: slow)
        _ = try server.service.subscribe(pull(), receiver: quick)
        feed(server)
        slow.unsentCount = LiveSubscriptions.unsentBytesMax + 1
        for number in 1...3 as ClosedRange<UInt64> {
            try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }
        #expect(slow.handedOn == [] && quick.handedOn == [1, 2, 3])
        #expect(slow.waits == 1)

        slow.unsentCount = 0
        server.service.resume(subscription)
        feed(server)

        #expect(slow.handedOn == [1, 2, 3] && subscription.phase == .live)
        #expect(slow.messages.count == 2)
    }

    @Test func oneThatCatchesUpGetsAPageWhenItHasReadTheLast() throws {
        let server = try ServiceUnderTest()
        let content = [UInt8](repeating: 0, count: 40_000)
        let bytes = [0x59, UInt8(content.count >> 8), UInt8(content.count & 255)] + content
        for number in 1...10 as ClosedRange<UInt64> {
            try server.push([
                operation(OperationID(number), EntityID("e\(number)"), base: 0, content: bytes)
            ])
        }
        let ear = LiveEar()
        ear.isSlow = true
        let subscription = try server.service.subscribe(pull(), receiver: ear)
        for pages in 1...4 {
            feed(server)
            #expect(ear.messages.count == pages)
            #expect(ear.unsentCount < 200_000)
            ear.unsentCount = 0
            server.service.resume(subscription)
        }
        #expect(ear.handedOn == (1...10).map { Cursor($0) })
        #expect(subscription.phase == .live)
    }

    @Test func oneThatIsOwedTooMuchIsToldSoAndEnded() throws {
        var configuration = ServiceConfiguration()
        configuration.maxUnsentBytes = 70_000
        let server = try ServiceUnderTest(configuration)
        let (slow, quick) = (LiveEar(), LiveEar())
        let subscription = try listen(server, slow)
        _ = try listen(server, quick)
        slow.unsentCount = LiveSubscriptions.unsentBytesMax + 1
        var number: UInt64 = 0
        while !slow.hasOverflown, number < 1_000 {
            number += 1
            try server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }

        #expect((20...60).contains(number))
        #expect(subscription.phase == .ended)
        try server.push([operation(OperationID(number + 1), "x", base: 0)])
        #expect(quick.cursors.count == Int(number) + 1 && slow.cursors.isEmpty)
    }

    @Test func whatEndsHearsNothingMore() throws {
        let server = try ServiceUnderTest()
        let ears = (0..<6).map { _ in LiveEar() }
        let subscriptions = try ears.map { try listen(server, $0) }
        for index in [0, 5, 2] { server.service.unsubscribe(subscriptions[index]) }
        server.service.unsubscribe(subscriptions[2])

        try server.push([operation(1, "e", base: 0)])

        #expect(ears.map(\.cursors.count) == [0, 1, 0, 1, 1, 0])
        #expect(server.service.live.count == 3)
    }

    @Test func oneWhoseReceiverIsGoneIsForgotten() throws {
        let server = try ServiceUnderTest()
        do { _ = try listen(server, LiveEar()) }
        try server.push([operation(1, "e", base: 0)])
        #expect(server.service.live.count == 0)
    }

    @Test func aGroupOfManyKindsIsReadFromTheLog() throws {
        let server = try ServiceUnderTest()
        let (all, some) = (LiveEar(), LiveEar())
        let subscriptions = [
            try server.service.subscribe(pull(), receiver: all),
            try server.service.subscribe(pull(collections: ["c7", "c70"]), receiver: some),
        ]
        feed(server)
        try server.push(
            (1...80).map { operation(OperationID($0), "e", base: 0, collection: .init("c\($0)")) })
        feed(server)

        #expect(all.handedOn.count == 80 && some.handedOn == [7, 70])
        #expect(subscriptions.allSatisfy { $0.phase == .live && $0.cursor == 80 })
    }
}
