// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// What compacting a database brought.
struct CompactionGain: Equatable {
    var databaseID: DatabaseID
    /// Its figures before and after.
    var before: DatabaseStatistics
    var after: DatabaseStatistics

    var line: String {
        "\(databaseID): \(before.operations) operations in \(before.bytes) bytes were, "
            + "\(after.operations) in \(after.bytes) bytes are left."
    }

    var json: JSONValue {
        .object([
            .init("database", .text(databaseID.rawValue)),
            .init("operationsBefore", .number(before.operations)),
            .init("bytesBefore", .number(before.bytes)),
            .init("operations", .number(after.operations)),
            .init("bytes", .number(after.bytes)),
            .init("oldestCursor", .number(after.oldestCursor.rawValue)),
        ])
    }
}

extension DataDirectory {
    /// Compacts databases to the end, as a server would do in steps.
    ///
    /// - Parameter configuration: What may go, and how large segments are.
    /// - Throws: `MaintenanceError`. Whatever was compacted until then is, and nothing is lost.
    func compact(
        _ wanted: DatabaseID?, _ configuration: ServiceConfiguration, nowMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator, each: (CompactionGain) -> Void
    ) throws(MaintenanceError) {
        let places = try places(wanted)
        let lock = try lock()
        defer { lock.release() }
        for place in places {
            do throws(OpLogError) {
                let opened = try Database.open(
                    place.databaseID, in: place.path, on: disk, configuration: configuration)
                guard let database = opened?.database else { continue }
                let before = try DatabaseStatistics(database)
                while try database.beginCompaction(
                    configuration.retention, nowMilliseconds: nowMilliseconds, using: &generator)
                {
                    while database.compacting != nil {
                        try database.stepCompaction(
                            configuration.retention, nowMilliseconds: nowMilliseconds,
                            using: &generator)
                    }
                }
                let after = try DatabaseStatistics(database)
                try database.close(using: &generator)
                each(
                    CompactionGain(databaseID: place.databaseID, before: before, after: after))
            } catch {
                throw MaintenanceError(error)
            }
        }
    }
}
