// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// A queue as a value: what each change does to it.
@Suite struct QueueStateTests {
    /// Operations on the named entities, numbered from 1 and chained as captured edits are; a name
    /// such as `x/7` puts the operation into transaction 7.
    static func operations(_ names: String...) -> [SyncOperation] {
        var last: [EntityKey: OperationID] = [:]
        return names.enumerated().map { index, name in
            let parts = name.split(separator: "/")
            var operation = SyncOperation(
                operationID: OperationID(UInt64(index + 1)), databaseID: "db", deviceID: "d",
                collection: "notes", entityID: EntityID(String(parts[0])), kind: .upsert,
                entityVersion: 1, entityCBOR: [UInt8(index)], timestampMilliseconds: 0,
                hybridTimestamp: HybridTimestamp(UInt64(index + 1)))
            operation.baseOperationID = last[operation.key]
            if operation.baseOperationID == nil { operation.base = 0 }
            if parts.count > 1 { operation.transactionID = TransactionID(UInt64(parts[1])!) }
            last[operation.key] = operation.operationID
            return operation
        }
    }

    private func state(_ operations: [SyncOperation]) -> QueueState {
        var state = QueueState()
        state.apply(.enqueue(operations, checkpoint: 5))
        return state
    }

    @Test func keepsTheOrderOfArrival() {
        let operations = Self.operations("x", "y", "x")
        let state = state(operations)

        #expect(state.operations == operations)
        #expect(state.operations(of: operations[0].key).map(\.operationID) == [1, 3])
        #expect(state.checkInvariants() == nil)
    }

    @Test func ignoresANumberThatItHasGiven() {
        var queue = state(Self.operations("x", "y"))
        queue.apply(.enqueue(Self.operations("z"), checkpoint: 6))
        queue.apply(.remove([2]))
        queue.apply(.enqueue(Self.operations("z", "z"), checkpoint: 7))

        #expect(queue.operations.map(\.entityID) == ["x"])
        #expect(queue.checkpoint == 7)
    }

    @Test func neverGivesANumberAgain() {
        var queue = state(Self.operations("x", "y"))
        queue.apply(.remove([1, 2]))

        #expect(queue.isEmpty)
        #expect(queue.nextOperationID == 3)
    }

    @Test func neverMovesItsCheckpointNorWhatIsSentBack() {
        var queue = state(Self.operations("x"))
        queue.apply(.noteSent(4))
        queue.apply(.noteSent(2))
        queue.apply(.enqueue([], checkpoint: 3))

        #expect(queue.sentThrough == 4)
        #expect(queue.checkpoint == 5)
    }

    @Test func givesTheSameStateIfChangesAreReplayedInOrder() {
        let changes: [QueueChange] = [
            .enqueue(Self.operations("x", "y", "x"), checkpoint: 1), .noteSent(2), .remove([2]),
            .rebase(1, base: 8, baseOperationID: nil, version: 4), .voidBases,
            .enqueue(Self.operations("a", "a", "a", "z"), checkpoint: 2), .remove([1]),
        ]
        var once = QueueState(), again = QueueState()
        for change in changes { once.apply(change) }
        for change in changes { for _ in 0..<2 { again.apply(change) } }

        #expect(once == again)
    }

    @Test func givesNewNumbersInTheSameOrderAndLetsChainsFollow() {
        var queue = state(Self.operations("x", "y/2", "x/2", "y"))
        queue.apply(.renumber(from: 2, device: "n"))

        #expect(queue.operations.map(\.operationID) == [1, 5, 6, 7])
        #expect(queue.operations.map(\.baseOperationID) == [nil, nil, 1, 5])
        #expect(queue.operations.map(\.transactionID) == [nil, 2, 2, nil])
        #expect(queue.operations.map(\.deviceID) == ["d", "n", "n", "n"])
        #expect(queue.nextOperationID == 8)
        #expect(queue.checkInvariants() == nil)
        #expect(queue.operation(6)?.entityID == "x")
        #expect(queue.operation(2) == nil)
    }

    @Test func changesTheBaseOfOneOperation() {
        var queue = state(Self.operations("x", "x"))
        queue.apply(.rebase(2, base: 9, baseOperationID: nil, version: 4))

        #expect(queue.operation(2)?.base == 9)
        #expect(queue.operation(2)?.baseOperationID == nil)
        #expect(queue.operation(2)?.entityVersion == 4)
        #expect(queue.operation(1)?.base == 0)
    }

