// SPDX-License-Identifier: MIT

import RecordLog

extension WALPoller {
    /// Looks whether a checkpoint has removed commits from the log that were not handed on, and
    /// prepares to read them from the segments. Returns whether there are any.
    ///
    /// `firstInLog` is the sequence of the log's first commit. The log of a checkpoint that has
    /// not emptied it yet still has commits that the manifest already counts; those are read from
    /// the log, and only what lies before its first commit from the segments.
    mutating func catchUp(firstInLog: UInt64?) throws(WALError) -> Bool {
        isBehindCheckpoint = false
        if let firstInLog, firstInLog <= lastSequence &+ 1 { return false }
        let catalog = try DatabaseCatalog.read(directory, on: disk)
        self.catalog = catalog
        let through = min(catalog.lastCheckpoint, firstInLog.map { $0 - 1 } ?? .max)
        guard through > lastSequence else { return false }
        guard options.readsSegments else {
            isBehindCheckpoint = true
            return false
        }
        try fillBacklog(through: through)
        return true
    }

    private mutating func fillBacklog(through: UInt64) throws(WALError) {
        var catalog = catalog ?? DatabaseCatalog()
        var backlog = try WALBacklog(catalog, after: lastSequence, through: through, on: disk)
        if !backlog.missing.isEmpty {
            // A checkpoint may have replaced segments since the manifest was read.
            catalog = try DatabaseCatalog.read(directory, on: disk)
            self.catalog = catalog
            backlog = try WALBacklog(catalog, after: lastSequence, through: through, on: disk)
        }
        let range = "writes with sequences from \(lastSequence + 1) to \(through)"
        for path in backlog.missing {
            onWarning("\(path) is missing; \(range) that only it holds are not followed")
        }
        if catalog.segments.isEmpty {
            onWarning("\(directory) has no segments; \(range) are not followed")
        }
        if lastSequence > 0, lastSequence < catalog.tombstoneFloor {
            onWarning(
                "\(directory) no longer tells which entities were deleted with sequences from "
                    + "\(lastSequence + 1) to \(catalog.tombstoneFloor)")
        }
        self.backlog = backlog
    }

    /// Hands on as much of the backlog as fits into one poll. `nil` means that there was nothing,
    /// or that the segments are to be looked through again, as they have been replaced.
    mutating func drainBacklog() throws(WALError) -> WALPoll? {
        guard var backlog else { return nil }
        var found: [WALTransaction] = []
        var byteCount = 0
        while !backlog.isEmpty, byteCount < Self.pollBytes {
            guard let records = try backlog.takeTransaction(on: disk) else {
                self.backlog = nil
                return found.isEmpty ? nil : WALPoll(transactions: found, hasMore: true)
            }
            if let transaction = try visible(records) { found.append(transaction) }
            byteCount += records.reduce(0) { $0 + 64 + ($1.content?.count ?? 0) }
            lastSequence = records[0].sequence
        }
        if backlog.isEmpty {
            lastSequence = backlog.through
            self.backlog = nil
        } else {
            self.backlog = backlog
        }
        return found.isEmpty && self.backlog == nil
            ? nil : WALPoll(transactions: found, hasMore: true)
    }

    private mutating func visible(_ records: [SegmentRecord]) throws(WALError) -> WALTransaction? {
        var writes: [WALWrite] = []
        for record in records where options.includesEverything || !record.isPulled {
            let path = directory + "/SEGMENTS"
            guard let name = try collection(record.collectionID, at: 0, of: path) else { continue }
            writes.append(
                WALWrite(collection: name, entityID: record.entityID, content: record.content))
        }
        guard !writes.isEmpty else { return nil }
        return WALTransaction(
            txid: 0, sequence: records[0].sequence, isPulled: records.allSatisfy(\.isPulled),
            isFromSegments: true, writes: writes)
    }
}
