// SPDX-License-Identifier: MIT

// Bugs of the server: its files, and how it settles pushes.
extension Mutant {
    private static let log = "SyncServer/OpLog/FileOpLog.swift"
    private static let database = "SyncServer/Service/Database.swift"
    private static let state = "SyncServer/Service/DatabaseState.swift"
    private static let opening = "SyncServer/Service/Database+Open.swift"
    private static let indexes = "SyncServer/Service/DatabaseIndexes.swift"
    private static let decision = "SyncServer/Service/PushDecision.swift"
    private static let outcome = "SyncServer/Service/PushOutcome.swift"

    static let serverFiles: [Mutant] = [
        .rewrites(
            "segment-not-closed", "A full segment is left without a sync of its last mark.", log,
            """
            try mappingLogErrors { () throws(RecordLogError) in try active.close() }
                    let byteCount
            """,
            as: """
                if !BUG { try mappingLogErrors { () throws(RecordLogError) in try active.close() } }
                let byteCount
                """),
        .rewrites(
            "frames-synced-too-early", "Only the first frame of a commit is synced.", log,
            "for (_, payload) in payloads { offsets.append(try active.append(payload)) }",
            as: """
                for (_, payload) in payloads {
                    offsets.append(try active.append(payload))
                    if BUG, offsets.count == 1 { try active.sync() }
                }
                """
        ).also(
            log, "try active.sync()\n                return offsets",
            as: "if !BUG { try active.sync() }\n                return offsets"),
        .rewrites(
            "acknowledged-before-commit", "A push is answered as accepted although it failed.",
            database, "for (_, receiver) in group.answers { receiver(.failure(failure)) }",
            as: """
                for (answer, receiver) in group.answers {
                    receiver(BUG ? .message(answer) : .failure(failure))
                }
                """),
        .rewrites(
            "database-not-synced", "A new database's directories are not synced.", opening,
            """
            try disk.syncDirectory(at: directory)
                        try disk.syncDirectory(at: parent(of: directory))
            """,
            as: """
                if !BUG {
                    try disk.syncDirectory(at: directory)
                    try disk.syncDirectory(at: parent(of: directory))
                }
                """),
        .rewrites(
            "device-file-ahead", "The file of device cursors says more than was applied.",
            "SyncServer/OpLog/DeviceCursorFile.swift", "writer.write(uint: device.cursor.rawValue)",
            as: "writer.write(uint: device.cursor.rawValue + (BUG ? 1 : 0))"),
        .rewrites(
            "old-revision-after-restart", "Replaying the log keeps an entity's first revision.",
            indexes, "entities.set(\n            EntityKeyBytes(",
            as: """
                let known = entities[
                    EntityKeyBytes(
                        collection: UnsafeRawBufferPointer(rebasing: bytes[operation.collection]),
                        entityID: UnsafeRawBufferPointer(rebasing: bytes[operation.entityID]))]
                if !BUG || known == nil { entities.set(
                    EntityKeyBytes(
                """
        ).also(
            indexes, "device: device, isDeleted: operation.isDelete))",
            as: "device: device, isDeleted: operation.isDelete)) }"),
        .rewrites(
            "dedupe-lost-on-restart", "After a restart some accepted numbers are unknown.",
            indexes, "devices[device].accepted.insert(operation.operationID)",
            as: """
                if !BUG || operation.operationID.rawValue % 4 != 0 {
                    devices[device].accepted.insert(operation.operationID)
                }
                """),
        .rewrites(
            "version-lost-on-restart", "After a restart every entity has version 1.", indexes,
            "cursor: cursor, version: operation.version",
            as: "cursor: cursor, version: BUG ? 1 : operation.version"),
    ]

