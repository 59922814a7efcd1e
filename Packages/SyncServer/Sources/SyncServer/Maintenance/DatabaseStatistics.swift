// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// Figures of a database: for `GET /v1/stats` and for `inspect`.
struct DatabaseStatistics: Equatable {
    /// A device that is known.
    struct Device: Equatable {
        var deviceID: DeviceID
        /// What it has applied, as far as it said so.
        var cursor: Cursor
        /// How many cursors it has not applied.
        var lag: UInt64
        /// When it was last heard of, in milliseconds since 1970; 0 if that is not known.
        var lastSeenMilliseconds: UInt64
    }

    /// A file of the log.
    struct Segment: Equatable {
        var firstCursor: Cursor
        var bytes: UInt64
    }

    var databaseID: DatabaseID
    var logID: LogID
    var cursor: Cursor
    var oldestCursor: Cursor
    /// How many operations the log holds.
    var operations = 0
    /// Entities that are not deleted.
    var entities = 0
    var tombstones = 0
    var segments: [Segment]
    var devices: [Device]

    /// The length of the segments together.
    var bytes: UInt64 { segments.reduce(0) { $0 + $1.bytes } }

    /// - Throws: `OpLogError` if a segment's index cannot be read or made.
    /// - Parameters:
    ///   - entityCount: How many entities there are, deleted ones too.
    ///   - tombstoneCount: How many of them are deleted.
    /// - Complexity: O(n) in devices. A segment whose index is missing is read.
    private init(
        _ identity: DatabaseIdentity, _ log: FileOpLog<some FileSystem>,
        entityCount: Int, tombstoneCount: Int, _ devices: DeviceTable
    ) throws(OpLogError) {
        let head = log.head
        (databaseID, logID, cursor) = (identity.databaseID, identity.logID, head)
        oldestCursor = log.oldestCursor
        segments = []
        for position in log.segments.indices {
            let facts = try log.facts(of: position)
            operations += facts.operationCount
            segments.append(
                Segment(firstCursor: log.segments[position].firstCursor, bytes: facts.byteCount))
        }
        self.devices = devices.records.map { record in
            Device(
                deviceID: record.deviceID, cursor: record.cursor,
                lag: head.rawValue - min(record.cursor.rawValue, head.rawValue),
                lastSeenMilliseconds: record.lastSeenMilliseconds)
        }
        tombstones = tombstoneCount
        entities = entityCount - tombstoneCount
    }

    init(_ database: Database<some FileSystem>) throws(OpLogError) {
        try self.init(
            database.identity, database.log, entityCount: database.entities.count,
            tombstoneCount: database.tombstoneCount, database.devices)
    }

    /// The figures of a database whose indexes were just made.
    ///
    /// - Complexity: O(n) in entities.
    init(
        _ identity: DatabaseIdentity, _ log: FileOpLog<some FileSystem>, _ indexes: DatabaseIndexes
    ) throws(OpLogError) {
        try self.init(
            identity, log, entityCount: indexes.entities.count,
            tombstoneCount: indexes.entities.entries.count { $0.value.isDeleted }, indexes.devices)
    }

    /// The figures as members of an object.
    var members: [JSONValue.Member] {
        [
            .init("database", .text(databaseID.rawValue)),
            .init("logId", .text(logID.hexadecimal)),
            .init("cursor", .number(cursor.rawValue)),
            .init("oldestCursor", .number(oldestCursor.rawValue)),
            .init("operations", .number(operations)),
            .init("entities", .number(entities)),
            .init("tombstones", .number(tombstones)),
            .init("bytes", .number(bytes)),
            .init("segments", .number(segments.count)),
            .init(
                "devices",
                .array(
                    devices.map { device in
                        .object([
                            .init("device", .text(device.deviceID.rawValue)),
                            .init("cursor", .number(device.cursor.rawValue)),
                            .init("lag", .number(device.lag)),
                            .init("lastSeenMs", .number(device.lastSeenMilliseconds)),
                        ])
                    })),
        ]
    }
}

extension SyncService {
    /// What `GET /v1/stats` says of each database, in the order of their names. Databases that are
    /// closed or damaged have their names and states only: nothing is opened for this.
    var statistics: [JSONValue] {
        databases.sorted { $0.key < $1.key }.map { databaseID, slot in
            switch slot {
            case .closed: Self.row(databaseID, "closed")
            case .damaged: Self.row(databaseID, "damaged")
            case .open(let database): Self.row(database)
            }
        }
    }

    private static func row(_ databaseID: DatabaseID, _ state: String) -> JSONValue {
        .object([
            .init("database", .text(databaseID.rawValue)), .init("state", .text(state)),
        ])
    }

    private static func row(_ database: Database<Disk>) -> JSONValue {
        do throws(OpLogError) {
            let figures = try DatabaseStatistics(database)
            return .object(
                figures.members + [
                    .init("state", .text("open")),
                    .init("conflicts", .number(database.conflictCount)),
                    .init("readOnly", .bool(database.log.failure != nil)),
                ])
        } catch {
            return row(database.identity.databaseID, "unreadable")
        }
    }
}
