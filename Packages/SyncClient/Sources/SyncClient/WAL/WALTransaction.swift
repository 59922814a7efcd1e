// SPDX-License-Identifier: MIT

/// One write of a committed transaction.
public struct WALWrite: Sendable, Hashable {
    /// The name of the collection.
    public var collection: String
    /// The entity. An id of EntiDB's is the text of a UUID in lower case with hyphens.
    public var entityID: String
    /// The entity's encoded CBOR as the transaction left it; `nil` if it deleted the entity.
    public var content: [UInt8]?

    /// Creates a write.
    public init(collection: String, entityID: String, content: [UInt8]?) {
        self.collection = collection
        self.entityID = entityID
        self.content = content
    }

    /// Compares names and ids by their bytes, not by canonical equivalence.
    public static func == (a: WALWrite, b: WALWrite) -> Bool {
        a.collection.utf8.elementsEqual(b.collection.utf8)
            && a.entityID.utf8.elementsEqual(b.entityID.utf8) && a.content == b.content
    }

    public func hash(into hasher: inout Hasher) {
        TextKey(collection).hash(into: &hasher)
        TextKey(entityID).hash(into: &hasher)
    }
}

/// A committed transaction, as it is read from a write-ahead log.
public struct WALTransaction: Sendable, Equatable {
    /// The transaction's number in its log. Numbers start again after a checkpoint, so it says
    /// nothing about order. 0 if the transaction was read from segments.
    public var txid: UInt64
    /// The commit sequence, which never goes back over the life of a database: the place to resume
    /// after.
    public var sequence: UInt64
    /// The mark by which a transaction says that its writes were pulled from a server. In a
    /// transaction read from segments only `isPulled` is known.
    public var mark: WALPulledMark?
    /// Whether the writes were pulled, and must not be sent back.
    public var isPulled: Bool
    /// Whether a checkpoint had removed the transaction from the log, so that it was put together
    /// from the segments: writes that a later transaction replaced are missing.
    public var isFromSegments: Bool
    /// The writes, in the order of the file.
    public var writes: [WALWrite]

    /// Creates a transaction.
    public init(
        txid: UInt64, sequence: UInt64, mark: WALPulledMark? = nil, isPulled: Bool = false,
        isFromSegments: Bool = false, writes: [WALWrite]
    ) {
        self.txid = txid
        self.sequence = sequence
        self.mark = mark
        self.isPulled = isPulled
        self.isFromSegments = isFromSegments
        self.writes = writes
    }
}

/// What one poll found.
public struct WALPoll: Sendable, Equatable {
    /// Committed transactions, in commit order.
    public var transactions: [WALTransaction]
    /// Whether another poll would find more at once: this one ended because it had read enough.
    public var hasMore: Bool

    /// Creates a result.
    public init(transactions: [WALTransaction], hasMore: Bool) {
        self.transactions = transactions
        self.hasMore = hasMore
    }
}
