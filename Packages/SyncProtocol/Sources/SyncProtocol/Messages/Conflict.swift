// SPDX-License-Identifier: MIT

public import CBOR

/// An operation that was made on another revision than the one the server has.
public struct Conflict: WireValue, Hashable {
    /// The entity's collection.
    public var collection: CollectionName
    /// The entity.
    public var entityID: EntityID
    /// The operation, as the device sent it.
    public var clientOperation: SyncOperation
    /// What the server has.
    public var serverState: ServerState

    /// Creates a conflict.
    public init(clientOperation: SyncOperation, serverState: ServerState) {
        collection = clientOperation.collection
        entityID = clientOperation.entityID
        self.clientOperation = clientOperation
        self.serverState = serverState
    }

    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 4)
        writer.field("clientOp", clientOperation)
        writer.field("entityId", entityID)
        writer.field("collection", collection)
        writer.field("serverState", serverState)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var name: CollectionName?, entity: EntityID?
        var operation: SyncOperation?, state: ServerState?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "collection": name = try reader.readName()
            case "entityId": entity = try reader.readName()
            case "clientOp": operation = try SyncOperation(from: &reader)
            case "serverState": state = try ServerState(from: &reader)
            default: try reader.skip()
            }
        }
        collection = try require(name, "collection", at: start)
        entityID = try require(entity, "entityId", at: start)
        clientOperation = try require(operation, "clientOp", at: start)
        serverState = try require(state, "serverState", at: start)
    }
}

/// The current revision of an entity on the server.
///
/// An older peer sends `entityVersion` and `entityCbor` only, with empty bytes for a deleted
/// entity; `cursor` is then `nil`.
public struct ServerState: WireValue, Hashable {
    /// The revision count; 0 for an entity that the server does not know.
    public var entityVersion: EntityVersion
    /// The content; `nil` for a deleted or unknown entity.
    public var entityCBOR: [UInt8]?
    /// Whether the entity is deleted, or unknown.
    public var isDeleted: Bool
    /// The revision's cursor; 0 for an entity that the server does not know.
    public var cursor: Cursor?
    /// The revision's author.
    public var deviceID: DeviceID?
    /// The author's hybrid clock.
    public var hybridTimestamp: HybridTimestamp?
    /// The author's wall clock in milliseconds since 1970, for people to read.
    public var lastModifiedMilliseconds: UInt64?

    /// What a server says of an entity that it does not know.
    public static let unknown = ServerState(
        entityVersion: 0, entityCBOR: nil, isDeleted: true, cursor: 0)

    /// Creates a state.
    public init(
        entityVersion: EntityVersion, entityCBOR: [UInt8]?, isDeleted: Bool, cursor: Cursor?,
        deviceID: DeviceID? = nil, hybridTimestamp: HybridTimestamp? = nil,
        lastModifiedMilliseconds: UInt64? = nil
    ) {
        self.entityVersion = entityVersion
        self.entityCBOR = entityCBOR
        self.isDeleted = isDeleted
        self.cursor = cursor
        self.deviceID = deviceID
        self.hybridTimestamp = hybridTimestamp
        self.lastModifiedMilliseconds = lastModifiedMilliseconds
    }

    public func encode(to writer: inout CBORWriter) {
        let optional = [
            hybridTimestamp != nil, cursor != nil, deviceID != nil, entityCBOR != nil,
            lastModifiedMilliseconds != nil,
        ]
        writer.writeMapHeader(count: 2 + optional.count { $0 })
        writer.field("hlc", hybridTimestamp)
        writer.field("cursor", cursor)
        writer.field("deleted", isDeleted)
        writer.field("deviceId", deviceID)
        writer.field("entityCbor", bytes: entityCBOR)
        writer.field("lastModified", lastModifiedMilliseconds)
        writer.field("entityVersion", entityVersion)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var version: EntityVersion?, deleted: Bool?
        var state = ServerState.unknown
        state.cursor = nil
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "entityVersion": version = try reader.readNumber()
            case "entityCbor":
                if try !reader.readNullIfPresent() { state.entityCBOR = try reader.readBytes() }
            case "deleted": if try !reader.readNullIfPresent() { deleted = try reader.readBool() }
            case "cursor": state.cursor = try reader.readNumberIfPresent()
            case "deviceId":
                if try !reader.readNullIfPresent() { state.deviceID = try reader.readName() }
            case "hlc": state.hybridTimestamp = try reader.readNumberIfPresent()
            case "lastModified":
                // Older peers put text or a float here; it is only for people to read.
                guard try reader.peekType() == .unsigned else { return try reader.skip() }
                state.lastModifiedMilliseconds = try reader.readWireInteger()
            default: try reader.skip()
            }
        }
        state.entityVersion = try require(version, "entityVersion", at: start)
        if state.entityCBOR == [] { state.entityCBOR = nil }
        state.isDeleted = deleted ?? (state.entityCBOR == nil)
        self = state
    }
}
