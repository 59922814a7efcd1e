// SPDX-License-Identifier: MIT

import SyncClient
import SyncProtocol

/// Every edit that was ever made, by its number, and what may have become of it.
///
/// An edit must be in the entity in the end, unless somebody removed it who saw it, or it lost a
/// conflict; then a conflict log or a quarantine keeps it.
final class EditLedger {
    /// Edits that a store confirmed, or may have kept.
    private(set) var made: Set<UInt64> = []
    /// Edits that were removed by somebody who saw them, or that nobody was promised.
    private(set) var excused: Set<UInt64> = []
    /// Edits that lost a conflict before a resolver.
    private(set) var lost: Set<UInt64> = []
    /// Edits that a resolver let stand, and that were in what they met: they had been pushed under
    /// another name. The edits before them go out first, and may take them out until they follow.
    private var returning: [EntityKey: Set<UInt64>] = [:]
    /// Entities of which something was put on what it met: what a resolver let stand.
    private(set) var decided: Set<EntityKey> = []
    /// What apps and resolvers wrote, by entity.
    private var written: [EntityKey: Set<[UInt8]>] = [:]
    /// Edits that a device had which was put back: they are there as long as the server has them.
    private var released: Set<UInt64> = []
    /// The edits that apps saw in entities which they deleted, once for each delete.
    private var removals: [EntityKey: [Set<UInt64>]] = [:]
    private var lastToken: UInt64 = 0

    /// A number for a new edit.
    func nextToken() -> UInt64 {
        lastToken += 1
        return lastToken
    }

    /// An app wrote an entity.
    func wrote(_ content: [UInt8], _ key: EntityKey) {
        written[key, default: []].insert(content)
        made.formUnion(EntityContent.tokens(content))
    }

    /// An app removed edits that it saw, or nobody was promised that they are kept.
    func excuse(_ tokens: some Sequence<UInt64>) { excused.formUnion(tokens) }

    /// An app deleted an entity in which it saw these edits.
    func removed(_ key: EntityKey, _ tokens: [UInt64]) {
        removals[key, default: []].append(Set(tokens))
    }

    /// Nobody was promised that the entity's deletes are kept.
    func excuseRemovals(of key: EntityKey) { removals[key] = nil }

    /// The entities of which a delete is lost: edits that it took out stand, and no content that is
    /// kept of a conflict or a refusal is without them, as the deleted entity is and whatever was
    /// made after it.
    func lostRemovals(
        _ standing: [EntityKey: [UInt8]], kept: [EntityKey: [Set<UInt64>]]
    ) -> [EntityKey] {
        removals.filter { key, deletes in
            let tokens = EntityContent.tokens(standing[key])
            return deletes.contains { removed in
                !removed.isDisjoint(with: tokens)
                    && !kept[key, default: []].contains { $0.isDisjoint(with: removed) }
            }
        }.keys.sorted()
    }

    /// A device that had these edits was put back, and the server has them.
    func release(_ tokens: some Sequence<UInt64>) { released.formUnion(tokens) }

    /// The server has lost these edits, and nobody was promised those that nobody else had.
    func lose(_ tokens: Set<UInt64>) { excused.formUnion(tokens.intersection(released)) }

    /// A resolver decided.
    func resolved(_ conflict: EntityConflict, _ resolution: ConflictResolution) {
        let local = EntityContent.tokens(conflict.local)
        let remote = EntityContent.tokens(conflict.remote)
        let standing: [UInt64]
        switch resolution {
        case .keepLocal: standing = local
        case .keepRemote: standing = remote
        case .merge(let content):
            standing = EntityContent.tokens(content)
            if let content { written[conflict.key, default: []].insert(content) }
        }
        if resolution != .keepRemote { putsBack(conflict.key) }
        if resolution == .keepLocal || resolution == .merge(conflict.local) {
            returning[conflict.key, default: []].formUnion(Set(local).intersection(remote))
        }
        lost.formUnion(Set(local).union(remote).subtracting(standing))
    }

    /// What a log has had of an entity may be put there again.
    func putsBack(_ key: EntityKey) { decided.insert(key) }

    /// A revision took the place of another that its author need not have seen: nobody was promised
    /// that what it leaves out is kept.
    func overwrittenBlindly(_ next: SyncOperation, after previous: SyncOperation?) {
        let overwritten = Set(EntityContent.tokens(previous?.content))
        excuse(overwritten.subtracting(EntityContent.tokens(next.content)))
        excuseRemovals(of: next.key)
    }

    /// A revision took the place of another where the server may decide that it does, whether its
    /// author had seen that or not.
    func decidedByServer(_ next: SyncOperation, after previous: SyncOperation?) {
        overwrittenBlindly(next, after: previous)
        guard next.deviceID == .server, let content = next.content else { return }
        written[next.key, default: []].insert(content)
    }

    /// What is wrong with a revision that takes the place of another; `nil` if nothing is.
    ///
    /// - Parameter isBlind: Its author does not say which log it means, and that log was put back.
    func fault(
        of next: SyncOperation, after previous: SyncOperation?, isBlind: Bool = false
    ) -> SimulationFailure? {
        let content = next.kind == .delete ? nil : next.entityCBOR
        if let content, written[next.key]?.contains(content) != true {
            return SimulationFailure(
                .nothingInvented,
                "\(next.deviceID) pushed \(next.key) with a content that no app "
                    + "wrote: \(EntityContent.tokens(content))")
        }
        guard let previous, previous.kind == .upsert, !isBlind else { return nil }
        let overwritten = Set(EntityContent.tokens(previous.entityCBOR))
            .subtracting(EntityContent.tokens(content)).subtracting(excused).subtracting(lost)
            .subtracting(returning[next.key] ?? [])
        return overwritten.isEmpty
            ? nil
            : SimulationFailure(
                .nothingOverwrittenUnseen,
                "operation \(next.operationID) of \(next.deviceID) on \(next.key) overwrote edits "
                    + "\(overwritten.sorted()) of operation \(previous.operationID) of "
                    + "\(previous.deviceID), which its author had not seen")
    }

    /// The edits that are neither in `standing`, nor kept, nor excused.
    func missing(from standing: Set<UInt64>, kept: Set<UInt64>) -> [UInt64] {
        made.subtracting(standing).subtracting(kept).subtracting(excused).sorted()
    }
}
