// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

// A database's directory:
//
//     database            its name and its logId (DatabaseIdentity), written last
//     devices             what devices have applied (DeviceCursorFile), may be missing
//     log/00…01.seg       the segments of the op log (FileOpLog)

extension Database {
    /// Makes a database, durable with its directory, whose parent exists.
    ///
    /// What an interrupted creation left behind is taken over.
    static func create(
        _ databaseID: DatabaseID, in directory: String, on disk: Disk,
        configuration: ServiceConfiguration, nowMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> Database {
        let logDirectory = directory + "/log"
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.createDirectory(at: directory)
            try disk.createDirectory(at: logDirectory)
        }
        let log = try FileOpLog.create(
            in: logDirectory, on: disk, segmentBytesMax: configuration.segmentBytesMax,
            zeroFillBytes: configuration.zeroFillBytes,
            using: &generator)
        let identity = DatabaseIdentity(
            databaseID: databaseID, logID: .makeRandom(using: &generator),
            createdAtMilliseconds: nowMilliseconds)
        // The identity is the last file: it says that all else is there.
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.syncDirectory(at: directory)
            try disk.syncDirectory(at: parent(of: directory))
        }
        try identity.write(in: directory, on: disk)
        return Database(
            identity: identity, directory: directory, disk: disk, log: log,
            indexes: DatabaseIndexes(), configuration: configuration)
    }

    /// Opens a database and rebuilds its indexes from its log.
    ///
    /// - Returns: The database, and how many bytes of a torn tail were cut off its log; `nil` if
    ///   the directory is what an interrupted creation left behind.
    /// - Throws: `OpLogError`.
    static func open(
        _ databaseID: DatabaseID, in directory: String, on disk: Disk,
        configuration: ServiceConfiguration
    ) throws(OpLogError) -> (database: Database, cutBytes: UInt64)? {
        guard let identity = try DatabaseIdentity.read(in: directory, on: disk) else {
            return nil
        }
        guard identity.databaseID == databaseID else {
            throw .damaged(
                DatabaseIdentity.path(in: directory), at: nil,
                "The directory belongs to database \(identity.databaseID), not \(databaseID)")
        }
        // A name that is seen need not be durable: the sync behind its creation may have failed in
        // an earlier life of the server.
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.syncDirectory(at: directory + "/log")
            try disk.syncDirectory(at: directory)
        }
        var indexes = DatabaseIndexes()
        let checkpoint = try Checkpoint.read(in: directory, on: disk)
        var replayedBytes = 0
        let (log, cutBytes) = try FileOpLog.open(
            in: directory + "/log", on: disk, segmentBytesMax: configuration.segmentBytesMax,
            zeroFillBytes: configuration.zeroFillBytes,
            from: checkpoint?.header
        ) { usesCheckpoint in
            if usesCheckpoint, let checkpoint { indexes = checkpoint.indexes }
        } replay: { found, path, offset throws(OpLogError) in
            try indexes.replay(found, path, offset)
            if case .group(let group, _) = found { replayedBytes += group.payload.count }
        } check: { log throws(OpLogError) in
            try indexes.restore(
                DeviceCursorFile.read(in: directory, on: disk), head: log.head,
                path: log.directory)
        }
        let database = Database(
            identity: identity, directory: directory, disk: disk, log: log, indexes: indexes,
            configuration: configuration, uncheckpointedBytes: replayedBytes)
        return (database, cutBytes)
    }

    private static func parent(of directory: String) -> String {
        guard let slash = directory.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return String(directory[..<slash])
    }
}
