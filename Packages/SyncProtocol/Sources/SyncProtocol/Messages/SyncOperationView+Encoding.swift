// SPDX-License-Identifier: MIT

public import CBOR

extension SyncOperationView {
    /// Writes the operation as a server keeps it: in Core Deterministic Encoding, however it came,
    /// with the position and the version that the server gives it.
    ///
    /// These are the bytes of `SyncOperation.encode(to:)` with both set. Nothing is copied but into
    /// the writer, unless labels have to be put into order.
    public borrowing func encode(
        to writer: inout CBORWriter, cursor: Cursor, entityVersion: EntityVersion
    ) {
        writer.writeMapHeader(count: 9 + optionalKeyCount)
        writer.field("hlc", hybridTimestamp)
        writer.field("base", base)
        writer.field("dbId", utf8: databaseID)
        writer.field("opId", operationID)
        writer.field("cursor", cursor)
        if labelCount > 0 {
            writer.key("labels")
            encodeLabels(to: &writer)
        }
        writer.field("opType", utf8: kindName, of: kind)
        writer.field("baseOpId", baseOperationID)
        writer.field("deviceId", utf8: deviceID)
        writer.field("entityId", utf8: entityID)
        writer.field("collection", utf8: collection)
        writer.field("entityCbor", bytes: entityCBOR)
        writer.field("timestampMs", timestampMilliseconds)
        writer.field("entityVersion", entityVersion)
        writer.field("transactionId", transactionID)
    }

    /// How many of the keys that may be missing are written, the cursor aside.
    private var optionalKeyCount: Int {
        var count = labelCount > 0 ? 1 : 0
        if hybridTimestamp != nil { count += 1 }
        if base != nil { count += 1 }
        if baseOperationID != nil { count += 1 }
        if entityCBOR != nil { count += 1 }
        if transactionID != nil { count += 1 }
        return count
    }

    private borrowing func encodeLabels(to writer: inout CBORWriter) {
        guard let allLabels, let labels else { return }
        // As long as the shortest encoding of the same is only the shortest encoding itself, or one
        // of indefinite length.
        if labels.count == labelBytes,
            allLabels.isInOrder || labels[0] != 0xBF && Self.isInOrder(labels)
        {
            writer.writeEncodedItem(labels)
        } else {
            SyncOperation.encode(SyncOperation.labels(in: labels), to: &writer)
        }
    }

    /// Whether the names of labels, which are checked, come in the order of deterministic encoding.
    private static func isInOrder(_ labels: UnsafeRawBufferPointer) -> Bool {
        var previous: String?
        var isInOrder = true
        do throws(CBORError) {
            try CBORReader.read(labels, limits: .depthOnly(1)) { reader throws(CBORError) in
                try reader.readMap { reader, key throws(CBORError) in
                    let name = key.text
                    if let previous { isInOrder = isInOrder && deterministicOrder(previous, name) }
                    previous = name
                    try reader.skip()
                }
            }
        } catch {
            preconditionFailure("A view has checked its labels: \(error)")
        }
        return isInOrder
    }
}

extension CBORWriter {
    fileprivate mutating func field(_ key: CBORStaticKey, utf8 text: UnsafeRawBufferPointer) {
        write(key: key)
        write(utf8: text)
    }

    fileprivate mutating func field(_ key: CBORStaticKey, bytes: UnsafeRawBufferPointer?) {
        guard let bytes else { return }
        write(key: key)
        write(bytes: bytes)
    }

    /// Writes a kind in this version's spelling.
    fileprivate mutating func field(
        _ key: CBORStaticKey, utf8 name: UnsafeRawBufferPointer, of kind: SyncOperationView.Kind
    ) {
        write(key: key)
        switch kind {
        case .upsert: write(text: "upsert" as StaticString)
        case .delete: write(text: "delete" as StaticString)
        case .unknown: write(utf8: name)
        }
    }
}
