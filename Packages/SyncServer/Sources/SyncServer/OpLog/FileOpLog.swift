// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol

/// A database's operations on disk, in one total order: segments in one directory, each a record
/// log named by the first cursor that it speaks for, of which only the last is written.
///
/// A frame holds one group of operations (see `LogGroup`). The cursors that groups speak for go on
/// without a gap from frame to frame and from segment to segment, and that is checked whenever they
/// are read. Each group's link is checked when the log is replayed.
///
/// Not `Sendable`: one owner makes all calls.
final class FileOpLog<Disk: FileSystem> {
    /// A file of the log.
    struct Segment: Equatable {
        /// The first cursor that it speaks for.
        var firstCursor: Cursor
        /// Its file.
        var path: String
        /// The length of its file when it was last looked at.
        var byteCount: UInt64 = 0
        /// Tells a file from one that took its place.
        var identity: UInt64 = 0
    }

    static var purpose: RecordLogPurpose { RecordLogPurpose("OPLG") }

    let disk: Disk
    /// The directory of the segments.
    let directory: String
    /// A segment is not added to once it is this long.
    let segmentBytesMax: UInt64
    /// Bytes of zeros that are kept ahead of what is written.
    let zeroFillBytes: Int
    /// How many bytes of operations a frame holds at most, if there is a choice.
    var frameBytesTarget = LogGroup.bytesTarget

    /// The highest durable cursor.
    private(set) var head: Cursor
    /// The link of the last durable group.
    private(set) var link: SHA256Digest
    /// The highest cursor of a tombstone that was dropped; 0 if none was.
    var oldestCursor = Cursor.start
    /// The first failure of a write or sync, after which the log takes nothing more.
    private(set) var failure: OpLogError?

    /// All segments in order; the last is the one that is written.
    var segments: [Segment] = []
    var active: RecordLogFile<Disk>
    /// What is known of the active segment; its length and its link are not kept up to date.
    var activeIndex = SegmentIndex()
    /// Readers and indexes of segments that are no longer written, the last used first.
    var sealed: [SealedSegment] = []
    /// The group that a single operation was last read from.
    var lastGroup: (group: LogGroup, entries: [LogGroup.Entry])?
    let hasher = SHA256()

    /// What reading in a segment that is no longer written takes.
    struct SealedSegment {
        var path: String
        var reader: RecordLogReader<Disk>
        var index: SegmentIndex
    }

    init(
        disk: Disk, directory: String, segmentBytesMax: UInt64, zeroFillBytes: Int,
        active: RecordLogFile<Disk>, head: Cursor = .start, link: SHA256Digest = .zero
    ) {
        self.disk = disk
        self.directory = directory
        self.segmentBytesMax = segmentBytesMax
        self.zeroFillBytes = zeroFillBytes
        self.active = active
        self.head = head
        self.link = link
    }

    /// Makes the operations of `group` durable: with one write and one sync.
    ///
    /// - Returns: Whether a segment was completed and another begun.
    /// - Throws: `OpLogError`. Nothing of the group is visible then, and the log takes no more.
    /// - Precondition: The group is not empty and begins behind `head`.
    @discardableResult
    func append(
        _ group: LogGroupBuilder, committedAtMilliseconds: UInt64,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> Bool {
        precondition(
            group.count > 0 && group.firstCursor == head.next,
            "A group goes on where the log ends.")
        if let failure { throw .readOnly(active.path, because: failure) }
        let isFull = active.syncedEnd >= segmentBytesMax && active.syncedEnd > active.firstOffset
        do throws(OpLogError) {
            if isFull { try roll(using: &generator) }
            var link = link
            let payloads = group.payloads(
                committedAtMilliseconds: committedAtMilliseconds, bytesTarget: frameBytesTarget,
                link: &link, by: hasher)
            let offsets = try mappingLogErrors { () throws(RecordLogError) in
                var offsets: [UInt64] = []
                for (_, payload) in payloads { offsets.append(try active.append(payload)) }
                try active.sync()
                return offsets
            }
            for (frame, offset) in zip(payloads, offsets) {
                activeIndex.note(
                    frame.cursors,
                    operationCount: Int(
                        frame.cursors.upperBound.rawValue - frame.cursors.lowerBound.rawValue + 1),
                    committedAtMilliseconds: committedAtMilliseconds, at: offset)
            }
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
        return isFull
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

    /// Closes the active segment and starts the next.
    ///
    /// - Throws: `OpLogError`; the log takes nothing more then.
    func roll(using generator: inout some RandomNumberGenerator) throws(OpLogError) {
        do throws(OpLogError) { try makeNextSegment(using: &generator) } catch {
            failure = error
            throw error
        }
    }

    private func makeNextSegment(
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) {
        try mappingLogErrors { () throws(RecordLogError) in try active.close() }
        let byteCount = try fileSize(of: active.path)
        activeIndex.link = link
        activeIndex.byteCount = byteCount
        activeIndex.identity = segments[segments.count - 1].identity
        // Whatever is wrong with it, it can be made anew.
        try? activeIndex.write(beside: active.path, on: disk)
        var segment = Segment(
            firstCursor: head.next, path: Self.path(ofSegment: head.next, in: directory))
        active = try Self.makeSegment(
            segment, on: disk, zeroFillBytes: zeroFillBytes, using: &generator)
        segment.identity = Self.identity(active.reader.fileID)
        segments[segments.count - 1].byteCount = byteCount
        segments.append(segment)
        activeIndex = SegmentIndex()
    }

    /// The state of the log for a checkpoint.
    var checkpointHeader: CheckpointHeader {
        CheckpointHeader(
            cursor: head, link: link, segment: segments[segments.count - 1].firstCursor,
            offset: active.syncedEnd, identity: segments[segments.count - 1].identity,
            oldestCursor: oldestCursor,
            sealed: segments.dropLast().map {
                .init(
                    firstCursor: $0.firstCursor, byteCount: $0.byteCount, identity: $0.identity)
            },
            activeIndex: activeIndex)
    }
}

// Segments and their files.
extension FileOpLog {
    static func makeSegment(
        _ segment: Segment, on disk: Disk, zeroFillBytes: Int,
        using generator: inout some RandomNumberGenerator
    ) throws(OpLogError) -> RecordLogFile<Disk> {
        do throws(RecordLogError) {
            return try RecordLogFile.create(
                at: segment.path, on: disk, purpose: purpose, using: &generator,
                zeroFillBytes: zeroFillBytes)
        } catch {
            throw OpLogError(error)
        }
    }

    func fileSize(of path: String) throws(OpLogError) -> UInt64 {
        try mappingDiskErrors { () throws(FileSystemError) in
            try disk.openFile(at: path, .read).size()
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
