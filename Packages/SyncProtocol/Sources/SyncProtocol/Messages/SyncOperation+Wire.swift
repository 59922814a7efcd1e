// SPDX-License-Identifier: MIT

public import CBOR

extension SyncOperation: WireValue {
    public func encode(to writer: inout CBORWriter) {
        let optional = [
            hybridTimestamp != nil, base != nil, cursor != nil, !labels.isEmpty,
            baseOperationID != nil, entityCBOR != nil, transactionID != nil,
        ]
        writer.writeMapHeader(count: 8 + optional.count { $0 })
        writer.field("hlc", hybridTimestamp)
        writer.field("base", base)
        writer.field("dbId", databaseID)
        writer.field("opId", operationID)
        writer.field("cursor", cursor)
        if !labels.isEmpty {
            writer.key("labels")
            Self.encode(labels, to: &writer)
        }
        writer.field("opType", kind.wireName)
        writer.field("baseOpId", baseOperationID)
        writer.field("deviceId", deviceID)
        writer.field("entityId", entityID)
        writer.field("collection", collection)
        writer.field("entityCbor", bytes: entityCBOR)
        writer.field("timestampMs", timestampMilliseconds)
        writer.field("entityVersion", entityVersion)
        writer.field("transactionId", transactionID)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        var offsets = ShapeOffsets()
        try self.init(from: &reader, noting: &offsets)
    }

    /// Where the values stand that a request compares with its others.
    struct ShapeOffsets {
        var operationID = 0
        var databaseID = 0
        var deviceID = 0
        var transactionID = 0
    }

    /// Reads an operation and notes where some of its values stand, so that a fault which shows
    /// only beside other operations can still be pointed at.
    init(
        from reader: inout CBORReader, noting offsets: inout ShapeOffsets
    ) throws(CBORError) {
        var fields = Fields()
        let start = reader.offset
        try reader.readMap { reader, key throws(CBORError) in
            try fields.read(key, from: &reader)
        }
        offsets = fields.offsets
        self = try fields.operation(at: start)
    }

    /// The keys read so far of an operation; required ones are checked when all are in.
    private struct Fields {
        var operationID: OperationID?
        var databaseID: DatabaseID?
        var deviceID: DeviceID?
        var collection: CollectionName?
        var entityID: EntityID?
        var kind: Kind?
        var entityVersion: EntityVersion?
        var entityCBOR: [UInt8]?
        var timestampMilliseconds: UInt64?
        var hybridTimestamp: HybridTimestamp?
        var base: Cursor?
        var baseOperationID: OperationID?
        var transactionID: TransactionID?
        var labels: [LabelName: Label] = [:]
        var cursor: Cursor?
        var offsets = ShapeOffsets()

        mutating func read(_ key: CBORKey, from reader: inout CBORReader) throws(CBORError) {
            let start = reader.offset
            switch key {
            case "opId":
                offsets.operationID = start
                operationID = try reader.readNumber()
            case "dbId":
                offsets.databaseID = start
                databaseID = try reader.readName()
            case "deviceId":
                offsets.deviceID = start
                deviceID = try reader.readName()
            case "collection": collection = try reader.readName()
            case "entityId": entityID = try reader.readName()
            case "opType": kind = Kind(wireName: try reader.readText())
            case "entityVersion": entityVersion = try reader.readNumber()
            case "entityCbor":
                if try !reader.readNullIfPresent() { entityCBOR = try reader.readBytes() }
            case "timestampMs": timestampMilliseconds = try reader.readWireInteger()
            case "hlc": hybridTimestamp = try reader.readNumberIfPresent()
            case "base": base = try reader.readNumberIfPresent()
            case "baseOpId": baseOperationID = try reader.readNumberIfPresent()
            case "transactionId":
                offsets.transactionID = start
                transactionID = try reader.readNumberIfPresent()
            case "labels":
                if try !reader.readNullIfPresent() { labels = try readLabels(from: &reader) }
            case "cursor": cursor = try reader.readNumberIfPresent()
            default: try reader.skip()
            }
        }

        func operation(at offset: Int) throws(CBORError) -> SyncOperation {
            let kind = try require(kind, "opType", at: offset)
            // Older peers write a delete's missing content as empty bytes.
            let isEmptyDelete = kind == .delete && entityCBOR == []
            return SyncOperation(
                operationID: try require(operationID, "opId", at: offset),
                databaseID: try require(databaseID, "dbId", at: offset),
                deviceID: try require(deviceID, "deviceId", at: offset),
                collection: try require(collection, "collection", at: offset),
                entityID: try require(entityID, "entityId", at: offset),
                kind: kind,
                entityVersion: try require(entityVersion, "entityVersion", at: offset),
                entityCBOR: isEmptyDelete ? nil : entityCBOR,
                timestampMilliseconds: try require(
                    timestampMilliseconds, "timestampMs", at: offset),
                hybridTimestamp: hybridTimestamp, base: base, baseOperationID: baseOperationID,
                transactionID: transactionID, labels: labels, cursor: cursor)
        }
    }

    fileprivate static func encode(_ labels: [LabelName: Label], to writer: inout CBORWriter) {
        writer.writeMapHeader(count: labels.count)
        let sorted = labels.sorted { deterministicOrder($0.key.rawValue, $1.key.rawValue) }
        for (name, label) in sorted {
            writer.write(text: name.rawValue)
            switch label {
            case .text(let text): writer.write(text: text)
            case .number(let number): writer.write(uint: number)
            case .flag(let flag): writer.write(bool: flag)
            }
        }
    }

    private static func readLabels(
        from reader: inout CBORReader
    ) throws(CBORError) -> [LabelName: Label] {
        var labels: [LabelName: Label] = [:]
        try reader.readMap { reader, key throws(CBORError) in
            let name = LabelName(key.text)
            switch try reader.peekType() {
            case .text: labels[name] = .text(try reader.readText())
            case .unsigned, .negative: labels[name] = .number(try reader.readWireInteger())
            case .bool: labels[name] = .flag(try reader.readBool())
            default:
                throw reader.error(.wrongType, "A label is text, an unsigned integer or a bool.")
            }
        }
        return labels
    }

    /// How many bytes `labels` take as encoded.
    var encodedLabelBytes: Int {
        var writer = CBORWriter()
        Self.encode(labels, to: &writer)
        return writer.bytes.count
    }
}

extension SyncOperation.Kind {
    /// The kind that a peer spelled so. Older peers write `PUT` and `DELETE`.
    init(wireName: String) {
        self =
            switch wireName {
            case "upsert", "PUT": .upsert
            case "delete", "DELETE": .delete
            default: .unknown(wireName)
            }
    }

    /// How the kind is spelled on the wire.
    public var wireName: String {
        switch self {
        case .upsert: "upsert"
        case .delete: "delete"
        case .unknown(let name): name
        }
    }
}
