// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

extension FileOpLog {
    /// How many segments that are no longer written are kept open for reading.
    private static var sealedReadersMax: Int { 4 }

    /// Calls `body` with each durable group that reaches behind `cursor`, in order, until it
    /// returns `false`. The first may begin at or before `cursor`.
    ///
    /// - Throws: `OpLogError` if the disk fails, or what it holds fails its checksum by now.
    func forEachGroup(
        after cursor: Cursor, _ body: (LogGroup) -> Bool
    ) throws(OpLogError) {
        guard cursor < head, let start = sparseEntry(at: cursor.next) else { return }
        var expected = start.cursor
        var offset: UInt64? = start.offset
        for segment in start.segment..<segments.count {
            let reader = try reader(of: segment)
            var records = reader.records(from: offset)
            while let record = try mappingLogErrors({ () throws(RecordLogError) in
                try records.next()
            }) {
                let group = try Self.group(of: record, in: reader.path, expecting: expected)
                expected = group.lastCursor.next
                if group.lastCursor > cursor, !body(group) { return }
            }
            offset = nil
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

    /// The last entry of the sparse index that does not lie behind `cursor`.
    private func sparseEntry(at cursor: Cursor) -> SparseEntry? {
        var low = 0
        var high = sparseIndex.count
        while low < high {
            let middle = (low + high) / 2
            if sparseIndex[middle].cursor <= cursor { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? sparseIndex[low - 1] : nil
    }

    private func reader(of segment: Int) throws(OpLogError) -> RecordLogReader<Disk> {
        if segment == segments.count - 1 { return active.reader }
        if let index = sealedReaders.firstIndex(where: { $0.segment == segment }) {
            let found = sealedReaders.remove(at: index)
            sealedReaders.insert(found, at: 0)
            return found.reader
        }
        let reader = try mappingLogErrors { () throws(RecordLogError) in
            try RecordLogReader(at: segments[segment].path, on: disk, purpose: Self.purpose)
        }
        sealedReaders.insert((segment, reader), at: 0)
        if sealedReaders.count > Self.sealedReadersMax { sealedReaders.removeLast() }
        return reader
    }
}
