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
        let key = EntityKeyBytes(collection: operation.collection, entityID: operation.entityID)
        _ = entities.set(key, revision)
        authors.append((revision.device, operation.operationID))
        devices[revision.device, default: Device()].accepted.insert(operation.operationID)
        devices[revision.device]?.recent.append(operation.operationID, at: revision.cursor)
    }
}
