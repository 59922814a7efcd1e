// SPDX-License-Identifier: MIT

// Bugs in what the server drops from its log, and in what it remembers of that.
extension Mutant {
    private static let plan = "SyncServer/OpLog/CompactionPlan.swift"
    private static let writing = "SyncServer/OpLog/CompactionWriting.swift"
    private static let opening = "SyncServer/OpLog/FileOpLog+Open.swift"
    private static let steps = "SyncServer/Service/Database+Compaction.swift"
    private static let database = "SyncServer/Service/Database.swift"

    static let compaction: [Mutant] = [
        .rewrites(
            "live-operation-dropped", "What an entity is goes once it is old.", plan,
            "return revision.isDeleted && cursor <= tombstonesUpTo",
            as: "return (BUG || revision.isDeleted) && cursor <= tombstonesUpTo"),
        .rewrites(
            "superseded-too-early", "A superseded operation goes however young it is.", plan,
            "return committedAtMilliseconds <= supersededUntilMilliseconds",
            as: "return BUG || committedAtMilliseconds <= supersededUntilMilliseconds"),
        .rewrites(
            "tombstones-too-early", "A tombstone goes however young it is.", plan,
            "&& committedAtMilliseconds <= tombstonesUntilMilliseconds",
            as: "&& (BUG || committedAtMilliseconds <= tombstonesUntilMilliseconds)"),
        .rewrites(
            "nobody-waited-for", "Tombstones go that an active device has not pulled.", steps,
            "active.map(\\.cursor).min() ?? head",
            as: "BUG ? head : active.map(\\.cursor).min() ?? head"),
        .skips(
            "tombstone-before-what-it-deletes",
            "A tombstone goes before the operations that it deletes.", writing,
            "dropped.subtract(droppedTombstones.intersection(neededTombstones))\n"
                + "        droppedTombstones.subtract(neededTombstones)"),
        .rewrites(
            "earlier-segments-not-searched",
            "What a tombstone deletes is looked for beside it only.", writing,
            "if phase == .deciding, !earlier.isEmpty, !droppedTombstones.isEmpty {",
            as: "if phase == .deciding, !BUG, !earlier.isEmpty, !droppedTombstones.isEmpty {"),
        .skips(
            "oldest-cursor-not-moved", "A running server does not say that tombstones are gone.",
            writing, "log.oldestCursor = max(log.oldestCursor, oldestCursor)"),
        .rewrites(
            "oldest-cursor-rewritten", "A segment that is compacted again says less.", writing,
            "oldestCursor: max(oldestCursor, keptOldest)",
            as: "oldestCursor: BUG ? oldestCursor : max(oldestCursor, keptOldest)"),
        .skips(
            "oldest-cursor-not-read", "A restarted server does not say that tombstones are gone.",
            opening, "oldestCursor = max(oldestCursor, found.oldestCursor)"),
        .skips(
            "dropped-tombstones-known", "The index goes on with tombstones that are gone.", steps,
            "dropEntities(whoseTombstonesAreAt: tombstones)"),
        .skips(
            "numbers-dropped", "A segment that is compacted again forgets accepted numbers.",
            writing, "if phase == .deciding { take(head) }"),
        .rewrites(
            "compacted-not-refused", "A pull from before dropped tombstones is answered.", database,
            "guard cursor > .start, cursor < oldest else { return }",
            as: "guard !BUG, cursor > .start, cursor < oldest else { return }"),
        .rewrites(
            "any-snapshot-counts", "A snapshot counts that nobody knows the device by.", database,
            "device.snapshot == snapshot, device.cursor <= cursor",
            as: "BUG || (device.snapshot == snapshot && device.cursor <= cursor)"),
        .rewrites(
            "snapshots-outlive-silence", "A snapshot counts although tombstones went since.",
            steps, "try voidSnapshots(before: writing.oldestCursor)",
            as: "if !BUG { try voidSnapshots(before: writing.oldestCursor) }"),
        .skips(
            "compaction-not-synced", "A compacted segment takes its place before it is durable.",
            writing, "try file.sync()\n            try file.close()"),
        .rewrites(
            "transactions-torn-by-compaction", "A compacted segment knows of no transactions.",
            writing, "continuesTransaction: entry.continuesTransaction && hasSurvivor)",
            as: "continuesTransaction: entry.continuesTransaction && hasSurvivor && !BUG)"),
        .rewrites(
            "leftovers-opened", "What is left beside a compacted segment is read, too.", opening,
            "if segment.firstCursor <= covered {", as: "if segment.firstCursor <= covered, !BUG {"),
        .rewrites(
            "cursor-of-what-is-gone", "A number whose operation is gone has a cursor.",
            "SyncServer/Service/PushDecision.swift",
            "at: cursor, { $0.hasSameContent(as: operation) })\n        "
                + "else { return .duplicate(.start) }",
            as: "at: cursor, { $0.hasSameContent(as: operation) })\n        "
                + "else { return .duplicate(BUG ? cursor : .start) }"),
        .rewrites(
            "read-only-refuses-pulls", "A log that takes no more is not read, either.",
            "SyncServer/Service/SyncService.swift",
            "try database.check(logID: request.logID, request.sinceCursor, request.snapshot)",
            as: """
                if BUG, let failure = database.log.failure { throw ServiceFailure(failure) }
                        try database.check(
                            logID: request.logID, request.sinceCursor, request.snapshot)
                """),
    ]
}
