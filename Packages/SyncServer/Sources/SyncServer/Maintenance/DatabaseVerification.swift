// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol

/// What reading all of a database found.
struct DatabaseVerification: Equatable {
    var databaseID: DatabaseID
    var logID: LogID?
    /// How many operations the log holds.
    var operations = 0
    var segments = 0
    /// The length of the segments together.
    var bytes: UInt64 = 0
    /// The last cursor that the log speaks for.
    var head = Cursor.start
    var oldestCursor = Cursor.start
    /// What lies behind the last whole frame. It is no damage: nobody was told of it.
    var tornTail: TornTail?
    /// What an operator may want to know and need not act upon.
    var notes: [String] = []
    /// The first damage; what was counted is then what came before it.
    var damage: OpLogError?

    /// Reads all of a database and compares with it all that should follow from it.
    ///
    /// Nothing is changed, and a server may go on writing.
    ///
    /// - Parameter progress: Called with the number of bytes read so far and of all there are.
    /// - Complexity: Reads the log once, twice if it is damaged. Memory is that of the database's
    ///   indexes, twice if there is a checkpoint.
    static func verify(
        _ place: DataDirectory<some FileSystem>.Place, on disk: some FileSystem,
        progress: @escaping (_ done: UInt64, _ total: UInt64) -> Void = { _, _ in }
    ) -> DatabaseVerification {
        var verifier = DatabaseVerifier(place.databaseID, place.path, disk, progress)
        do throws(OpLogError) {
            return try withoutHaste { () throws(OpLogError) in
                verifier = DatabaseVerifier(place.databaseID, place.path, disk, progress)
                try verifier.run()
                return verifier.result
            }
        } catch {
            verifier.result.damage = error
            return verifier.result
        }
    }
}

/// One reading of a database from its beginning to its end.
private final class DatabaseVerifier<Disk: FileSystem> {
    var result: DatabaseVerification
    private let directory: String
    private let disk: Disk
    private let progress: (UInt64, UInt64) -> Void
    private var indexes = DatabaseIndexes()
    private var checkpoint: Checkpoint?
    /// What follows from each segment, by its file.
    private var segments: [String: SegmentIndex] = [:]
    private var doneBytes: UInt64 = 0

    init(
        _ databaseID: DatabaseID, _ directory: String, _ disk: Disk,
        _ progress: @escaping (UInt64, UInt64) -> Void
    ) {
        result = DatabaseVerification(databaseID: databaseID)
        (self.directory, self.disk, self.progress) = (directory, disk, progress)
    }

    func run() throws(OpLogError) {
        guard try checkIdentity() else { return }
        // Read before the log, which only grows: so what a server writes meanwhile does not look
        // as if a device were ahead.
        let cursors = try DeviceCursorFile.read(in: directory, on: disk)
        checkpoint = try Checkpoint.read(in: directory, on: disk)
        if checkpoint == nil, try exists(Checkpoint.path(in: directory)) {
            result.notes.append("the checkpoint is not whole, and will be made anew")
        }
        let (log, tornTail, leftovers) = try FileOpLog.look(
            in: directory + "/log", on: disk,
            begin: { found, _ in begin(found) },
            replay: { record, path, offset throws(OpLogError) in
                try take(record, path, offset)
            })
        (result.tornTail, result.oldestCursor) = (tornTail, log.oldestCursor)
        if let checkpoint, checkpoint.header.cursor > log.head {
            throw wrong(
                Checkpoint.path(in: directory),
                "The checkpoint speaks of cursor \(checkpoint.header.cursor), and the log ends at "
                    + "\(log.head)")
        }
        if !leftovers.isEmpty {
            result.notes.append(
                "\(leftovers.count) files are left of a compaction, and will be removed")
        }
        try indexes.restore(cursors, head: log.head, path: DeviceCursorFile.path(in: directory))
        for segment in log.segments.dropLast() { try checkIndex(beside: segment, log) }
    }

    /// Returns whether there is a database.
    private func checkIdentity() throws(OpLogError) -> Bool {
        guard let identity = try DatabaseIdentity.read(in: directory, on: disk) else {
            result.notes.append("its creation was interrupted; the next handshake takes it over")
            return try checkUnfinished()
        }
        guard identity.databaseID == result.databaseID else {
            throw .damaged(
                DatabaseIdentity.path(in: directory), at: nil,
                "The directory belongs to database \(identity.databaseID), not "
                    + "\(result.databaseID)")
        }
        result.logID = identity.logID
        return true
    }

