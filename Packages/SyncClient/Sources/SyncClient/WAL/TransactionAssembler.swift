// SPDX-License-Identifier: MIT

/// Puts records together to transactions. Pure.
///
/// Transactions may lie interleaved; each is held back until it commits, and forgotten if it
/// aborts or if its number is begun again. A missing BEGIN and a missing end are both normal.
struct TransactionAssembler: Sendable {
    struct Write: Sendable {
        var collectionID: UInt32
        var entityID: String
        var content: [UInt8]?
    }

    struct Transaction: Sendable {
        var txid: UInt64
        var sequence: UInt64 = 0
        var mark: WALPulledMark?
        var writes: [Write] = []
        fileprivate var heldBytes = 0
    }

    private var unfinished: [UInt64: Transaction] = [:]
    /// The memory that unfinished transactions hold, as the bytes of their records.
    private(set) var heldBytes = 0

    /// How many transactions have started and not ended.
    var unfinishedCount: Int { unfinished.count }

    /// Takes one record, and gives back the transaction that it commits, if it does.
    mutating func add(_ record: WALRecord, byteCount: Int) -> Transaction? {
        switch record {
        case .begin(let txid), .abort(let txid):
            forget(txid)
        case .put(let txid, let collectionID, let entityID, let content):
            add(
                Write(collectionID: collectionID, entityID: entityID, content: content), txid,
                byteCount)
        case .delete(let txid, let collectionID, let entityID):
            add(
                Write(collectionID: collectionID, entityID: entityID, content: nil), txid,
                byteCount)
        case .pulled(let txid, let mark):
            unfinished[txid, default: Transaction(txid: txid)].mark = mark
        case .checkpoint, .synced:
            break
        case .commit(let txid, let sequence):
            var transaction = unfinished[txid] ?? Transaction(txid: txid)
            forget(txid)
            transaction.sequence = sequence
            return transaction
        }
        return nil
    }

    /// Takes back a transaction whose commit is to be read once more.
    mutating func restore(_ transaction: Transaction) {
        heldBytes += transaction.heldBytes
        unfinished[transaction.txid] = transaction
    }

    private mutating func add(_ write: Write, _ txid: UInt64, _ byteCount: Int) {
        unfinished[txid, default: Transaction(txid: txid)].writes.append(write)
        unfinished[txid, default: Transaction(txid: txid)].heldBytes += byteCount
        heldBytes += byteCount
    }

    private mutating func forget(_ txid: UInt64) {
        guard let transaction = unfinished.removeValue(forKey: txid) else { return }
        heldBytes -= transaction.heldBytes
    }
}
