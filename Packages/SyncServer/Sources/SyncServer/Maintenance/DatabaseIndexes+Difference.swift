// SPDX-License-Identifier: MIT

import SyncProtocol

extension DatabaseIndexes {
    /// What a checkpoint has otherwise than these indexes, which were rebuilt from the log up to
    /// the checkpoint's cursor; `nil` if it agrees.
    ///
    /// The checkpoint may know more: devices without operations, and latest operations that are
    /// compacted away by now.
    ///
    /// - Complexity: O(n) in entities and devices.
    func difference(from checkpoint: DatabaseIndexes) -> String? {
        entityDifference(from: checkpoint) ?? deviceDifference(from: checkpoint)
    }

    private func entityDifference(from checkpoint: DatabaseIndexes) -> String? {
        guard entities.count == checkpoint.entities.count else {
            return "it has \(checkpoint.entities.count) entities, and the log \(entities.count)"
        }
        for index in entities.entries.indices {
            let revision = entities.entries[index].value
            let other = entities.withNames(of: index) { collection, entityID in
                checkpoint.entities[EntityKeyBytes(collection: collection, entityID: entityID)]
            }
            guard let other else { return "it lacks entity \(entities.name(of: index))" }
            guard
                (revision.cursor, revision.version, revision.operationID, revision.isDeleted)
                    == (other.cursor, other.version, other.operationID, other.isDeleted),
                devices[revision.device].deviceID == checkpoint.devices[other.device].deviceID
            else { return "entity \(entities.name(of: index)) has another revision" }
        }
        return nil
    }

    private func deviceDifference(from checkpoint: DatabaseIndexes) -> String? {
        var withOperations = 0
        for device in devices.records where !device.accepted.ranges.isEmpty {
            withOperations += 1
            guard let number = checkpoint.devices.number(of: device.deviceID) else {
                return "it lacks device \(device.deviceID)"
            }
            let other = checkpoint.devices[number]
            guard device.accepted == other.accepted else {
                return "other operations of device \(device.deviceID) are accepted"
            }
            for runs in [device.recent.ascendingNumbers, device.recent.lateNumbers] {
                for place in stride(from: 0, to: runs.count, by: 3) {
                    let found = other.recent.cursor(of: OperationID(runs[place]))
                    if found == nil, other.recent.count == RecentOperations.countMax { continue }
                    guard found == Cursor(runs[place + 1]) else {
                        return "operation \(runs[place]) of device \(device.deviceID) has another "
                            + "cursor"
                    }
                }
            }
        }
        let others = checkpoint.devices.records.filter { !$0.accepted.ranges.isEmpty }.count
        return others == withOperations ? nil : "it has \(others) devices with operations"
    }
}
