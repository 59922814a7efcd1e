// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// The rules for an operation's values that an operator, or a token, may tighten.
struct ValueRules: Sendable {
    /// Bytes of an entity.
    var maxEntityBytes = SyncLimits.standard.maxEntityBytes
    /// Nesting of an entity, at most `SyncOperation.entityMaxDepth`.
    var maxEntityDepth = SyncOperation.entityMaxDepth
    /// What the pushing principal may do with each collection.
    var collections = CollectionGrants.all

    /// What is wrong with an operation's values, or `nil` (protocol, §5.1).
    func violation(
        of operation: borrowing SyncOperationView
    ) -> (code: RejectionCode, message: String)? {
        if let violation = operation.violation(maxEntityBytes: maxEntityBytes) { return violation }
        if !collections.canWrite(operation.collection) {
            return (.forbidden, "The token does not permit to write to this collection.")
        }
        guard maxEntityDepth < SyncOperation.entityMaxDepth, let entity = operation.entityCBOR
        else {
            return nil
        }
        do throws(CBORError) {
            try CBORWellFormedness.check(entity, maxDepth: maxEntityDepth)
            return nil
        } catch {
            return (.malformed, "entityCbor nests deeper than \(maxEntityDepth) (maxEntityDepth).")
        }
    }
}
