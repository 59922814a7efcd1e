// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// A push borrowed from its body says what the copied one says.
@Suite struct PushViewTests {
    private static let vectors = (MessageVector.files["push"] ?? [])
        .filter { $0.message == "pushRequest" }

    @Test(arguments: vectors.filter { $0.kind != .reject })
    func lendsTheOperationsInTheirOrder(_ vector: MessageVector) throws {
        let request = try PushRequest(decoding: vector.bytes)

        try PushRequestView.read(vector.bytes) { push in
            #expect(push.databaseID == request.databaseID)
            #expect(push.deviceID == request.deviceID)
            #expect(push.logID == request.logID)
            #expect(push.cursor == request.cursor)
            #expect(push.operations.count == request.operations.count)
            for (index, operation) in request.operations.enumerated() {
                #expect(SyncOperation(push.operations[index]) == operation)
            }
        }
    }

    @Test(arguments: vectors.filter { $0.kind == .reject })
    func failsBeforeAnythingIsLent(_ vector: MessageVector) {
        let error = #expect(throws: CBORError.self) {
            try PushRequestView.read(vector.bytes) { _ in Issue.record("It was lent.") }
        }

        #expect(error?.code.rawValue == vector.error)
        #expect(error?.offset == vector.offset)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 1_000])
    func lendsAnyNumberOfOperations(count: Int) throws {
        let operations = (0..<count).map { index in
            var operation = Fixture.upsert()
            operation.operationID = OperationID(UInt64(index + 1))
            return operation
        }
        let request = PushRequest(
            databaseID: Fixture.upsert().databaseID, deviceID: Fixture.upsert().deviceID,
            operations: operations)

        try PushRequestView.read(request.encoded()) { push in
            #expect(
                (0..<push.operations.count).map { push.operations[$0].operationID }
                    == operations.map(\.operationID))
        }
    }

    /// A server acts on what it was lent, so the whole body must have been found good before.
    @Test func lendsNothingOfABodyThatGoesOn() {
        let push = PushRequest(databaseID: "db", deviceID: "d", operations: []).encoded()
        let operation = Fixture.upsert().encoded()

        #expect(throws: CBORError.self) {
            try PushRequestView.read(push + [0]) { _ in Issue.record("It was lent.") }
        }
        #expect(throws: CBORError.self) {
            try SyncOperationView.read(operation + [0]) { _ in Issue.record("It was lent.") }
        }
    }
}
