// SPDX-License-Identifier: MIT

/// One intended change to one entity, made on one device.
///
/// The same value travels both ways: a device pushes it without `cursor`, a pull returns it with
/// the cursor that the server gave it. It can hold names and kinds that break their rules, because
/// a server rejects such an operation alone and must be able to say which;
/// `violation(maxEntityBytes:)` finds them.
public struct SyncOperation: Hashable, Sendable {
    /// What an operation does to its entity.
    public enum Kind: Hashable, Sendable {
        /// The entity exists afterwards, with the operation's content.
        case upsert
        /// The entity is deleted afterwards.
        case delete
        /// A kind that this version of the protocol does not know, as it was spelled.
        case unknown(String)
    }

    /// The device's number for it.
    public var operationID: OperationID
    /// The database; the same as the envelope's.
    public var databaseID: DatabaseID
    /// The device that made the change.
    public var deviceID: DeviceID
    /// The entity's collection.
    public var collection: CollectionName
    /// The entity.
    public var entityID: EntityID
    /// What it does.
    public var kind: Kind
    /// The entity's revision count after this operation.
    public var entityVersion: EntityVersion
    /// The entity, one CBOR item, byte for byte as its author encoded it; `nil` for a delete.
    public var entityCBOR: [UInt8]?
    /// The author's wall clock in milliseconds since 1970, for people to read.
    public var timestampMilliseconds: UInt64
    /// The author's hybrid logical clock.
    public var hybridTimestamp: HybridTimestamp?
    /// The cursor of the revision that the edit was made on; 0 if the author knew of none.
    public var base: Cursor?
    /// Instead of `base`: the author's own, not yet acknowledged operation that it was made on.
    public var baseOperationID: OperationID?
    /// The group of operations that it was committed with.
    public var transactionID: TransactionID?
    /// The server's position for it; only in pulls.
    public var cursor: Cursor?
    /// Facts for routing and filters, readable where the entity is encrypted; empty for none.
    public var labels: [LabelName: Label]

    /// The value of a label. Texts are equal if their bytes are.
    public enum Label: Hashable, Sendable {
        case text(String)
        case number(UInt64)
        case flag(Bool)

        public static func == (lhs: Label, rhs: Label) -> Bool {
            switch (lhs, rhs) {
            case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
            case (.number(let a), .number(let b)): a == b
            case (.flag(let a), .flag(let b)): a == b
            default: false
            }
        }

        public func hash(into hasher: inout Hasher) {
            switch self {
            case .text(let text): hasher.combine(Array(text.utf8))
            case .number(let number): hasher.combine(number)
            case .flag(let flag): hasher.combine(flag)
            }
        }
    }
}

// Outside of the type, so that it keeps the initialiser that the compiler makes, which differs in
// the order of the last two: that one puts a value together without a copy.
extension SyncOperation {
    /// Creates an operation.
    public init(
        operationID: OperationID, databaseID: DatabaseID, deviceID: DeviceID,
        collection: CollectionName, entityID: EntityID, kind: Kind, entityVersion: EntityVersion,
        entityCBOR: [UInt8]?, timestampMilliseconds: UInt64,
        hybridTimestamp: HybridTimestamp? = nil, base: Cursor? = nil,
        baseOperationID: OperationID? = nil, transactionID: TransactionID? = nil,
        labels: [LabelName: Label] = [:], cursor: Cursor? = nil
    ) {
        self.init(
            operationID: operationID, databaseID: databaseID, deviceID: deviceID,
            collection: collection, entityID: entityID, kind: kind, entityVersion: entityVersion,
            entityCBOR: entityCBOR, timestampMilliseconds: timestampMilliseconds,
            hybridTimestamp: hybridTimestamp, base: base, baseOperationID: baseOperationID,
            transactionID: transactionID, cursor: cursor, labels: labels)
    }

    /// The entity's place.
    public var key: EntityKey { EntityKey(collection, entityID) }

    /// Whether both say the same about the same entity: `collection`, `entityId`, `opType` and
    /// `entityCbor`. An operation may be sent again only with the same content.
    public func hasSameContent(as other: SyncOperation) -> Bool {
        key == other.key && kind == other.kind && entityCBOR == other.entityCBOR
    }
}
