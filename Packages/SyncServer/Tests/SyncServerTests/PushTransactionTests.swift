// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncServer

/// Law 7, whole transactions, where operations are pushed (protocol, §5.5).
@Suite struct PushTransactionTests {
    private func makeServer() throws -> ServiceUnderTest {
        let server = try ServiceUnderTest()
        try server.push([operation(1, "live", base: 0), operation(2, "mine", base: 0)])
        return server
    }

    @Test func wholeTransactionsAreAcceptedWithMembersThatSeeEachOther() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "n", base: 0, transaction: 5),
            operation(11, "n", baseOp: 10, transaction: 5),
            operation(12, "live", base: 1, transaction: 5),
        ])

        #expect(answer.accepted == [AcceptedRun(firstOperationID: 10, firstCursor: 3, count: 3)])
    }

    @Test func aTransactionWithAConflictIsAbortedAsAWhole() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "n", base: 0, transaction: 5),
            operation(11, "live", base: 0, transaction: 5),
            operation(12, "m", base: 0, transaction: 5),
            operation(13, "after", base: 0),
        ])

        #expect(answer.conflicting == [11])
        #expect(
            answer.rejectionCodes == [10: .transactionAborted, 12: .transactionAborted])
        #expect(answer.rejected.map(\.operationID) == [10, 12])
        #expect(answer.cursors == [13: 3])
        #expect(answer.acknowledgedUpTo == 9)
    }

    @Test func aTransactionWithBadValuesIsAbortedAsAWhole() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "n", base: 0, transaction: 5),
            operation(11, "m", base: 0, content: [], transaction: 5),
        ])

        #expect(answer.rejectionCodes == [10: .transactionAborted, 11: .malformed])
        #expect(try server.wholeLog().count == 2)
    }

    @Test func duplicatesStayAcceptedInAnAbortedTransaction() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(2, "mine", base: 0, transaction: 5),
            operation(10, "live", base: 0, transaction: 5),
            operation(11, "n", base: 0, transaction: 5),
        ])

        #expect(answer.cursors == [2: 2])
        #expect(answer.conflicting == [10])
        #expect(answer.rejectionCodes == [11: .transactionAborted])
    }

    @Test func anAbortedMemberIsNoConflictButLaterOperationsOnItsEntityAre() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "live", base: 0, transaction: 5),
            operation(11, "n", base: 0, transaction: 5),
            operation(12, "n", base: 0),
            operation(13, "live", base: 1, transaction: 6),
            operation(14, "free", base: 0, transaction: 6),
        ])

        #expect(answer.conflicting == [10, 12, 13])
        #expect(
            answer.rejectionCodes == [11: .transactionAborted, 14: .transactionAborted])
        #expect(answer.cursors.isEmpty)
    }

    @Test func aRefusalDoesNotTurnTheOtherMembersIntoConflicts() throws {
        let server = try makeServer()

        // The delete is good in itself; that another member on its entity failed changes nothing.
        let answer = try server.push([
            operation(10, "n", base: 0, content: [], transaction: 5),
            operation(11, "n", base: 0, transaction: 5),
        ])

        #expect(answer.conflicting == [])
        #expect(answer.rejectionCodes == [10: .malformed, 11: .transactionAborted])
    }

    @Test func aConflictInsideATransactionShowsTheStateBeforeIt() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "live", base: 1, transaction: 5),
            operation(11, "live", base: 1, transaction: 5),
        ])

        #expect(answer.conflicting == [11])
        #expect(answer.conflicts[0].serverState.cursor == 1)
        #expect(answer.rejectionCodes == [10: .transactionAborted])
    }

    @Test func abortedMembersGiveTheirCursorsBack() throws {
        let server = try makeServer()

        let answer = try server.push([
            operation(10, "n", base: 0, transaction: 5),
            operation(11, "live", base: 0, transaction: 5),
            operation(12, "o", base: 0, transaction: 6),
            operation(13, "o", baseOp: 12, transaction: 6),
        ])

        #expect(answer.accepted == [AcceptedRun(firstOperationID: 12, firstCursor: 3, count: 2)])
        #expect(try server.wholeLog().map(\.cursor) == [1, 2, 3, 4])
    }

    @Test func aRefusedNumberIsFree() throws {
        let server = try makeServer()
        try server.push([operation(10, "live", base: 0)])

        let answer = try server.push([operation(10, "other", base: 0)])

        #expect(answer.cursors == [10: 3])
    }

    @Test(
        arguments: [
            (3, nil, nil as String?), (4, nil, "maxPushOps"), (4, 9, nil), (6, 9, nil),
            (7, 9, "maxTransactionOps"),
        ] as [(UInt64, TransactionID?, String?)])
    func aPushOfTooManyOperationsIsRefusedAndStoresNothing(
        count: UInt64, transaction: TransactionID?, limit: String?
    ) throws {
        var configuration = ServiceConfiguration()
        configuration.limits.maxPushOperations = 3
        configuration.limits.maxTransactionOperations = 6
        let server = try ServiceUnderTest(configuration)
        let operations = (1...count).map { number in
            operation(
                OperationID(number), EntityID("e\(number)"), base: 0, transaction: transaction)
        }

        if let limit {
            let failure = #expect(throws: ServiceFailure.self) { try server.push(operations) }
            #expect(failure?.status == 413)
            #expect(failure?.response.details.limit == limit)
            #expect(failure?.response.details.maximum == (limit == "maxPushOps" ? 3 : 6))
        } else {
            try server.push(operations)
        }

        #expect(try server.wholeLog().count == (limit == nil ? Int(count) : 0))
    }

    @Test func manyOperationsOfTwoTransactionsAreNotOneTransactionAlone() throws {
        var configuration = ServiceConfiguration()
        configuration.limits.maxPushOperations = 3
        let server = try ServiceUnderTest(configuration)
        let operations = (1...4).map { number in
            operation(
                OperationID(number), EntityID("e\(number)"), base: 0,
                transaction: number < 4 ? 1 : 2)
        }

        let failure = #expect(throws: ServiceFailure.self) { try server.push(operations) }

        #expect(failure?.response.details.limit == "maxPushOps")
    }
}
