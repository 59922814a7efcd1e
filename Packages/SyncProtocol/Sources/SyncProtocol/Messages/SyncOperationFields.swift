// SPDX-License-Identifier: MIT

import CBOR

/// The fields of an operation while it is read; which of them must be there is checked when all are
/// in.
///
/// Both ways of reading name each key once: `read(from:)` in the order in which deterministic
/// senders write them, `init(from:)` in any order and any encoding.
struct SyncOperationFields {
    var operationID: OperationID?
    var databaseID: UnsafeRawBufferPointer?
    var deviceID: UnsafeRawBufferPointer?
    var collection: UnsafeRawBufferPointer?
    var entityID: UnsafeRawBufferPointer?
    var kindName: UnsafeRawBufferPointer?
    var entityVersion: EntityVersion?
    var entityCBOR: UnsafeRawBufferPointer?
    var timestamp: Milliseconds?
    var hybridTimestamp: HybridTimestamp?
    var base: Cursor?
    var baseOperationID: OperationID?
    var transactionID: TransactionID?
    var labels: Labels?
    var cursor: Cursor?
    var offsets = SyncOperation.ShapeOffsets()

    init() {}

    /// The error for the first required key that is not there.
    func missingKey(at offset: Int) -> CBORError {
        let required: [(key: String, isThere: Bool)] = [
            ("opType", kindName != nil), ("opId", operationID != nil),
            ("dbId", databaseID != nil), ("deviceId", deviceID != nil),
            ("collection", collection != nil), ("entityId", entityID != nil),
            ("entityVersion", entityVersion != nil), ("timestampMs", timestamp != nil),
        ]
        guard let missing = required.first(where: { !$0.isThere }) else {
            preconditionFailure("An operation is refused only if a key is missing.")
        }
        return .missingKey(missing.key, at: offset)
    }
}

extension SyncOperationFields {
    /// Reads the fields in the order in which deterministic senders write them.
    @inline(__always)
    mutating func read(from map: inout CBOROrderedFields) {
        map.number("hlc", &hybridTimestamp)
        map.number("base", &base)
        map.text("dbId", &databaseID, at: &offsets.databaseID)
        map.number("opId", &operationID, at: &offsets.operationID)
        map.number("cursor", &cursor)
        if map.next("labels") { labels = Labels(from: &map) }
        map.text("opType", &kindName)
        map.number("baseOpId", &baseOperationID)
        map.text("deviceId", &deviceID, at: &offsets.deviceID)
        map.text("entityId", &entityID)
        map.text("collection", &collection)
        map.bytes("entityCbor", &entityCBOR)
        map.number("timestampMs", &timestamp)
        map.number("entityVersion", &entityVersion)
        map.number("transactionId", &transactionID, at: &offsets.transactionID)
    }

    /// Reads the map that comes next, whatever the order of its keys.
    @inline(never)
    init(from reader: inout CBORReader) throws(CBORError) {
        try reader.readMap { reader, key throws(CBORError) in try read(key, from: &reader) }
    }

    private mutating func read(_ key: CBORKey, from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        switch key {
        case "opId":
            offsets.operationID = start
            operationID = try reader.readNumber()
        case "dbId":
            offsets.databaseID = start
            databaseID = try reader.readLentText()
        case "deviceId":
            offsets.deviceID = start
            deviceID = try reader.readLentText()
        case "collection": collection = try reader.readLentText()
        case "entityId": entityID = try reader.readLentText()
        case "opType": kindName = try reader.readLentText()
        case "entityVersion": entityVersion = try reader.readNumber()
        case "entityCbor":
            if try !reader.readNullIfPresent() { entityCBOR = try reader.readLentBytes() }
        case "timestampMs": timestamp = try reader.readNumber()
        case "hlc": hybridTimestamp = try reader.readNumberIfPresent()
        case "base": base = try reader.readNumberIfPresent()
        case "baseOpId": baseOperationID = try reader.readNumberIfPresent()
        case "transactionId":
            offsets.transactionID = start
            transactionID = try reader.readNumberIfPresent()
        case "labels":
            if try !reader.readNullIfPresent() { labels = try Labels(from: &reader) }
        case "cursor": cursor = try reader.readNumberIfPresent()
        default: try reader.skip()
        }
    }
}

