// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

// What a device holds.
extension ReplicaChecker {
    /// Judges the entities that a device holds, apart from those that its app wrote unseen by sync.
    func checkEntities(
        _ found: ReplicaInspection, _ held: [EntityKey: [UInt8]], unseen: Set<EntityKey>,
        _ log: LogModel.Log
    ) throws {
        var queued: [EntityKey: SyncOperation] = [:]
        for operation in found.operations { queued[operation.key] = operation }
        if found.cursor > log.head {
            throw failure(
                .appliedWithCursor, "the cursor is \(found.cursor), and the log ends at \(log.head)"
            )
        }
        // Whatever the order of the dictionaries, the first entity that is wrong is told of.
        var first: (key: EntityKey, error: any Error)?
        var (baseCount, loggedCount) = (0, 0)
        func look(at key: EntityKey, _ content: [UInt8]?, _ base: ReplicaInspection.KnownRevision?)
        {
            let current = log.current[key]
            if base != nil { baseCount += 1 }
            if current != nil { loggedCount += 1 }
            guard unseen.isEmpty || !unseen.contains(key) else { return }
            do {
                let edit = queued.isEmpty ? nil : queued[key]
                let pulled = log.latestKept(of: key, upTo: found.cursor)
                try checkEntity(
                    key, base, held: content, edit, pulled: pulled, upTo: found.cursor, log)
            } catch  where first.map({ key < $0.key }) ?? true {
                first = (key, error)
            } catch {}
        }
        for (key, content) in held { look(at: key, content, found.bases[key]) }
        if baseCount < found.bases.count {
            for (key, base) in found.bases where held[key] == nil { look(at: key, nil, base) }
        }
        if loggedCount < log.current.count {
            for key in log.current.keys where held[key] == nil && found.bases[key] == nil {
                look(at: key, nil, nil)
            }
        }
        if let first { throw first.error }
    }

    private func checkEntity(
        _ key: EntityKey, _ base: ReplicaInspection.KnownRevision?, held: [UInt8]?,
        _ edit: SyncOperation?, pulled: Cursor?, upTo cursor: Cursor, _ log: LogModel.Log
    ) throws {
        if let edit, held != edit.content {
            throw failure(
                .appliedWithCursor,
                "\(key) is \(describe(held)), and its last edit is \(describe(edit.content))")
        }
        try checkBase(
            key, base, held: edit == nil ? held : nil, isEdited: edit != nil, pulled: pulled,
            upTo: cursor, log)
    }

    /// The entity's base is not behind what was pulled, and the content is the base's.
    private func checkBase(
        _ key: EntityKey, _ base: ReplicaInspection.KnownRevision?, held: [UInt8]?, isEdited: Bool,
        pulled: Cursor?, upTo cursor: Cursor, _ log: LogModel.Log
    ) throws {
        let known = base?.cursor ?? 0
        if !isEdited, held != nil, let index = log.buried[key], index < Int(cursor.rawValue),
            known.rawValue <= UInt64(index), log.current[key] == nil
        {
            throw failure(
                .appliedWithCursor,
                "\(key) is \(describe(held)) at cursor \(cursor), and was deleted at \(index + 1)")
        }
        if let pulled, known < pulled {
            throw failure(
                .appliedWithCursor,
                "revision \(pulled) of \(key) is pulled, and revision \(known) is known")
        }
        guard known > .start, known <= log.head else {
            if known > log.head {
                throw failure(
                    .appliedWithCursor, "\(key) is based on \(known), behind the log's end")
            }
            if !isEdited, held != nil, !log.mayHaveGone(key, held, after: known, cursor) {
                throw failure(
                    .appliedWithCursor, "\(key) is \(describe(held)), which nobody pulled or wrote")
            }
            return
        }
        let index = Int(known.rawValue) - 1
        guard log.operations[index].key == key else {
            throw failure(
                .appliedWithCursor,
                "\(key) is based on a revision of \(log.operations[index].key)")
        }
        let content = log.operations[index].content
        if !isEdited, held != content, !log.mayHaveGone(key, held, after: known, cursor) {
            throw failure(
                .appliedWithCursor,
                "\(key) is \(describe(held)), and revision \(known) is \(describe(content))")
        }
        if isEdited, let shadow = base?.shadow, shadow != content {
            throw failure(
                .appliedWithCursor,
                "the base of \(key) is kept as \(describe(shadow)), and "
                    + "revision \(known) is \(describe(content))")
        }
    }
}

extension LogModel.Log {
    /// The cursor of the latest revision that an entity ever had at or before `cursor`.
    func latest(of key: EntityKey, upTo cursor: Cursor) -> Cursor? {
        latest(of: key, upTo: cursor) { _ in true }
    }

    /// Likewise, of those that are still there: whoever has pulled so far has pulled that one.
    func latestKept(of key: EntityKey, upTo cursor: Cursor) -> Cursor? {
        latest(of: key, upTo: cursor) { !gone.contains($0) }
    }

    /// Whether an entity may be what a dropped operation made of it: its author heard that it was
    /// accepted and not where, and is still to pull what superseded it.
    func mayHaveGone(
        _ key: EntityKey, _ content: [UInt8]?, after known: Cursor, _ cursor: Cursor
    ) -> Bool {
        guard let newest = current[key] ?? buried[key], newest >= Int(cursor.rawValue) else {
            return false
        }
        return gone.contains { index in
            let operation = operations[index]
            return operation.key == key && operation.content == content
                && operation.cursor ?? 0 > known
        }
    }

    private func latest(
        of key: EntityKey, upTo cursor: Cursor, _ counts: (Int) -> Bool
    ) -> Cursor? {
        guard let newest = current[key] ?? buried[key] else { return nil }
        if newest < Int(cursor.rawValue), counts(newest) { return operations[newest].cursor }
        let before = operations.prefix(Int(cursor.rawValue))
        return before.indices.last { before[$0].key == key && counts($0) }
            .flatMap { operations[$0].cursor }
    }
}
