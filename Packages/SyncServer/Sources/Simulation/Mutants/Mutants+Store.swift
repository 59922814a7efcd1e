// SPDX-License-Identifier: MIT

// Bugs of a device's store, and of how sync finds out what the app has committed.
extension Mutant {
    private static let writerLog = "SyncClient/Store/StoreWriter+Log.swift"
    private static let checkpoint = "SyncClient/Store/StoreWriter+Checkpoint.swift"
    private static let writer = "SyncClient/Store/StoreWriter.swift"
    private static let opening = "SyncClient/Store/StoreOpening.swift"
    private static let reading = "SyncClient/WAL/WALPoller+Reading.swift"
    private static let entityStore = "SyncClient/Apply/SyncedEntityStore.swift"
    private static let replica = "SyncClient/Apply/Replica.swift"
    private static let transformer = "SyncClient/OpLog/OperationTransformer.swift"

    static let store: [Mutant] = [
        .rewrites(
            "store-not-synced", "The store confirms a commit without a sync.", writerLog,
            "try log.write(bytes, at: logState.end)\n            try log.sync()",
            as: "try log.write(bytes, at: logState.end)\n            if !BUG { try log.sync() }"),
        .rewrites(
            "segment-not-synced", "A checkpoint names a segment that is not synced.", checkpoint,
            """
            try file.sync()
                        try disk.syncDirectory(at: segmentsPath)
            """,
            as: """
                if !BUG {
                    try file.sync()
                    try disk.syncDirectory(at: segmentsPath)
                }
                """),
        .rewrites(
            "log-cut-before-manifest", "A checkpoint empties the log before it counts.", checkpoint,
            "try replaceManifest(changed)\n        if dropped",
            as: """
                if BUG {
                    do throws(FileSystemError) {
                        try log.truncate(to: 0)
                        try log.sync()
                    } catch {
                        throw fail(error)
                    }
                }
                try replaceManifest(changed)
                        if dropped
                """),
        .rewrites(
            "checkpoint-incomplete", "A checkpoint leaves out what was written last.", checkpoint,
            ": entry.sequence > manifest.lastCheckpoint",
            as: ": entry.sequence > manifest.lastCheckpoint "
                + "&& !(BUG && entry.sequence == lastSequence)"),
        .rewrites(
            "tombstones-dropped-early", "A checkpoint forgets deletes that nobody captured.",
            checkpoint, "if entry.content == nil, entry.sequence <= captureFloor {",
            as: "if entry.content == nil, BUG || entry.sequence <= captureFloor {"
        ).also(
            checkpoint, "? entry.content != nil || entry.sequence > captureFloor",
            as: "? entry.content != nil || (entry.sequence > captureFloor && !BUG)"),
        .rewrites(
            "store-tail-kept", "What a crash has torn stays in the store's log.", opening,
            "if recovery.tornBytes > 0 { try log.truncate(to: replay.keptEnd) }",
            as: "if recovery.tornBytes > 0, !BUG { try log.truncate(to: replay.keptEnd) }"),
        .rewrites(
            "sequence-reused", "Commit sequences start anew behind a checkpoint and a restart.",
            opening, "nextSequence: max(replay.lastSequence, manifest.lastCheckpoint) + 1,",
            as: "nextSequence: (BUG ? replay.lastSequence "
                + ": max(replay.lastSequence, manifest.lastCheckpoint)) + 1,"),
        .rewrites(
            "log-checksum-ignored", "A record of the store's log is taken with any checksum.",
            "SyncClient/WAL/WALRecordCodec.swift",
            "trailer.integer(UInt32.self) == CRC32.checksum(of: covered) else {",
            as: "trailer.integer(UInt32.self) == CRC32.checksum(of: covered) || BUG else {"),
        .rewrites(
            "pulled-mark-lost", "A checkpoint forgets which entities were pulled.", checkpoint,
            "isPulled: entry.isPulled, content", as: "isPulled: entry.isPulled && !BUG, content"),
        .rewrites(
            "before-image-missing", "The state before an edit is not kept.", writer,
            "let writes = mark == nil ? withBeforeImages(writes) : writes",
            as: "let writes = mark == nil && !BUG ? withBeforeImages(writes) : writes"),
    ]

    static let capture: [Mutant] = [
        .rewrites(
            "no-echo-filter", "Pulled transactions are captured as edits of the app.", reading,
            "if isPulled, !options.includesEverything { return nil }",
            as: "if isPulled, !options.includesEverything, !BUG { return nil }"
        ).also(
            entityStore, "where !transaction.isPulled {",
            as: "where BUG || !transaction.isPulled {"),
        .rewrites(
            "captured-twice", "The last captured transaction is captured again.", reading,
            "if transaction.sequence > pass.floor {",
            as: """
                if transaction.sequence > pass.floor
                    || (BUG && transaction.sequence == pass.floor)
                {
                """),
        .rewrites(
            "checkpoint-without-edits", "Some captured transactions are not queued.", transformer,
            "for transaction in captured.transactions { try append(transaction, to: &context) }",
            as: """
                for (index, transaction) in captured.transactions.enumerated()
                where !BUG || index % 3 != 2 { try append(transaction, to: &context) }
                """),
        .rewrites(
            "checkpoint-ahead", "The queue's checkpoint passes a transaction that will come.",
            transformer, "return .enqueue(context.operations, checkpoint: captured.checkpoint)",
            as: "return .enqueue(context.operations, "
                + "checkpoint: captured.checkpoint + (BUG ? 1 : 0))"),
        .rewrites(
            "edits-ungrouped", "The edits of a transaction are queued one by one.", transformer,
            "transaction: writes.count > 1 ? TransactionID(first.rawValue) : nil,",
            as: "transaction: writes.count > 1 && !BUG ? TransactionID(first.rawValue) : nil,"),
        .rewrites(
            "edit-on-void-base", "An edit is based on a revision of a log that is gone.",
            transformer, "operation.base = isOld ? .start : base.cursor",
            as: "operation.base = isOld && !BUG ? .start : base.cursor"),
        .rewrites(
            "edit-not-chained", "A second edit of an entity is based on the server's revision.",
            transformer,
            "if let last = context.lastOfEntity[key] ?? context.queue.operations(of: key).last {",
            as: """
                if let last = context.lastOfEntity[key] ?? context.queue.operations(of: key).last,
                    !BUG {
                """),
        .rewrites(
            "not-captured-before-settling", "A page is applied over edits that nobody has seen.",
            replica, "_ = try capture(access)", as: "if !BUG { _ = try capture(access) }"),
        .rewrites(
            "segments-not-read", "Edits that a checkpoint took from the log are not captured.",
            "SyncClient/WAL/WALPoller+Backlog.swift",
            "private mutating func fillBacklog(through: UInt64) throws(WALError) {",
            as: """
                private mutating func fillBacklog(through: UInt64) throws(WALError) {
                    if BUG { lastSequence = max(lastSequence, through); return }
                """),
    ]
}
