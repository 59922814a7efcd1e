// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// The durable first-in-first-out list of operations that the server has not acknowledged.
///
/// A record log of `QueueRecord`s; what it says is `state`. Each commit is one frame and one sync,
/// so it holds wholly or not at all. When the file has grown far beyond what is in it, it is
/// written anew beside itself and swapped in by renaming.
///
/// Not `Sendable`: the replica that owns it makes all calls.
final class OfflineQueue<Disk: FileSystem>: DurableQueue {
    /// What the queue holds, as of the last commit.
    private(set) var state = QueueState()
    /// How many bytes of a torn tail were cut on open: a commit that nobody was told about.
    let cutBytes: UInt64

    private let path: String
    private let directory: String
    private let disk: Disk
    private var generator: any RandomNumberGenerator
    private var log: RecordLogFile<Disk>
    /// The file's length after it was last written anew.
    private var compactBytes: UInt64 = 0

    static var purpose: RecordLogPurpose { RecordLogPurpose("QUEU") }
    /// A file below this many bytes is never written anew.
    private let compactionBytesMin: UInt64

    /// Opens the queue in `directory`, or makes an empty one.
    ///
    /// - Parameters:
    ///   - compactionBytesMin: A file below this many bytes is never written anew: a MiB costs
    ///     nothing to read.
    ///   - check: Looks at what the file holds before anything in it is changed.
    /// - Throws: What `check` throws; `SyncError` of code `storage` if the file is damaged or
    ///   cannot be opened. Nothing is changed then.
    init(
        directory: String, on disk: Disk, using generator: some RandomNumberGenerator,
        compactionBytesMin: UInt64 = 1 << 20,
        check: (QueueState) throws(SyncError) -> Void = { (_) throws(SyncError) in }
    ) throws(SyncError) {
        self.directory = directory
        self.disk = disk
        self.compactionBytesMin = compactionBytesMin
        var generator = generator
        let path = directory + "/queue.log"
        self.path = path
        let exists = try reportingFiles { () throws(FileSystemError) in
            try disk.fileExists(at: path)
        }
        if !exists { try check(state) }
        log = try reportingStorage { () throws(RecordLogError) in
            exists
                ? try RecordLogFile.open(
                    at: path, on: disk, purpose: Self.purpose, access: .readThenWrite)
                : try RecordLogFile.create(
                    at: path, on: disk, purpose: Self.purpose, using: &generator)
        }
        // An earlier run may have seen the directory's sync fail behind a rename: what is visible
        // now must not be taken back by a crash after the first operation was promised.
        try reportingFiles { () throws(FileSystemError) in try disk.syncDirectory(at: directory) }
        self.generator = generator
        cutBytes = log.recovery.cutBytes
        try replay()
        if exists { try check(state) }
        try reportingStorage { () throws(RecordLogError) in try log.beginWriting() }
        removeLeftover()
    }

    private func replay() throws(SyncError) {
        var failure: SyncError?
        let path = path
        var state = QueueState()
        try reportingStorage { () throws(RecordLogError) in
            try log.forEach { record in
                do {
                    switch try QueueRecord(decoding: Array(record.payload)) {
                    case .state(let whole): state = whole
                    case .changes(let changes, let settlement):
                        for change in changes { state.apply(change) }
                        state.settled(settlement)
                    }
                    return true
                } catch {
                    failure = SyncError(
                        .storage,
                        "The record at byte \(record.offset) of \(path) cannot be read: \(error). "
                            + "A later version may have written it; use that one.")
                    return false
                }
            }
        }
        if let failure { throw failure }
        self.state = state
    }

    /// Makes changes durable, all or none, as part of a settlement if that is not 0.
    ///
    /// - Throws: `SyncError` of code `storage`; the queue then takes no more changes, for good.
    func commit(_ changes: [QueueChange], settlement: UInt64) throws(SyncError) {
        try append(.changes(changes, settlement: settlement), to: log)
        for change in changes { state.apply(change) }
        state.settled(settlement)
        try compactIfWorthwhile()
    }

    private func append(_ record: QueueRecord, to log: RecordLogFile<Disk>) throws(SyncError) {
        try reportingStorage { () throws(RecordLogError) in
            _ = try log.append(record.encoded())
            try log.sync()
        }
    }

    private func compactIfWorthwhile() throws(SyncError) {
        guard log.syncedEnd > compactionBytesMin, log.syncedEnd > 4 * compactBytes else {
            return
        }
        removeLeftover()
        let beside = path + ".compacted"
        do throws(SyncError) {
            try writeCompacted(at: beside)
        } catch {
            // What was committed is safe where it is; a later commit tries again.
            compactBytes = log.syncedEnd
            return
        }
        try reportingFiles { () throws(FileSystemError) in
            try disk.rename(beside, to: path)
            try disk.syncDirectory(at: directory)
        }
        log = try reportingStorage { () throws(RecordLogError) in
            try RecordLogFile.open(at: path, on: disk, purpose: Self.purpose)
        }
        compactBytes = log.syncedEnd
    }

    private func writeCompacted(at path: String) throws(SyncError) {
        let compacted = try reportingStorage { () throws(RecordLogError) in
            try RecordLogFile.create(
                at: path, on: disk, purpose: Self.purpose, using: &generator)
        }
        try append(.state(state), to: compacted)
        try reportingStorage { () throws(RecordLogError) in try compacted.close() }
    }

    /// A compaction that a crash interrupted leaves a file that nothing refers to; where it cannot
    /// be removed, the next compaction says so.
    private func removeLeftover() {
        try? disk.removeFile(at: path + ".compacted")
    }
}

/// Passes on what a record log says as the sync error that it is.
func reportingStorage<Value>(
    _ body: () throws(RecordLogError) -> Value
) throws(SyncError) -> Value {
    do { return try body() } catch { throw SyncError(.storage, error.description) }
}

/// Passes on what the disk says as the sync error that it is.
func reportingFiles<Value>(
    _ body: () throws(FileSystemError) -> Value
) throws(SyncError) -> Value {
    do { return try body() } catch { throw SyncError(.storage, error.description) }
}
