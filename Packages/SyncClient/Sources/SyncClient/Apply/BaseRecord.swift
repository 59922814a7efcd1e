// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// What a device knows of an entity's revision on the server: the revision that the next edit of
/// the entity is made on.
///
/// It stands beside the entity, in the local collection `_base:<collection>` under the entity's
/// id, as the CBOR array `[cursor or null, version, isDeleted, generation, logEpoch]`, with the
/// revision's content as sixth element (null for a deleted entity, false for none) while the entity
/// has edits that the server has not acknowledged. So the content is stored twice only where it
/// differs. The seventh element is the entity's old base while there is one (else null), the eighth
/// the revision's stamp, if its author gave it one.
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
    /// What the base was in a log that the device has left, until the resync with the present one
    /// is complete. The entity keeps its content until then, and its edits are made on that.
    var oldBase: OldBase?
    /// When the revision was made; `nil` if its author did not say.
    var timestamp: HybridTimestamp?

    /// A content that may be "deleted".
    struct Shadow: Sendable, Equatable {
        var content: [UInt8]?
    }

    /// A base of a log that the device has left, with what a resolver is told of the revision that
    /// the present log has.
    struct OldBase: Sendable, Equatable {
        var cursor: Cursor?
        var version: EntityVersion
        /// Who made the present log's revision, and when.
        var remoteDeviceID: DeviceID?
        var remoteTimestamp: HybridTimestamp?
        /// When the old base was made.
        var timestamp: HybridTimestamp?
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
        let count = timestamp != nil ? 8 : oldBase != nil ? 7 : shadow != nil ? 6 : 5
        writer.writeArrayHeader(count: count)
        if let cursor { writer.write(uint: cursor.rawValue) } else { writer.writeNull() }
        writer.write(uint: version.rawValue)
        writer.write(bool: isDeleted)
        writer.write(uint: generation)
        writer.write(uint: logEpoch)
        switch shadow {
        case .some(let shadow): writer.write(content: shadow.content)
        case nil where count > 5: writer.write(bool: false)
        case nil: break
        }
        if let oldBase { oldBase.encode(to: &writer) } else if count > 6 { writer.writeNull() }
        if let timestamp { writer.write(uint: timestamp.rawValue) }
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
                if try reader.peekType() == .bool {
                    try reader.skip()
                } else {
                    record.shadow = Shadow(content: try reader.readContent())
                }
            case 6:
                // Not what a later version may have put here.
                if try reader.peekType() == .array {
                    record.oldBase = try OldBase(from: &reader)
                } else {
                    try reader.skip()
                }
            case 7: record.timestamp = HybridTimestamp(try reader.readUInt())
            default: try reader.skip()
            }
        }
        self = record
    }
}

extension BaseRecord.OldBase: WireValue {
    func encode(to writer: inout CBORWriter) {
        writer.writeArrayHeader(count: 5)
        if let cursor { writer.write(uint: cursor.rawValue) } else { writer.writeNull() }
        writer.write(uint: version.rawValue)
        writer.write(text: remoteDeviceID?.rawValue ?? "")
        writer.write(uint: remoteTimestamp?.rawValue ?? 0)
        writer.write(uint: timestamp?.rawValue ?? 0)
    }

    init(from reader: inout CBORReader) throws(CBORError) {
        var old = Self(cursor: nil, version: 0)
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0:
                if try !reader.readNullIfPresent() { old.cursor = Cursor(try reader.readUInt()) }
            case 1: old.version = EntityVersion(try reader.readUInt())
            case 2:
                let name = try reader.readText()
                old.remoteDeviceID = name.isEmpty ? nil : DeviceID(name)
            case 3: old.remoteTimestamp = try reader.readTimestampOrZero()
            case 4: old.timestamp = try reader.readTimestampOrZero()
            default: try reader.skip()
            }
        }
        self = old
    }
}

extension CBORReader {
    fileprivate mutating func readTimestampOrZero() throws(CBORError) -> HybridTimestamp? {
        let stamp = try readUInt()
        return stamp == 0 ? nil : HybridTimestamp(stamp)
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
