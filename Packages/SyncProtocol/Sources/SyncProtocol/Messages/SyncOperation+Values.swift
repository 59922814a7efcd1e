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
        if let message = nameViolation ?? basisViolation ?? labelViolation {
            return (.malformed, message)
        }
        switch kind {
        case .unknown(let name):
            return (.malformed, "opType is \"\(name.prefix(32))\"; it must be upsert or delete.")
        case .delete:
            return entityCBOR == nil ? nil : (.malformed, "A delete carries no entityCbor.")
        case .upsert:
            return contentViolation(maxEntityBytes: maxEntityBytes)
        }
    }

    private var nameViolation: String? {
        if !collection.isValid { return "collection must be \(CollectionName.rule)." }
        if collection.isLocal {
            return "Collections whose name starts with _ are local to a device and not synced."
        }
        return entityID.isValid ? nil : "entityId must be \(EntityID.rule)."
    }

    private var basisViolation: String? {
        base != nil && baseOperationID != nil ? "base and baseOpId exclude each other." : nil
    }

    private var labelViolation: String? {
        if labels.count > Self.labelCountMax {
            return "There are \(labels.count) labels; at most \(Self.labelCountMax) are taken."
        }
        guard !labels.isEmpty, encodedLabelBytes > Self.labelBytesMax else { return nil }
        return "labels take \(encodedLabelBytes) bytes; at most \(Self.labelBytesMax) are taken."
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
            try CBORWellFormedness.check(entityCBOR, maxDepth: Self.entityMaxDepth)
            return nil
        } catch {
            return (.malformed, "entityCbor is not one well-formed CBOR item: \(error)")
        }
    }
}
