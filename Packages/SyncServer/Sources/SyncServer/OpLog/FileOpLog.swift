// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol

/// A database's operations on disk, in one total order: segments in one directory, each a record
/// log named by the cursor of its first operation, of which only the last is written.
///
/// A frame holds one group of operations (see `LogGroup`). The cursors that groups speak for go on
/// without a gap from frame to frame and from segment to segment, and that is checked whenever they
/// are read. Each group's link is checked when the log is opened.
///
/// Not `Sendable`: one owner makes all calls.
final class FileOpLog<Disk: FileSystem> {
    /// A file of the log.
    struct Segment {
        /// The cursor of its first operation.
        var firstCursor: Cursor
        /// Its file.
        var path: String
    }

    /// A place to begin reading.
    struct SparseEntry {
        /// The first cursor of the frame.
        var cursor: Cursor
        /// The segment's index.
        var segment: Int
        /// The frame's offset in the segment.
        var offset: UInt64
    }

    static var purpose: RecordLogPurpose { RecordLogPurpose("OPLG") }

    let disk: Disk
    /// The directory of the segments.
    let directory: String
    /// A segment is not added to once it is this long.
    let segmentBytesMax: UInt64
    /// How many bytes of operations a frame holds at most, if there is a choice.
    var frameBytesTarget = LogGroup.bytesTarget

    /// The highest durable cursor.
    private(set) var head: Cursor
    /// The first failure of a write or sync, after which the log takes nothing more.
    private(set) var failure: OpLogError?
    /// The link of the last durable group.
    private(set) var link = SHA256Digest.zero
    let hasher = SHA256()

    var segments: [Segment]
    var active: RecordLogFile<Disk>
    /// Each segment's first frame, and one more for about each `sparseDistance` bytes.
    var sparseIndex: [SparseEntry]
    /// Readers of segments that are no longer written, the last used first.
    var sealedReaders: [(segment: Int, reader: RecordLogReader<Disk>)] = []
    /// The group that a single operation was last read from.
    var lastGroup: (group: LogGroup, entries: [LogGroup.Entry])?

    /// How many bytes lie between two entries of the sparse index: reading begins at an entry, so
    /// this is what is read in vain at most.
    static var sparseDistance: UInt64 { 32 << 10 }

    init(
        disk: Disk, directory: String, segmentBytesMax: UInt64, segments: [Segment],
        active: RecordLogFile<Disk>, sparseIndex: [SparseEntry], head: Cursor
    ) {
        self.disk = disk
        self.directory = directory
        self.segmentBytesMax = segmentBytesMax
        self.segments = segments
        self.active = active
        self.sparseIndex = sparseIndex
        self.head = head
    }

    /// Makes the operations of `group` durable: with one write and one sync.
    ///
    /// - Throws: `OpLogError`. Nothing of the group is visible then, and the log takes no more.
    /// - Precondition: The group is not empty and begins behind `head`.
    func append(
        _ group: LogGroupBuilder, committedAtMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        precondition(
            group.count > 0 && group.firstCursor == head.next,
            "A group goes on where the log ends.")
        if let failure { throw .readOnly(active.path, because: failure) }
        do throws(OpLogError) {
            if active.syncedEnd >= segmentBytesMax, active.syncedEnd > active.firstOffset {
                try roll(using: &generator)
            }
            var link = link
            let payloads = group.payloads(
                committedAtMilliseconds: committedAtMilliseconds, bytesTarget: frameBytesTarget,
                link: &link, by: hasher)
            let frames = try mappingLogErrors { () throws(RecordLogError) in
                var frames: [(firstCursor: Cursor, offset: UInt64)] = []
                for (cursor, payload) in payloads {
                    frames.append((cursor, try active.append(payload)))
                }
                try active.sync()
                return frames
            }
            for frame in frames { noteFrame(at: frame.offset, firstCursor: frame.firstCursor) }
            advanceHead(to: Cursor(group.nextCursor.rawValue - 1), link: link)
        } catch {
            failure = error
            throw error
        }
        // The group is durable, so it counts; but a log that could not write its mark is done.
        if active.isReadOnly {
            failure = OpLogError(
                code: .io, path: active.path, offset: nil,
                message: "The write behind the last group failed", publicMessage: "")
        }
    }

    /// Ends writing. Everything that was appended is durable already.
    func close() throws(OpLogError) {
        try mappingLogErrors { () throws(RecordLogError) in try active.close() }
    }

    /// Moves the head over groups that are durable.
    func advanceHead(to cursor: Cursor, link: SHA256Digest) {
        head = cursor
        self.link = link
    }

    /// Adds a frame of the last segment to the sparse index, if it is far enough from the last one.
    func noteFrame(at offset: UInt64, firstCursor: Cursor) {
        let segment = segments.count - 1
        if let last = sparseIndex.last, last.segment == segment,
            offset - last.offset < Self.sparseDistance
        {
            return
        }
        sparseIndex.append(SparseEntry(cursor: firstCursor, segment: segment, offset: offset))
    }

    /// Closes the active segment and starts the next.
    private func roll(using generator: inout some RandomNumberGenerator) throws(OpLogError) {
        try mappingLogErrors { () throws(RecordLogError) in try active.close() }
        let segment = Segment(
            firstCursor: head.next, path: Self.path(ofSegment: head.next, in: directory))
        active = try Self.makeSegment(segment, on: disk, using: &generator)
        segments.append(segment)
    }

    static func makeSegment(
        _ segment: Segment, on disk: Disk, using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> RecordLogFile<Disk> {
        do throws(RecordLogError) {
            return try RecordLogFile.create(
                at: segment.path, on: disk, purpose: purpose, using: &generator)
        } catch {
            throw OpLogError(error)
        }
    }

    /// `00000000000000000001.seg` and so on: as many digits as the largest cursor can have.
    static func path(ofSegment firstCursor: Cursor, in directory: String) -> String {
        let digits = String(firstCursor.rawValue)
        return directory + "/" + String(repeating: "0", count: 20 - digits.count) + digits + ".seg"
    }

    /// The first cursor that a segment's file name states; `nil` for other names.
    static func firstCursor(ofSegmentNamed name: String) -> Cursor? {
        guard name.utf8.count == 24, name.hasSuffix(".seg"),
            name.utf8.prefix(20).allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let number = UInt64(name.prefix(20)), number > 0, number <= wireIntegerMax
        else { return nil }
        return Cursor(number)
    }
}
