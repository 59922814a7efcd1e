// SPDX-License-Identifier: MIT

import RecordLog

extension WALPoller {
    /// About how many bytes of log or segments one poll hands on.
    static var pollBytes: Int { 4 << 20 }

    enum Start {
        case commit(WALPass.Anchor)
        case noCommit
    }

    /// The first commit in the log: what a pass needs before it may begin. `nil` means that the
    /// log looks damaged, once, and is to be read again.
    mutating func firstCommit(in file: Disk.File) throws(WALError) -> Start? {
        let tail = try surfacing { () throws(FileSystemError) in
            let size = try file.size()
            let count = Int(min(size, 64))
            return WALTail(size: size, bytes: try file.read(count: count, at: size - UInt64(count)))
        }
        if tail == quietTail { return .noCommit }
        quietTail = nil
        var scanner = WALScanner(file)
        while true {
            let step = try surfacing { () throws(FileSystemError) in try scanner.next() }
            switch step {
            case .record(.commit(let txid, let sequence), let offset, _):
                return .commit(.init(offset: offset, txid: txid, sequence: sequence))
            case .record: continue
            case .end, .unfinished:
                quietTail = tail
                suspicion = nil
                return .noCommit
            case .damage(let offset, let reason, _):
                try suspect(offset, reason)
                return nil
            }
        }
    }

    /// Reads the log from where the pass stands. `nil` means that the log was emptied meanwhile,
    /// or looks damaged, once: another pass is to begin.
    mutating func readOn(_ file: Disk.File) throws(WALError) -> WALPoll? {
        guard var pass else { preconditionFailure("a log is only read within a pass") }
        // Held in one place only, so that growing it does not copy it.
        self.pass = nil
        var scanner = WALScanner(file, from: pass.offset)
        var readCount = 0
        var found: [WALTransaction] = []
        var byteCount = 0
        var isOver = false
        var hasMore = true
        reading: while byteCount < Self.pollBytes {
            let step = try surfacing { () throws(FileSystemError) in try scanner.next() }
            if scanner.readCount != readCount {
                readCount = scanner.readCount
                isOver = try !holds(pass, file)
                if isOver { break reading }
            }
            switch step {
            case .record(let record, let offset, let count):
                guard try take(record, at: offset, count, &pass, &found) else { break reading }
                pass.offset = offset + UInt64(count)
                pass.unfinishedChecksum = record.isFinal ? nil : scanner.lastChecksum
                byteCount += count
            case .end, .unfinished:
                hasMore = false
                suspicion = nil
                break reading
            case .damage(let offset, let reason, _):
                guard found.isEmpty else { break reading }
                try suspect(offset, reason)
                return nil
            }
        }
        if !isOver { self.pass = pass }
        if isOver, found.isEmpty { return nil }
        if options.syncsFirst, !found.isEmpty {
            try surfacing { () throws(FileSystemError) in try file.sync() }
        }
        return WALPoll(transactions: found, hasMore: hasMore)
    }

    /// Takes one record into the pass. `false` means that it cannot be taken, but that what was
    /// found before it is to be handed on first.
    private mutating func take(
        _ record: WALRecord, at offset: UInt64, _ byteCount: Int, _ pass: inout WALPass,
        _ found: inout [WALTransaction]
    ) throws(WALError) -> Bool {
        guard let transaction = pass.assembler.add(record, byteCount: byteCount) else {
            guard pass.assembler.heldBytes > Self.heldBytesMax else { return true }
            guard found.isEmpty else { return false }
            throw WALError(
                .limitExceeded, path: logPath, offset: offset,
                message: "\(pass.assembler.unfinishedCount) unfinished transactions hold more than "
                    + "\(Self.heldBytesMax) bytes; commit in smaller transactions")
        }
        if transaction.sequence > pass.floor {
            do throws(WALError) {
                if let visible = try visible(transaction, at: offset) { found.append(visible) }
            } catch {
                guard !found.isEmpty else { throw error }
                pass.assembler.restore(transaction)
                return false
            }
            lastSequence = max(lastSequence, transaction.sequence)
        }
        pass.anchor = .init(
            offset: offset, txid: transaction.txid, sequence: transaction.sequence)
        return true
    }

    /// What of a transaction is handed on, with the names of its collections.
    private mutating func visible(
        _ transaction: TransactionAssembler.Transaction, at offset: UInt64
    ) throws(WALError) -> WALTransaction? {
        let isPulled = transaction.mark != nil
        if isPulled, !options.includesEverything { return nil }
        var writes: [WALWrite] = []
        for write in transaction.writes {
            guard let name = try collection(write.collectionID, at: offset, of: logPath) else {
                continue
            }
            writes.append(
                WALWrite(collection: name, entityID: write.entityID, content: write.content))
        }
        guard !writes.isEmpty || options.includesEverything else { return nil }
        return WALTransaction(
            txid: transaction.txid, sequence: transaction.sequence, mark: transaction.mark,
            isPulled: isPulled, writes: writes)
    }

    /// The name of a collection whose writes are handed on; `nil` for one whose are not.
    mutating func collection(
        _ id: UInt32, at offset: UInt64, of path: String
    ) throws(WALError) -> String? {
        if id >= StoreManifest.reservedCollectionIDs { return nil }
        if catalog?.names[id] == nil { catalog = try DatabaseCatalog.read(directory, on: disk) }
        guard let name = catalog?.names[id] else {
            throw WALError(
                .unknownCollection, path: path, offset: offset,
                message: "a committed transaction writes to collection \(id), which "
                    + "\(directory)/MANIFEST does not name; if the writer is still running, try "
                    + "again, otherwise the manifest is older than the log")
        }
        if name.utf8.first == UInt8(ascii: "_"), !options.includesEverything { return nil }
        return name
    }

    /// Notes damage that is seen for the first time, and throws what is seen again.
    private mutating func suspect(_ offset: UInt64, _ reason: String) throws(WALError) {
        guard suspicion == offset else {
            suspicion = offset
            return
        }
        throw WALError(
            .damaged, path: logPath, offset: offset,
            message: "damaged log: \(reason), and the log goes on behind it; nothing from here on "
                + "is followed. Restore the database from a backup, or let its owner repair it")
    }
}
