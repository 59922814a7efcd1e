// SPDX-License-Identifier: MIT

public import CBOR

extension SyncOperation: WireValue {
    public func encode(to writer: inout CBORWriter) {
        writer.writeMapHeader(count: 8 + optionalKeyCount)
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

    /// How many of the keys that may be missing are written.
    private var optionalKeyCount: Int {
        var count = labels.isEmpty ? 0 : 1
        if hybridTimestamp != nil { count += 1 }
        if base != nil { count += 1 }
        if cursor != nil { count += 1 }
        if baseOperationID != nil { count += 1 }
        if entityCBOR != nil { count += 1 }
        if transactionID != nil { count += 1 }
        return count
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        self.init(try SyncOperationView(from: &reader))
    }

    /// Where the values stand that a request compares with its others, so that a fault which shows
    /// only beside other operations can still be pointed at.
    struct ShapeOffsets {
        var operationID = 0
        var databaseID = 0
        var deviceID = 0
        var transactionID = 0
    }

    /// Copies a borrowed operation.
    public init(_ view: borrowing SyncOperationView) {
        self.init(
            operationID: view.operationID, databaseID: Self.name(view.databaseID),
            deviceID: Self.name(view.deviceID), collection: Self.name(view.collection),
            entityID: Self.name(view.entityID), kind: Kind(view),
            entityVersion: view.entityVersion, entityCBOR: view.entityCBOR.map { [UInt8]($0) },
            timestampMilliseconds: view.timestampMilliseconds,
            hybridTimestamp: view.hybridTimestamp, base: view.base,
            baseOperationID: view.baseOperationID, transactionID: view.transactionID,
            cursor: view.cursor, labels: view.labels.map(Self.labels(in:)) ?? [:])
    }

    private static func name<N: TextIdentifier>(_ utf8: UnsafeRawBufferPointer) -> N {
        N(String(decoding: utf8, as: UTF8.self))
    }

    static func encode(_ labels: [LabelName: Label], to writer: inout CBORWriter) {
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

    /// Takes apart labels that a view has checked.
    static func labels(in encoded: UnsafeRawBufferPointer) -> [LabelName: Label] {
        var labels: [LabelName: Label] = [:]
        do throws(CBORError) {
            try CBORReader.read(encoded, limits: .depthOnly(1)) { reader throws(CBORError) in
                try reader.readMap { reader, key throws(CBORError) in
                    let name = LabelName(key.text)
                    switch try reader.peekType() {
                    case .text: labels[name] = .text(try reader.readText())
                    case .bool: labels[name] = .flag(try reader.readBool())
                    default: labels[name] = .number(try reader.readUInt())
                    }
                }
            }
        } catch {
            preconditionFailure("A view has checked its labels: \(error)")
        }
        return labels
    }

    /// How many bytes `labels` take as encoded.
    var encodedLabelBytes: Int {
        var writer = CBORWriter()
        Self.encode(labels, to: &writer)
        return writer.byteCount
    }
}

extension SyncOperation.Kind {
    /// The kind of a borrowed operation, with its name if nobody knows it.
    init(_ view: borrowing SyncOperationView) {
        self =
            switch view.kind {
            case .upsert: .upsert
            case .delete: .delete
            case .unknown: .unknown(String(decoding: view.kindName, as: UTF8.self))
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
