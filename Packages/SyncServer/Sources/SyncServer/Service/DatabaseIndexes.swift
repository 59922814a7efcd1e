// SPDX-License-Identifier: MIT

import SyncProtocol

/// What can be rebuilt from a database's log: the entities' current revisions, and what each device
/// had accepted.
struct DatabaseIndexes {
    private(set) var entities = EntityTable<EntityRevision>()
    private(set) var devices = DeviceTable()

    /// Takes in a group of operations as it was found in the log.
    mutating func replay(
        _ group: LogGroup, _ path: String, _ offset: UInt64
    ) throws(OpLogError) {
        var fault: String?
        let names = group.names
        group.forEach(from: group.firstCursor) { entry, bytes in
            fault = replay(entry, bytes, names)
            return fault == nil
        }
        if let fault { throw .damaged(path, at: offset, fault) }
    }

    /// Takes in what devices said they applied, for those in the log and others.
    ///
    /// - Throws: `OpLogError` `damaged` if a device applied more than the log holds.
    mutating func restore(
        _ cursors: [DeviceCursorFile.Entry], head: Cursor, path: String
    ) throws(OpLogError) {
        for entry in cursors {
            guard entry.cursor <= head else {
                throw .damaged(
                    path, at: nil,
                    "Device \(entry.deviceID) applied cursor \(entry.cursor), and the log ends at "
                        + "\(head): its end was lost")
            }
            let number = devices.insert(entry.deviceID)
            devices[number].cursor = entry.cursor
            devices[number].lastSeenMilliseconds = entry.lastSeenMilliseconds
        }
    }

    private mutating func replay(
        _ entry: LogGroup.Entry, _ bytes: UnsafeRawBufferPointer, _ names: [Range<Int>]
    ) -> String? {
        let cursor = entry.cursor
        guard let operation = StoredOperation(bytes, entry.range) else {
            return "The operation at cursor \(cursor) is not as this server writes it"
        }
        guard operation.cursor == cursor else {
            return "The operation at cursor \(cursor) says that it is at \(operation.cursor)"
        }
        for (number, part) in [
            (entry.collection, operation.collection), (entry.device, operation.deviceID),
        ] where number != LogGroup.unnamed {
            let name = UnsafeRawBufferPointer(rebasing: bytes[names[Int(number)]])
            guard name.hasSameBytes(as: UnsafeRawBufferPointer(rebasing: bytes[part])) else {
                return "The operation at cursor \(cursor) has other names than its group says"
            }
        }
        let device = number(of: UnsafeRawBufferPointer(rebasing: bytes[operation.deviceID]))
        entities.set(
            EntityKeyBytes(
                collection: UnsafeRawBufferPointer(rebasing: bytes[operation.collection]),
                entityID: UnsafeRawBufferPointer(rebasing: bytes[operation.entityID])),
            EntityRevision(
                cursor: cursor, version: operation.version, operationID: operation.operationID,
                device: device, isDeleted: operation.isDelete))
        guard !devices[device].accepted.contains(operation.operationID) else {
            return "Operation \(operation.operationID) of a device is in the log twice, again at "
                + "cursor \(cursor)"
        }
        devices[device].accepted.insert(operation.operationID)
        devices[device].recent.append(operation.operationID, at: cursor)
        return nil
    }

    /// The number of a device, which is added if it is new.
    mutating func register(_ deviceID: DeviceID) -> DeviceNumber { devices.insert(deviceID) }

    private mutating func number(of name: UnsafeRawBufferPointer) -> DeviceNumber {
        devices.number(named: name)
            ?? devices.insert(DeviceID(String(decoding: name, as: UTF8.self)))
    }
}
