// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// Which operations go into the next push.
@Suite struct PushPlanTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// The transaction of each operation, 0 for none.
        var transactions: [UInt64]
        var contentBytes = 10
        var maxPush: UInt64 = 100
        var maxTransaction: UInt64 = 100
        var maxBody: UInt64 = 1 << 20
        var countMax: Int?
        var mayBeSent = false
        var plan: PushPlan
    }

    static let rows = [
        Row(
            testDescription: "everything that fits", transactions: [0, 0, 3, 3],
            plan: .push(count: 4)),
        Row(
            testDescription: "operations up to the push limit", transactions: [0, 0, 0, 0, 0],
            maxPush: 3, plan: .push(count: 3)),
        Row(
            testDescription: "never a part of a transaction", transactions: [0, 2, 2, 2],
            maxPush: 3, plan: .push(count: 1)),
        Row(
            testDescription: "transactions that fit together", transactions: [1, 1, 3, 3, 5, 5],
            maxPush: 5, plan: .push(count: 4)),
        Row(
            testDescription: "a first transaction over the push limit, alone",
            transactions: [1, 1, 1, 1, 1, 0], maxPush: 3, plan: .push(count: 5)),
        Row(
            testDescription: "two transactions side by side are two",
            transactions: [1, 1, 3, 3], maxPush: 3, plan: .push(count: 2)),
        Row(
            testDescription: "a lower count after a refusal", transactions: [0, 0, 0, 0],
            countMax: 2, plan: .push(count: 2)),
        Row(
            testDescription: "one transaction whatever the lower count", transactions: [1, 1, 1],
            countMax: 1, plan: .push(count: 3)),
        Row(
            testDescription: "bytes up to the body limit", transactions: [0, 0, 0, 0],
            contentBytes: 1_000, maxBody: 5_000, plan: .push(count: 2)),
        Row(
            testDescription: "a single operation over the body limit", transactions: [0, 0],
            contentBytes: 9_000, maxBody: 5_000, plan: .push(count: 1)),
        Row(
            testDescription: "a transaction over its limit of operations in pieces",
            transactions: [1, 1, 1, 1, 1], maxTransaction: 2, plan: .split(at: [1, 3, 5])),
        Row(
            testDescription: "a transaction over the body limit in pieces",
            transactions: [1, 1, 1, 1, 1], contentBytes: 1_000, maxBody: 5_000,
            plan: .split(at: [1, 3, 5])),
        Row(
            testDescription: "only the first transaction is looked at for pieces",
            transactions: [0, 2, 2, 2], maxTransaction: 2, plan: .push(count: 4)),
        Row(
            testDescription: "what may have arrived stays whole", transactions: [1, 1, 1],
            maxTransaction: 2, mayBeSent: true, plan: .push(count: 3)),
        Row(
            testDescription: "limits of nothing still send something", transactions: [0, 0],
            maxPush: 0, maxTransaction: 0, maxBody: 0, plan: .push(count: 1)),
        Row(
            testDescription: "limits of nothing split into single operations",
            transactions: [1, 1], maxPush: 0, maxTransaction: 0, maxBody: 0,
            plan: .split(at: [1, 2])),
    ]

    @Test("chooses", arguments: rows)
    func chooses(_ row: Row) {
        let operations = row.transactions.enumerated().map { index, transaction in
            SyncOperation(
                operationID: OperationID(UInt64(index + 1)), databaseID: "db", deviceID: "d",
                collection: "notes", entityID: "e", kind: .upsert, entityVersion: 1,
                entityCBOR: [UInt8](repeating: 0, count: row.contentBytes),
                timestampMilliseconds: 0,
                transactionID: transaction == 0 ? nil : TransactionID(transaction))
        }
        var limits = SyncLimits.standard
        limits.maxPushOperations = row.maxPush
        limits.maxTransactionOperations = row.maxTransaction
        limits.maxBodyBytes = row.maxBody

        let plan = PushPlan.choose(
            from: operations[...], limits: limits, countMax: row.countMax,
            mayBeSent: row.mayBeSent)

        #expect(plan == row.plan)
    }

    @Test func countsAnOperationAsAtLeastWhatItTakesEncoded() throws {
        var labels: [LabelName: SyncOperation.Label] = [:]
        for number in 0..<16 { labels[LabelName("label \(number)")] = .number(wireIntegerMax) }
        let operations = (0..<20).map { index in
            SyncOperation(
                operationID: OperationID(wireIntegerMax - 20 + UInt64(index)),
                databaseID: DatabaseID(String(repeating: "b", count: 128)),
                deviceID: DeviceID(String(repeating: "d", count: 128)),
                collection: CollectionName(String(repeating: "c", count: 128)),
                entityID: EntityID(String(repeating: "e", count: 256)), kind: .upsert,
                entityVersion: EntityVersion(wireIntegerMax),
                entityCBOR: [UInt8](repeating: 0, count: 700),
                timestampMilliseconds: wireIntegerMax,
                hybridTimestamp: HybridTimestamp(wireIntegerMax), base: Cursor(wireIntegerMax),
                labels: labels)
        }
        var limits = SyncLimits.standard
        for bytes in stride(from: UInt64(6_000), to: 40_000, by: 1_111) {
            limits.maxBodyBytes = bytes
            let plan = PushPlan.choose(
                from: operations[...], limits: limits, countMax: nil, mayBeSent: false)
            guard case .push(let count) = plan else {
                Issue.record("\(bytes): \(plan)")
                return
            }
            let request = PushRequest(
                databaseID: operations[0].databaseID, deviceID: operations[0].deviceID,
                logID: .numbered(1), cursor: Cursor(wireIntegerMax),
                operations: Array(operations.prefix(count)))
            #expect(request.encoded().count <= Int(bytes))
        }
    }
}