    @Test func voidsOnlyBases() {
        var queue = state(Self.operations("x", "x", "y"))
        queue.apply(.rebase(1, base: 9, baseOperationID: nil, version: 2))
        queue.apply(.rebase(3, base: nil, baseOperationID: nil, version: 2))
        queue.apply(.voidBases)

        #expect(queue.operations.map(\.base) == [0, nil, nil])
        #expect(queue.operations.map(\.baseOperationID) == [nil, 1, nil])
    }

    @Test func movesAnOperationToAnotherTransaction() {
        var queue = state(Self.operations("x/1", "y/1"))
        queue.apply(.regroup(2, 2))

        #expect(queue.members(of: 1) == [1])
        #expect(queue.members(of: 2) == [2])
    }

    @Test func findsTheStartOfATransaction() {
        let queue = state(Self.operations("w", "x/2", "y/2", "z"))

        #expect([1, 2, 3, 4, 9].map { queue.transactionStart(of: $0) } == [1, 2, 2, 4, 9])
    }

    @Test func tellsWhatMayHaveReachedTheServer() {
        var queue = state(Self.operations("x", "y", "z"))
        #expect(!queue.hasSentOperations)
        queue.apply(.noteSent(2))
        #expect(queue.hasSentOperations)
        #expect(queue.sentOperations.map(\.operationID) == [1, 2])
        queue.apply(.remove([1, 2]))
        #expect(!queue.hasSentOperations)
    }

    @Test func stampsAfterEverythingItHasGiven() {
        var queue = state(Self.operations("x"))
        var later = Self.operations("x", "x")[1]
        later.hybridTimestamp = 90
        queue.apply(.enqueue([later], checkpoint: 6))
        queue.apply(.remove([1, 2]))

        #expect(queue.nextStamp(after: 0, wallMilliseconds: 0) == 91)
        #expect(queue.nextStamp(after: 200, wallMilliseconds: 0) == 201)
        #expect(queue.nextStamp(after: 0, wallMilliseconds: 1) == .first(atMilliseconds: 1))
    }

    @Test(
        "knows what the server cannot have once an operation is refused",
        arguments: [
            (["x", "y", "x"], [1], [1, 3]),
            (["x/1", "y/1", "y"], [1], [1, 2, 3]),
            (["x", "x/2", "y/2", "y", "z"], [1], [1, 2, 3, 4]),
            (["x", "y"], [], []),
            (["x", "y", "x"], [3], [3]),
            (["y", "x/2", "y/2", "x"], [2], [2, 3, 4]),
        ] as [([String], Set<OperationID>, Set<OperationID>)])
    func knowsWhatTheServerCannotHave(
        _ names: [String], _ refused: Set<OperationID>, _ all: Set<OperationID>
    ) {
        var queue = QueueState()
        var operations: [SyncOperation] = []
        for (index, name) in names.enumerated() {
            var operation = Self.operations(name)[0]
            operation.operationID = OperationID(UInt64(index + 1))
            operations.append(operation)
        }
        queue.apply(.enqueue(operations, checkpoint: 1))
        queue.apply(.noteSent(OperationID(UInt64(names.count))))

        #expect(queue.sentOperationsRefused(with: refused) == all)
    }

    @Test func leavesUnsentOperationsOutOfWhatTheServerCannotHave() {
        var queue = state(Self.operations("x", "x"))
        queue.apply(.noteSent(1))

        #expect(queue.sentOperationsRefused(with: [1]) == [1])
    }

    @Test func namesTheRuleThatABrokenStateBreaks() {
        func check(_ operations: [SyncOperation], next: OperationID = 9) -> String? {
            QueueState(
                operations: operations, nextOperationID: next, sentThrough: 0, checkpoint: 0,
                settlement: 0, clock: HybridLogicalClock()
            ).checkInvariants()
        }
        var unchained = Self.operations("x", "x")
        unchained[1].baseOperationID = nil

        #expect(check(Self.operations("x", "y")) == nil)
        #expect(check(Self.operations("x", "y").reversed())?.contains("follow") == true)
        #expect(check(unchained)?.contains("chained") == true)
        #expect(check(Self.operations("x/1", "y", "z/1"))?.contains("broken up") == true)
        #expect(check(Self.operations("x", "y"), next: 2)?.contains("again") == true)
    }
}
