// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol

/// Rewrites some neighbouring segments as one, without what may go, in steps of which each takes
/// little time, while the database goes on.
///
/// It reads twice: to decide, and then to write, because the new segment begins with what cannot be
/// told from the operations that are left. Between that it searches earlier segments for operations
/// of deleted entities: a tombstone goes after all that it deletes, never before, or a pull from
/// the start would show what was deleted. Until the last step nothing of the log changes; that
/// gives the new file the name of the first old one, atomically, and removes the others.
struct CompactionWriting<Disk: FileSystem> {
    /// What a step came to.
    enum Progress {
        case goesOn
        /// Nothing can go, and the log is as it was.
        case fruitless
        /// The new segment is in its place. The entities' tombstones at these cursors are gone.
        case done(droppedTombstones: Set<Cursor>)
    }

    /// How many bytes of the log one step looks at.
    private static var stepBytes: Int { 1 << 20 }

    private enum Phase {
        case deciding
        case searching
        case writing
    }

    let log: FileOpLog<Disk>
    private let rules: CompactionRules
    private let segments: [FileOpLog<Disk>.Segment]
    /// Segments before these that hold superseded operations.
    private let earlier: [FileOpLog<Disk>.Segment]
    private let linkBefore: SHA256Digest
    private let linkAfter: SHA256Digest
    private let lastCursor: Cursor
    private var phase = Phase.deciding
    /// Which segment is being read, and where.
    private var place: (segment: Int, records: RecordIterator<Disk>)?

    private var accepted: [DeviceID: OperationIDRanges] = [:]
    private var dropped: Set<Cursor> = []
    private var droppedTombstones: Set<Cursor> = []
    /// Tombstones of entities of which an earlier operation stays.
    private var neededTombstones: Set<Cursor> = []
    /// The earlier segments, by their first cursors, because of which tombstones have to stay.
    private(set) var holdingBack: Set<Cursor> = []
    /// What segments that were compacted before say of tombstones.
    private var keptOldest = Cursor.start

    private var file: RecordLogFile<Disk>?
    private var builder: LogGroupBuilder
    private var builderTime: UInt64 = 0
    private var link = SHA256Digest.zero
    private var index: SegmentIndex

    /// Begins to compact the segments at `run`, none of which is written any more.
    ///
    /// - Parameter earlier: The segments before them that hold superseded operations.
    init(
        _ log: FileOpLog<Disk>, _ run: Range<Int>, after earlier: [Int], _ rules: CompactionRules
    ) throws(OpLogError) {
        self.log = log
        self.rules = rules
        segments = Array(log.segments[run])
        self.earlier = earlier.map { log.segments[$0] }
        let first = log.segments[run.lowerBound]
        linkBefore = try log.link(before: first)
        linkAfter = try log.link(before: log.segments[run.upperBound])
        lastCursor = Cursor(log.segments[run.upperBound].firstCursor.rawValue - 1)
        builder = LogGroupBuilder(firstCursor: first.firstCursor)
        index = SegmentIndex(lastCursor: lastCursor, link: linkAfter)
    }

    /// The first cursors of the segments that are rewritten.
    var firstCursors: [Cursor] { segments.map(\.firstCursor) }

    /// The highest cursor of a tombstone that goes.
    var oldestCursor: Cursor { droppedTombstones.max() ?? .start }

    /// Where the new segment is written.
    private var newPath: String { log.directory + "/compaction" }

