// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// A copy of a database's files, in the same form.
struct DatabaseCopy<Disk: FileSystem> {
    /// The directory of the database.
    let source: String
    /// The directory of the copy, which is made if needed.
    let destination: String
    let disk: Disk
    /// What becomes of the identity: a database that is put in place has another log.
    var identity: (DatabaseIdentity) -> DatabaseIdentity = { $0 }
    /// Whether to take over what devices have applied.
    var includesDevices = true
    var progress: (UInt64, UInt64) -> Void = { _, _ in }

    private typealias Log = FileOpLog<Disk>

    /// Copies everything that was durable when this began, and perhaps some of what came since.
    ///
    /// A server may go on writing. The identity is copied last, so a copy without it is unfinished.
    ///
    /// - Returns: The identity of the copy; `nil` if there is no database yet.
    /// - Throws: `OpLogError`.
    func make() throws(OpLogError) -> DatabaseIdentity? {
        guard let found = try DatabaseIdentity.read(in: source, on: disk) else { return nil }
        try mappingDiskErrors { () throws(FileSystemError) in
            try FileCopy.makeDirectory(destination + "/log", on: disk)
            try clear(destination)
        }
        // Read before the log, as no device may be beyond its end.
        let devices = try DeviceCursorFile.read(in: source, on: disk)
        try copyLog()
        if includesDevices, !devices.isEmpty {
            let records = devices.map { entry in
                var record = DeviceRecord(deviceID: entry.deviceID)
                record.cursor = entry.cursor
                record.lastSeenMilliseconds = entry.lastSeenMilliseconds
                return record
            }
            try DeviceCursorFile.write(records, in: destination, on: disk)
        }
        let copied = identity(found)
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.syncDirectory(at: destination + "/log")
            try disk.syncDirectory(at: destination)
        }
        try copied.write(in: destination, on: disk)
        return copied
    }

    /// Removes what an interrupted copy left; the identity first, as it says that all is there.
    private func clear(_ directory: String) throws(FileSystemError) {
        for path in [DatabaseIdentity.path(in: directory), DeviceCursorFile.path(in: directory)] {
            if try disk.fileExists(at: path) { try disk.removeFile(at: path) }
        }
        try disk.syncDirectory(at: directory)
        for name in try disk.contentsOfDirectory(at: directory + "/log") {
            try disk.removeFile(at: directory + "/log/" + name)
        }
    }

    /// Copies the segments. If a compaction takes some away meanwhile, those that came in their
    /// place are copied, and what was copied already stays.
    private func copyLog() throws(OpLogError) {
        var copied: [String: Log.Segment] = [:]
        try withoutHaste { () throws(OpLogError) in
            let (found, _) = try Log.inspectSegments(in: source + "/log", on: disk)
            let total = found.reduce(0) { $0 + $1.byteCount }
            for (path, segment) in copied where !found.contains(segment) {
                try remove(path)
                copied[path] = nil
            }
            var done: UInt64 = 0
            for segment in found {
                let isLast = segment == found.last
                let path = Log.path(ofSegment: segment.firstCursor, in: destination + "/log")
                if copied[path] == nil {
                    let before = done
                    try copy(segment, isLast: isLast, to: path) { progress(before + $0, total) }
                    copied[path] = segment
                }
                done += segment.byteCount
            }
        }
    }

    private func remove(_ path: String) throws(OpLogError) {
        try mappingDiskErrors { () throws(FileSystemError) in try disk.removeFile(at: path) }
    }

    private func copy(
        _ segment: Log.Segment, isLast: Bool, to path: String, progress: (UInt64) -> Void
    ) throws(OpLogError) {
        // A segment that is no longer written is copied as it is; of the other one what is whole,
        // without a torn tail and without the zeros that lie ahead.
        let length =
            try isLast
            ? mappingLogErrors { () throws(RecordLogError) in
                try RecordLogFile.open(
                    at: segment.path, on: disk, purpose: Log.purpose, access: .read
                ).syncedEnd
            } : segment.byteCount
        var done: UInt64 = 0
        try mappingDiskErrors { () throws(FileSystemError) in
            if try disk.fileExists(at: path) { try disk.removeFile(at: path) }
            try FileCopy.copy(
                try disk.openFile(at: segment.path, .read), length: length, to: path, on: disk
            ) { bytes in
                done += bytes
                progress(done)
            }
        }
        let copy = try Log.inspect(
            Log.Segment(firstCursor: segment.firstCursor, path: path), on: disk
        ).segment
        guard copy.identity == segment.identity else {
            throw .damaged(segment.path, at: nil, "The file was replaced while it was copied")
        }
    }
}
