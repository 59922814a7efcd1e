// SPDX-License-Identifier: MIT

import CBOR

extension SyncOperation {
    /// How deep an entity may nest (protocol, §10).
    public static let entityMaxDepth = 64
    /// How many labels an operation may carry (protocol, §3).
    public static let labelCountMax = 16
    /// How many bytes the labels may take as encoded (protocol, §3).
    public static let labelBytesMax = 1_024

    /// What is wrong with the operation's values, or `nil`: the rules of the protocol, §5.1, under
    /// which a server rejects an operation alone. O(n) in the entity's bytes.
    public func violation(maxEntityBytes: UInt64) -> (code: RejectionCode, message: String)? {
        var collection = collection.rawValue
        var entityID = entityID.rawValue
        var kindName = kind.wireName
        return collection.withUTF8 { collection in
            entityID.withUTF8 { entityID in
                kindName.withUTF8 { kindName in
                    withEntity { entity in
                        OperationValues(
                            collection: UnsafeRawBufferPointer(collection),
                            entityID: UnsafeRawBufferPointer(entityID),
                            kind: SyncOperationView.Kind(kind),
                            kindName: UnsafeRawBufferPointer(kindName), entityCBOR: entity,
                            base: base, baseOperationID: baseOperationID,
                            labelCount: labels.count,
                            labelBytes: labels.isEmpty ? 0 : encodedLabelBytes
                        ).violation(maxEntityBytes: maxEntityBytes)
                    }
                }
            }
        }
    }

    private func withEntity<T>(_ body: (UnsafeRawBufferPointer?) -> T) -> T {
        guard let entityCBOR else { return body(nil) }
        return entityCBOR.withUnsafeBytes { body($0) }
    }
}

extension SyncOperationView {
    /// What is wrong with the operation's values, or `nil`: the same as
    /// `SyncOperation.violation(maxEntityBytes:)`. O(n) in the entity's bytes.
    public borrowing func violation(
        maxEntityBytes: UInt64
    ) -> (code: RejectionCode, message: String)? {
        OperationValues(
            collection: collection, entityID: entityID, kind: kind, kindName: kindName,
            entityCBOR: entityCBOR, base: base, baseOperationID: baseOperationID,
            labelCount: labelCount, labelBytes: labelBytes
        ).violation(maxEntityBytes: maxEntityBytes)
    }

    /// Whether both say the same about the same entity: see `SyncOperation.hasSameContent(as:)`.
    public borrowing func hasSameContent(as other: SyncOperation) -> Bool {
        guard collection.elementsEqual(other.collection.rawValue.utf8),
            entityID.elementsEqual(other.entityID.rawValue.utf8), kind == Kind(other.kind),
            kind != .unknown || kindName.elementsEqual(other.kind.wireName.utf8)
        else { return false }
        guard let entityCBOR, let entity = other.entityCBOR else {
            return entityCBOR == nil && other.entityCBOR == nil
        }
        return entity.withUnsafeBytes { entityCBOR.hasSameBytes(as: $0) }
    }

    /// Whether both say the same about the same entity: see `SyncOperation.hasSameContent(as:)`.
    public borrowing func hasSameContent(as other: borrowing SyncOperationView) -> Bool {
        guard collection.hasSameBytes(as: other.collection),
            entityID.hasSameBytes(as: other.entityID), kind == other.kind,
            kind != .unknown || kindName.hasSameBytes(as: other.kindName)
        else { return false }
        guard let entityCBOR, let entity = other.entityCBOR else {
            return entityCBOR == nil && other.entityCBOR == nil
        }
        return entityCBOR.hasSameBytes(as: entity)
    }
}

extension SyncOperationView.Kind {
    /// The kind that a peer spelled so. Older peers write `PUT` and `DELETE`.
    init(spelling: UnsafeRawBufferPointer) {
        if spelling.spells("upsert") || spelling.spells("PUT") {
            self = .upsert
        } else {
            self = spelling.spells("delete") || spelling.spells("DELETE") ? .delete : .unknown
        }
    }

    init(_ kind: SyncOperation.Kind) {
        self =
            switch kind {
            case .upsert: .upsert
            case .delete: .delete
            case .unknown: .unknown
            }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func spells(_ name: StaticString) -> Bool {
        name.withUTF8Buffer { hasSameBytes(as: UnsafeRawBufferPointer($0)) }
    }

    fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let lhs = baseAddress, let rhs = other.baseAddress else {
            return isEmpty && other.isEmpty
        }
        return areEqual(lhs, rhs, count: count)
    }
}

/// The values of an operation that have rules, wherever they lie.
private struct OperationValues {
    var collection: UnsafeRawBufferPointer
    var entityID: UnsafeRawBufferPointer
    var kind: SyncOperationView.Kind
    var kindName: UnsafeRawBufferPointer
    var entityCBOR: UnsafeRawBufferPointer?
    var base: Cursor?
    var baseOperationID: OperationID?
    var labelCount: Int
    var labelBytes: Int

    func violation(maxEntityBytes: UInt64) -> (code: RejectionCode, message: String)? {
        if let message = nameViolation ?? basisViolation ?? labelViolation {
            return (.malformed, message)
        }
        switch kind {
        case .unknown:
            let name = String(decoding: kindName, as: UTF8.self)
            return (.malformed, "opType is \"\(name.prefix(32))\"; it must be upsert or delete.")
        case .delete:
            return entityCBOR == nil ? nil : (.malformed, "A delete carries no entityCbor.")
        case .upsert:
            return contentViolation(maxEntityBytes: maxEntityBytes)
        }
    }

    private var nameViolation: String? {
        guard CollectionName.byteCounts.contains(collection.count) else {
            return "collection must be \(CollectionName.rule)."
        }
        if CollectionName.isLocal(collection) {
            return "Collections whose name starts with _ are local to a device and not synced."
        }
        return EntityID.byteCounts.contains(entityID.count)
            ? nil : "entityId must be \(EntityID.rule)."
    }

    private var basisViolation: String? {
        base != nil && baseOperationID != nil ? "base and baseOpId exclude each other." : nil
    }

    private var labelViolation: String? {
        if labelCount > SyncOperation.labelCountMax {
            return
                "There are \(labelCount) labels; at most \(SyncOperation.labelCountMax) are taken."
        }
        guard labelBytes > SyncOperation.labelBytesMax else { return nil }
        return "labels take \(labelBytes) bytes; at most \(SyncOperation.labelBytesMax) are taken."
    }

    private func contentViolation(
        maxEntityBytes: UInt64
    ) -> (code: RejectionCode, message: String)? {
        guard let entityCBOR else { return (.malformed, "An upsert needs entityCbor.") }
        if UInt64(entityCBOR.count) > maxEntityBytes {
            return (
                .tooLarge,
                "entityCbor has \(entityCBOR.count) bytes; maxEntityBytes is \(maxEntityBytes)."
            )
        }
        do throws(CBORError) {
            try CBORWellFormedness.check(entityCBOR, maxDepth: SyncOperation.entityMaxDepth)
            return nil
        } catch {
            return (.malformed, "entityCbor is not one well-formed CBOR item: \(error)")
        }
    }
}
