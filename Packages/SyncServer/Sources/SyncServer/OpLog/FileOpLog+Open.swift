// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

extension FileOpLog {
    /// Makes an empty log, durable, in a directory that exists.
    ///
    /// A first segment without operations that an interrupted creation left behind is replaced.
    ///
    /// - Throws: `OpLogError`, `damaged` if there is a log already.
    static func create(
        in directory: String, on disk: Disk, segmentBytesMax: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> FileOpLog {
        let segment = Segment(firstCursor: 1, path: path(ofSegment: 1, in: directory))
        for found in try listSegments(in: directory, on: disk) {
            let leftover = try mappingLogErrors { () throws(RecordLogError) in
                try RecordLogFile.open(at: found.path, on: disk, purpose: purpose, access: .read)
            }
            guard leftover.syncedEnd == leftover.firstOffset else {
                throw .damaged(
                    found.path, at: nil,
                    "There are operations here, but the file that names the database is gone")
            }
            try mappingDiskErrors { () throws(FileSystemError) in
                try disk.removeFile(at: found.path)
            }
        }
        let active = try makeSegment(segment, on: disk, using: &generator)
        return FileOpLog(
            disk: disk, directory: directory, segmentBytesMax: segmentBytesMax,
            segments: [segment], active: active, sparseIndex: [], head: .start)
    }

    /// Opens a log, checks all of it, and cuts a torn tail of the last segment.
    ///
    /// - Parameters:
    ///   - replay: Called with each group in order, with its file and offset.
    ///   - check: Called with the log when all of it was found sound, before anything is changed.
    /// - Returns: The log, and how many bytes of a torn tail were cut.
    /// - Throws: `OpLogError`, and what `replay` and `check` throw; nothing was changed then,
    ///   unless the disk failed.
    /// - Complexity: Reads the log once. Memory is bounded by the largest frame.
    static func open(
        in directory: String, on disk: Disk, segmentBytesMax: UInt64,
        replay: (LogGroup, _ path: String, _ offset: UInt64) throws(OpLogError) -> Void,
        check: (FileOpLog) throws(OpLogError) -> Void = { _ in }
    ) throws(OpLogError) -> (log: FileOpLog, cutBytes: UInt64) {
        let segments = try listSegments(in: directory, on: disk)
        guard let first = segments.first, let last = segments.last else {
            throw .damaged(directory, at: nil, "The log has no segment any more")
        }
        guard first.firstCursor == 1 else {
            throw .damaged(
                directory, at: nil,
                "The log begins with cursor \(first.firstCursor), and the "
                    + "segments before it are gone")
        }
        let active = try openSegment(last, on: disk, access: .readThenWrite)
        let log = FileOpLog(
            disk: disk, directory: directory, segmentBytesMax: segmentBytesMax, segments: [],
            active: active, sparseIndex: [], head: .start)
        for segment in segments {
            let isLast = segment.path == last.path
            guard segment.firstCursor == log.head.next else {
                throw .damaged(
                    segment.path, at: nil,
                    "This segment follows cursor \(log.head), so one is missing or ended early")
            }
            let file = isLast ? active : try openSegment(segment, on: disk, access: .read)
            if !isLast, file.recovery.cutBytes > 0 {
                throw .damaged(
                    segment.path, at: file.recovery.cutOffset,
                    "This segment was complete once and ends in a broken frame")
            }
            log.segments.append(segment)
            try log.replay(file, replay)
        }
        try check(log)
        try mappingLogErrors { () throws(RecordLogError) in try active.beginWriting() }
        return (log, active.recovery.cutBytes)
    }

    private func replay(
        _ file: RecordLogFile<Disk>,
        _ replay: (LogGroup, _ path: String, _ offset: UInt64) throws(OpLogError) -> Void
    ) throws(OpLogError) {
        var records = file.records()
        while let record = try mappingLogErrors({ () throws(RecordLogError) in
            try records.next()
        }) {
            let group = try Self.group(of: record, in: file.path, expecting: head.next)
            let link = group.link(after: link, by: hasher)
            guard group.storedLink == nil || group.storedLink == link else {
                throw .damaged(
                    file.path, at: record.offset,
                    "The group here does not go on from the one before it: its link is another")
            }
            noteFrame(at: record.offset, firstCursor: group.firstCursor)
            try replay(group, file.path, record.offset)
            advanceHead(to: group.lastCursor, link: link)
        }
    }

    /// Takes a record apart and checks that it goes on where the one before it ended.
    static func group(
        of record: LogRecord, in path: String, expecting cursor: Cursor
    ) throws(OpLogError) -> LogGroup {
        let group: LogGroup
        do throws(LogGroupFault) {
            group = try LogGroup(record.payload)
        } catch {
            throw error.isNewerFormat
                ? .newerFormat(path, at: record.offset, error.message)
                : .damaged(path, at: record.offset, error.message)
        }
        guard group.firstCursor == cursor else {
            throw .damaged(
                path, at: record.offset,
                "The group here begins with cursor \(group.firstCursor) where \(cursor) is due")
        }
        return group
    }

    private static func openSegment(
        _ segment: Segment, on disk: Disk, access: RecordLogAccess
    ) throws(OpLogError) -> RecordLogFile<Disk> {
        try mappingLogErrors { () throws(RecordLogError) in
            try RecordLogFile.open(
                at: segment.path, on: disk, purpose: purpose, access: access)
        }
    }

    /// The segments by their names, in the order of their cursors.
    private static func listSegments(
        in directory: String, on disk: Disk
    ) throws(OpLogError) -> [Segment] {
        let names = try mappingDiskErrors { () throws(FileSystemError) in
            try disk.contentsOfDirectory(at: directory)
        }
        return names.compactMap { name in
            firstCursor(ofSegmentNamed: name).map {
                Segment(firstCursor: $0, path: "\(directory)/\(name)")
            }
        }
    }
}
