// SPDX-License-Identifier: MIT

public import RecordLog

/// Follows the write-ahead log of a database directory, written by an `EntityStore` or by EntiDB,
/// in this process or another.
///
/// Each `poll()` hands on the transactions that have committed since the last one, in commit
/// order. Transactions that have not committed are kept back until they do. What a checkpoint has
/// removed from the log is read from the segments. The position is the commit sequence
/// `lastSequence`; a poller made with it goes on where this one stopped.
///
/// The law of this file: *a commit is only believed in the generation of the log it was read in.*
/// A checkpoint empties the file and lets it grow again, on the same inode, under a reader. So
/// after every read the last commit that was seen is looked at again: sequences never go back, so
/// if it is still there, byte for byte, the file has only grown in between. If not, reading starts
/// again at 0, half-seen transactions are forgotten, and commits up to `lastSequence` are skipped.
/// The same holds for the last record that was read behind that commit, by its checksum.
///
/// A poller never changes the directory and takes no lock. It leaves out collections whose name
/// begins with `_`, EntiDB's internal ones, and transactions that were pulled from a server.
///
/// Complexity: a poll that finds nothing new reads some dozen bytes; one that does reads the new
/// bytes in chunks and returns after some 4 MiB (`WALPoll.hasMore`).
public struct WALPoller<Disk: FileSystem>: Sendable {
    /// The most bytes that unfinished transactions may hold: 256 MiB, so that a writer that never
    /// commits cannot take all memory.
    public static var heldBytesMax: Int { 256 << 20 }

    /// The database directory.
    public let directory: String
    /// The commit sequence up to which everything has been handed on, or was not to be.
    public internal(set) var lastSequence: UInt64
    /// Whether a checkpoint went past `lastSequence`, if `options` keep the segments out of it.
    var isBehindCheckpoint = false

    let disk: Disk
    let options: WALPollerOptions
    let onWarning: @Sendable (String) -> Void
    var catalog: DatabaseCatalog?
    var pass: WALPass?
    var backlog: WALBacklog?
    /// Where damage was seen once. A log that was emptied and filled anew in the middle of a read
    /// can look damaged; it does not look so twice in the same place.
    var suspicion: UInt64?
    /// The log as it was when no commit was found in it.
    var quietTail: WALTail?

    /// Creates a poller of the database in `directory` that hands on what committed after
    /// `sequence`; 0 means everything that the log and the segments still have.
    ///
    /// - Parameter onWarning: Told, in a sentence, about what is gone and cannot be followed:
    ///   segment files that are missing, deletes that a checkpoint has dropped.
    public init(
        directory: String, disk: Disk, after sequence: UInt64 = 0,
        onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.init(
            directory: directory, disk: disk, after: sequence, options: .init(),
            onWarning: onWarning)
    }

    init(
        directory: String, disk: Disk, after sequence: UInt64, options: WALPollerOptions,
        onWarning: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.directory = directory
        self.disk = disk
        self.lastSequence = sequence
        self.options = options
        self.onWarning = onWarning
    }

    /// Hands on what has committed since the last poll, as far as it fits into one poll.
    ///
    /// An incomplete record at the end of the log, and a bad one that nothing valid follows, may
    /// still be being written: the poller waits before it.
    ///
    /// - Throws: `WALError`. The position is then as before the call, and a later poll tries again.
    public mutating func poll() throws(WALError) -> WALPoll {
        let before = self
        do throws(WALError) {
            return try pollOnce()
        } catch {
            let suspicion = suspicion
            self = before
            self.suspicion = suspicion
            throw error
        }
    }

    var logPath: String { directory + "/wal.log" }

    private mutating func pollOnce() throws(WALError) -> WALPoll {
        for _ in 0..<8 {
            if backlog != nil, let poll = try drainBacklog() { return poll }
            let path = logPath
            let file = try surfacing { () throws(FileSystemError) in
                try disk.openIfPresent(path)
            }
            guard let file else {
                pass = nil
                guard try catchUp(firstInLog: nil) else { return .nothing }
                continue
            }
            let isHeld = if let pass { try holds(pass, file) } else { false }
            if !isHeld {
                pass = nil
                guard let start = try firstCommit(in: file) else { continue }
                guard case .commit(let anchor) = start else {
                    guard try catchUp(firstInLog: nil) else { return .nothing }
                    continue
                }
                if try catchUp(firstInLog: anchor.sequence) { continue }
                pass = WALPass(anchor: anchor, floor: lastSequence)
            }
            if isBehindCheckpoint { return .nothing }
            if let poll = try readOn(file) { return poll }
        }
        // The writer empties the log faster than it can be read; nothing is lost by trying later.
        return WALPoll(transactions: [], hasMore: true)
    }

    /// Whether the commit that was seen still is where it was, and what was read behind it.
    func holds(_ pass: WALPass, _ file: Disk.File) throws(WALError) -> Bool {
        let anchor = pass.anchor
        return try surfacing { () throws(FileSystemError) in
            guard try file.read(count: anchor.bytes.count, at: anchor.offset) == anchor.bytes else {
                return false
            }
            guard let checksum = pass.unfinishedChecksum else { return true }
            var bytes: [UInt8] = []
            bytes.append(littleEndian: checksum)
            return try file.read(count: bytes.count, at: pass.offset - 4) == bytes
        }
    }
}

/// How a poller serves the store's own purposes.
struct WALPollerOptions: Sendable {
    /// Whether internal collections and pulled transactions are handed on too.
    var includesEverything: Bool
    /// Whether the log is synced before commits are handed on, so that none is that a power
    /// failure could still take back. The store's own writer has already done it.
    var syncsFirst: Bool
    /// Whether what a checkpoint removed is read from the segments, or only reported by
    /// `isBehindCheckpoint`.
    var readsSegments: Bool

    init(
        includesEverything: Bool = false, syncsFirst: Bool = true, readsSegments: Bool = true
    ) {
        self.includesEverything = includesEverything
        self.syncsFirst = syncsFirst
        self.readsSegments = readsSegments
    }
}

/// One reading of a log from its start to wherever it has grown.
struct WALPass: Sendable {
    /// A COMMIT record that was seen. Its sequence occurs once in the life of a database, so its
    /// bytes in this place vouch for everything before them.
    struct Anchor: Sendable, Equatable {
        var offset: UInt64
        var sequence: UInt64
        var bytes: [UInt8]

        init(offset: UInt64, txid: UInt64, sequence: UInt64) {
            self.offset = offset
            self.sequence = sequence
            bytes = WALRecordCodec.encode(.commit(txid: txid, sequence: sequence))
        }
    }

    var anchor: Anchor
    /// Commits up to this sequence had been handed on before the pass began.
    var floor: UInt64
    var offset: UInt64 = 0
    /// The checksum of the record that ends at `offset`, if it belongs to a transaction that has
    /// not committed: a writer whose write failed cuts it off, and writes another in its place.
    var unfinishedChecksum: UInt32?
    var assembler = TransactionAssembler()
}

/// The length and the last bytes of a log.
struct WALTail: Sendable, Equatable {
    var size: UInt64
    var bytes: [UInt8]
}

extension WALPoll {
    static var nothing: WALPoll { WALPoll(transactions: [], hasMore: false) }
}
