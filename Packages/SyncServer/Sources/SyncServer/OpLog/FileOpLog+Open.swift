// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol

/// What replaying a log comes upon.
enum ReplayedRecord {
    /// Operations. `isCompacted` says that a head before them spoke for their numbers.
    case group(LogGroup, isCompacted: Bool)
    /// The head of a compacted segment.
    case head(CompactedHead)
}

extension FileOpLog {
    /// Makes an empty log, durable, in a directory that exists.
    ///
    /// A first segment without operations that an interrupted creation left behind is replaced.
    ///
    /// - Throws: `OpLogError`, `damaged` if there is a log already.
    static func create(
        in directory: String, on disk: Disk, segmentBytesMax: UInt64, zeroFillBytes: Int = 0,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> FileOpLog {
        var segment = Segment(firstCursor: 1, path: path(ofSegment: 1, in: directory))
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
        let log = FileOpLog(
            disk: disk, directory: directory, segmentBytesMax: segmentBytesMax,
            zeroFillBytes: zeroFillBytes,
            active: try makeSegment(
                segment, on: disk, zeroFillBytes: zeroFillBytes, using: &generator))
        segment.identity = identity(log.active.reader.fileID)
        log.segments = [segment]
        return log
    }

    /// Opens a log, checks what its checkpoint does not speak for, and cuts a torn tail of the last
    /// segment.
    ///
    /// - Parameters:
    ///   - checkpoint: Where to begin, if the segments are as it says; otherwise all is read.
    ///   - begin: Called before the first group with whether the checkpoint is used.
    ///   - replay: Called with each group that follows in order, with its file and offset.
    ///   - check: Called with the log when all of it was found sound, before anything is changed.
    /// - Returns: The log, and how many bytes of a torn tail were cut.
    /// - Throws: `OpLogError`, and what the closures throw; nothing was changed then, unless the
    ///   disk failed.
    /// - Complexity: Reads the log once from the checkpoint. Memory is bounded by the largest
    ///   frame.
    static func open(
        in directory: String, on disk: Disk, segmentBytesMax: UInt64, zeroFillBytes: Int = 0,
        from checkpoint: CheckpointHeader? = nil,
        begin: (_ usesCheckpoint: Bool) -> Void = { _ in },
        replay: (ReplayedRecord, _ path: String, _ offset: UInt64) throws(OpLogError) -> Void,
        check: (FileOpLog) throws(OpLogError) -> Void = { _ in }
    ) throws(OpLogError) -> (log: FileOpLog, cutBytes: UInt64) {
        let (found, last, leftovers) = try wholeLog(in: directory, on: disk)
        let start = checkpoint.flatMap { fits($0, found) ? $0 : nil }
        begin(start != nil)
        let active = try openSegment(
            last, on: disk, access: .readThenWrite,
            from: start?.segment == last.firstCursor ? start?.offset : nil,
            zeroFillBytes: zeroFillBytes)
        let log = FileOpLog(
            disk: disk, directory: directory, segmentBytesMax: segmentBytesMax,
            zeroFillBytes: zeroFillBytes, active: active)
        try log.replayAll(found, from: start, replay)
        try check(log)
        try mappingLogErrors { () throws(RecordLogError) in try active.beginWriting() }
        for path in leftovers { try? disk.removeFile(at: path) }
        return (log, active.recovery.cutBytes)
    }

    /// Whether the segments are those that a checkpoint speaks of, with or without others behind.
    static func fits(_ checkpoint: CheckpointHeader, _ found: [Segment]) -> Bool {
        let sealed = checkpoint.sealed
        guard found.count > sealed.count, found[sealed.count].firstCursor == checkpoint.segment,
            found[sealed.count].identity == checkpoint.identity
        else { return false }
        return zip(sealed, found).allSatisfy { listed, segment in
            listed.firstCursor == segment.firstCursor && listed.byteCount == segment.byteCount
                && listed.identity == segment.identity
        }
    }

    func replayAll(
        _ found: [Segment], from start: CheckpointHeader?,
        _ replay: (ReplayedRecord, _ path: String, _ offset: UInt64) throws(OpLogError) -> Void
    ) throws(OpLogError) {
        if let start {
            advanceHead(to: start.cursor, link: start.link)
            oldestCursor = start.oldestCursor
            segments = Array(found.prefix(start.sealed.count))
        }
        for segment in found.dropFirst(segments.count) {
            let isLast = segment.path == active.path
            let offset = segment.firstCursor == start?.segment ? start?.offset : nil
            guard offset != nil || segment.firstCursor == head.next else {
                throw .damaged(
                    segment.path, at: nil,
                    "This segment follows cursor \(head), so one is missing or ended early")
            }
            let file =
                try isLast
                ? active : Self.openSegment(segment, on: disk, access: .read, from: offset)
            if !isLast, file.recovery.cutBytes > 0 {
                throw .damaged(
                    segment.path, at: file.recovery.cutOffset,
                    "This segment was complete once and ends in a broken frame")
            }
            segments.append(segment)
            activeIndex = (offset != nil ? start?.activeIndex : nil) ?? SegmentIndex()
            try self.replay(file, from: offset, replay)
        }
    }

    private func replay(
        _ file: RecordLogFile<Disk>, from offset: UInt64?,
        _ replay: (ReplayedRecord, _ path: String, _ offset: UInt64) throws(OpLogError) -> Void
    ) throws(OpLogError) {
        var records = file.reader.records(from: offset)
        var compacted: CompactedHead?
        while let record = try mappingLogErrors({ () throws(RecordLogError) in
            try records.next()
        }) {
            if CompactedHead.isHead(record.payload) {
                let found = try head(of: record, in: file)
                try replay(.head(found), file.path, record.offset)
                oldestCursor = max(oldestCursor, found.oldestCursor)
                advanceHead(to: head, link: LogGroup.beginning(of: record.payload, by: hasher))
                compacted = found
                continue
            }
            let group = try Self.group(of: record, in: file.path, expecting: head.next)
            let link = group.link(after: link, by: hasher)
            guard group.storedLink == nil || group.storedLink == link else {
                throw .damaged(
                    file.path, at: record.offset,
                    "The group here does not go on from the one before it: its link is another")
            }
            activeIndex.note(group, at: record.offset)
            try replay(.group(group, isCompacted: compacted != nil), file.path, record.offset)
            advanceHead(to: group.lastCursor, link: link)
        }
        guard let compacted else { return }
        guard head == compacted.lastCursor else {
            throw .damaged(
                file.path, at: nil,
                "This compacted segment ends at cursor \(head), and its head says "
                    + "\(compacted.lastCursor)")
        }
        advanceHead(to: head, link: compacted.linkAfter)
    }

    private func head(
        of record: LogRecord, in file: RecordLogFile<Disk>
    ) throws(OpLogError) -> CompactedHead {
        guard let found = CompactedHead(record.payload), record.offset == file.firstOffset,
            found.firstCursor == head.next, found.linkBefore == link
        else {
            throw .damaged(
                file.path, at: record.offset,
                "The head of this compacted segment does not go on from the segment before it")
        }
        return found
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
}

// Segments in the directory.
extension FileOpLog {
    /// What `inspectSegments` finds, if it is a log from its beginning on; and its last segment.
    static func wholeLog(
        in directory: String, on disk: Disk
    ) throws(OpLogError) -> (segments: [Segment], last: Segment, leftovers: [String]) {
        let (found, leftovers) = try inspectSegments(in: directory, on: disk)
        guard let first = found.first, let last = found.last else {
            throw .damaged(directory, at: nil, "The log has no segment any more")
        }
        guard first.firstCursor == 1 else {
            throw .damaged(
                directory, at: nil,
                "The log begins with cursor \(first.firstCursor), and the segments before it are "
                    + "gone")
        }
        return (found, last, leftovers)
    }

    static func openSegment(
        _ segment: Segment, on disk: Disk, access: RecordLogAccess, from offset: UInt64?,
        zeroFillBytes: Int = 0
    ) throws(OpLogError) -> RecordLogFile<Disk> {
        try mappingLogErrors { () throws(RecordLogError) in
            try RecordLogFile.open(
                at: segment.path, on: disk, purpose: purpose, access: access,
                knownSyncedEnd: offset ?? 0, zeroFillBytes: zeroFillBytes)
        }
    }

    /// The segments with their lengths, and the files that are left of segments which a compacted
    /// one speaks for by now: a crash came between its renaming and their removal.
    static func inspectSegments(
        in directory: String, on disk: Disk
    ) throws(OpLogError) -> (segments: [Segment], leftovers: [String]) {
        var covered: Cursor = .start
        var leftovers: [String] = []
        var kept: [Segment] = []
        for segment in try listSegments(in: directory, on: disk) {
            if segment.firstCursor <= covered {
                leftovers += [segment.path, SegmentIndex.path(beside: segment.path)]
                continue
            }
            let (inspected, head) = try inspect(segment, on: disk)
            kept.append(inspected)
            if let head { covered = head.lastCursor }
        }
        return (kept, leftovers)
    }

    /// A segment with its length and identity, and its head if it is compacted.
    static func inspect(
        _ segment: Segment, on disk: Disk
    ) throws(OpLogError) -> (segment: Segment, head: CompactedHead?) {
        let reader = try mappingLogErrors { () throws(RecordLogError) in
            try RecordLogReader(at: segment.path, on: disk, purpose: purpose)
        }
        var segment = segment
        segment.byteCount = reader.end
        segment.identity = identity(reader.fileID)
        var records = reader.records()
        do throws(RecordLogError) {
            return (segment, try records.next().flatMap { CompactedHead($0.payload) })
        } catch {
            // Whether this is damage or a torn tail is found out by opening it.
            if case .io = error.code { throw OpLogError(error) }
            return (segment, nil)
        }
    }

    /// The first half of a file's random id, as a number.
    static func identity(_ fileID: [UInt8]) -> UInt64 {
        fileID.withUnsafeBytes { $0.littleEndian(at: 0, as: UInt64.self) }
    }

    /// The segments by their names, in the order of their cursors.
    static func listSegments(
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

extension LogGroup {
    /// The link that the first group of a compacted segment builds on.
    static func beginning(of head: ArraySlice<UInt8>, by hasher: SHA256) -> SHA256Digest {
        head.withUnsafeBytes { hasher.digest(of: $0) }
    }
}
