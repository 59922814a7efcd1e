// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import Simulation

/// What the model makes of conflicts that a server decides.
@Suite struct PolicyModelTests {
    /// Device `d` has written `a` with edit 1, and then edit 2 with stamp 20.
    private func model(_ policy: String) -> LogModel {
        var model = LogModel(
            logID: Fixture.logID,
            policy: PolicyModel(
                ConflictPolicy(standard: "detect", byCollection: ["notes": policy])))
        _ = push([write(1, [1], base: 0, stamp: 20)], "d", to: &model)
        _ = push([write(2, [1, 2], base: 1, stamp: 20)], "d", to: &model)
        _ = model.commit()
        return model
    }

    private func write(
        _ number: Int, _ tokens: [UInt64], base: Int, stamp: UInt64, in transaction: UInt64? = nil
    ) -> SyncOperation {
        var operation = Fixture.operation(
            OperationID(UInt64(number)), "a", tokens, base: Cursor(UInt64(base)), in: transaction)
        if !tokens.isEmpty {
            operation.entityCBOR = EntityContent(tokens: tokens, isMap: true).encoded
        }
        operation.hybridTimestamp = HybridTimestamp(stamp)
        return operation
    }

    private func push(
        _ operations: [SyncOperation], _ device: DeviceID, to model: inout LogModel
    ) -> PushResponse {
        let operations = operations.map { operation in
            var operation = operation
            operation.deviceID = device
            return operation
        }
        return model.push(Fixture.push(operations, by: device), maxEntityBytes: 1_000)
    }

    @Test(
        arguments: [
            ("detect", 30, nil, [1, 2]), ("serverWins", 30, nil, [1, 2]),
            ("clientWins", 10, "e", [1, 3]), ("lastWriteWins", 30, "e", [1, 3]),
            ("lastWriteWins", 10, .server, [1, 2]), ("lastWriteWins", 20, "e", [1, 3]),
            ("merge", 10, .server, [1, 2, 3]),
        ] as [(String, UInt64, DeviceID?, [UInt64])])
    func whatMeetsIsDueWhatThePolicySays(
        policy: String, stamp: UInt64, author: DeviceID?, tokens: [UInt64]
    ) {
        var model = model(policy)

        let answer = push([write(1, [1, 3], base: 1, stamp: stamp)], "e", to: &model)

        let last = model.staged.operations.last
        #expect(answer.conflicts.isEmpty == (author != nil))
        #expect(last?.deviceID == author ?? "d")
        #expect(EntityContent.tokens(last?.content) == tokens)
        #expect(answer.serverCursor == model.staged.head)
    }

    @Test func aStampAheadIsRejectedWhereStampsDecide() {
        var (compared, other) = (model("lastWriteWins"), model("merge"))
        let ahead = write(1, [1, 2, 3], base: 2, stamp: 60_001 << 16)

        #expect(push([ahead], "e", to: &compared).rejected.map(\.code) == [.clockSkew])
        #expect(push([ahead], "e", to: &other).rejected.isEmpty)
    }

    @Test func aRestartedServerHasBothOrNeither() {
        var model = model("lastWriteWins")
        _ = push([write(1, [1, 3], base: 1, stamp: 10)], "e", to: &model)
        let staged = model.staged.operations
        model.abandon()
        var (other, third) = (model, model)

        #expect(staged.count == 4)
        #expect(model.adopt(Array(staged[..<3])) != nil)
        #expect(other.adopt(Array(staged[..<2])) == nil)
        #expect(third.adopt(staged) == nil)
    }

    @Test func theServersRevisionIsPartOfTheTransaction() {
        var model = model("lastWriteWins")
        _ = push([write(1, [1, 3], base: 1, stamp: 10, in: 7)], "e", to: &model)
        _ = model.commit()
        let log = model.durable.operations

        #expect(log[3].transactionID == 7)
        #expect(model.durable.areTogether(log[2], log[3]))
        let request = Fixture.pull(after: 2, by: "d")
        let whole = Fixture.page([log[2], log[3]], next: 4, head: 4)
        let half = Fixture.page([log[2]], next: 3, hasMore: true, head: 4)
        #expect(model.fault(of: whole, to: request, limit: 1) == nil)
        #expect(model.fault(of: half, to: request, limit: 1) != nil)
    }
}
