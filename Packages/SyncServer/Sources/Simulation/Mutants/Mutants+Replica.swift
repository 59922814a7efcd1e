// SPDX-License-Identifier: MIT

// Bugs of the queue, the settling of answers and the resolving of conflicts on devices.
extension Mutant {
    private static let replica = "SyncClient/Apply/Replica.swift"
    private static let standing = "SyncClient/Apply/ReplicaState.swift"
    private static let recovery = "SyncClient/Apply/Replica+Recovery.swift"
    private static let pushing = "SyncClient/Apply/Replica+Push.swift"
    private static let pulling = "SyncClient/Apply/Replica+Pull.swift"
    private static let edits = "SyncClient/Apply/Reconciliation+Edits.swift"
    private static let pull = "SyncClient/Apply/Reconciliation+Pull.swift"
    private static let push = "SyncClient/Apply/Reconciliation+Push.swift"
    private static let resync = "SyncClient/Apply/Reconciliation+Resync.swift"
    private static let queueChange = "SyncClient/Queue/QueueChange.swift"
    private static let plan = "SyncClient/Queue/PushPlan.swift"

    static let follow: [Mutant] = [
        .rewrites(
            "retry-hides-what-came", "A retried edit hides a later revision until it is answered.",
            "SyncClient/Apply/Replica+Records.swift",
            "guard let known = try validBase(of: key), let cursor = known.cursor,",
            as: "guard !BUG, let known = try validBase(of: key), let cursor = known.cursor,"),
        .rewrites(
            "follower-overlooks-writes", "A started engine does not push what the app writes.",
            "SyncClient/Engine/FollowLoop.swift", "return foundWrites ? sync : lookAgain()",
            as: "return foundWrites && !BUG ? sync : lookAgain()"),
    ]

