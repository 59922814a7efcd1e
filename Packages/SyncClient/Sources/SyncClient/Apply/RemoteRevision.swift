// SPDX-License-Identifier: MIT

import SyncProtocol

/// A revision of an entity as the server has it, however the device came to hear of it.
struct RemoteRevision: Sendable {
    var key: EntityKey
    /// The content; `nil` for a deleted or unknown entity.
    var content: [UInt8]?
    /// The cursor; `nil` if an older server did not say.
    var cursor: Cursor?
    var version: EntityVersion
    var deviceID: DeviceID?
    var timestamp: HybridTimestamp?

    /// The revision that a pulled operation made.
    ///
    /// - Throws: `SyncError` of code `invalidAnswer` if the operation cannot be applied: the page
    ///   that holds it does not count as pulled then.
    init(_ operation: SyncOperation) throws(SyncError) {
        guard operation.collection.isValid, !operation.collection.isLocal,
            operation.entityID.isValid
        else { throw Self.unusable(operation, "no entity of a synced collection has its name") }
        switch operation.kind {
        case .upsert:
            guard let entityCBOR = operation.entityCBOR else {
                throw Self.unusable(operation, "it has no content")
            }
            content = entityCBOR
        case .delete: content = nil
        case .unknown: throw Self.unusable(operation, "its kind is newer than this version")
        }
        key = operation.key
        cursor = operation.cursor
        version = operation.entityVersion
        deviceID = operation.deviceID
        timestamp = operation.hybridTimestamp
    }

    private static func unusable(_ operation: SyncOperation, _ reason: String) -> SyncError {
        SyncError(
            .invalidAnswer,
            "The server sent operation \(operation.operationID) of \(operation.deviceID), which "
                + "cannot be applied: \(reason). Nothing of its page was; update the app, or look "
                + "at what runs on the server.")
    }

    /// The revision that the device knows an entity to have. Its author and its time are not known
    /// any more.
    init(_ base: BaseRecord, of key: EntityKey, content: [UInt8]?) {
        self.key = key
        self.content = content
        cursor = base.cursor
        version = base.version
    }

    /// The revision that a conflict reports.
    init(_ conflict: Conflict) {
        key = EntityKey(conflict.collection, conflict.entityID)
        content = conflict.serverState.isDeleted ? nil : conflict.serverState.entityCBOR
        cursor = conflict.serverState.cursor
        version = conflict.serverState.entityVersion
        deviceID = conflict.serverState.deviceID
        timestamp = conflict.serverState.hybridTimestamp
    }
}

extension SyncOperation {
    /// What the entity holds after the operation; `nil` once it is deleted.
    var content: [UInt8]? { kind == .delete ? nil : entityCBOR }
}
