// SPDX-License-Identifier: MIT

import SyncProtocol

/// What the sync engine wants to keep of an entity's content before the app changes it.
///
/// When an app's transaction writes an entity of a synced collection `c`, and the internal
/// collection `_base:c` has a record under the same id, the store asks here whether that record
/// is to be rewritten, and does it in the same transaction.
enum BeforeImage {
    /// The base record with the entity's previous content in it, or `nil` if nothing is to be
    /// written, as it already holds one.
    ///
    /// - Parameter previous: The content before the transaction; `nil` if there was no entity.
    static func updated(_ baseRecord: [UInt8], previous: [UInt8]?) -> [UInt8]? {
        // A record that cannot be read is damage, which the engine reports when it meets it.
        guard var base = try? BaseRecord(decoding: baseRecord), base.shadow == nil else {
            return nil
        }
        base.shadow = BaseRecord.Shadow(content: previous)
        return base.encoded()
    }

    /// The collection of the base records of `collection`.
    static func baseCollection(of collection: String) -> String { BaseRecord.prefix + collection }
}
