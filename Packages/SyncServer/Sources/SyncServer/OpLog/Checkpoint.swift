// SPDX-License-Identifier: MIT

import CBOR
import Cryptography
import RecordLog
import SyncProtocol

// The file `checkpoint` beside a database's log: a record log of purpose OPCK, written under
// another name and renamed. Each record is one CBOR array whose first element says what it is:
//
//     [0, format 1, cursor, link, segment, offset, oldestCursor,
//      [segment, length, identity, …], operations, last commit, [cursor, offset, …],
//      identity of the segment that was written]
//                                          the log's state; the first record
//     [1, [collection, entityId, cursor, version, opId, device, deleted], …]
//                                          some entities
//     [2, [deviceId, [first, last, …], count, [opId, cursor, count, …],
//          [opId, cursor, count, …]], …]   some devices
//     [3, entities, devices]               the last record: how many there are
//
// Names of entities are byte strings of their UTF-8; they name devices by their place. The segments
// are those before the one that was written; the offset is where that one had been synced to.

/// The state of a log at a checkpoint.
struct CheckpointHeader: Equatable {
    /// A segment that was no longer written.
    struct Sealed: Equatable {
        var firstCursor: Cursor
        var byteCount: UInt64
        /// Tells its file from one that took its place.
        var identity: UInt64
    }

    static let format: UInt64 = 1

    /// The last cursor that the checkpoint speaks for.
    var cursor: Cursor
    /// The link of the group that it belongs to.
    var link: SHA256Digest
    /// The first cursor of the segment that was written.
    var segment: Cursor
    /// Where the next group of that segment was to begin.
    var offset: UInt64
    /// Tells that segment's file from one that took its place when it was compacted later.
    var identity: UInt64
    /// The highest cursor of a tombstone that was dropped.
    var oldestCursor: Cursor
    var sealed: [Sealed]
    /// What was known of the segment that was written.
    var activeIndex: SegmentIndex
}

/// The checkpoint of a database: what would be rebuilt from the log, as it was at some cursor.
struct Checkpoint {
    static var purpose: RecordLogPurpose { RecordLogPurpose("OPCK") }
    /// Entities or devices in one record.
    static var rowsPerRecord: Int { 4_096 }

    static func path(in directory: String) -> String { directory + "/checkpoint" }
    static func newPath(in directory: String) -> String { directory + "/checkpoint.next" }

    var header: CheckpointHeader
    var indexes: DatabaseIndexes

    /// Reads the checkpoint of a database; `nil` if there is none that is whole and of this format.
    ///
    /// - Complexity: O(n) in its entities and devices.
    static func read(
        in directory: String, on disk: some FileSystem
    ) throws(OpLogError) -> Checkpoint? {
        let path = path(in: directory)
        let exists = try mappingDiskErrors { () throws(FileSystemError) in
            try disk.fileExists(at: path)
        }
        guard exists else { return nil }
        do throws(RecordLogError) {
            let file = try RecordLogFile.open(
                at: path, on: disk, purpose: purpose, access: .read)
            guard file.recovery.cutBytes == 0 else { return nil }
            var reading = CheckpointReading()
            var records = file.records()
            while let record = try records.next() {
                guard reading.take(record.payload) else { return nil }
            }
            return reading.checkpoint
        } catch {
            // What can be rebuilt need not be refused.
            if case .io = error.code { throw OpLogError(error) }
            return nil
        }
    }
}
