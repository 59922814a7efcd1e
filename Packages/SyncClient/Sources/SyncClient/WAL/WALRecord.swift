// SPDX-License-Identifier: MIT

/// One record of a write-ahead log.
///
///     0     4  magic   45 57 41 4C  "EWAL"
///     4     2  version u16 = 1
///     6     1  type
///     7     4  length of the payload, N (u32)
///     11    N  payload
///     11+N  4  CRC-32 (IEEE) over bytes 0 ..< 11+N
///
/// Integers are little-endian; records lie back to back, and the file has no header. Payloads:
///
///     1  BEGIN        txid u64
///     2  PUT          txid u64 · collection id u32 · entity id 16 bytes · hash flag u8 ·
///                     [SHA-256 of the previous content, 32 bytes] · length u32 · content
///     3  DELETE       txid u64 · collection id u32 · entity id 16 bytes · hash flag u8 · [hash]
///     4  COMMIT       txid u64 · sequence u64
///     5  ABORT        txid u64
///     6  CHECKPOINT   sequence u64
///     16 TEXT PUT     txid u64 · collection id u32 · id length u16 · id (UTF-8) ·
///                     length u32 · content
///     17 TEXT DELETE  txid u64 · collection id u32 · id length u16 · id (UTF-8)
///     18 PULLED       txid u64 · log id 16 bytes · cursor u64 · settlement u64
///     19 SYNCED       sequence u64
///
/// 1 to 6 are EntiDB's; 16 and up are ours. An entity id that is the text of a UUID in lower case
/// with hyphens is written by types 2 and 3, any other by 16 and 17. The hash of the previous
/// content is read over and never written.
enum WALRecord: Sendable, Equatable {
    /// A transaction starts. May be missing, and may never be followed by an end.
    case begin(txid: UInt64)
    /// The entity has this content once the transaction commits.
    case put(txid: UInt64, collectionID: UInt32, entityID: String, content: [UInt8])
    /// The entity is gone once the transaction commits.
    case delete(txid: UInt64, collectionID: UInt32, entityID: String)
    /// The transaction holds. Sequences grow over the life of a database and may have gaps.
    case commit(txid: UInt64, sequence: UInt64)
    /// The transaction is forgotten.
    case abort(txid: UInt64)
    /// Everything up to `sequence` is in the segments.
    case checkpoint(sequence: UInt64)
    /// The writes of this transaction were pulled.
    case pulled(txid: UInt64, WALPulledMark)
    /// Everything before this record was synced. `sequence` is that of the last commit before it in
    /// the log, 0 if there is none. Says nothing about contents: followers read over it.
    case synced(sequence: UInt64)
}

extension WALRecord {
    /// Whether its writer never takes back what stands before the end of this record.
    var isFinal: Bool {
        switch self {
        case .commit, .synced: true
        case .begin, .put, .delete, .abort, .checkpoint, .pulled: false
        }
    }
}

/// What a transaction that applied pulled operations says about itself: its writes came from a
/// server's log, and must not be sent back to it.
public struct WALPulledMark: Sendable, Hashable {
    /// The 16 bytes of the server log's id.
    public var logID: [UInt8]
    /// The position in that log up to which operations were applied with this transaction.
    public var cursor: UInt64
    /// A number of the sync engine's own, by which it recognises its settlement after a crash.
    public var settlement: UInt64

    /// Creates a mark.
    ///
    /// - Precondition: `logID` has 16 bytes.
    public init(logID: [UInt8], cursor: UInt64, settlement: UInt64) {
        precondition(logID.count == 16, "the id of a server's log has 16 bytes")
        self.logID = logID
        self.cursor = cursor
        self.settlement = settlement
    }
}
