// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// A database as it lies on disk, read and not changed; a server may go on writing it.
struct DatabaseLook<Disk: FileSystem> {
    var statistics: DatabaseStatistics
    var createdAtMilliseconds: UInt64
    /// The log up to where it was read.
    var log: FileOpLog<Disk>
    var tornTail: TornTail?

    /// Reads what the checkpoint does not speak for; `nil` if there is no database yet.
    ///
    /// - Throws: `OpLogError`.
    static func read(
        _ place: DataDirectory<Disk>.Place, on disk: Disk
    ) throws(OpLogError) -> DatabaseLook? {
        try withoutHaste { () throws(OpLogError) in
            guard let identity = try DatabaseIdentity.read(in: place.path, on: disk) else {
                return nil
            }
            let cursors = try DeviceCursorFile.read(in: place.path, on: disk)
            let checkpoint = try Checkpoint.read(in: place.path, on: disk)
            var indexes = DatabaseIndexes()
            let (log, tornTail, _) = try FileOpLog.look(
                in: place.path + "/log", on: disk, from: checkpoint?.header,
                begin: { _, usesCheckpoint in
                    if usesCheckpoint, let checkpoint { indexes = checkpoint.indexes }
                },
                replay: { record, path, offset throws(OpLogError) in
                    try indexes.replay(record, path, offset)
                })
            try indexes.restore(
                cursors, head: log.head, path: DeviceCursorFile.path(in: place.path))
            return DatabaseLook(
                statistics: try DatabaseStatistics(identity, log, indexes),
                createdAtMilliseconds: identity.createdAtMilliseconds, log: log,
                tornTail: tornTail)
        }
    }

    /// The figures for people.
    var lines: [String] {
        let found = statistics
        var lines = [
            "\(found.databaseID)",
            "  logId          \(found.logID.hexadecimal)",
            "  made           \(utcTime(createdAtMilliseconds))",
            "  cursor         \(found.cursor)",
            "  oldestCursor   \(found.oldestCursor)",
            "  operations     \(found.operations)",
            "  live entities  \(found.entities)",
            "  tombstones     \(found.tombstones)",
            "  segments       \(found.segments.count), \(found.bytes) bytes",
        ]
        for segment in found.segments {
            lines.append("    from cursor \(segment.firstCursor): \(segment.bytes) bytes")
        }
        if let tornTail {
            lines.append("  torn tail      \(tornTail.bytes) bytes from byte \(tornTail.offset)")
        }
        lines.append("  devices        \(found.devices.count)")
        for device in found.devices {
            lines.append(
                "    \(device.deviceID): cursor \(device.cursor), \(device.lag) behind, last seen "
                    + utcTime(device.lastSeenMilliseconds))
        }
        return lines
    }

    /// The figures for programs.
    var json: JSONValue {
        .object(
            statistics.members + [
                .init("createdAtMs", .number(createdAtMilliseconds)),
                .init("tornTailBytes", .number(tornTail?.bytes ?? 0)),
                .init(
                    "segmentFiles",
                    .array(
                        statistics.segments.map {
                            .object([
                                .init("firstCursor", .number($0.firstCursor.rawValue)),
                                .init("bytes", .number($0.bytes)),
                            ])
                        })),
            ])
    }
}
