// SPDX-License-Identifier: MIT

// Bugs in how a device pulls everything again after the server dropped tombstones.
extension Mutant {
    private static let resync = "SyncClient/Apply/Reconciliation+Resync.swift"
    private static let pulling = "SyncClient/Apply/Replica+Pull.swift"
    private static let page = "SyncClient/Apply/Reconciliation+Pull.swift"

    static let resyncs: [Mutant] = [
        .rewrites(
            "unseen-stays", "What a resync did not show stays.", resync,
            "if !isSeen { try dropUnseen(key, base) }",
            as: "if !isSeen, !BUG { try dropUnseen(key, base) }"),
        .rewrites(
            "unseen-edits-dropped", "A resync drops what it did not show with its edits.", resync,
            "guard !queue.hasOperations(of: key), (base.cursor ?? 0)",
            as: "guard BUG || !queue.hasOperations(of: key), (base.cursor ?? 0)"),
        .rewrites(
            "seen-not-marked", "What a resync shows and the device knows counts as not seen.",
            page, "guard state.resync != nil, var base",
            as: "guard !BUG, state.resync != nil, var base"),
        .rewrites(
            "one-generation", "What one resync showed counts as seen in the next.", resync,
            "state.generation += 1", as: "state.generation += BUG ? 0 : 1"),
        .rewrites(
            "snapshot-not-sent", "Later pages of a resync do not say where it began.", pulling,
            "snapshot: state.cursor == .start ? nil : state.snapshot",
            as: "snapshot: BUG || state.cursor == .start ? nil : state.snapshot"),
        .rewrites(
            "snapshot-moves", "Each page of a resync says anew where it began.", page,
            "if since == .start { state.snapshot",
            as: "if BUG || since == .start { state.snapshot"),
        .rewrites(
            "compacted-goes-on", "A device that is to resync pulls on from the log's end.",
            "SyncClient/Apply/Replica+Recovery.swift", "reconciliation.beginResync(.compacted)",
            as: """
                reconciliation.beginResync(.compacted)
                                if BUG {
                                    reconciliation.state.resync = nil
                                    reconciliation.state.cursor = error.details.serverCursor ?? 0
                                }
                """),
        .rewrites(
            "resync-not-kept", "A resync that the app's end broke off goes on as a plain pull.",
            "SyncClient/Apply/ReplicaState.swift",
            "let number = try reader.readUInt()\n                state.resync",
            as: "var number = try reader.readUInt()\n                if BUG { number = 0 }\n"
                + "                state.resync"),
    ]
}
