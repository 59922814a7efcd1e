// SPDX-License-Identifier: MIT

// Bugs in how the server decides conflicts, and in how devices keep to that.
extension Mutant {
    private static let decision = "SyncServer/Service/PushDecision+Policies.swift"
    private static let verdict = "SyncServer/Service/PolicyVerdict.swift"
    private static let staged = "SyncServer/Service/StagedGroup.swift"

    static let policies: [Mutant] = [
        .rewrites(
            "loser-stands", "What an operation is to yield to is not logged behind it.", decision,
            "case .yields(let content):",
            as: "case .yields where BUG: return .accepted(revision)\n"
                + "        case .yields(let content):"),
        .rewrites(
            "earlier-write-stands", "Of two writes the earlier one stands.", verdict,
            "guard let current, operation.writeStamp < current.writeStamp else",
            as: """
                guard let current,
                    BUG
                        ? current.writeStamp < operation.writeStamp
                        : operation.writeStamp < current.writeStamp
                else
                """),
        .rewrites(
            "device-not-compared", "Two writes with one stamp stand as they come.", verdict,
            "(lhs.stamp, lhs.deviceID, lhs.operationID) "
                + "< (rhs.stamp, rhs.deviceID, rhs.operationID)",
            as: "BUG ? lhs.stamp < rhs.stamp : (lhs.stamp, lhs.deviceID, lhs.operationID) "
                + "< (rhs.stamp, rhs.deviceID, rhs.operationID)"),
        .rewrites(
            "stamp-of-the-loser", "The server's revision has the stamp of what it overrules.",
            verdict, "hybridTimestamp: hybridTimestamp, transactionID: operation.transactionID,",
            as: "hybridTimestamp: BUG ? operation.hybridTimestamp : hybridTimestamp, "
                + "transactionID: operation.transactionID,"),
        .rewrites(
            "merge-loses-fields", "A field that the server's side changed is lost in a merge.",
            "SyncServer/Service/FieldMerge.swift", "} else if local?.value == base?.value {",
            as: "} else if local?.value == base?.value, !BUG {"),
        .rewrites(
            "merge-on-any-base", "A merge takes another entity's revision for its base.", decision,
            "base.key == operation.key", as: "BUG || base.key == operation.key"),
        .rewrites(
            "stamps-ahead-taken", "A stamp may be as far ahead as it likes.", decision,
            "return !isBeyondAll && stamp.milliseconds > limit",
            as: "return !isBeyondAll && stamp.milliseconds > limit && !BUG"),
        .rewrites(
            "policy-of-all-collections", "A collection's own policy is not looked up.",
            "SyncServer/Service/ServerPolicies.swift",
            "if byCollection.isEmpty { return standard }",
            as: "if BUG || byCollection.isEmpty { return standard }"),
        .rewrites(
            "server-revision-outside", "The server's revision is not marked as the transaction's.",
            staged, "continuesTransaction: operation.transactionID != nil",
            as: "continuesTransaction: operation.transactionID != nil && !BUG"),
        .rewrites(
            "server-revision-not-counted", "An answer's serverCursor leaves them out.",
            "SyncServer/Service/PushOutcome.swift", "UInt64(places.count) - 1)",
            as: "UInt64(BUG ? accepted.count : places.count) - 1)"),
        .rewrites(
            "server-wins-ignored", "A device asks its resolver where the server wins.",
            "SyncClient/Apply/Reconciliation+Edits.swift",
            "if name.utf8.elementsEqual(\"serverWins\".utf8) {",
            as: "if !BUG, name.utf8.elementsEqual(\"serverWins\".utf8) {"),
    ]
}
