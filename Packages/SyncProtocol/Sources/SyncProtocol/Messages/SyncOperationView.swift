// SPDX-License-Identifier: MIT

public import CBOR

/// An operation as it lies in a message: numbers, and bytes that point into the input.
///
///     try SyncOperationView.read(bytes) { view throws(CBORError) in
///         guard view.violation(maxEntityBytes: limit) == nil else { return }
///         index(view.collection, view.entityID, view.cursor)
///     }
///
/// It is checked as `SyncOperation` is and fails with the same errors, for that one is made of it.
/// Making one copies and allocates nothing, except that strings of indefinite length are put
/// together. It cannot leave the closure; what it lends must not either.
public struct SyncOperationView: ~Copyable {
    private let fields: Fields

    /// Where the values stand that a request compares with its others.
    let offsets: SyncOperation.ShapeOffsets

    /// The whole operation as it was written, in any encoding that receivers take.
    public let encoded: UnsafeRawBufferPointer

    /// The device's number for it.
    public let operationID: OperationID
    /// The UTF-8 of `dbId`.
    public let databaseID: UnsafeRawBufferPointer
    /// The UTF-8 of `deviceId`.
    public let deviceID: UnsafeRawBufferPointer
    /// The UTF-8 of `collection`.
    public let collection: UnsafeRawBufferPointer
    /// The UTF-8 of `entityId`.
    public let entityID: UnsafeRawBufferPointer
    /// What it does; older peers' spellings are known.
    public let kind: Kind
    /// The UTF-8 of `opType`, as it was spelled.
    public let kindName: UnsafeRawBufferPointer
    /// The entity's revision count after this operation.
    public let entityVersion: EntityVersion
    /// The entity, byte for byte; `nil` if there is none.
    public let entityCBOR: UnsafeRawBufferPointer?
    /// The author's wall clock in milliseconds since 1970, for people to read.
    public let timestampMilliseconds: UInt64

    /// The author's hybrid logical clock.
    public var hybridTimestamp: HybridTimestamp? { fields.hybridTimestamp }
    /// The cursor of the revision that the edit was made on.
    public var base: Cursor? { fields.base }
    /// The author's own operation that the edit was made on, instead of `base`.
    public var baseOperationID: OperationID? { fields.baseOperationID }
    /// The group of operations that it was committed with.
    public var transactionID: TransactionID? { fields.transactionID }
    /// The server's position for it; only in pulls.
    public var cursor: Cursor? { fields.cursor }
    /// How many labels it carries.
    public var labelCount: Int { fields.labels?.count ?? 0 }
    /// How many bytes the labels take in deterministic encoding; 0 for none.
    public var labelBytes: Int { fields.labels?.encodedBytes ?? 0 }
    /// The labels as a CBOR map, as it was written; `nil` if the key is absent or null.
    public var labels: UnsafeRawBufferPointer? { fields.labels?.encoded }

    /// What an operation does, without the name of a kind that nobody knows.
    public enum Kind: Sendable, Hashable {
        case upsert, delete, unknown
    }

    /// Reads an operation and lends it to `body`.
    ///
    /// - Throws: The `CBORError` that `SyncOperation(decoding:)` throws, or what `body` throws.
    @inlinable
    public static func read<T>(
        _ bytes: [UInt8], _ body: (borrowing SyncOperationView) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try read(UnsafeRawBufferPointer(buffer), body)
        }
    }

    /// Reads a slice; offsets count from its start.
    @inlinable
    public static func read<T>(
        _ bytes: ArraySlice<UInt8>, _ body: (borrowing SyncOperationView) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try bytes.withUnsafeBufferPointer { buffer throws(CBORError) in
            try read(UnsafeRawBufferPointer(buffer), body)
        }
    }

    /// Reads memory that does not change until `read` returns.
    @inlinable
    public static func read<T>(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (borrowing SyncOperationView) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        try CBORReader.read(bytes, limits: .depthOnly(messageMaxDepth)) {
            reader throws(CBORError) in
            let view = try SyncOperationView(from: &reader)
            try reader.requireEnd()
            return try body(view)
        }
    }

    /// Reads the operation that comes next. It must not outlive the reader.
    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var fields = Fields()
        if !reader.readOrderedFields({ fields.read(from: &$0) }) {
            fields = Fields()
            try reader.readMap { reader, key throws(CBORError) in
                try fields.read(key, from: &reader)
            }
        }
        // Nothing is set before the last check: a half-made value cannot be given up.
        let kindName = try require(fields.kindName, "opType", at: start)
        let operationID = try require(fields.operationID, "opId", at: start)
        let databaseID = try require(fields.databaseID, "dbId", at: start)
        let deviceID = try require(fields.deviceID, "deviceId", at: start)
        let collection = try require(fields.collection, "collection", at: start)
        let entityID = try require(fields.entityID, "entityId", at: start)
        let version = try require(fields.entityVersion, "entityVersion", at: start)
        let timestamp = try require(fields.timestamp, "timestampMs", at: start)
        self.fields = fields
        offsets = fields.offsets
        encoded = reader.lentInput(from: start)
        self.kindName = kindName
        kind = Kind(spelling: kindName)
        self.operationID = operationID
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.collection = collection
        self.entityID = entityID
        entityVersion = version
        timestampMilliseconds = timestamp.rawValue
        // Older peers write a delete's missing content as empty bytes.
        let isEmptyDelete = kind == .delete && fields.entityCBOR?.isEmpty == true
        entityCBOR = isEmptyDelete ? nil : fields.entityCBOR
    }
}

extension SyncOperationView {
    /// The keys read so far of an operation; required ones are checked when all are in.
    private struct Fields {
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

        /// Reads the fields in the order in which deterministic senders write them.
        @inline(__always)
        mutating func read(from map: inout CBOROrderedFields) {
            map.number("hlc", &hybridTimestamp)
            map.number("base", &base)
            map.text("dbId", &databaseID, at: &offsets.databaseID)
            map.number("opId", &operationID, at: &offsets.operationID)
            map.number("cursor", &cursor)
            if map.next("labels") { return map.fail() }
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

        /// Reads the value of one key, in whatever order they come.
        mutating func read(_ key: CBORKey, from reader: inout CBORReader) throws(CBORError) {
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

    /// The labels, checked but not taken apart.
    private struct Labels {
        var encoded: UnsafeRawBufferPointer
        var count = 0
        var encodedBytes = 0

        init(from reader: inout CBORReader) throws(CBORError) {
            let start = reader.offset
            var count = 0
            var bytes = 0
            try reader.readMap { reader, key throws(CBORError) in
                count += 1
                bytes += encodedHeadSize(key.byteCount) + key.byteCount
                bytes += try Self.readValue(from: &reader)
            }
            encoded = reader.lentInput(from: start)
            self.count = count
            encodedBytes = count == 0 ? 0 : encodedHeadSize(count) + bytes
        }

        /// Reads a label's value and returns how many bytes its deterministic encoding takes.
        private static func readValue(from reader: inout CBORReader) throws(CBORError) -> Int {
            switch try reader.peekType() {
            case .text:
                let text = try reader.readLentText()
                return encodedHeadSize(text.count) + text.count
            case .unsigned, .negative:
                return encodedHeadSize(Int(truncatingIfNeeded: try reader.readWireInteger()))
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
private struct Milliseconds: WireNumber {
    let rawValue: UInt64
    init(_ rawValue: UInt64) { self.rawValue = rawValue }
}
