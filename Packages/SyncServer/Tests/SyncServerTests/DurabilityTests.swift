// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Laws 1, 2, 5 and 10 on a disk that loses what was not synced, and fails.
@Suite struct DurabilityTests {
    @Test(arguments: 0..<20 as Range<UInt64>)
    func durableBeforeAcknowledged(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0)])
        var answer: PushResponse?
        let request = PushRequest(
            databaseID: "db", deviceID: "a", operations: [operation(2, "e", base: 1)])

        // The power fails at the very moment of the answer.
        try server.service.push(request) { given in
            server.disk.crash(using: &generator)
            guard case .message(let bytes) = given else { return }
            answer = try? PushResponse(decoding: bytes)
        }
        #expect(answer == nil)
        server.service.commit()
        try server.crash(using: &generator)

        #expect(answer?.cursors == [2: 2])
        #expect(try server.wholeLog().map(\.operationID) == [1, 2])
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func durableBeforeVisible(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let server = try ServiceUnderTest()
        var shown: PullResponse?
        let waiting = PullRequest(
            databaseID: "db", sinceCursor: 0, limit: 10, waitMilliseconds: 1_000)
        _ = try server.service.pull(waiting) { given in
            server.disk.crash(using: &generator)
            guard case .page(let chain) = given else { return }
            shown = try? PullResponse(decoding: chain.joined)
        }

        _ = try server.stage([operation(1, "e", base: 0)])
        #expect(try server.pull().serverCursor == 0)
        #expect(try server.pull().operations.isEmpty)
        #expect(try server.handshake().serverCursor == 0)
        #expect(try server.handshake().lastOperationID == 0)
        server.service.commit()
        try server.crash(using: &generator)

        #expect(shown?.operations.map(\.operationID) == [1])
        #expect(try server.wholeLog() == shown?.operations)
    }

    @Test func oneCommitSyncsAllThatWaits() throws {
        let server = try ServiceUnderTest()
        for device in ["a", "b", "c"] as [DeviceID] {
            _ = try server.stage(
                [operation(1, EntityID(device.rawValue), base: 0, device: device)], device: device)
        }
        let before = server.disk.callCount

        server.service.commit()

        // One write and one sync of the frame, and the mark behind it.
        #expect(server.disk.callCount - before == 3)
        #expect(try server.wholeLog().count == 3)
    }

    @Test func aGroupThatGrewLargeIsCommittedBeforeItsBatchEnds() throws {
        var configuration = ServiceConfiguration()
        configuration.groupBytesMax = 200
        let server = try ServiceUnderTest(configuration)
        let first = try server.stage([operation(1, "e", base: 0)])
        #expect(first.answer == nil)

        let second = try server.stage([operation(2, "f", base: 0)])

        #expect(first.answer != nil && second.answer != nil)
        let third = try server.stage([operation(3, "g", base: 0)])
        #expect(third.answer == nil)
        server.service.commit()
        #expect(try third.message(PushResponse.self).cursors == [3: 3])
    }

    @Test(arguments: [1, 2])
    func aSyncThatFailedStaysFailed(call: Int) throws {
        let server = try ServiceUnderTest()
        try server.handshake(database: "other")
        try server.push([operation(1, "e", base: 0)])
        let lost = try server.stage([operation(2, "e", base: 1)])
        // It sees the staged revision, so its answer depends on the same commit.
        let dependent = try server.stage(
            [operation(1, "e", base: 1, device: "b")], device: "b")
        let elsewhere = try server.stage(
            [operation(1, "e", base: 0, database: "other")], database: "other")

        server.disk.failNextCall(number: call, errorNumber: FileSystemError.Number.inputOutput)
        server.service.commit()

        for box in [lost, dependent] {
            guard case .failure(let failure) = box.answer else {
                Issue.record("A push was acknowledged that is not durable.")
                continue
            }
            #expect(failure.status == 503)
            #expect(failure.response.code == .serviceUnavailable)
            #expect(failure.response.message.contains("read-only"))
        }
        #expect(try elsewhere.message(PushResponse.self).cursors == [1: 1])
        #expect(server.told.count == 1)
        #expect(!server.service.status.isReady)

        // The log takes nothing more, even though the disk works again; pulls go on.
        let failure = #expect(throws: ServiceFailure.self) {
            try server.push([operation(3, "f", base: 0)])
        }
        #expect(failure?.status == 503)
        #expect(try server.wholeLog().map(\.operationID) == [1])
        #expect(try server.handshake().serverCursor == 1)
        #expect(try server.handshake().lastOperationID == 1)
        try server.push([operation(2, "f", base: 0, database: "other")], database: "other")

        try server.restart()
        let again = try server.push([operation(2, "e", base: 1)])
        #expect(again.cursors == [2: 2])
    }

    /// What a run of the story has been told.
    private struct Told {
        var acknowledged: [DeviceID: [OperationID: Cursor]] = [:]
        var shown: [Cursor: SyncOperation] = [:]
    }

    private var smallSegments: ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = 500
        return configuration
    }

    /// Random pushes with a crash between any two of them; `ServerFaultTests` has each call.
    @Test(arguments: 0..<150 as Range<UInt64>)
    func acknowledgedIsInTheLogOnceAndInOrderAfterACrash(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let server = try ServiceUnderTest(smallSegments)
        var told = Told()
        var random = RandomPushes(seed: seed)
        for _ in 0..<12 {
            let (device, operations) = random.nextPush(
                ReferenceServer(log: try server.wholeLog()))
            let answer = try server.push(operations, device: device)
            told.acknowledged[device, default: [:]].merge(answer.cursors) { $1 }
            for seen in try server.pull().operations { told.shown[seen.cursor ?? 0] = seen }
            if random.chance(40) {
                _ = try server.stage([operation(9_999, "never committed", base: 0)])
                try server.crash(using: &generator)
                try check(server, told, "seed \(seed)")
            }
        }
    }

    private func check(_ server: ServiceUnderTest, _ told: Told, _ what: String) throws {
        let log = try server.wholeLog()
        #expect(log.map(\.cursor) == (0..<log.count).map { Cursor(UInt64($0 + 1)) }, "\(what)")
        for (device, cursors) in told.acknowledged {
            for (number, cursor) in cursors {
                let found = log.filter { $0.deviceID == device && $0.operationID == number }
                #expect(found.map(\.cursor) == [cursor], "\(what), operation \(number)")
            }
        }
        for (cursor, seen) in told.shown {
            try #require(cursor.rawValue <= UInt64(log.count), "\(what), cursor \(cursor)")
            #expect(log[Int(cursor.rawValue) - 1] == seen, "\(what), cursor \(cursor)")
        }
    }
}