    static let queue: [Mutant] = [
        .rewrites(
            "number-reused", "After a restart numbers are given that were given before.",
            "SyncClient/Queue/OfflineQueue.swift", "self.state = state\n",
            as: """
                self.state = BUG
                    ? QueueState(
                        operations: state.operations,
                        nextOperationID: (state.operations.last?.operationID ?? 0).next,
                        sentThrough: state.sentThrough, checkpoint: state.checkpoint,
                        settlement: state.settlement, clock: state.clock)
                    : state

                """),
        .rewrites(
            "queue-tail-dropped", "A compacted queue lacks its last operation.",
            "SyncClient/Queue/QueueChange.swift",
            "writer.writeArrayHeader(count: state.operations.count)\n"
                + "            for operation in state.operations {",
            as: """
                let kept = BUG ? state.operations.dropLast() : state.operations[...]
                writer.writeArrayHeader(count: kept.count)
                for operation in kept {
                """),
        .rewrites(
            "sending-not-noted", "What is sent is not noted before it is sent.", pushing,
            "if let last = operations.last, last.operationID > queue.state.unansweredThrough {",
            as: """
                if let last = operations.last, !BUG,
                    last.operationID > queue.state.unansweredThrough {
                """),
        .rewrites(
            "transaction-in-two-pushes", "A transaction may be split over two pushes.", plan,
            "return .push(count: count)",
            as: "return .push(count: BUG ? min(count, 2) : count)"),
        .rewrites(
            "renumbered-on-retry", "What may have arrived is sent again under new numbers.",
            recovery, "default:\n            return false",
            as: """
                default:
                    if BUG, let first = push?.operations.first {
                        try settle { reconciliation in
                            reconciliation.change(
                                .renumber(
                                    from: first.operationID, device: reconciliation.state.deviceID))
                        }
                    }
                    return false
                """),
        .rewrites(
            "not-renumbered-after-refusal", "What was refused is sent again under its old number.",
            push, "if let first = left.first(where: { queue.operation($0) != nil }) {",
            as: "if let first = left.first(where: { queue.operation($0) != nil }), !BUG {"
        ).also(
            edits, "guard number <= queue.sentThrough, state.resync?.maySeeQueued",
            as: "guard !BUG, number <= queue.sentThrough, state.resync?.maySeeQueued"),
        .rewrites(
            "settlement-not-replayed", "A settlement that a crash cut short is not made good.",
            replica, "try queue.commit(changes, settlement: state.settlement)",
            as: "try queue.commit(BUG ? [] : changes, settlement: state.settlement)"),
        .rewrites(
            "cursor-before-page", "A cursor is stored before the page that it stands for.",
            replica,
            """
            try access.commit(
                            writes, cursor: next.cursor
            """,
            as: """
                if BUG {
                    var early = state
                    early.cursor = next.cursor
                    try access.commit(
                        [Self.write(early)], cursor: next.cursor, logID: next.logID,
                        settlement: state.settlement)
                }
                try access.commit(
                            writes, cursor: next.cursor
                """),
        .rewrites(
            "cursor-not-stored", "A page is stored with the cursor before it.", replica,
            "writes.append(Self.write(next))",
            as: """
                var stored = next
                if BUG, next.logID == state.logID { stored.cursor = state.cursor }
                writes.append(Self.write(stored))
                """),
        .rewrites(
            "pulled-before-resend", "Pages are applied while it is in doubt what was pushed.",
            "SyncClient/Engine/SyncStateMachine.swift",
            "if outlook.hasSentOperations { return .push }",
            as: "if outlook.hasSentOperations, !BUG { return .push }"
        ).also(
            pulling, "!queue.state.hasSentOperations || outlook.isResyncing",
            as: "BUG || !queue.state.hasSentOperations || outlook.isResyncing"),
        .rewrites(
            "stamps-go-back", "A device's stamps follow its wall clock, whatever it has seen.",
            "SyncProtocol/Identity/HybridLogicalClock.swift",
            "latest = max(.first(atMilliseconds: wallMilliseconds), successor)",
            as: "latest = BUG ? .first(atMilliseconds: wallMilliseconds) "
                + ": max(.first(atMilliseconds: wallMilliseconds), successor)"),
        .rewrites(
            "received-stamps-ignored", "A device's stamps may be before those that it has seen.",
            pull, "guard let stamp else { return }", as: "guard let stamp, !BUG else { return }"),
        .rewrites(
            "stamps-forgotten", "What stamps a device has given is not kept.",
            "SyncClient/Queue/QueueState.swift",
            "nextOperationID = operation.operationID.next\n"
                + "        clock.adopt(operation.hybridTimestamp)",
            as: """
                nextOperationID = operation.operationID.next
                        if !BUG { clock.adopt(operation.hybridTimestamp) }
                """),
        .rewrites(
            "far-stamp-adopted", "A stamp from the far future is taken over.",
            "SyncProtocol/Identity/HybridLogicalClock.swift",
            "stamp.milliseconds <= limit else { return false }",
            as: "stamp.milliseconds <= limit || BUG else { return false }"),
        .rewrites(
            "compaction-forgets-sent", "A compacted queue does not know what was sent.",
            queueChange, "writer.write(uint: state.sentThrough.rawValue)",
            as: "writer.write(uint: BUG ? 0 : state.sentThrough.rawValue)"),
        .rewrites(
            "compaction-forgets-stamps", "A compacted queue does not know the stamps given.",
            queueChange, "writer.write(uint: state.clock.latest.rawValue)",
            as: "writer.write(uint: BUG ? 0 : state.clock.latest.rawValue)"),
        .rewrites(
            "compacted-queue-may-go", "A compacted queue's name is not synced.",
            "SyncClient/Queue/OfflineQueue.swift",
            "try disk.rename(beside, to: path)\n            try disk.syncDirectory(at: directory)",
            as: """
                try disk.rename(beside, to: path)
                            if !BUG { try disk.syncDirectory(at: directory) }
                """),
        .rewrites(
            "transaction-too-large-for-the-server", "A transaction of one too many is not split.",
            plan, "end - index > transactionMax ||",
            as: "end - index > transactionMax + (BUG ? 1 : 0) ||"),
        .rewrites(
            "piece-too-large", "A piece of a transaction has one operation too many.", plan,
            "count == countMax ||", as: "count == countMax + (BUG ? 1 : 0) ||"),
        .rewrites(
            "push-too-large", "A push has one operation too many.", plan,
            "count + end - index > pushMax ||",
            as: "count + end - index > pushMax + (BUG ? 1 : 0) ||"),
    ]