    /// A directory without identity may hold a segment without operations, and no other.
    private func checkUnfinished() throws(OpLogError) -> Bool {
        guard try exists(directory + "/log") else { return false }
        for found in try FileOpLog.listSegments(in: directory + "/log", on: disk) {
            let leftover = try mappingLogErrors { () throws(RecordLogError) in
                try RecordLogFile.open(
                    at: found.path, on: disk, purpose: FileOpLog<Disk>.purpose, access: .read)
            }
            guard leftover.syncedEnd == leftover.firstOffset else {
                throw .damaged(
                    found.path, at: nil,
                    "There are operations here, but the file that names the database is gone")
            }
        }
        return false
    }

    private func begin(_ found: [FileOpLog<Disk>.Segment]) {
        result.segments = found.count
        result.bytes = found.reduce(0) { $0 + $1.byteCount }
        if let header = checkpoint?.header, !FileOpLog<Disk>.fits(header, found) {
            result.notes.append("the checkpoint speaks of other files, and is not used")
            checkpoint = nil
        }
        progress(0, result.bytes)
    }

    private func take(
        _ record: ReplayedRecord, _ path: String, _ offset: UInt64
    ) throws(OpLogError) {
        try indexes.replay(record, path, offset)
        var index = segments[path] ?? SegmentIndex()
        switch record {
        case .head(let head): index.link = head.linkAfter
        case .group(let group, let isCompacted):
            index.note(group, at: offset)
            if !isCompacted { index.link = group.storedLink ?? .zero }
            result.operations += group.count
            result.head = group.lastCursor
            doneBytes += UInt64(group.payload.count)
            progress(doneBytes, result.bytes)
        }
        segments[path] = index
        if case .group(let group, _) = record { try compareCheckpoint(group, index, offset) }
    }

    /// Compares the checkpoint when the group is the last that it speaks for.
    private func compareCheckpoint(
        _ group: LogGroup, _ index: SegmentIndex, _ offset: UInt64
    ) throws(OpLogError) {
        guard let checkpoint, group.lastCursor >= checkpoint.header.cursor,
            group.firstCursor <= checkpoint.header.cursor
        else { return }
        let header = checkpoint.header
        let path = Checkpoint.path(in: directory)
        guard group.lastCursor == header.cursor else {
            throw wrong(
                path, "The checkpoint speaks of cursor \(header.cursor), where no group ends")
        }
        if group.storedLink != nil, index.link != header.link {
            throw wrong(path, "The checkpoint has another link than the log at its cursor")
        }
        if header.segment <= group.firstCursor,
            offset >= header.offset || !header.activeIndex.agrees(with: index)
        {
            throw wrong(path, "The checkpoint has other places to read than the log")
        }
        if let difference = indexes.difference(from: checkpoint.indexes) {
            throw wrong(path, "The checkpoint differs from the log: \(difference)")
        }
    }

    private func checkIndex(
        beside segment: FileOpLog<Disk>.Segment, _ log: FileOpLog<Disk>
    ) throws(OpLogError) {
        let path = SegmentIndex.path(beside: segment.path)
        guard let stored = try SegmentIndex.read(beside: segment.path, on: disk) else {
            if try exists(path) {
                result.notes.append("\(path) is not whole, and will be made anew")
            }
            return
        }
        guard stored.byteCount == segment.byteCount, stored.identity == segment.identity else {
            result.notes.append("\(path) is of another segment, and will be made anew")
            return
        }
        guard let found = segments[segment.path], stored.agrees(with: found),
            found.link == .zero || stored.link == found.link
        else { throw wrong(path, "The index says something else than its segment") }
    }

    private func exists(_ path: String) throws(OpLogError) -> Bool {
        try mappingDiskErrors { () throws(FileSystemError) in try disk.fileExists(at: path) }
    }

    /// A file that follows from the log and does not agree with it.
    private func wrong(_ path: String, _ finding: String) -> OpLogError {
        OpLogError(
            code: .damaged, path: path, offset: nil,
            message: "\(finding). The log itself is sound so far: stop the server, remove this "
                + "file, and it is made anew.", publicMessage: "")
    }
}

extension SegmentIndex {
    /// Whether another index says the same of a segment's groups.
    fileprivate func agrees(with other: SegmentIndex) -> Bool {
        lastCursor == other.lastCursor && operationCount == other.operationCount
            && lastCommittedAtMilliseconds == other.lastCommittedAtMilliseconds
            && sparse == other.sparse
    }
}