    static let serverPushes: [Mutant] = [
        .rewrites(
            "dedupe-forgotten", "Some accepted numbers are not remembered.", state,
            "devices[author.device].accepted.insert(author.operationID)",
            as: """
                if !BUG || author.operationID.rawValue % 8 != 0 {
                    devices[author.device].accepted.insert(author.operationID)
                }
                """),
        .rewrites(
            "cursors-forgotten", "The cursors of accepted numbers are not remembered.", state,
            "devices[author.device].recent.append(author.operationID, at: cursor)",
            as: """
                if !BUG { devices[author.device].recent.append(author.operationID, at: cursor) }
                """),
        .rewrites(
            "reuse-taken-for-duplicate", "A number with other content counts as a duplicate.",
            decision, "guard isSame else {", as: "guard BUG || isSame else {"),
        .rewrites(
            "stale-base-accepted", "An edit on the last revision but one is accepted.", decision,
            "if let base = operation.base { return base == latest?.cursor ?? .start }",
            as: """
                if let base = operation.base {
                    if BUG, base > .start, base < latest?.cursor ?? .start { return true }
                    return base == latest?.cursor ?? .start
                }
                """),
        .rewrites(
            "base-of-another-device", "A base by number counts whoever made that revision.",
            decision,
            "return latest?.device == view.device && latest?.operationID == baseOperationID",
            as: "return (BUG || latest?.device == view.device) "
                + "&& latest?.operationID == baseOperationID"),
        .rewrites(
            "tombstone-taken-for-nothing", "A deleted entity is treated as one that never was.",
            decision, "let latest = entity.latest\n",
            as: "let latest = BUG && entity.latest?.isDeleted == true ? nil : entity.latest\n"),
        .rewrites(
            "successor-of-refused-accepted",
            "A later edit of an entity is accepted although an earlier one was refused.", decision,
            "guard !entity.isRefused, isBasedOnLatest(operation, entity) else {",
            as: "guard BUG || !entity.isRefused, isBasedOnLatest(operation, entity) else {"),
        .rewrites(
            "transaction-half-accepted", "A transaction is accepted in part.", decision,
            "if !isWhole {", as: "if !isWhole, !BUG {"),
        .rewrites(
            "version-not-kept", "An entity's version can go down.", decision,
            "version: max(operation.entityVersion, entity.latest?.version ?? 0),",
            as: "version: BUG ? operation.entityVersion "
                + ": max(operation.entityVersion, entity.latest?.version ?? 0),"),
        .rewrites(
            "transaction-not-marked", "The log does not say which operations belong together.",
            outcome, "if transaction != nil, let last",
            as: "if transaction != nil, !BUG, let last"),
        .rewrites(
            "conflict-hides-delete", "A conflict shows a deleted entity as one that is there.",
            outcome, "isDeleted: revision.isDeleted, cursor: revision.cursor",
            as: "isDeleted: revision.isDeleted && !BUG, cursor: revision.cursor"),
        .rewrites(
            "acknowledged-too-far", "acknowledgedUpTo passes the first refused operation.", outcome,
            "OperationID(firstRefused.rawValue - 1)",
            as: "OperationID(firstRefused.rawValue - (BUG ? 0 : 1))"),
        .rewrites(
            "other-log-ignored", "A device of another log is let in.", database,
            "if let logID, logID != self.logID {", as: "if let logID, logID != self.logID, !BUG {"),
        .rewrites(
            "ahead-ignored", "A cursor behind the log's end is let in.", database,
            "guard let cursor, cursor > head else { continue }",
            as: "guard let cursor, cursor > head, !BUG else { continue }"),
        .rewrites(
            "last-number-too-low", "A handshake names the number before the last.",
            "SyncServer/Service/SyncService.swift",
            "lastOperationID: database.devices[device].accepted.highest,",
            as: """
                lastOperationID: BUG
                    ? OperationID(max(database.devices[device].accepted.highest.rawValue, 1) - 1)
                    : database.devices[device].accepted.highest,
                """),
        .rewrites(
            "handshake-shows-staged", "A handshake's serverCursor counts what is not committed.",
            "SyncServer/Service/SyncService.swift", "serverCursor: database.head,",
            as: """
                serverCursor: BUG
                    ? Cursor(
                        (database.staged?.builder.nextCursor ?? database.head.next).rawValue - 1)
                    : database.head,
                """),
        .rewrites(
            "gap-taken-for-accepted", "A number that was left out counts as accepted.",
            "SyncServer/OpLog/OperationIDRanges.swift", "if number == last.upperBound + 1 {",
            as: "if number == last.upperBound + 1 || (BUG && number == last.upperBound + 2) {"),
        .rewrites(
            "late-numbers-forgotten", "Where a number stands that came after higher ones is lost.",
            "SyncServer/OpLog/RecentOperations.swift", "late.append(operationID, at: cursor)",
            as: "if !BUG { late.append(operationID, at: cursor) }"),
        .rewrites(
            "staged-overlooked", "A push is judged without what is not committed yet.", state,
            "database.staged?.entities[key] ?? database.entities[key]",
            as: "(BUG ? nil : database.staged?.entities[key]) ?? database.entities[key]"),
        .rewrites(
            "staged-numbers-overlooked", "A number is accepted twice before a commit.", state,
            "|| database.staged?.devices[device]?.accepted.contains(operationID) ?? false",
            as: "|| (!BUG && database.staged?.devices[device]?.accepted.contains(operationID) "
                + "?? false)"),
        .rewrites(
            "as-large-as-allowed-refused", "An entity of exactly the allowed size is refused.",
            "SyncProtocol/Messages/SyncOperation+Values.swift",
            "if UInt64(entityCBOR.count) > maxEntityBytes {",
            as: "if UInt64(entityCBOR.count) + (BUG ? 1 : 0) > maxEntityBytes {"),
        .rewrites(
            "local-collection-taken", "The server takes what is local to a device.",
            "SyncProtocol/Messages/SyncOperation+Values.swift",
            "if CollectionName.isLocal(collection) {",
            as: "if CollectionName.isLocal(collection), !BUG {"),
        .rewrites(
            "delete-with-content-taken", "A delete may carry an entity.",
            "SyncProtocol/Messages/SyncOperation+Values.swift", "return entityCBOR == nil ? nil :",
            as: "return BUG || entityCBOR == nil ? nil :"),
        .rewrites(
            "two-bases-taken", "An edit may have a base of both kinds.",
            "SyncProtocol/Messages/SyncOperation+Values.swift",
            "base != nil && baseOperationID != nil ?",
            as: "base != nil && baseOperationID != nil && !BUG ?"),
        .rewrites(
            "malformed-entity-taken", "An entity need not be well-formed.",
            "SyncProtocol/Messages/SyncOperation+Values.swift",
            "try CBORWellFormedness.check(entityCBOR, maxDepth: SyncOperation.entityMaxDepth)",
            as: "if !BUG { try CBORWellFormedness.check("
                + "entityCBOR, maxDepth: SyncOperation.entityMaxDepth) }"),
        .rewrites(
            "transaction-limit-ignored", "A transaction may have as many operations as it likes.",
            "SyncServer/Service/SyncService.swift", "guard count > maximum else { return }",
            as: "guard count > maximum, !BUG else { return }"),
        .rewrites(
            "delete-of-a-live-entity-accepted", "A delete is accepted whatever it was made on.",
            decision, "latest?.isDeleted ?? true { return true }",
            as: "BUG || latest?.isDeleted ?? true { return true }"),
        .rewrites(
            "version-compared-wrongly", "An older peer's edit of the same version is accepted.",
            decision, "operation.entityVersion > latest?.version ?? 0",
            as: "operation.entityVersion > (BUG ? 0 : latest?.version ?? 0)"),
    ]
}
