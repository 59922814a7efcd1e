// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// Operations that keep every rule, for tests to break one.
enum Fixture {
    static func upsert(_ number: UInt64 = 1) -> SyncOperation {
        SyncOperation(
            operationID: OperationID(number), databaseID: "db", deviceID: "d1",
            collection: "tasks", entityID: "t1", kind: .upsert, entityVersion: 1,
            entityCBOR: [0xA0], timestampMilliseconds: 1_700_000_000_000)
    }

    static func delete(_ number: UInt64 = 1) -> SyncOperation {
        var operation = upsert(number)
        operation.kind = .delete
        operation.entityCBOR = nil
        return operation
    }
}

/// The error of decoding bytes as a message, or `nil`.
func decodingError<Message: WireValue>(_ bytes: [UInt8], as type: Message.Type) -> CBORError? {
    do throws(CBORError) {
        _ = try Message(decoding: bytes)
        return nil
    } catch {
        return error
    }
}
