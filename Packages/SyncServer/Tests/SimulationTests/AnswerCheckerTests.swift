// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import Testing

@testable import Simulation

/// The judge of the server's answers is not fooled.
@Suite struct AnswerCheckerTests {
    private typealias Rule = SimulationFailure.Rule
    private let first = Fixture.operation(1, "a", [1])

    private func judgement(
        _ answer: Result<SyncAnswer, SyncError>, to request: SyncRequest,
        after operations: [SyncOperation]
    ) throws -> String? {
        var checker = try Fixture.checker(operations)
        return broken { try checker.check(answer, to: request) }
    }

    @Test func aHandshakeSaysWhereTheLogEnds() throws {
        let request = SyncRequest.handshake(Fixture.handshakeRequest)
        func judge(_ head: Cursor, _ last: OperationID) throws -> String? {
            try judgement(
                .success(.handshake(Fixture.handshake(head: head, last: last))), to: request,
                after: [first])
        }

        #expect(try judge(1, 1) == nil)
        #expect(try judge(2, 1) == Rule.answersFollowTheRules.rawValue)
        #expect(try judge(1, 0) == Rule.answersFollowTheRules.rawValue)
    }

    @Test func aHandshakeOfAnotherLogIsToBeRefused() throws {
        var request = Fixture.handshakeRequest
        request.logID = Fixture.otherLogID

        #expect(
            try judgement(
                .success(.handshake(Fixture.handshake())), to: .handshake(request), after: [])
                == Rule.answersFollowTheRules.rawValue)
        #expect(
            try judgement(
                .failure(Fixture.refusal("otherLog")), to: .handshake(request), after: []) == nil)
    }

    @Test func aRefusalWithoutAReasonIsAFailure() throws {
        #expect(
            try judgement(
                .failure(SyncError(.server(.invalidCursor), "")),
                to: .pull(Fixture.pull(after: 0)), after: [first]) == Rule.goesOn.rawValue)
        #expect(
            try judgement(
                .failure(Fixture.refusal("ahead")), to: .pull(Fixture.pull(after: 2)),
                after: [first]) == nil)
    }

    @Test func onlyAFaultyDiskExcusesAFailure() throws {
        let answer = Result<SyncAnswer, SyncError>.failure(
            SyncError(.server(.internalError), ""))
        var checker = try Fixture.checker()

        #expect(
            broken { try checker.check(answer, to: .push(Fixture.push([first]))) }
                == Rule.goesOn.rawValue)
        checker.isServerSick = true
        #expect(broken { try checker.check(answer, to: .push(Fixture.push([first]))) } == nil)
    }

    @Test func aPushIsNotAnsweredBeforeItIsCommitted() throws {
        #expect(
            try judgement(
                .success(.push(PushResponse(acknowledgedUpTo: 1))),
                to: .push(Fixture.push([first])), after: [])
                == Rule.answersFollowTheRules.rawValue)
    }

    @Test func aPushOfAnotherLogMustNotBeTaken() throws {
        var checker = try Fixture.checker()
        var request = Fixture.push([first])
        request.logID = Fixture.otherLogID

        #expect(broken { _ = try checker.stage(request) } == Rule.answersFollowTheRules.rawValue)
    }

    @Test func aTransactionComesInOnePush() throws {
        var checker = try Fixture.checker()
        for number in 1...2 as ClosedRange<UInt64> {
            let member = Fixture.operation(
                OperationID(number), EntityID("e\(number)"), in: 7)
            _ = try checker.stage(Fixture.push([member]))
        }

        #expect(
            broken { try checker.endCommit(of: "db", succeeded: true) }
                == Rule.wholeTransactions.rawValue)
    }

    @Test func onlyNamesThatTwoDevicesShareMayUseANumberTwice() throws {
        let second = Fixture.push([Fixture.operation(1, "a", by: "d", [2])])
        var checker = try Fixture.checker([first])

        checker.noteCopy(of: "e")
        #expect(broken { _ = try checker.stage(second) } == Rule.acceptedOnce.rawValue)
        checker.noteCopy(of: "d")
        #expect(broken { _ = try checker.stage(second) } == nil)
    }

    @Test func onlyNamesThatTwoDevicesShareMaySplitATransaction() throws {
        for (name, due) in [("e", Rule.wholeTransactions.rawValue), ("d", nil)] {
            var checker = try Fixture.checker()
            checker.noteCopy(of: DeviceID(name))
            for number in 1...2 as ClosedRange<UInt64> {
                let member = Fixture.operation(
                    OperationID(number), EntityID("e\(number)"), in: 7)
                _ = try checker.stage(Fixture.push([member]))
            }

            #expect(broken { try checker.endCommit(of: "db", succeeded: true) } == due)
        }
    }

    @Test func whatIsCommittedIsHandedOnOnce() throws {
        var checker = try Fixture.checker([first])

        #expect(checker.takeCommitted().map(\.operation.operationID) == [1])
        #expect(checker.takeCommitted().isEmpty)
    }

    @Test func aRestartedServerHasTheLogThatItHad() throws {
        var checker = try Fixture.checker([first])
        let stored = try #require(checker.models["db"]).durable.operations

        #expect(
            broken { try checker.adopt("db", logID: Fixture.logID, operations: []) }
                == Rule.logKeepsWhatItShowed.rawValue)
        #expect(
            broken { try checker.adopt("db", logID: Fixture.otherLogID, operations: stored) }
                == Rule.logKeepsWhatItShowed.rawValue)
        #expect(
            broken { try checker.adopt("new", logID: Fixture.logID, operations: stored) }
                == Rule.nothingInvented.rawValue)
        #expect(
            broken { try checker.adopt("db", logID: Fixture.logID, operations: stored) } == nil)
    }
}
