// SPDX-License-Identifier: MIT

import RecordLog

/// The writes that a checkpoint removed from the log before they were followed, as the segments
/// still have them: the newest record of each entity, if its sequence lies in a range.
///
/// A write that a later one replaced before the checkpoint is not among them. Only places are
/// kept here; contents are read when they are handed on.
struct WALBacklog: Sendable {
    struct Entry: Sendable {
        var segment: Int
        var offset: UInt64
        var byteCount: Int
        var sequence: UInt64
    }

    private struct Key: Hashable {
        var collectionID: UInt32
        var entityID: TextKey
    }

    /// The sequence up to which everything is known once the backlog is empty.
    let through: UInt64
    private let segments: [DatabaseCatalog.Segment]
    private var entries: [Entry]
    private var next = 0
    /// Segments that are not there.
    private(set) var missing: [String] = []

    var isEmpty: Bool { next == entries.count }

    /// Looks through the segments for what was written after `after`, up to `through`.
    ///
    /// Complexity: reads every segment; takes memory for every entity written after `after`.
    init<Disk: FileSystem>(
        _ catalog: DatabaseCatalog, after: UInt64, through: UInt64, on disk: Disk
    ) throws(WALError) {
        self.through = through
        segments = catalog.segments
        var newest: [Key: Entry] = [:]
        for (index, segment) in segments.enumerated() {
            let file = try surfacing { () throws(FileSystemError) in
                try disk.openIfPresent(segment.path)
            }
            guard let file else {
                missing.append(segment.path)
                continue
            }
            try segment.scan(file) { (record, offset, byteCount) throws(WALError) in
                guard record.sequence > after else { return }
                let key = Key(
                    collectionID: record.collectionID, entityID: TextKey(record.entityID))
                guard (newest[key]?.sequence ?? 0) <= record.sequence else { return }
                newest[key] = Entry(
                    segment: index, offset: offset, byteCount: byteCount,
                    sequence: record.sequence)
            }
        }
        entries = newest.values.filter { $0.sequence <= through }.sorted {
            ($0.sequence, $0.segment, $0.offset) < ($1.sequence, $1.segment, $1.offset)
        }
    }

    /// Takes the records of the next transaction, or returns `nil` if their segment has gone: then
    /// the segments are to be looked through again.
    mutating func takeTransaction<Disk: FileSystem>(
        on disk: Disk
    ) throws(WALError) -> [SegmentRecord]? {
        let sequence = entries[next].sequence
        var records: [SegmentRecord] = []
        var end = next
        while end < entries.count, entries[end].sequence == sequence {
            guard let record = try read(entries[end], on: disk) else { return nil }
            records.append(record)
            end += 1
        }
        next = end
        return records
    }

    private func read<Disk: FileSystem>(
        _ entry: Entry, on disk: Disk
    ) throws(WALError) -> SegmentRecord? {
        let segment = segments[entry.segment]
        let bytes = try surfacing { () throws(FileSystemError) -> [UInt8]? in
            guard let file = try disk.openIfPresent(segment.path) else { return nil }
            return try file.read(count: entry.byteCount, at: entry.offset)
        }
        guard let bytes else { return nil }
        guard case .record(let record, _) = bytes.withUnsafeBytes({ segment.format.decode($0) })
        else {
            throw segment.damaged(at: entry.offset, "the record has changed since it was found")
        }
        guard !record.isEncrypted else {
            throw WALError(
                .unsupported, path: segment.path, offset: entry.offset,
                message: "the record is encrypted; only EntiDB itself can read it")
        }
        return record
    }
}

extension DatabaseCatalog.Segment {
    /// Hands every record to `body`, and holds the file against what the manifest promises of it.
    func scan<File: RandomAccessFile>(
        _ file: File, _ body: (SegmentRecord, UInt64, Int) throws(WALError) -> Void
    ) throws(WALError) {
        var scanner = SegmentScanner(file, format)
        var recordCount: UInt64 = 0
        var end = format.firstRecordOffset
        scanning: while true {
            let step = try surfacing { () throws(FileSystemError) in try scanner.next() }
            switch step {
            case .record(let record, let offset, let byteCount):
                try body(record, offset, byteCount)
                recordCount += 1
                end = offset + UInt64(byteCount)
            case .end: break scanning
            case .unfinished(let offset):
                // EntiDB appends to its last segment; ours are finished before anyone sees them.
                guard promise == nil else {
                    throw damaged(at: offset, "the segment ends inside a record")
                }
                break scanning
            case .damage(let offset, let reason): throw damaged(at: offset, reason)
            }
        }
        if let promise, promise.recordCount != recordCount || promise.byteCount != end {
            throw damaged(
                at: end,
                "the segment has \(recordCount) records in \(end) bytes, and the manifest "
                    + "promises \(promise.recordCount) in \(promise.byteCount)")
        }
    }

    func damaged(at offset: UInt64, _ reason: String) -> WALError {
        WALError(
            .damaged, path: path, offset: offset,
            message: "damaged segment: \(reason); restore the file from a backup")
    }
}
