// SPDX-License-Identifier: MIT

import CBOR
import Cryptography
import RecordLog
import SyncProtocol

/// Writes a checkpoint in steps, each of which takes little time, while the database goes on.
///
/// It holds the indexes as they were when it began; they share their memory with the database's
/// until those change.
struct CheckpointWriting<Disk: FileSystem> {
    private let directory: String
    private let disk: Disk
    private let file: RecordLogFile<Disk>
    private let indexes: DatabaseIndexes
    private var entityIndex = 0
    private var deviceIndex = 0

    /// What the checkpoint says of the log.
    let header: CheckpointHeader

    /// Begins a checkpoint of `indexes` under another name than the one that is there.
    init(
        _ header: CheckpointHeader, _ indexes: DatabaseIndexes, in directory: String,
        on disk: Disk, using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        self.header = header
        self.indexes = indexes
        self.directory = directory
        self.disk = disk
        let path = Checkpoint.newPath(in: directory)
        try mappingDiskErrors { () throws(FileSystemError) in
            if try disk.fileExists(at: path) { try disk.removeFile(at: path) }
        }
        do throws(RecordLogError) {
            file = try RecordLogFile.create(
                at: path, on: disk, purpose: Checkpoint.purpose, using: &generator)
            _ = try file.append(header.encoded)
        } catch {
            throw OpLogError(error)
        }
    }

    /// Writes some more.
    ///
    /// - Returns: Whether the checkpoint is done: durable, and in the place of the one before.
    mutating func step() throws(OpLogError) -> Bool {
        var writer = CBORWriter(capacity: 64 << 10)
        let limit = Checkpoint.rowsPerRecord
        if entityIndex < indexes.entities.count {
            let end = min(entityIndex + limit, indexes.entities.count)
            writer.writeArrayHeader(count: 1 + end - entityIndex)
            writer.write(uint: 1)
            for index in entityIndex..<end { indexes.entities.write(index, to: &writer) }
            entityIndex = end
        } else if deviceIndex < indexes.devices.count {
            let end = min(deviceIndex + limit / 16, indexes.devices.count)
            writer.writeArrayHeader(count: 1 + end - deviceIndex)
            writer.write(uint: 2)
            for index in deviceIndex..<end {
                indexes.devices[DeviceNumber(index: UInt32(index))].write(to: &writer)
            }
            deviceIndex = end
        } else {
            try finish()
            return true
        }
        let payload = writer.bytes
        try mappingLogErrors { () throws(RecordLogError) in
            _ = try file.append(payload)
            try file.sync()
        }
        return false
    }

    private func finish() throws(OpLogError) {
        var writer = CBORWriter()
        writer.writeArrayHeader(count: 3)
        writer.write(uint: 3)
        writer.write(uint: UInt64(indexes.entities.count))
        writer.write(uint: UInt64(indexes.devices.count))
        let payload = writer.bytes
        try mappingLogErrors { () throws(RecordLogError) in
            _ = try file.append(payload)
            try file.sync()
            try file.close()
        }
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.rename(
                Checkpoint.newPath(in: directory), to: Checkpoint.path(in: directory))
            try disk.syncDirectory(at: directory)
        }
    }

    /// Gives an unfinished checkpoint up.
    func cancel() { try? disk.removeFile(at: Checkpoint.newPath(in: directory)) }
}

extension CheckpointHeader {
    fileprivate var encoded: [UInt8] {
        let sparse = activeIndex.sparse
        var writer = CBORWriter(capacity: 256 + 18 * sparse.entries.count)
        writer.writeArrayHeader(count: 12)
        writer.write(uint: 0)
        writer.write(uint: Self.format)
        writer.write(uint: cursor.rawValue)
        writer.write(bytes: link.bytes)
        writer.write(uint: segment.rawValue)
        writer.write(uint: offset)
        writer.write(uint: oldestCursor.rawValue)
        writer.writeArrayHeader(count: 3 * sealed.count)
        for segment in sealed {
            writer.write(uint: segment.firstCursor.rawValue)
            writer.write(uint: segment.byteCount)
            writer.write(uint: segment.identity)
        }
        writer.write(uint: UInt64(activeIndex.operationCount))
        writer.write(uint: activeIndex.lastCommittedAtMilliseconds)
        writer.writeArrayHeader(count: 2 * sparse.entries.count)
        for entry in sparse.entries {
            writer.write(uint: entry.cursor.rawValue)
            writer.write(uint: entry.offset)
        }
        writer.write(uint: identity)
        return writer.bytes
    }
}

extension EntityTable<EntityRevision> {
    fileprivate func write(_ index: Int, to writer: inout CBORWriter) {
        let revision = entries[index].value
        writer.writeArrayHeader(count: 7)
        withNames(of: index) { collection, entityID in
            writer.write(bytes: Array(collection))
            writer.write(bytes: Array(entityID))
        }
        writer.write(uint: revision.cursor.rawValue)
        writer.write(uint: revision.version.rawValue)
        writer.write(uint: revision.operationID.rawValue)
        writer.write(uint: UInt64(revision.device.index))
        writer.write(bool: revision.isDeleted)
    }
}

extension DeviceRecord {
    fileprivate func write(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: 5)
        writer.write(text: deviceID.rawValue)
        Self.write(accepted.bounds, to: &writer)
        writer.write(uint: recent.count)
        Self.write(recent.ascendingNumbers, to: &writer)
        Self.write(recent.lateNumbers, to: &writer)
    }

    private static func write(_ numbers: [UInt64], to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: numbers.count)
        for number in numbers { writer.write(uint: number) }
    }
}
