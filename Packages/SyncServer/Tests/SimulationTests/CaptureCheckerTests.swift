// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import Simulation

/// The judges of what a device captures, and of the stamps that it gives.
@Suite struct CaptureCheckerTests {
    private typealias Rule = SimulationFailure.Rule
    private let first = Fixture.operation(1, "a", [1])
    private let second = Fixture.operation(2, "b", [2])

    private func transaction(_ operations: SyncOperation...) -> CaptureChecker.Transaction {
        operations.map { ($0.key, $0.content) }
    }

    private func fault(
        _ checker: CaptureChecker, _ captured: [SyncOperation], behind queue: [SyncOperation] = []
    ) -> String? {
        checker.fault(of: queue, queue + captured)?.rule.rawValue
    }

    @Test func eachCommitIsCapturedInItsOrder() {
        var checker = CaptureChecker()
        checker.committed(transaction(first))
        checker.committed(transaction(second))

        #expect(fault(checker, [first, second]) == nil)
        for captured in [[], [first], [second], [second, first], [first, second, second]] {
            #expect(fault(checker, captured) == Rule.capturedInOrder.rawValue)
        }
        #expect(checker.fault(of: [first], [second])?.rule == .capturedInOrder)
    }

    @Test func aCommitIsOneTransactionAndNoOthers() {
        var checker = CaptureChecker()
        let both = [
            Fixture.operation(1, "a", [1], in: 1), Fixture.operation(2, "b", [2], in: 1),
        ]
        checker.committed(transaction(first, second))

        #expect(fault(checker, both) == nil)
        #expect(fault(checker, [both[1], both[0]]) == nil)
        #expect(fault(checker, [first, second]) == Rule.wholeTransactions.rawValue)
        #expect(fault(checker, [both[0], second]) == Rule.wholeTransactions.rawValue)
    }

    @Test func aCommitThatFailedIsCapturedOrNot() {
        var checker = CaptureChecker()
        checker.committed(transaction(first))
        checker.commitFailed(transaction(second))

        #expect(fault(checker, [first]) == nil)
        #expect(fault(checker, [first, second]) == nil)
        #expect(fault(checker, [second]) == Rule.capturedInOrder.rawValue)
        #expect(fault(checker, []) == Rule.capturedInOrder.rawValue)
    }

    @Test func whatMayBeCapturedAlreadyIsSoAsAWhole() {
        var checker = CaptureChecker()
        checker.committed(transaction(first))
        checker.mayHaveCaptured()
        checker.committed(transaction(second))

        #expect(fault(checker, [first, second]) == nil)
        #expect(fault(checker, [second]) == nil)
        #expect(fault(checker, [first]) == Rule.capturedInOrder.rawValue)
        #expect(fault(checker, []) == Rule.capturedInOrder.rawValue)
    }

    @Test func aCheckpointLeavesTheOutcome() {
        var checker = CaptureChecker()
        checker.committed(transaction(first))
        checker.committed(transaction(Fixture.operation(2, "a", [1, 2])))
        checker.willCheckpoint()

        #expect(fault(checker, [Fixture.operation(1, "a", [1, 2])]) == nil)
        #expect(fault(checker, [first]) == Rule.capturedInOrder.rawValue)
        #expect(fault(checker, []) == Rule.capturedInOrder.rawValue)
    }

    @Test func nothingIsKnownOfFilesThatWerePutBackUntilTheNextCapture() {
        var checker = CaptureChecker()
        checker.historyIsGone()

        #expect(fault(checker, [first]) == nil)
        checker.didCapture()
        #expect(fault(checker, [first]) == Rule.capturedInOrder.rawValue)
    }

    // MARK: Stamps

    private func edit(_ stamp: HybridTimestamp?, base: Cursor = 0) -> SyncOperation {
        var operation = Fixture.operation(9, "a", [9], base: base)
        operation.hybridTimestamp = stamp
        return operation
    }

    @Test func aStampIsLaterThanAllThatTheDeviceHasGiven() {
        var checker = StampChecker()
        checker.note([edit(7)])
        // It is acknowledged, and no longer in the queue.
        checker.note([])

        #expect(checker.fault(of: [edit(7)], received: 0, nil) != nil)
        #expect(checker.fault(of: [edit(nil)], received: 0, nil) != nil)
        #expect(checker.fault(of: [edit(8), edit(8)], received: 0, nil) != nil)
        #expect(checker.fault(of: [edit(9), edit(10)], received: 0, nil) == nil)
    }

    @Test func aStampIsLaterThanWhatTheDeviceHasSeen() {
        var revision = Fixture.operation(1, "a", by: "e", [1])
        revision.hybridTimestamp = 20
        let log = Fixture.model([revision]).durable
        var checker = StampChecker()

        #expect(checker.fault(of: [edit(5)], received: 5, log) != nil)
        #expect(checker.fault(of: [edit(20, base: 1)], received: 5, log) != nil)
        #expect(checker.fault(of: [edit(21, base: 1)], received: 5, log) == nil)
    }
}
