// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What a device knows of an entity's revision on the server: the revision that the next edit of
/// the entity is made on.
///
/// It stands beside the entity, in the local collection `_base:<collection>` under the entity's
/// id, as the CBOR array `[cursor or null, version, isDeleted, generation, logEpoch]`, with the
/// revision's content as sixth element (null for a deleted entity) while the entity has edits that
/// the server has not acknowledged. So the content is stored twice only where it differs.
struct BaseRecord: Sendable, Equatable {
    /// The revision's cursor; `nil` if an older server did not say.
    var cursor: Cursor?
    /// The revision's version.
    var version: EntityVersion
    /// Whether the revision is a delete.
    var isDeleted: Bool
    /// The resync that last saw the entity on the server.
    var generation: UInt64
    /// Which of the logs that the device has seen `cursor` belongs to.
    var logEpoch: UInt64
    /// The revision's content, while the entity holds something else.
    var shadow: Shadow?

    /// A content that may be "deleted".
    struct Shadow: Sendable, Equatable {
        var content: [UInt8]?
    }

    /// The local collection that holds the base records of `collection`.
    static func collection(for collection: CollectionName) -> String {
        prefix + collection.rawValue
    }

    /// What the names of collections of base records start with.
    static let prefix = "_base:"
}

extension BaseRecord: WireValue {
    func encode(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: shadow == nil ? 5 : 6)
        if let cursor { writer.write(uint: cursor.rawValue) } else { writer.writeNull() }
        writer.write(uint: version.rawValue)
        writer.write(bool: isDeleted)
        writer.write(uint: generation)
        writer.write(uint: logEpoch)
        guard let shadow else { return }
        if let content = shadow.content { writer.write(bytes: content) } else { writer.writeNull() }
    }

    init(from reader: inout CBORReader) throws(CBORError) {
        self.init(cursor: nil, version: 0, isDeleted: false, generation: 0, logEpoch: 0)
        var record = self
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0:
                if try !reader.readNullIfPresent() { record.cursor = Cursor(try reader.readUInt()) }
            case 1: record.version = EntityVersion(try reader.readUInt())
            case 2: record.isDeleted = try reader.readBool()
            case 3: record.generation = try reader.readUInt()
            case 4: record.logEpoch = try reader.readUInt()
            case 5:
                let isNull = try reader.readNullIfPresent()
                record.shadow = Shadow(content: isNull ? nil : try reader.readBytes())
            default: try reader.skip()
            }
        }
        self = record
    }
}

extension LocalStoreAccess {
    /// What the store says of the entity's revision on the server; `nil` if nothing is known.
    func baseRecord(of key: EntityKey) throws(SyncError) -> BaseRecord? {
        let collection = BaseRecord.collection(for: key.collection)
        guard let bytes = try record(key.entityID.rawValue, in: collection) else { return nil }
        return try decoded(BaseRecord.self, from: bytes, named: "\(collection)/\(key.entityID)")
    }
}
