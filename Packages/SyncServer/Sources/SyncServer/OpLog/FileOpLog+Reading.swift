// SPDX-License-Identifier: MIT

import Cryptography
import RecordLog
import SyncProtocol

extension FileOpLog {
    /// How many segments that are no longer written are kept open for reading.
    private static var sealedSegmentsMax: Int { 4 }

    /// Calls `body` with each durable group that reaches behind `cursor`, in order, until it
    /// returns `false`. The first may begin at or before `cursor`.
    ///
    /// - Throws: `OpLogError` if the disk fails, or what it holds fails its checksum by now.
    func forEachGroup(
        after cursor: Cursor, _ body: (LogGroup) -> Bool
    ) throws(OpLogError) {
        guard cursor < head else { return }
        var isFirst = true
        var expected = cursor.next
        for position in segmentPosition(of: cursor.next)..<segments.count {
            let (reader, sparse) = try reading(of: position)
            let entry = sparse.last(upTo: isFirst ? cursor.next : segments[position].firstCursor)
            if isFirst { expected = entry?.cursor ?? segments[position].firstCursor }
            isFirst = false
            var records = reader.records(from: entry?.offset)
            while let record = try mappingLogErrors({ () throws(RecordLogError) in
                try records.next()
            }) {
                if CompactedHead.isHead(record.payload) { continue }
                let group = try Self.group(of: record, in: reader.path, expecting: expected)
                expected = group.lastCursor.next
                if group.lastCursor > cursor, !body(group) { return }
            }
        }
    }

    /// The bytes of the operation at `cursor`, which is durable; `nil` if it was compacted away.
    func operation(at cursor: Cursor) throws(OpLogError) -> ArraySlice<UInt8>? {
        precondition(cursor > .start && cursor <= head, "Only what is durable can be read.")
        if lastGroup.map({ cursor < $0.group.firstCursor || cursor > $0.group.lastCursor }) ?? true
        {
            lastGroup = nil
            try forEachGroup(after: Cursor(cursor.rawValue - 1)) { group in
                lastGroup = (group, group.entries)
                return false
            }
        }
        guard let (group, entries) = lastGroup, cursor <= group.lastCursor else {
            throw .damaged(directory, at: nil, "The operation at cursor \(cursor) is gone")
        }
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].cursor < cursor { low = middle + 1 } else { high = middle }
        }
        guard low < entries.count, entries[low].cursor == cursor else { return nil }
        return group.bytes(of: entries[low])
    }

    /// Lets the group go that single operations were read from, if it is large: a log that is at
    /// rest holds little memory.
    func forgetLargeGroup() {
        if let lastGroup, lastGroup.group.payload.count > 256 << 10 { self.lastGroup = nil }
    }

    /// Which segment speaks for a cursor. O(log n) in the segments.
    func segmentPosition(of cursor: Cursor) -> Int {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].firstCursor <= cursor { low = middle + 1 } else { high = middle }
        }
        return max(low - 1, 0)
    }

    private func reading(
        of position: Int
    ) throws(OpLogError) -> (reader: RecordLogReader<Disk>, sparse: SparseIndex) {
        if position == segments.count - 1 { return (active.reader, activeIndex.sparse) }
        let found = try sealedSegment(segments[position])
        return (found.reader, found.index.sparse)
    }

    private func sealedSegment(_ segment: Segment) throws(OpLogError) -> SealedSegment {
        if let place = sealed.firstIndex(where: { $0.path == segment.path }) {
            let found = sealed.remove(at: place)
            sealed.insert(found, at: 0)
            return found
        }
        let reader = try mappingLogErrors { () throws(RecordLogError) in
            try RecordLogReader(at: segment.path, on: disk, purpose: Self.purpose)
        }
        let stored = try SegmentIndex.read(beside: segment.path, on: disk)
        let index: SegmentIndex
        if let stored, stored.byteCount == segment.byteCount, stored.identity == segment.identity {
            index = stored
        } else {
            index = try makeIndex(of: segment, reader)
        }
        let found = SealedSegment(path: segment.path, reader: reader, index: index)
        sealed.insert(found, at: 0)
        if sealed.count > Self.sealedSegmentsMax { sealed.removeLast() }
        return found
    }

    /// What is known of the segment at a position.
    func facts(of position: Int) throws(OpLogError) -> SegmentIndex {
        if position < segments.count - 1 { return try sealedSegment(segments[position]).index }
        var index = activeIndex
        index.byteCount = active.syncedEnd
        return index
    }

    /// The link of the last group before a segment.
    func link(before segment: Segment) throws(OpLogError) -> SHA256Digest {
        guard let position = segments.firstIndex(of: segment), position > 0 else { return .zero }
        return try sealedSegment(segments[position - 1]).index.link
    }

    /// Makes the index of a segment from the segment, and keeps it beside that if there is room.
    ///
    /// - Complexity: Reads the segment once.
    private func makeIndex(
        of segment: Segment, _ reader: RecordLogReader<Disk>
    ) throws(OpLogError) -> SegmentIndex {
        var index = SegmentIndex(
            lastCursor: segment.firstCursor, byteCount: segment.byteCount)
        index.identity = segment.identity
        var expected = segment.firstCursor
        var link: SHA256Digest?
        var linkAfter: SHA256Digest?
        var records = reader.records()
        while let record = try mappingLogErrors({ () throws(RecordLogError) in
            try records.next()
        }) {
            if let head = CompactedHead(record.payload) {
                linkAfter = head.linkAfter
                continue
            }
            let group = try Self.group(of: record, in: reader.path, expecting: expected)
            index.note(group, at: record.offset)
            expected = group.lastCursor.next
            // A group of the first format does not say its link.
            if let stored = group.storedLink {
                link = stored
            } else {
                if link == nil { link = try self.link(before: segment) }
                link = group.link(after: link ?? .zero, by: hasher)
            }
        }
        index.link = linkAfter ?? link ?? .zero
        if !active.isReadOnly { try? index.write(beside: segment.path, on: disk) }
        return index
    }
}