    /// Takes the next step.
    ///
    /// - Parameter revision: The current revision of an entity.
    mutating func step(
        revision: (EntityKeyBytes) -> EntityRevision?,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> Progress {
        var bytes = 0
        while bytes < Self.stepBytes {
            guard let record = try nextRecord() else {
                if phase == .deciding, !earlier.isEmpty, !droppedTombstones.isEmpty {
                    phase = .searching
                    return .goesOn
                }
                if phase != .writing {
                    keepNeededTombstones()
                    if dropped.isEmpty { return .fruitless }
                    try beginWriting(using: &generator)
                    return .goesOn
                }
                try finish()
                return .done(droppedTombstones: droppedTombstones)
            }
            bytes += record.payload.count
            try take(record, revision)
        }
        if let file { try mappingLogErrors { () throws(RecordLogError) in try file.sync() } }
        return .goesOn
    }

    /// Gives it up; the log stays as it is.
    func cancel() { try? log.disk.removeFile(at: newPath) }

    private mutating func nextRecord() throws(OpLogError) -> LogRecord? {
        while true {
            if place == nil { place = (0, try records(of: 0)) }
            guard var (position, records) = place else { return nil }
            let record = try mappingLogErrors { () throws(RecordLogError) in
                try records.next()
            }
            if let record {
                place = (position, records)
                return record
            }
            position += 1
            guard position < source.count else {
                place = nil
                return nil
            }
            place = (position, try self.records(of: position))
        }
    }

    /// What is read in this phase.
    private var source: [FileOpLog<Disk>.Segment] { phase == .searching ? earlier : segments }

    private func records(of position: Int) throws(OpLogError) -> RecordIterator<Disk> {
        try mappingLogErrors { () throws(RecordLogError) in
            try RecordLogReader(
                at: source[position].path, on: log.disk, purpose: FileOpLog<Disk>.purpose
            ).records()
        }
    }

    private mutating func take(
        _ record: LogRecord, _ revision: (EntityKeyBytes) -> EntityRevision?
    ) throws(OpLogError) {
        let path = source[place?.segment ?? 0].path
        if CompactedHead.isHead(record.payload) {
            guard let head = CompactedHead(record.payload) else {
                throw .damaged(path, at: record.offset, "The segment's head cannot be read")
            }
            if phase == .deciding { take(head) }
            return
        }
        let group: LogGroup
        do throws(LogGroupFault) { group = try LogGroup(record.payload) } catch {
            throw .damaged(path, at: record.offset, error.message)
        }
        let isWhole =
            switch phase {
            case .deciding: decide(group, revision)
            case .searching: search(group, revision)
            case .writing: copy(group)
            }
        guard isWhole else {
            throw .damaged(
                path, at: record.offset, "An operation of this group is not as the server writes it"
            )
        }
        if phase == .writing, builder.operations.count >= LogGroup.bytesTarget {
            try flush(upTo: group.lastCursor)
        }
    }
}

// Deciding.
extension CompactionWriting {
    private mutating func take(_ head: CompactedHead) {
        for device in head.accepted {
            accepted[device.deviceID, default: OperationIDRanges()].insert(device.numbers)
        }
        if head.oldestCursor > .start { keptOldest = max(keptOldest, head.oldestCursor) }
    }

    /// Notes what of a group goes; `false` if it cannot be read.
    private mutating func decide(
        _ group: LogGroup, _ revision: (EntityKeyBytes) -> EntityRevision?
    ) -> Bool {
        group.forEach(from: .start) { entry, bytes in
            guard let operation = StoredOperation(bytes, entry.range) else { return false }
            let name = UnsafeRawBufferPointer(rebasing: bytes[operation.deviceID])
            let device = DeviceID(String(decoding: name, as: UTF8.self))
            // The head of a segment that was compacted before has spoken for it already.
            if accepted[device]?.contains(operation.operationID) != true {
                accepted[device, default: OperationIDRanges()].insert(operation.operationID)
            }
            let current = revision(operation.key(in: bytes))
            guard
                rules.drops(
                    entry.cursor, committedAtMilliseconds: group.committedAtMilliseconds,
                    current: current)
            else {
                note(current, after: entry.cursor)
                return true
            }
            dropped.insert(entry.cursor)
            if current?.cursor == entry.cursor { droppedTombstones.insert(entry.cursor) }
            return true
        }
    }
}

// Searching.
extension CompactionWriting {
    /// Notes which tombstones a group of an earlier segment needs; `false` if it cannot be read.
    private mutating func search(
        _ group: LogGroup, _ revision: (EntityKeyBytes) -> EntityRevision?
    ) -> Bool {
        group.forEach(from: .start) { entry, bytes in
            guard let operation = StoredOperation(bytes, entry.range) else { return false }
            let current = revision(operation.key(in: bytes))
            note(current, after: entry.cursor)
            if let current, droppedTombstones.contains(current.cursor) {
                holdingBack.insert(source[place?.segment ?? 0].firstCursor)
            }
            return true
        }
    }

    private mutating func keepNeededTombstones() {
        dropped.subtract(droppedTombstones.intersection(neededTombstones))
        droppedTombstones.subtract(neededTombstones)
    }

