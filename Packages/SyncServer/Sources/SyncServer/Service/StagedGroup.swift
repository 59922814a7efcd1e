// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// Pushes that were decided and wait for their group commit: an overlay over a database's durable
/// indexes, and the answers that leave when the group is durable.
struct StagedGroup {
    /// What goes into the frame.
    private(set) var builder: LogGroupBuilder
    /// The entities that the group changes.
    private(set) var entities = EntityTable<EntityRevision>()
    /// The author and the number of each operation, in the order of the log.
    private(set) var authors: [(device: DeviceNumber, operationID: OperationID)] = []
    /// The devices that the group has operations of, looked up like their durable records.
    private(set) var devices: [DeviceNumber: Device] = [:]
    /// Whom to tell, with what.
    var answers: [(answer: [UInt8], receiver: (ServiceAnswer) -> Void)] = []

    /// What a group adds to a device's record.
    struct Device {
        var accepted = OperationIDRanges()
        var recent = RecentOperations()
    }

    init(after head: Cursor) {
        builder = LogGroupBuilder(firstCursor: head.next)
    }

    /// Adds an accepted operation as it will lie in the log: with its cursor, and with the version
    /// that the log keeps.
    mutating func append(
        _ operation: borrowing SyncOperationView, _ revision: EntityRevision,
        continuesTransaction: Bool
    ) {
        // Room for all of it, so that its bytes do not move while they are written: as it came, a
        // cursor, and a longer version.
        var writer = CBORWriter(capacity: operation.encoded.count + 32)
        operation.encode(to: &writer, cursor: revision.cursor, entityVersion: revision.version)
        builder.append(
            writer.bytes[...], collection: operation.collection, deviceID: operation.deviceID,
            continuesTransaction: continuesTransaction)
        note(
            revision,
            of: EntityKeyBytes(collection: operation.collection, entityID: operation.entityID))
    }

    /// Adds a revision that the server made, inseparable from the operation before it: that one's
    /// content must not stand after a crash in between.
    mutating func append(_ answer: ServerRevision) {
        let operation = answer.operation
        let item = operation.encoded()
        EntityKeyBytes.with(operation.collection, EntityID(operation.deviceID.rawValue)) { names in
            builder.append(
                item[...], collection: names.collection, deviceID: names.entityID,
                continuesTransaction: operation.transactionID != nil, followsInFrame: true)
        }
        EntityKeyBytes.with(operation.collection, operation.entityID) { key in
            note(answer.revision, of: key)
        }
    }

    private mutating func note(_ revision: EntityRevision, of key: EntityKeyBytes) {
        _ = entities.set(key, revision)
        authors.append((revision.device, revision.operationID))
        devices[revision.device, default: Device()].accepted.insert(revision.operationID)
        devices[revision.device]?.recent.append(revision.operationID, at: revision.cursor)
    }
}
