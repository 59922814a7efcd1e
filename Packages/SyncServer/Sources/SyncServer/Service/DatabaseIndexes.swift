// SPDX-License-Identifier: MIT

import SyncProtocol

/// What can be rebuilt from a database's log: the entities' current revisions, and what each device
/// had accepted.
struct DatabaseIndexes {
    private(set) var entities = EntityTable<EntityRevision>()
    private(set) var devices = DeviceTable()

    init() {}

    init(entities: EntityTable<EntityRevision>, devices: DeviceTable) {
        (self.entities, self.devices) = (entities, devices)
    }

    /// Takes in what was found in the log.
    mutating func replay(
        _ found: ReplayedRecord, _ path: String, _ offset: UInt64
    ) throws(OpLogError) {
        switch found {
        case .head(let head): try replay(head, path, offset)
        case .group(let group, let isCompacted):
            try replay(group, isCompacted: isCompacted, path, offset)
        }
    }

    /// Takes in a group of operations.
    ///
    /// - Parameter isCompacted: Whether the head of their segment has spoken for their numbers.
    mutating func replay(
        _ group: LogGroup, isCompacted: Bool = false, _ path: String, _ offset: UInt64
    ) throws(OpLogError) {
        var fault: String?
        let names = group.names
        group.forEach(from: group.firstCursor) { entry, bytes in
            fault = replay(entry, bytes, names, isCompacted: isCompacted)
            return fault == nil
        }
        if let fault { throw .damaged(path, at: offset, fault) }
    }

    /// Takes in the numbers that were accepted where a compacted segment lies.
    private mutating func replay(
        _ head: CompactedHead, _ path: String, _ offset: UInt64
    ) throws(OpLogError) {
        for device in head.accepted {
            let number = devices.insert(device.deviceID)
            for range in device.numbers.ranges
            where devices[number].accepted.overlaps(range) {
                throw .damaged(
                    path, at: offset,
                    "Operations \(range) of device \(device.deviceID) are in the log twice")
            }
            devices[number].accepted.insert(device.numbers)
        }
    }

    /// Takes in an entity as a checkpoint has it.
    mutating func restore(_ key: EntityKeyBytes, _ revision: EntityRevision) {
        entities.set(key, revision)
    }

    /// Takes in a device as a checkpoint has it; `false` if it is there already.
    mutating func restore(_ record: DeviceRecord) -> Bool {
        guard devices.number(of: record.deviceID) == nil else { return false }
        devices[devices.insert(record.deviceID)] = record
        return true
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
            devices[number].snapshot = entry.snapshot
        }
    }

    private mutating func replay(
        _ entry: LogGroup.Entry, _ bytes: UnsafeRawBufferPointer, _ names: [Range<Int>],
        isCompacted: Bool
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
        guard devices[device].accepted.contains(operation.operationID) == isCompacted else {
            return isCompacted
                ? "Operation \(operation.operationID) at cursor \(cursor) is not among those that "
                    + "its segment's head names"
                : "Operation \(operation.operationID) of a device is in the log twice, again at "
                    + "cursor \(cursor)"
        }
        if !isCompacted { devices[device].accepted.insert(operation.operationID) }
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