    /// Notes the tombstone that a staying operation needs, if its entity is deleted by now.
    private mutating func note(_ current: EntityRevision?, after cursor: Cursor) {
        guard let current, current.isDeleted, current.cursor > cursor else { return }
        neededTombstones.insert(current.cursor)
    }
}

extension StoredOperation {
    /// The entity that the operation in `bytes` is about.
    fileprivate func key(in bytes: UnsafeRawBufferPointer) -> EntityKeyBytes {
        EntityKeyBytes(
            collection: UnsafeRawBufferPointer(rebasing: bytes[collection]),
            entityID: UnsafeRawBufferPointer(rebasing: bytes[entityID]))
    }
}

// Writing.
extension CompactionWriting {
    private mutating func beginWriting(
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        phase = .writing
        let path = newPath
        let disk = log.disk
        try mappingDiskErrors { () throws(FileSystemError) in
            if try disk.fileExists(at: path) { try disk.removeFile(at: path) }
        }
        let head = CompactedHead(
            firstCursor: segments[0].firstCursor, lastCursor: lastCursor, linkBefore: linkBefore,
            linkAfter: linkAfter, oldestCursor: max(oldestCursor, keptOldest),
            accepted: accepted.sorted { $0.key < $1.key }.map {
                .init(deviceID: $0.key, numbers: $0.value)
            })
        let payload = head.encoded
        link = LogGroup.beginning(of: payload[...], by: log.hasher)
        do throws(RecordLogError) {
            let file = try RecordLogFile.create(
                at: path, on: disk, purpose: FileOpLog<Disk>.purpose, using: &generator)
            _ = try file.append(payload)
            self.file = file
        } catch {
            throw OpLogError(error)
        }
    }

    /// Takes over what is left of a group; `false` if it cannot be read.
    private mutating func copy(_ group: LogGroup) -> Bool {
        var hasSurvivor = false
        return group.forEach(from: .start) { entry, bytes in
            if !entry.continuesTransaction { hasSurvivor = false }
            if dropped.contains(entry.cursor) { return true }
            guard let operation = StoredOperation(bytes, entry.range) else { return false }
            builder.append(
                group.bytes(of: entry), at: entry.cursor,
                collection: UnsafeRawBufferPointer(rebasing: bytes[operation.collection]),
                deviceID: UnsafeRawBufferPointer(rebasing: bytes[operation.deviceID]),
                continuesTransaction: entry.continuesTransaction && hasSurvivor)
            hasSurvivor = true
            builderTime = max(builderTime, group.committedAtMilliseconds)
            return true
        }
    }

    /// Writes what was collected as groups that speak for all cursors up to `cursor`.
    private mutating func flush(upTo cursor: Cursor) throws(OpLogError) {
        guard let file else { return }
        let operationCount = builder.count
        let payloads = builder.payloads(
            committedAtMilliseconds: builderTime, lastCursor: cursor, link: &link, by: log.hasher)
        do throws(RecordLogError) {
            for (cursors, payload) in payloads {
                let offset = try file.append(payload)
                index.note(
                    cursors, operationCount: 0, committedAtMilliseconds: builderTime, at: offset)
            }
            index.operationCount += operationCount
        } catch {
            throw OpLogError(error)
        }
        builder = LogGroupBuilder(firstCursor: cursor.next)
        builderTime = 0
    }

    private mutating func finish() throws(OpLogError) {
        if builder.count > 0 || builder.firstCursor <= lastCursor { try flush(upTo: lastCursor) }
        guard let file else { return }
        try mappingLogErrors { () throws(RecordLogError) in
            try file.sync()
            try file.close()
        }
        try log.replaceSegments(segments, by: newPath, index)
        log.oldestCursor = max(log.oldestCursor, oldestCursor)
    }
}

extension FileOpLog {
    /// Puts a whole, durable file in the place of neighbouring segments.
    ///
    /// - Throws: `OpLogError`. Either nothing has changed then, or the new file is in its place and
    ///   old ones are left beside it, which the next opening removes.
    fileprivate func replaceSegments(
        _ old: [Segment], by path: String, _ index: SegmentIndex
    ) throws(OpLogError) {
        guard let first = old.first, let position = segments.firstIndex(of: first),
            Array(segments[position..<(position + old.count)]) == old
        else { preconditionFailure("Only segments of the log are compacted, one run at a time.") }
        var segment = try Self.inspect(
            Segment(firstCursor: first.firstCursor, path: path), on: disk
        )
        .segment
        segment.path = first.path
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.rename(path, to: first.path)
        }
        segments.replaceSubrange(position..<(position + old.count), with: [segment])
        sealed = []
        lastGroup = nil
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.syncDirectory(at: directory)
        }
        var index = index
        index.byteCount = segment.byteCount
        index.identity = segment.identity
        // What is not there is made anew, and what is left is removed when the log is opened.
        try? index.write(beside: first.path, on: disk)
        for leftover in old.dropFirst() {
            try? disk.removeFile(at: leftover.path)
            try? disk.removeFile(at: SegmentIndex.path(beside: leftover.path))
        }
    }
}
