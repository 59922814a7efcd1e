// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import Simulation

/// The model that the server's answers and files are compared with sees what is wrong with them.
@Suite struct LogModelTests {
    private let first = Fixture.operation(1, "a", [1])
    private let second = Fixture.operation(2, "b", [2])

    @Test func aPushIsDueWhatTheProtocolSays() {
        var model = Fixture.model([first])

        let answer = model.push(
            Fixture.push([
                first, Fixture.operation(1, "a", [9]), Fixture.operation(2, "a", [2], base: 0),
                Fixture.operation(3, "a", [3], base: 1), Fixture.operation(4, "b", [4]),
            ]), maxEntityBytes: 1_000)

        #expect(answer.accepted?.map(\.firstOperationID) == [1, 4])
        #expect(answer.rejected.map(\.code) == [.operationIDReuse])
        #expect(answer.conflicts.map(\.clientOperation.operationID) == [2, 3])
        #expect(answer.acknowledgedUpTo == 0)
        #expect(answer.serverCursor == 2)
    }

    @Test func aTransactionIsAcceptedWhollyOrNot() {
        var model = Fixture.model([first])

        let answer = model.push(
            Fixture.push([
                Fixture.operation(2, "b", [2], in: 7),
                Fixture.operation(3, "a", [3], base: 0, in: 7),
            ]), maxEntityBytes: 1_000)

        #expect(answer.accepted == [])
        #expect(answer.rejected.map(\.code) == [.transactionAborted])
        #expect(model.staged.operations.count == 1)
    }

    @Test func whatWasAcknowledgedMustBeThereAfterARestart() {
        var model = Fixture.model([first, second])
        let stored = model.durable.operations
        var changed = stored
        changed[0].timestampMilliseconds += 1

        #expect(model.adopt(Array(stored.dropLast())) != nil)
        #expect(model.adopt(changed) != nil)
        #expect(model.adopt(stored) == nil)
    }

    @Test func nothingMayBeThereThatNobodyPushed() {
        var model = Fixture.model([first])
        var invented = second
        invented.cursor = 2

        #expect(model.adopt(model.durable.operations + [invented]) != nil)
    }

    @Test func whatIsInDoubtMayBeThereInWholeTransactions() {
        var model = Fixture.model([])
        _ = model.push(
            Fixture.push([
                Fixture.operation(1, "a", [1], in: 7), Fixture.operation(2, "b", [2], in: 7),
            ]), maxEntityBytes: 1_000)
        let staged = model.staged.operations
        model.abandon()
        var other = model

        #expect(model.adopt([staged[0]]) != nil)
        #expect(other.adopt(staged) == nil)
        #expect(other.durable.head == 2)
    }

    private struct Lie: CustomTestStringConvertible {
        var testDescription: String
        var change: @Sendable (inout PullResponse) -> Void

        init(_ description: String, _ change: @escaping @Sendable (inout PullResponse) -> Void) {
            testDescription = description
            self.change = change
        }
    }

    private static let lies = [
        Lie("another log") { $0.logID = Fixture.otherLogID },
        Lie("a log's end that is not") { $0.serverCursor = 9 },
        Lie("an operation less") { $0.operations.removeFirst() },
        Lie("an operation twice") { $0.operations.append($0.operations[0]) },
        Lie("another content") { $0.operations[0].entityCBOR = [0] },
        Lie("a cursor ahead") { $0.nextCursor = $0.nextCursor.next },
        Lie("a cursor behind") { $0.nextCursor = 1 },
        Lie("no more, although there is") { $0.hasMore = false },
        Lie("nothing, and more") { ($0.operations, $0.nextCursor) = ([], 0) },
    ]

    @Test(arguments: lies) private func aPageThatLiesIsSeen(lie: Lie) {
        let model = Fixture.model(
            (1...4).map { Fixture.operation(OperationID($0), EntityID("e\($0)"), [$0]) })
        let stored = model.durable.operations
        let honest = Fixture.page(Array(stored[..<2]), next: 2, hasMore: true, head: 4)
        var page = honest

        lie.change(&page)

        let request = Fixture.pull(after: 0)
        #expect(model.fault(of: honest, to: request, limit: 2) == nil)
        #expect(model.fault(of: page, to: request, limit: 2) != nil)
    }

    @Test func aPageMustNotEndInsideATransaction() {
        var model = Fixture.model([])
        _ = model.push(
            Fixture.push(
                (1...3).map { Fixture.operation(OperationID($0), EntityID("e\($0)"), in: 7) }),
            maxEntityBytes: 1_000)
        _ = model.commit()
        let stored = model.durable.operations
        let request = Fixture.pull(after: 0)
        let torn = Fixture.page(Array(stored[..<2]), next: 2, hasMore: true, head: 3)
        let whole = Fixture.page(stored, next: 3, head: 3)

        #expect(model.fault(of: torn, to: request, limit: 2) != nil)
        #expect(model.fault(of: whole, to: request, limit: 2) == nil)
    }

    @Test func aDevicesOwnOperationsAreLeftOut() {
        let model = Fixture.model([first, Fixture.operation(1, "b", by: "other", [2])])
        let stored = model.durable.operations
        let request = Fixture.pull(after: 0, by: "d")

        #expect(
            model.fault(
                of: Fixture.page([stored[1]], next: 2, head: 2), to: request, limit: 9) == nil)
        #expect(
            model.fault(of: Fixture.page(stored, next: 2, head: 2), to: request, limit: 9) != nil)
    }
}
