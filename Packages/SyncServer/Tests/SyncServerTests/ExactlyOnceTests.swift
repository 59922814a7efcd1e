// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Law 5, accepted once (protocol, §5.2).
@Suite struct ExactlyOnceTests {
    @Test func aRetriedPushIsAnsweredAlikeAndLoggedOnce() throws {
        let server = try ServiceUnderTest()
        let operations = [operation(1, "e", base: 0), operation(2, "e", baseOp: 1)]
        let first = try server.push(operations)

        let second = try server.push(operations)

        #expect(first == second)
        #expect(try server.wholeLog().count == 2)
    }

    @Test func aRetryAfterARestartIsADuplicate() throws {
        let server = try ServiceUnderTest()
        let operations = [operation(1, "e", base: 0), operation(4, "f", base: 0)]
        let first = try server.push(operations)
        try server.restart()

        let second = try server.push(operations)

        #expect(first == second)
        #expect(try server.handshake().lastOperationID == 4)
        #expect(try server.wholeLog().count == 2)
    }

    @Test func aRetryThatMeetsItsFirstAttemptBeforeTheCommitIsADuplicate() throws {
        let server = try ServiceUnderTest()
        let first = try server.stage([operation(1, "e", base: 0)])
        let second = try server.stage([operation(1, "e", base: 0), operation(2, "f", base: 0)])

        server.service.commit()

        #expect(try first.message(PushResponse.self).cursors == [1: 1])
        #expect(try second.message(PushResponse.self).cursors == [1: 1, 2: 2])
        #expect(try server.wholeLog().count == 2)
    }

    @Test func duplicatesAndNewOperationsMakeMaximalRuns() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "a", base: 0), operation(2, "b", base: 0)])

        let answer = try server.push([
            operation(1, "a", base: 0), operation(2, "b", base: 0), operation(3, "d", base: 0),
            operation(5, "e", base: 0),
        ])

        #expect(
            answer.accepted == [
                AcceptedRun(firstOperationID: 1, firstCursor: 1, count: 3),
                AcceptedRun(firstOperationID: 5, firstCursor: 4, count: 1),
            ])
    }

    @Test func consecutiveNumbersAtCursorsApartAreTwoRuns() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "a", base: 0)])
        try server.push([operation(1, "x", base: 0, device: "b")], device: "b")

        let answer = try server.push([operation(1, "a", base: 0), operation(2, "b", base: 0)])

        #expect(
            answer.accepted == [
                AcceptedRun(firstOperationID: 1, firstCursor: 1, count: 1),
                AcceptedRun(firstOperationID: 2, firstCursor: 3, count: 1),
            ])
    }

    static let otherContents: [SyncOperation] = [
        operation(1, "other", base: 0, content: [1]),
        operation(1, "e", base: 0, content: [2]),
        operation(1, "e", base: 0, delete: true),
        operation(1, "e", base: 0, content: [1], collection: "d"),
        operation(1, "e", base: 0, content: []),
        operation(1, "e", base: 0, collection: "_local"),
    ]

    @Test(arguments: otherContents)
    func anAcceptedNumberWithOtherContentIsOpIdReuse(_ other: SyncOperation) throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0, content: [1])])

        let answer = try server.push([other, operation(2, "new", base: 0)])

        #expect(answer.rejectionCodes == [1: .operationIDReuse])
        #expect(answer.cursors == [2: 2])
    }

    @Test func whatIsNotContentMayDifferInADuplicate() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "e", base: 0, content: [1])])
        var again = operation(1, "e", base: 9, version: 8, content: [1], transaction: 4)
        again.timestampMilliseconds = 99

        #expect(try server.push([again]).cursors == [1: 1])
    }

    @Test func numbersBelongToTheirDeviceAndDatabase() throws {
        let server = try ServiceUnderTest()
        try server.handshake(database: "db2")
        try server.push([operation(1, "e", base: 0)])

        let other = try server.push([operation(1, "f", base: 0, device: "b")], device: "b")
        let elsewhere = try server.push(
            [operation(1, "e", base: 0, database: "db2")], database: "db2")

        #expect(other.cursors == [1: 2])
        #expect(elsewhere.cursors == [1: 1])
    }

    @Test func anSkippedNumberIsNeverADuplicate() throws {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "a", base: 0), operation(9, "b", base: 0)])

        let answer = try server.push([operation(5, "c", base: 0)])

        #expect(answer.cursors == [5: 3])
        #expect(try server.handshake().lastOperationID == 9)
    }

    @Test func aDuplicateWithoutACursorIsARunOfItsOwnBesideCursorOne() throws {
        let server = try ServiceUnderTest()
        let database = try server.service.database("db")
        let view = database.pushView(try database.register("a"))

        let request = PushRequest(
            databaseID: "db", deviceID: "a",
            operations: (1...4).map { operation(OperationID($0), "e") })
        let outcome = try PushRequestView.read(request.encoded()) { push in
            Result {
                try PushOutcome(
                    push.operations,
                    [.duplicate(0), .duplicate(1), .duplicate(0), .duplicate(0)], view: view,
                    highestAccepted: 4, conflictBytesMax: 0)
            }
        }.get()

        #expect(
            outcome.response.accepted == [
                AcceptedRun(firstOperationID: 1, firstCursor: 0, count: 1),
                AcceptedRun(firstOperationID: 2, firstCursor: 1, count: 1),
                AcceptedRun(firstOperationID: 3, firstCursor: 0, count: 1),
                AcceptedRun(firstOperationID: 4, firstCursor: 0, count: 1),
            ])
    }

    @Test func aDuplicateBeyondTheLatestTenThousandHasCursorZeroUnlessItIsCurrent() throws {
        let server = try ServiceUnderTest()
        try server.push([
            operation(1, "kept", base: 0), operation(2, "chain", base: 0),
            operation(3, "chain", baseOp: 2), operation(4, "more", base: 0),
        ])
        var number: UInt64 = 4
        var last = OperationID(4)
        for _ in 0..<10 {
            let batch = (0..<1_000).map { index in
                number += 1
                defer { last = OperationID(number) }
                return operation(
                    OperationID(number), "more", baseOp: last, content: [UInt8(index % 24)])
            }
            try server.push(batch)
        }
        // 10,004 operations: the first four are beyond the latest 10,000.

        let answer = try server.push([
            operation(1, "kept", base: 0), operation(2, "chain", base: 0),
            operation(3, "chain", baseOp: 2), operation(4, "more", base: 0),
            operation(5, "more", baseOp: 4, content: [0]),
        ])

        #expect(
            answer.accepted == [
                AcceptedRun(firstOperationID: 1, firstCursor: 1, count: 1),
                AcceptedRun(firstOperationID: 2, firstCursor: 0, count: 1),
                AcceptedRun(firstOperationID: 3, firstCursor: 3, count: 1),
                AcceptedRun(firstOperationID: 4, firstCursor: 0, count: 1),
                AcceptedRun(firstOperationID: 5, firstCursor: 5, count: 1),
            ])
        #expect(answer.acknowledgedUpTo == 5)
    }
}
