// SPDX-License-Identifier: MIT

import RecordLog

/// Reads the log into an index, beyond what the segments have.
///
/// The law of this file: *what was acknowledged is there or the open stops.* A transaction is one
/// write, synced before the next begins, so only the last one can have been cut short by a power
/// failure, and it can have holes: a disk need not write a file's pages in order. Once it is
/// synced, a SYNCED mark is written behind it, and again as the beginning of the next write. So a
/// bad record had been synced, and is damage, if behind it there is
///
/// * a mark for a commit beyond the last one before the bad record; or
/// * anything behind a commit, as that belongs to a later write; or
/// * the beginning of a transaction, unless the bad record is where a mark belongs: then both may
///   be of the one write that was cut short.
///
/// If not, nobody was told of it, and the log ends before it.
struct LogReplay {
    private let catalog: DatabaseCatalog
    private let path: String
    private var assembler = TransactionAssembler()
    /// Where the next write goes: behind the last commit, where its mark may stand.
    private(set) var end: UInt64 = 0
    /// Whether a mark stands at `end`.
    private(set) var endsWithMark = false
    /// Everything before this offset is known to be synced: where the last mark stands.
    private(set) var syncedEnd: UInt64 = 0
    /// Whether the last record is a commit, so that a mark may begin behind it.
    private var isBehindCommit = false
    private(set) var lastTxid: UInt64 = 0
    private(set) var lastSequence: UInt64 = 0
    private(set) var transactionCount = 0

    init(_ catalog: DatabaseCatalog = DatabaseCatalog(), path: String = "") {
        self.catalog = catalog
        self.path = path
    }

    /// Applies the committed transactions and returns how many bytes follow the last one, and its
    /// mark: a torn tail.
    mutating func run<File: RandomAccessFile>(
        _ log: File, into index: inout EntityIndex
    ) throws(WALError) -> UInt64 {
        var scanner = WALScanner(log)
        while true {
            let step = try surfacing { () throws(FileSystemError) in try scanner.next() }
            switch step {
            case .record(let record, let offset, let byteCount):
                try take(record, at: offset, byteCount, into: &index)
            case .end, .unfinished:
                return try tornBytes(log)
            case .damage(let offset, let reason, let searchFrom):
                guard let searchFrom, try !isSynced(log, behind: searchFrom) else {
                    throw damaged(at: offset, "\(reason), and the log goes on behind it")
                }
                return try tornBytes(log)
            }
        }
    }

    /// Where the last commit ends, its mark included.
    var keptEnd: UInt64 { end + (endsWithMark ? UInt64(StoreLog.markBytes) : 0) }

    private mutating func take(
        _ record: WALRecord, at offset: UInt64, _ byteCount: Int, into index: inout EntityIndex
    ) throws(WALError) {
        if case .synced(let sequence) = record {
            guard sequence == lastSequence else {
                throw damaged(
                    at: offset,
                    "commit \(sequence) was synced here, but the last one before it "
                        + "is \(lastSequence)")
            }
            (end, syncedEnd, endsWithMark) = (offset, offset, true)
            isBehindCommit = false
            return
        }
        lastTxid = max(lastTxid, record.txid ?? 0)
        let transaction = assembler.add(record, byteCount: byteCount)
        isBehindCommit = transaction != nil
        guard let transaction else { return }
        (end, endsWithMark) = (offset + UInt64(byteCount), false)
        try apply(transaction, at: offset, to: &index)
    }

    private func tornBytes<File: RandomAccessFile>(_ log: File) throws(WALError) -> UInt64 {
        try surfacing { () throws(FileSystemError) in try log.size() - keptEnd }
    }

    /// Whether what follows proves that everything before `offset` had been synced.
    private func isSynced<File: RandomAccessFile>(
        _ log: File, behind offset: UInt64
    ) throws(WALError) -> Bool {
        try surfacing { () throws(FileSystemError) in
            var search = WALRecordSearch(log, from: offset)
            var mayBegin = isBehindCommit
            var hasCommit = false
            while let record = try search.next() {
                if hasCommit { return true }
                switch record {
                case .synced(let sequence) where sequence > lastSequence: return true
                case .begin:
                    guard mayBegin else { return true }
                    mayBegin = false
                case .commit: hasCommit = true
                default: break
                }
            }
            return false
        }
    }

    private mutating func apply(
        _ transaction: TransactionAssembler.Transaction, at offset: UInt64,
        to index: inout EntityIndex
    ) throws(WALError) {
        guard transaction.sequence > lastSequence else {
            throw damaged(at: offset, "the commit sequence goes back")
        }
        lastSequence = transaction.sequence
        // A checkpoint that was interrupted leaves commits that the segments have.
        guard transaction.sequence > catalog.lastCheckpoint else { return }
        var writes: [WALWrite] = []
        for write in transaction.writes {
            guard let name = catalog.names[write.collectionID] else {
                throw damaged(
                    at: offset, "collection \(write.collectionID) is not in the manifest")
            }
            writes.append(
                WALWrite(collection: name, entityID: write.entityID, content: write.content))
        }
        index.apply(writes, sequence: transaction.sequence, isPulled: transaction.mark != nil)
        transactionCount += 1
    }

    private func damaged(at offset: UInt64, _ reason: String) -> WALError {
        WALError(
            .damaged, path: path, offset: offset,
            message: "damaged log: \(reason); restore the directory from a backup")
    }
}
