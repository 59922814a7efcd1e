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
    public let hybridTimestamp: HybridTimestamp?
    /// The cursor of the revision that the edit was made on.
    public let base: Cursor?
    /// The author's own operation that the edit was made on, instead of `base`.
    public let baseOperationID: OperationID?
    /// The group of operations that it was committed with.
    public let transactionID: TransactionID?
    /// The server's position for it; only in pulls.
    public let cursor: Cursor?
    let allLabels: SyncOperationFields.Labels?
    /// How many labels it carries.
    public var labelCount: Int { allLabels?.count ?? 0 }
    /// How many bytes the labels take in deterministic encoding; 0 for none.
    public var labelBytes: Int { allLabels?.encodedBytes ?? 0 }
    /// The labels as a CBOR map, as it was written; `nil` if the key is absent or null.
    public var labels: UnsafeRawBufferPointer? { allLabels?.encoded }

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
        var fields = SyncOperationFields()
        if !reader.readOrderedFields({ fields.read(from: &$0) }) {
            fields = try SyncOperationFields(from: &reader)
        }
        // Nothing is set before the last check: a half-made value cannot be given up.
        guard let kindName = fields.kindName, let operationID = fields.operationID,
            let databaseID = fields.databaseID, let deviceID = fields.deviceID,
            let collection = fields.collection, let entityID = fields.entityID,
            let entityVersion = fields.entityVersion, let timestamp = fields.timestamp
        else { throw fields.missingKey(at: start) }
        self.kindName = kindName
        kind = Kind(spelling: kindName)
        self.operationID = operationID
        self.databaseID = databaseID
        self.deviceID = deviceID
        self.collection = collection
        self.entityID = entityID
        self.entityVersion = entityVersion
        timestampMilliseconds = timestamp.rawValue
        // Older peers write a delete's missing content as empty bytes.
        let isEmptyDelete = kind == .delete && fields.entityCBOR?.isEmpty == true
        entityCBOR = isEmptyDelete ? nil : fields.entityCBOR
        hybridTimestamp = fields.hybridTimestamp
        base = fields.base
        baseOperationID = fields.baseOperationID
        transactionID = fields.transactionID
        cursor = fields.cursor
        allLabels = fields.labels
        offsets = fields.offsets
        encoded = reader.lentInput(from: start)
    }
}