/// How pushes shrink when the server refuses them as a whole, and grow again.
@Suite struct PushSizeTests {
    private func push(_ names: String...) -> PushRequest {
        var operations: [SyncOperation] = []
        for (index, name) in names.enumerated() {
            var operation = QueueStateTests.operations(name)[0]
            operation.operationID = OperationID(UInt64(index + 1))
            operations.append(operation)
        }
        return PushRequest(databaseID: "db", deviceID: "d", operations: operations)
    }

    private let tooLarge = SyncError(.server(.invalidRequest), "over the limit", status: 413)

    @Test func halvesWhatHoldsSeveralTransactions() {
        var size = PushSize()
        size.shrink(after: push("a", "b", "c", "d", "e"), tooLarge)
        #expect(size.countMax == 2)
        size.shrink(after: push("a", "b/1", "c/1"), tooLarge)
        #expect(size.countMax == 1)
        #expect(!size.isProbing)
    }

    @Test func suspectsOneTransactionThatFailsAlone() {
        var size = PushSize()
        size.shrink(after: push("a/1", "b/1"), tooLarge)

        #expect(size.isProbing)
        let suspect = size.endProbe()
        #expect(suspect?.operations == [1, 2])
        #expect(suspect?.code == .tooLarge)
        #expect(suspect?.message == "over the limit")
        #expect(!size.isProbing)
    }

    @Test func suspectsNothingIfTheProbeFails() {
        var size = PushSize()
        size.shrink(after: push("a"), tooLarge)
        size.abandonProbe()

        #expect(size.endProbe() == nil)
    }

    @Test func growsAgainAndForgetsTheLimitInTheEnd() {
        var size = PushSize()
        size.shrink(after: push("a", "b"), tooLarge)
        #expect(size.countMax == 1)
        size.grow()
        #expect(size.countMax == 2)
        for _ in 0..<20 { size.grow() }
        #expect(size.countMax == nil)
    }
}