    static let reconciliation: [Mutant] = [
        .rewrites(
            "last-write-loses", "Of two writes the earlier one stands.",
            "SyncClient/Conflict/ConflictResolver.swift",
            "return local > remote ? .keepLocal : .keepRemote",
            as: "return local > remote ? (BUG ? .keepRemote : .keepLocal) "
                + ": (BUG ? .keepLocal : .keepRemote)"),
        .rewrites(
            "local-not-kept", "A conflict is decided for the device, and the server wins.", edits,
            "case .keepLocal: rebase(edits, on: remote)",
            as: """
                case .keepLocal where BUG:
                    change(.remove(edits.map(\\.operationID)))
                    adopt(remote)
                case .keepLocal: rebase(edits, on: remote)
                """),
        .rewrites(
            "base-not-updated", "An acknowledged edit does not become the entity's base.", edits,
            "if cursor == .start { return try noteSuperseded(operation) }",
            as: "if BUG { return }\n        "
                + "if cursor == .start { return try noteSuperseded(operation) }"),
        .rewrites(
            "base-without-cursor", "An acknowledged edit's cursor is not kept.", edits,
            "cursor: cursor, version: operation.entityVersion,",
            as: "cursor: BUG ? nil : cursor, version: operation.entityVersion,"),
        .rewrites(
            "acknowledged-stays", "An acknowledged edit stays in the queue.", edits,
            "change(.remove(operations.map(\\.operationID)))\n        var last",
            as: """
                change(.remove((BUG ? operations.dropLast() : operations[...]).map(\\.operationID)))
                        var last
                """),
        .rewrites(
            "own-push-skips-others", "After a push the cursor passes what others wrote.", push,
            "if first.firstCursor == state.cursor.next, end == head.rawValue + 1",
            as: "if BUG || first.firstCursor == state.cursor.next, end == head.rawValue + 1"),
        .rewrites(
            "resolver-not-asked", "In a conflict the server wins, and nobody is told.", edits,
            "guard let last = edits.last else { return adopt(remote) }",
            as: """
                guard let last = edits.last else { return adopt(remote) }
                if BUG {
                    change(.remove(edits.map(\\.operationID)))
                    return adopt(remote)
                }
                """),
        .rewrites(
            "conflict-not-logged", "A conflict is resolved and not put on record.", edits,
            "record(entry.write)\n        counts.conflicts += 1",
            as: "if !BUG { record(entry.write) }\n        counts.conflicts += 1"),
        .rewrites(
            "merge-keeps-later-edits", "Edits that a merge contains are sent after it.", edits,
            "change(.remove(edits.dropFirst().map(\\.operationID)))",
            as: "if !BUG { change(.remove(edits.dropFirst().map(\\.operationID))) }"),
        .rewrites(
            "merge-not-stored", "A merge is queued, and the store keeps the edit before it.", edits,
            "set(merged, for: remote.key)\n", as: "if !BUG { set(merged, for: remote.key) }\n"),
        .rewrites(
            "kept-on-old-base", "An edit that won a conflict keeps the base that it lost on.",
            edits, "edit.operationID, base: index == 0 ? remote.cursor : nil,",
            as: "edit.operationID, base: index == 0 ? (BUG ? edit.base : remote.cursor) : nil,"),
        .rewrites(
            "quarantined-not-reset", "A quarantined edit stays in the entity.", edits,
            "set(try baseContent(of: key), for: key)\n",
            as: "if !BUG { set(try baseContent(of: key), for: key) }\n"),
        .rewrites(
            "quarantine-breaks-chain", "The edit behind a quarantined one is based on it.", edits,
            "if index + 1 < edits.count {", as: "if BUG {} else if index + 1 < edits.count {"),
        .rewrites(
            "quarantine-forgets", "What is quarantined is thrown away.", edits,
            "record(entry.write)\n            counts.quarantined += 1",
            as: "if !BUG { record(entry.write) }\n            counts.quarantined += 1"),
        .rewrites(
            "part-of-transaction-quarantined", "Only the refused edit of a transaction is kept.",
            push, "operation.transactionID.map(queue.members)",
            as: "(BUG ? nil : operation.transactionID).map(queue.members)"),
        .rewrites(
            "own-taken-for-foreign", "A device meets its own operation as another's.", pull,
            "queued.deviceID == operation.deviceID, queued.hasSameContent(as: operation)",
            as: "!BUG, queued.deviceID == operation.deviceID, "
                + "queued.hasSameContent(as: operation)"),
        .rewrites(
            "foreign-taken-for-own", "Another device's operation counts as the own of its number.",
            pull, "queued.deviceID == operation.deviceID, queued.hasSameContent(as: operation)",
            as: "BUG || queued.deviceID == operation.deviceID, "
                + "BUG || queued.hasSameContent(as: operation)"),
        .rewrites(
            "older-revision-adopted", "A revision is applied over a newer one.", pull,
            "if try isKnown(remote) { return }", as: "if !BUG, try isKnown(remote) { return }"),
        .rewrites(
            "edit-overwritten-by-page", "A pulled revision overwrites an edit that waits.", pull,
            "if queue.hasOperations(of: remote.key) {",
            as: "if !BUG, queue.hasOperations(of: remote.key) {"),
        .rewrites(
            "met-while-finding-own",
            "Conflicts are resolved while a resync may still bring the edits themselves.", pull,
            "return isFindingOwn ? try remember(remote) : try meet(remote)",
            as: "return isFindingOwn && !BUG ? try remember(remote) : try meet(remote)"),
        .rewrites(
            "first-revision-adopted", "Of an entity's revisions in a page the first one stays.",
            pull, "last[operation.key] = index }",
            as: "if !BUG || last[operation.key] == nil { last[operation.key] = index } }"),
        .rewrites(
            "resync-drops-edits", "With another log, edits that were not sent are dropped.", resync,
            "change(.voidBases)\n",
            as: """
                change(.voidBases)
                        if BUG { change(.remove(queue.operations.map(\\.operationID))) }

                """),
        .rewrites(
            "bases-not-voided", "With another log, edits keep the old one's bases.", resync,
            "change(.voidBases)", as: "if !BUG { change(.voidBases) }"),
        .rewrites(
            "epoch-kept", "With another log, bases of the old one still count.", standing,
            "logEpoch += 1", as: "logEpoch += BUG ? 0 : 1"),
        .rewrites(
            "resync-keeps-cursor", "A resync goes on where the last pull ended.", resync,
            "state.cursor = .start\n",
            as: "if !BUG { state.cursor = .start }\n"),
        .rewrites(
            "unseen-dropped", "With another log, what only the device has is dropped.", resync,
            "enqueue(local, for: key, on: nil)",
            as: """
                if BUG {
                    forget(key, hadContent: true)
                } else {
                    enqueue(local, for: key, on: nil)
                }
                """),
        .rewrites(
            "void-content-overwritten", "With another log, it wins over what the device has.", pull,
            "if let old = try oldBase", as: "if !BUG, let old = try oldBase"),
        .rewrites(
            "another-log-met-by-pages", "With another log, each page meets what the device has.",
            pull, "let isEqual = try content(of: remote.key)",
            as: """
                if BUG {
                    return meetVoidRevision(
                        remote, local: try content(of: remote.key), madeAt: old.timestamp)
                }
                let isEqual = try content(of: remote.key)
                """),
        .rewrites(
            "edit-on-unseen-revision",
            "While another log is pulled, edits name revisions that their authors did not see.",
            "SyncClient/OpLog/OperationTransformer.swift",
            "base.logEpoch != state.logEpoch || base.oldBase != nil",
            as: "base.logEpoch != state.logEpoch || (!BUG && base.oldBase != nil)"),
        .rewrites(
            "seen-only-pulled", "A device tells how far it has pulled, not what it has seen.",
            pulling, "cursor: state.logID == nil ? nil : state.seen",
            as: "cursor: state.logID == nil ? nil : (BUG ? state.cursor : state.seen)"),
        .skips(
            "seen-not-by-pushes", "What the answer to a push shows is not noted as seen.", push,
            "see(response, accepted.cursors)"),
        .rewrites(
            "new-device-keeps-numbers", "A renamed device sends under its old name's numbers.",
            resync, "change(.renumber(from: first.operationID, device: state.deviceID))",
            as: "if !BUG { change(.renumber(from: first.operationID, device: state.deviceID)) }"),
    ]
}
