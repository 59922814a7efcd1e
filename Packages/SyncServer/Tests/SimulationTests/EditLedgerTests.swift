// SPDX-License-Identifier: MIT

import SyncClient
import SyncProtocol
import Testing

@testable import Simulation

/// The ledger of all edits, and the judge of what becomes part of a log.
@Suite struct EditLedgerTests {
    private typealias Rule = SimulationFailure.Rule
    private let key = EntityKey("notes", "a")

    private func content(_ tokens: [UInt64]) -> [UInt8] { EntityContent(tokens: tokens).encoded }

    private func ledger(_ contents: [[UInt64]]) -> EditLedger {
        let ledger = EditLedger()
        for tokens in contents { ledger.wrote(content(tokens), key) }
        return ledger
    }

    private func fault(
        of next: SyncOperation, after previous: SyncOperation? = nil, in ledger: EditLedger,
        isBlind: Bool = false
    ) -> String? {
        ledger.fault(of: next, after: previous, isBlind: isBlind)?.rule
    }

    @Test func aContentThatNobodyWroteIsInvented() {
        let next = Fixture.operation(1, "a", [7])

        #expect(fault(of: next, in: ledger([[1]])) == Rule.nothingInvented.rawValue)
        #expect(fault(of: next, in: ledger([[7]])) == nil)
    }

    @Test func anEditIsOverwrittenOnlyByWhoSawIt() {
        let ledger = ledger([[1], [2], [1, 2]])
        let previous = Fixture.operation(1, "a", [1])
        let unseen = Rule.nothingOverwrittenUnseen.rawValue
        let blind = Fixture.operation(2, "a", [2])

        #expect(fault(of: blind, after: previous, in: ledger) == unseen)
        #expect(fault(of: Fixture.operation(2, "a", []), after: previous, in: ledger) == unseen)
        #expect(fault(of: Fixture.operation(2, "a", [1, 2]), after: previous, in: ledger) == nil)
        #expect(fault(of: blind, after: previous, in: ledger, isBlind: true) == nil)
        ledger.excuse([1])
        #expect(fault(of: blind, after: previous, in: ledger) == nil)
    }

    @Test func whatLostAConflictMayBeOverwrittenAndMustBeKept() {
        let ledger = ledger([[1], [2]])
        let conflict = EntityConflict(
            key: key, base: nil, local: content([2]), remote: content([1]), localDeviceID: "d")

        ledger.resolved(conflict, .keepLocal)

        let winner = Fixture.operation(2, "a", [2])
        #expect(fault(of: winner, after: Fixture.operation(1, "a", [1]), in: ledger) == nil)
        #expect(ledger.missing(from: [2], kept: []) == [1])
        #expect(ledger.missing(from: [2], kept: [1]) == [])
    }

    @Test func anEditThatIsNowhereIsMissing() {
        #expect(ledger([[1], [1, 2]]).missing(from: [1], kept: []) == [2])
    }

    @Test func whatAServerHasIsKeptWhenADeviceIsPutBack() {
        let ledger = ledger([[1], [2]])

        ledger.release([1])
        #expect(ledger.missing(from: [2], kept: []) == [1])
        ledger.lose([1, 2])
        #expect(ledger.missing(from: [], kept: []) == [2])
    }

    @Test func aDeleteStandsOrWasSeenOrIsKept() {
        let ledger = ledger([[1], [1, 2]])
        let undone = [key: content([1, 2])]

        ledger.removed(key, [1])

        #expect(ledger.lostRemovals([:], kept: [:]) == [])
        #expect(ledger.lostRemovals([key: content([3])], kept: [:]) == [])
        #expect(ledger.lostRemovals(undone, kept: [:]) == [key])
        #expect(ledger.lostRemovals(undone, kept: [key: [[1, 2]]]) == [key])
        #expect(ledger.lostRemovals(undone, kept: [key: [[1, 2], []]]) == [])
        ledger.excuseRemovals(of: key)
        #expect(ledger.lostRemovals(undone, kept: [:]) == [])
    }

    @Test func anEditIsInALogOnce() throws {
        let ledger = ledger([[1], [1, 2]])
        var judge = CommitJudge()
        let operations = [
            Fixture.operation(1, "a", [1]), Fixture.operation(2, "a", [1, 2], base: 1),
            Fixture.operation(3, "a", [1, 2], base: 2),
        ]
        let model = Fixture.model(operations)
        let stored = model.durable.operations

        for operation in stored[..<2] { try judge.judge(operation, in: model, ledger, []) }
        #expect(
            broken { try judge.judge(stored[2], in: model, ledger, []) }
                == Rule.acceptedOnce.rawValue)
    }

    @Test(arguments: [Condition.clones, .deviceRestores, .serverRestores])
    func copiesExcuseNoSecondAcceptanceOfWhatNobodyDecided(condition: Condition) throws {
        let ledger = ledger([[1], [1, 2]])
        let model = Fixture.model([
            Fixture.operation(1, "a", [1, 2]), Fixture.operation(2, "a", [1, 2], base: 1),
        ])
        let stored = model.durable.operations
        func judgement() -> String? {
            var judge = CommitJudge()
            return broken {
                for operation in stored {
                    try judge.judge(operation, in: model, ledger, [condition])
                }
            }
        }

        #expect(judgement() == Rule.acceptedOnce.rawValue)
        let conflict = EntityConflict(
            key: key, base: nil, local: content([1, 2]), remote: nil, localDeviceID: "d")
        ledger.resolved(conflict, .keepLocal)
        #expect(judgement() == nil)
    }

    @Test func copiesExcuseNoBlindEdit() throws {
        let ledger = ledger([[1], [2]])
        var judge = CommitJudge()
        let model = Fixture.model([
            Fixture.operation(1, "a", [1]), Fixture.operation(1, "a", by: "e", [2], base: 1),
        ])

        #expect(
            broken {
                try judge.judge(
                    model.durable.operations[1], in: model, ledger, [.clones, .serverRestores])
            } == Rule.nothingOverwrittenUnseen.rawValue)
    }

    @Test func anEditThatComesBackMayBeTakenOutUntilItFollows() {
        let ledger = ledger([[1], [1, 2]])
        let conflict = EntityConflict(
            key: key, base: nil, local: content([1, 2]), remote: content([2]), localDeviceID: "d")
        let (returned, next) = (Fixture.operation(1, "a", [2]), Fixture.operation(2, "a", [1]))

        #expect(
            fault(of: next, after: returned, in: ledger) == Rule.nothingOverwrittenUnseen.rawValue)
        ledger.resolved(conflict, .keepLocal)
        #expect(fault(of: next, after: returned, in: ledger) == nil)
    }

    @Test func aJudgeRemembersWhatWasThereBefore() throws {
        let ledger = ledger([[1], [2]])
        var judge = CommitJudge()
        let model = Fixture.model([
            Fixture.operation(1, "a", [1]), Fixture.operation(1, "a", by: "e", [2], base: 1),
        ])
        let stored = model.durable.operations

        #expect(
            broken { try judge.judge(stored[1], in: model, ledger, []) }
                == Rule.nothingOverwrittenUnseen.rawValue)
    }

    @Test func contentsTellWhichEditsAreInThem() {
        let content = EntityContent(tokens: [3, 1], padding: 40)

        #expect(EntityContent(content.encoded) == content)
        #expect(EntityContent.tokens(content.encoded) == [3, 1])
        #expect(EntityContent.tokens([0xff]) == [])
        #expect(
            EntityContent.tokens(EntityContent.merge(content.encoded, self.content([2]))) == [
                1, 2, 3,
            ])
    }
}
