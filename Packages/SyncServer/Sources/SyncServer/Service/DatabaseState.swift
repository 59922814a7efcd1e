// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// The indexes of one database, which speak of what is durable, and what is staged over them.
///
/// Apart from `Database`, and not generic like that, because all that a push is decided on is asked
/// here, several times for each operation.
final class DatabaseState {
    /// The current revision of every entity.
    private(set) var entities: EntityTable<EntityRevision>
    /// How many of them are deletes.
    private(set) var tombstoneCount: Int
    /// The devices, registered as they come.
    var devices: DeviceTable
    /// What waits for the next commit.
    var staged: StagedGroup?

    init(_ indexes: DatabaseIndexes) {
        entities = indexes.entities
        tombstoneCount = entities.entries.count { $0.value.isDeleted }
        devices = indexes.devices
    }

    /// Takes in a group that has become durable.
    func merge(_ group: StagedGroup) {
        entities.merge(group.entities) { old, new in
            tombstoneCount += (new.isDeleted ? 1 : 0) - (old?.isDeleted ?? false ? 1 : 0)
        }
        for (index, author) in group.authors.enumerated() {
            let cursor = Cursor(group.builder.firstCursor.rawValue + UInt64(index))
            devices[author.device].accepted.insert(author.operationID)
            devices[author.device].recent.append(author.operationID, at: cursor)
        }
    }

    /// Forgets the entities whose current revisions are tombstones that the log has dropped.
    func dropEntities(whoseTombstonesAreAt cursors: Set<Cursor>) {
        guard !cursors.isEmpty else { return }
        let before = entities.count
        entities.removeAll { $0.isDeleted && cursors.contains($0.cursor) }
        tombstoneCount -= before - entities.count
    }
}

/// Gives the operations of a log by their cursors.
protocol OperationSource {
    /// The bytes of an operation; `nil` if it was compacted away.
    func operation(at cursor: Cursor) throws(OpLogError) -> ArraySlice<UInt8>?
    /// Where the log lies, for messages.
    var directory: String { get }
}

extension FileOpLog: OperationSource {}

/// A database as a push sees it: the durable indexes with what is staged over them.
struct DatabasePushView: PushView {
    let database: DatabaseState
    let device: DeviceNumber
    let server: DeviceNumber?
    let nextCursor: Cursor
    let log: any OperationSource

    /// The highest number that was accepted from the device.
    var highestAccepted: OperationID {
        max(
            database.devices[device].accepted.highest,
            database.staged?.devices[device]?.accepted.highest ?? 0)
    }

    func revision(of key: EntityKeyBytes) -> EntityRevision? {
        database.staged?.entities[key] ?? database.entities[key]
    }

    func isAccepted(_ operationID: OperationID) -> Bool {
        database.devices[device].accepted.contains(operationID)
            || database.staged?.devices[device]?.accepted.contains(operationID) ?? false
    }

    func recentCursor(of operationID: OperationID) -> Cursor? {
        database.staged?.devices[device]?.recent.cursor(of: operationID)
            ?? database.devices[device].recent.cursor(of: operationID)
    }

    func withOperation<Result>(
        at cursor: Cursor, _ body: (borrowing SyncOperationView) -> Result
    ) throws(OpLogError) -> Result? {
        let bytes =
            if let staged = database.staged?.builder.operation(at: cursor) { staged } else {
                try log.operation(at: cursor)
            }
        guard let bytes else { return nil }
        do throws(CBORError) {
            return try SyncOperationView.read(bytes) { view throws(CBORError) in body(view) }
        } catch {
            throw .damaged(
                log.directory, at: nil,
                "The operation at cursor \(cursor) cannot be decoded (\(error.code.rawValue))")
        }
    }
}