extension SyncOperationFields {
    /// The labels, checked but not taken apart.
    struct Labels {
        var encoded: UnsafeRawBufferPointer
        var count = 0
        var encodedBytes = 0
        /// Whether the names are known to be in the order of deterministic encoding.
        var isInOrder = false

        /// Reads labels as deterministic senders write them; if others come next, the map fails.
        @inline(never)
        init?(from map: inout CBOROrderedFields) {
            var bytes = 0
            let read = map.readMap { map, name in
                bytes += headSize(argument: UInt64(name.count)) + name.count
                bytes += Self.readValue(from: &map)
            }
            guard let (encoded, count) = read else { return nil }
            self.init(encoded, count, bytes, isInOrder: true)
        }

        private init(
            _ encoded: UnsafeRawBufferPointer, _ count: Int, _ entryBytes: Int, isInOrder: Bool
        ) {
            self.encoded = encoded
            self.count = count
            encodedBytes = count == 0 ? 0 : headSize(argument: UInt64(count)) + entryBytes
            self.isInOrder = isInOrder
        }

        init(from reader: inout CBORReader) throws(CBORError) {
            let start = reader.offset
            var count = 0
            var bytes = 0
            try reader.readMap { reader, key throws(CBORError) in
                count += 1
                bytes += headSize(argument: UInt64(key.byteCount)) + key.byteCount
                bytes += try Self.readValue(from: &reader)
            }
            self.init(reader.lentInput(from: start), count, bytes, isInOrder: false)
        }

        /// The same as below, where a value that is no label's makes the map fail.
        private static func readValue(from map: inout CBOROrderedFields) -> Int {
            switch map.nextType {
            case .text:
                let text = map.readText()
                return headSize(argument: UInt64(text?.count ?? 0)) + (text?.count ?? 0)
            case .unsigned:
                let number = map.readUInt() ?? 0
                if number > wireIntegerMax { map.fail() }
                return headSize(argument: number)
            case .bool:
                _ = map.readBool()
                return 1
            default:
                map.fail()
                return 0
            }
        }

        /// Reads a label's value and returns how many bytes its deterministic encoding takes.
        private static func readValue(from reader: inout CBORReader) throws(CBORError) -> Int {
            switch try reader.peekType() {
            case .text:
                let text = try reader.readLentText()
                return headSize(argument: UInt64(text.count)) + text.count
            case .unsigned, .negative:
                return headSize(argument: try reader.readWireInteger())
            case .bool:
                _ = try reader.readBool()
                return 1
            default:
                throw reader.error(.wrongType, "A label is text, an unsigned integer or a bool.")
            }
        }
    }
}

// What reads a field if its key comes next. After a value that does not fit, no key comes next.
extension CBOROrderedFields {
    @inline(__always)
    fileprivate mutating func number<N: WireNumber>(_ key: CBORStaticKey, _ value: inout N?) {
        if next(key) { value = readNumber() }
    }

    @inline(__always)
    fileprivate mutating func number<N: WireNumber>(
        _ key: CBORStaticKey, _ value: inout N?, at offset: inout Int
    ) {
        guard next(key) else { return }
        offset = self.offset
        value = readNumber()
    }

    @inline(__always)
    fileprivate mutating func text(
        _ key: CBORStaticKey, _ value: inout UnsafeRawBufferPointer?
    ) {
        if next(key) { value = readText() }
    }

    @inline(__always)
    fileprivate mutating func text(
        _ key: CBORStaticKey, _ value: inout UnsafeRawBufferPointer?, at offset: inout Int
    ) {
        guard next(key) else { return }
        offset = self.offset
        value = readText()
    }

    @inline(__always)
    fileprivate mutating func bytes(
        _ key: CBORStaticKey, _ value: inout UnsafeRawBufferPointer?
    ) {
        if next(key) { value = readBytes() }
    }

    @inline(__always)
    private mutating func readNumber<N: WireNumber>() -> N? {
        guard let value = readUInt() else { return nil }
        if value > wireIntegerMax { fail() }
        return N(value)
    }
}

/// A time of a wall clock in milliseconds since 1970, which has no type of its own in messages.
struct Milliseconds: WireNumber {
    let rawValue: UInt64
    init(_ rawValue: UInt64) { self.rawValue = rawValue }
}
