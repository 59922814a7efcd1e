// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a policy says of an operation in conflict with the current revision (protocol, §5.8).
enum PolicyVerdict: Equatable {
    /// The device is to decide.
    case conflict
    /// The operation is accepted, and its content stands.
    case stands
    /// The operation is accepted, and the content of this stands: content, stamps and labels are
    /// what counts of it.
    case yields(SyncOperation)
}

extension ServerPolicy {
    /// Decides between an operation and the current revision of its entity.
    ///
    /// - Parameters:
    ///   - current: The current revision; `nil` if the entity is not known.
    ///   - base: The revision on which the operation was made, if the log has it; looked at by
    ///     `merge` alone.
    func verdict(
        on operation: SyncOperation, current: SyncOperation?, base: SyncOperation?
    ) -> PolicyVerdict {
        switch self {
        case .detect, .serverWins: return .conflict
        case .clientWins: return .stands
        case .lastWriteWins:
            // What is not known has no stamp that the operation's could be compared with.
            guard let current, operation.writeStamp < current.writeStamp else { return .stands }
            return .yields(current)
        case .merge:
            guard let current, let base,
                let merge = FieldMerge(base: base, local: operation, remote: current)
            else { return .conflict }
            return merge.verdict
        }
    }
}

/// The order of writes under `lastWriteWins`, and of fields that both sides changed under `merge`.
struct WriteStamp: Comparable {
    /// The hybrid stamp, or the wall clock in its place.
    var stamp: HybridTimestamp
    /// The author, compared by bytes.
    var deviceID: DeviceID
    /// Two writes of one device with one stamp come in the order of their numbers.
    var operationID: OperationID

    static func < (lhs: WriteStamp, rhs: WriteStamp) -> Bool {
        (lhs.stamp, lhs.deviceID, lhs.operationID) < (rhs.stamp, rhs.deviceID, rhs.operationID)
    }

    /// The stamp of a write that may have no hybrid one.
    static func stamp(
        _ hybrid: HybridTimestamp?, timestampMilliseconds: UInt64
    ) -> HybridTimestamp {
        if let hybrid { return hybrid }
        let (product, isTooLarge) = timestampMilliseconds.multipliedReportingOverflow(by: 1 << 16)
        return HybridTimestamp(isTooLarge ? wireIntegerMax : min(product, wireIntegerMax))
    }
}

extension SyncOperation {
    /// Where the operation stands among other writes of its entity.
    var writeStamp: WriteStamp {
        WriteStamp(
            stamp: WriteStamp.stamp(
                hybridTimestamp, timestampMilliseconds: timestampMilliseconds),
            deviceID: deviceID, operationID: operationID)
    }

    /// The revision that the server makes to let this content stand behind `operation`, which was
    /// accepted at the cursor before.
    ///
    /// - Parameter version: The version that the log keeps of `operation`.
    func revision(
        overruling operation: SyncOperation, version: EntityVersion, at cursor: Cursor
    ) -> SyncOperation {
        SyncOperation(
            operationID: OperationID(cursor.rawValue), databaseID: operation.databaseID,
            deviceID: .server, collection: operation.collection, entityID: operation.entityID,
            kind: entityCBOR == nil ? .delete : .upsert, entityVersion: version.next,
            entityCBOR: entityCBOR, timestampMilliseconds: timestampMilliseconds,
            hybridTimestamp: hybridTimestamp, transactionID: operation.transactionID,
            labels: labels, cursor: cursor)
    }
}
