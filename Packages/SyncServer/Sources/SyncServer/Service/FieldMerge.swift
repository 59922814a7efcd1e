// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// The three-way merge of two revisions of an entity, field by field at the top level.
///
/// A field that one side alone changed, added or removed since the base is taken from that side; of
/// one that both changed to different values, the side with the later stamp is taken. Values are
/// compared and not their bytes, and what comes out is in Core Deterministic Encoding.
struct FieldMerge {
    private typealias Field = (key: CBORValue, name: [UInt8], value: CBORValue)

    private let local: SyncOperation
    private let remote: SyncOperation
    /// What the merge makes of the entity.
    private let merged: [UInt8]
    private let isLocal: Bool
    private let isRemote: Bool

    /// Merges two upserts; `nil` unless all three are upserts of maps whose keys are text or
    /// integers.
    init?(base: SyncOperation, local: SyncOperation, remote: SyncOperation) {
        guard let baseFields = Self.fields(of: base), let localFields = Self.fields(of: local),
            let remoteFields = Self.fields(of: remote)
        else { return nil }
        let localIsLater = remote.writeStamp < local.writeStamp
        var fields: [Field] = []
        var (hasAllOfLocal, hasAllOfRemote) = (true, true)
        Self.forEachName(baseFields, localFields, remoteFields) { base, local, remote in
            let choice: Field?
            if local?.value == remote?.value || remote?.value == base?.value {
                choice = local
            } else if local?.value == base?.value {
                choice = remote
            } else {
                choice = localIsLater ? local : remote
            }
            hasAllOfLocal = hasAllOfLocal && choice?.value == local?.value
            hasAllOfRemote = hasAllOfRemote && choice?.value == remote?.value
            if let choice { fields.append(choice) }
        }
        var writer = CBORWriter()
        writer.writeMapHeader(count: fields.count)
        for field in fields {
            writer.writeEncodedItem(field.name)
            field.value.encode(to: &writer)
        }
        merged = writer.bytes
        isLocal = hasAllOfLocal
        isRemote = hasAllOfRemote
        self.local = local
        self.remote = remote
    }

    /// What stands. A merged content has the stamps and labels of the later side.
    var verdict: PolicyVerdict {
        if isLocal { return .stands }
        if isRemote { return .yields(remote) }
        var content = remote.writeStamp < local.writeStamp ? local : remote
        content.entityCBOR = merged
        return .yields(content)
    }

    /// The fields in the order of their encoded names; `nil` if there are none to merge.
    private static func fields(of operation: SyncOperation) -> [Field]? {
        guard operation.kind == .upsert, let content = operation.entityCBOR else { return nil }
        let value: CBORValue
        do throws(CBORError) {
            value = try CBORValue(
                decoding: content, limits: .depthOnly(SyncOperation.entityMaxDepth))
        } catch {
            return nil
        }
        guard case .map(let map) = value else { return nil }
        var fields: [Field] = []
        fields.reserveCapacity(map.count)
        for (key, value) in map {
            switch key {
            case .text, .unsigned, .negative: fields.append((key, key.encoded(), value))
            default: return nil
            }
        }
        return fields
    }

    /// Calls `body` with what each of three maps has under each name, in the order of the names.
    private static func forEachName(
        _ base: [Field], _ local: [Field], _ remote: [Field],
        _ body: (Field?, Field?, Field?) -> Void
    ) {
        var rest = [base[...], local[...], remote[...]]
        while true {
            let names = rest.compactMap { $0.first?.name }
            guard let name = names.min(by: { $0.lexicographicallyPrecedes($1) }) else { return }
            let found = rest.indices.map { index -> Field? in
                guard rest[index].first?.name == name else { return nil }
                return rest[index].removeFirst()
            }
            body(found[0], found[1], found[2])
        }
    }
}
