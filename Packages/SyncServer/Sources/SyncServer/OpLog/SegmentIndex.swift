// SPDX-License-Identifier: MIT

import CBOR
import Cryptography
import RecordLog
import SyncProtocol

/// Where to begin reading in a segment: each frame that lies far enough from the one before.
struct SparseIndex: Equatable {
    /// A place to begin reading.
    struct Entry: Equatable {
        /// The first cursor of the frame.
        var cursor: Cursor
        /// The frame's offset in the segment.
        var offset: UInt64
    }

    /// How many bytes lie between two entries: this is what is read in vain at most.
    static var distance: UInt64 { 32 << 10 }

    private(set) var entries: [Entry] = []

    /// Notes a frame behind all that were noted, if it is far enough from the last one.
    mutating func note(_ cursor: Cursor, at offset: UInt64) {
        if let last = entries.last, offset - last.offset < Self.distance { return }
        entries.append(Entry(cursor: cursor, offset: offset))
    }

    /// The last frame that does not begin behind `cursor`. O(log n).
    func last(upTo cursor: Cursor) -> Entry? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].cursor <= cursor { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? entries[low - 1] : nil
    }
}

/// What is known of a segment that is no longer written, in a file beside it: `….idx`.
///
/// It follows from the segment, and is made anew if it is missing or does not fit.
struct SegmentIndex: Equatable {
    /// The last cursor that the segment speaks for.
    var lastCursor: Cursor
    /// The link of the last group, or what the log had in its place before it was compacted.
    var link: SHA256Digest
    /// The length of the segment's file.
    var byteCount: UInt64
    /// Tells the segment's file from one that took its place.
    var identity: UInt64 = 0
    /// How many operations it holds.
    var operationCount = 0
    /// When its last group was committed, in milliseconds since 1970.
    var lastCommittedAtMilliseconds: UInt64 = 0
    var sparse = SparseIndex()

    init(lastCursor: Cursor = .start, link: SHA256Digest = .zero, byteCount: UInt64 = 0) {
        self.lastCursor = lastCursor
        self.link = link
        self.byteCount = byteCount
    }

    /// Takes in a group behind those that were taken in before.
    mutating func note(_ group: LogGroup, at offset: UInt64) {
        note(
            group.firstCursor...group.lastCursor, operationCount: group.count,
            committedAtMilliseconds: group.committedAtMilliseconds, at: offset)
    }

    /// Takes in a group that speaks for `cursors`.
    mutating func note(
        _ cursors: ClosedRange<Cursor>, operationCount: Int, committedAtMilliseconds: UInt64,
        at offset: UInt64
    ) {
        sparse.note(cursors.lowerBound, at: offset)
        lastCursor = cursors.upperBound
        self.operationCount += operationCount
        lastCommittedAtMilliseconds = max(lastCommittedAtMilliseconds, committedAtMilliseconds)
    }

    static func path(beside segment: String) -> String {
        String(segment.dropLast(4)) + ".idx"
    }

    /// Replaces the file beside a segment.
    func write(beside segment: String, on disk: some FileSystem) throws(OpLogError) {
        var writer = CBORWriter(capacity: 80 + 18 * sparse.entries.count)
        writer.writeArrayHeader(count: 7)
        writer.write(uint: lastCursor.rawValue)
        writer.write(bytes: link.bytes)
        writer.write(uint: byteCount)
        writer.write(uint: UInt64(operationCount))
        writer.write(uint: lastCommittedAtMilliseconds)
        writer.writeArrayHeader(count: 2 * sparse.entries.count)
        for entry in sparse.entries {
            writer.write(uint: entry.cursor.rawValue)
            writer.write(uint: entry.offset)
        }
        writer.write(uint: identity)
        try ChecksummedFile.replace(
            Self.path(beside: segment), purpose: "ESIX", body: writer.bytes, on: disk)
    }

    /// Reads the file beside a segment; `nil` if there is none that is whole.
    static func read(
        beside segment: String, on disk: some FileSystem
    ) throws(OpLogError) -> SegmentIndex? {
        let path = path(beside: segment)
        do throws(OpLogError) {
            guard let body = try ChecksummedFile.read(path, purpose: "ESIX", on: disk) else {
                return nil
            }
            return try ChecksummedFile.decode(body, of: path) { reader throws(CBORError) in
                try SegmentIndex(from: &reader)
            }
        } catch {
            // What follows from the segment need not be refused.
            if error.code == .io { throw error }
            return nil
        }
    }

    private init(from reader: inout CBORReader) throws(CBORError) {
        self.init()
        var hasLink = false
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0: lastCursor = Cursor(try reader.readUInt())
            case 1:
                guard let digest = SHA256Digest(try reader.readBytes()) else { return }
                (link, hasLink) = (digest, true)
            case 2: byteCount = try reader.readUInt()
            case 3: operationCount = Int(clamping: try reader.readUInt())
            case 4: lastCommittedAtMilliseconds = try reader.readUInt()
            case 5: sparse = try SparseIndex(from: &reader)
            case 6: identity = try reader.readUInt()
            default: try reader.skip()
            }
        }
        guard hasLink, lastCursor > .start else {
            throw reader.error(.invalidValue, "The index is not whole.")
        }
    }
}

extension SparseIndex {
    /// Reads cursors and offsets in turn.
    init(from reader: inout CBORReader) throws(CBORError) {
        var cursor: UInt64 = 0
        try reader.readArray { reader, index throws(CBORError) in
            let number = try reader.readUInt()
            if index % 2 == 0 {
                cursor = number
                return
            }
            guard entries.last.map({ $0.cursor.rawValue < cursor && $0.offset < number }) ?? true
            else { throw reader.error(.invalidValue, "The index is not in order.") }
            entries.append(Entry(cursor: Cursor(cursor), offset: number))
        }
    }
}
