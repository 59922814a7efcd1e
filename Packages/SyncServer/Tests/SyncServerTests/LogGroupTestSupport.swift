// SPDX-License-Identifier: MIT

import Cryptography
import SyncProtocol

@testable import SyncServer

extension LogGroupBuilder {
    /// Adds an operation of device `d` on collection `c`, whatever its bytes are.
    mutating func append(_ item: [UInt8], continuesTransaction: Bool) {
        EntityKeyBytes.with("c", "d") { key in
            append(
                item[...], collection: key.collection, deviceID: key.entityID,
                continuesTransaction: continuesTransaction)
        }
    }

    /// Adds an encoded operation under the names that it has.
    mutating func append(stored item: [UInt8], continuesTransaction: Bool) {
        item.withUnsafeBytes { bytes in
            guard let operation = StoredOperation(bytes, 0..<item.count) else { return }
            append(
                item[...],
                collection: UnsafeRawBufferPointer(rebasing: bytes[operation.collection]),
                deviceID: UnsafeRawBufferPointer(rebasing: bytes[operation.deviceID]),
                continuesTransaction: continuesTransaction)
        }
    }

    /// The payloads of a log that begins with this group.
    func framed(
        committedAtMilliseconds: UInt64, bytesTarget: Int = LogGroup.bytesTarget
    ) -> [(cursors: ClosedRange<Cursor>, payload: [UInt8])] {
        var link = SHA256Digest.zero
        return payloads(
            committedAtMilliseconds: committedAtMilliseconds, bytesTarget: bytesTarget,
            link: &link, by: SHA256())
    }
}
