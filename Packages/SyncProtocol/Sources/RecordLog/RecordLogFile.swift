// SPDX-License-Identifier: MIT

/// Limits of record logs.
public enum RecordLogLimits {
    /// The largest record, in bytes: 256 MiB. A record is in memory whole when it is written and
    /// when it is read, so there must be a bound; no batch of the protocol comes near it.
    public static let recordBytesMax = RecordFrame.payloadBytesMax
}

/// What a record log is opened for.
public enum RecordLogAccess: Sendable, Equatable {
    /// Reading only: the file is not changed, not even by cutting a torn tail.
    case read
    /// Reading and writing. The caller sees to it that there is one writer, with a lock.
    case readWrite
    /// As `readWrite`, but nothing is changed before `RecordLogFile.beginWriting()`: for a caller
    /// that first looks whether the records make sense.
    case readThenWrite
}

/// A checksummed file of records that only grows: the ground that the client's queue and the
/// server's log stand on.
///
/// `append(_:)` collects records in memory; `sync()` makes all of them durable with one write and
/// one sync. Only then can they be read, so nothing is visible that a crash could take back, and
/// only then may anybody be told.
///
/// When a write or a sync fails, the log takes no more records, for good: what the disk holds is no
/// longer known until the file is opened and checked again. Reading goes on.
///
/// The bytes are drawn in `RecordLogHeader.swift` and `RecordFrame.swift`.
///
/// Not `Sendable`: one owner, such as an actor, makes all calls. Other threads read through
/// `reader`. It closes with its last reference; without `close()`, records that were not synced are
/// gone.
public final class RecordLogFile<Disk: FileSystem> {
    /// What opening found, and cut.
    public let recovery: RecordLogRecovery
    /// A reader of everything that is synced now. Take a new one to see later records.
    public internal(set) var reader: RecordLogReader<Disk>

    let recordBytesMax: Int
    /// Frames that wait for `sync()`; they will lie from `writtenEnd` on.
    private var buffer: [UInt8] = []
    /// Where the next write goes: behind the last frame in the file, a sync mark included.
    private var writtenEnd: UInt64
    /// Where the zeros end that lie behind `writtenEnd`, or where the frames end if there are none.
    var filledEnd: UInt64
    /// How many zeros are written at a time at most; 0 for none.
    var zeroFillBytes: UInt64 = 0
    var hasUnsyncedMark = false
    /// Why the log takes no more records.
    var readOnlyReason: String?
    /// Whether a write or a sync has failed, and what it left may still be in the file.
    private var mayHaveBrokenTail = false
    /// What opening found and has not put right yet.
    var unsettledScan: RecordLogScan<Disk.File>?

    init(
        _ reader: RecordLogReader<Disk>, recovery: RecordLogRecovery, writtenEnd: UInt64,
        filledEnd: UInt64, recordBytesMax: Int
    ) {
        precondition(
            0...RecordLogLimits.recordBytesMax ~= recordBytesMax,
            "The largest record is at most RecordLogLimits.recordBytesMax.")
        self.reader = reader
        self.recovery = recovery
        self.writtenEnd = writtenEnd
        self.filledEnd = filledEnd
        self.recordBytesMax = recordBytesMax
    }

    /// The log's file.
    public var path: String { reader.path }

    /// The random id that the log got when it was created, 16 bytes.
    public var fileID: [UInt8] { reader.fileID }

    /// The offset of the first frame.
    public var firstOffset: UInt64 { reader.firstOffset }

    /// Every record before this offset is durable and can be read; none behind it.
    public var syncedEnd: UInt64 { reader.end }

    /// What the next `append(_:)` will return.
    public var nextOffset: UInt64 { writtenEnd + UInt64(buffer.count) }

    /// How much memory the records that wait for `sync()` take, in bytes. The caller bounds it.
    public var bufferedBytes: Int { buffer.count }

    /// Whether the log takes no more records: it was opened for reading, was closed, or failed.
    public var isReadOnly: Bool { readOnlyReason != nil }

    /// Adds a record, in memory only, and returns the offset that it will have.
    ///
    /// - Throws: `RecordLogError`: `tooLarge`; `readOnly`.
    public func append(_ payload: UnsafeRawBufferPointer) throws(RecordLogError) -> UInt64 {
        try requireWritable()
        guard payload.count <= recordBytesMax else {
            throw RecordLogError(
                code: .tooLarge, path: path, offset: nextOffset,
                message: "A record of \(payload.count) bytes is over the limit of "
                    + "\(recordBytesMax) (recordBytesMax). Split it.")
        }
        let offset = nextOffset
        reader.checksum.appendFrame(
            .record, payload, at: offset, syncedThrough: syncedEnd, to: &buffer)
        return offset
    }

    /// Adds a record, in memory only, and returns the offset that it will have.
    ///
    /// - Throws: `RecordLogError`: `tooLarge`; `readOnly`.
    public func append(_ payload: [UInt8]) throws(RecordLogError) -> UInt64 {
        let result = payload.withUnsafeBytes { bytes in
            Result { () throws(RecordLogError) in try append(bytes) }
        }
        return try result.get()
    }

    /// Makes all records that were appended durable. Does nothing if there are none.
    ///
    /// - Throws: `RecordLogError`: `io`, after which the log takes no more records and those that
    ///   waited are dropped (after a crash they may or may not be found in the file); `readOnly`.
    public func sync() throws(RecordLogError) {
        try requireWritable()
        if buffer.isEmpty { return }
        do throws(FileSystemError) {
            try reader.file.write(buffer, at: writtenEnd)
            fillWithZeros(behind: writtenEnd + UInt64(buffer.count))
            try reader.file.sync()
        } catch {
            fail(error)
            throw .io(error)
        }
        writtenEnd += UInt64(buffer.count)
        reader.end = writtenEnd
        // One large batch must not hold its memory for ever.
        buffer.removeAll(keepingCapacity: buffer.count <= 1 << 20)
        writeMark()
    }

    /// Syncs what waits, and the mark that tells damage from a torn tail, takes zeros that wait
    /// behind it out of the file, and ends writing. Reading goes on until the last reference is
    /// gone. On a log that has failed, it takes out what the failure may have left behind the
    /// synced records, for good: a file that is complete must not look broken after a crash. Does
    /// nothing on one that was opened for reading.
    ///
    /// - Throws: `RecordLogError` `io` if the disk fails; the log is closed all the same.
    public func close() throws(RecordLogError) {
        if !isReadOnly { try sync() }
        if mayHaveBrokenTail { return try cutBrokenTail() }
        if isReadOnly { return }
        guard hasUnsyncedMark || filledEnd > writtenEnd, !isReadOnly else {
            return closeForWriting()
        }
        do throws(FileSystemError) {
            try cutZeros(behind: writtenEnd)
            try reader.file.sync()
        } catch {
            fail(error)
            throw .io(error)
        }
        closeForWriting()
    }

    /// Reads the record at `offset`; see `RecordLogReader.read(at:)`.
    public func read(at offset: UInt64) throws(RecordLogError) -> LogRecord {
        try reader.read(at: offset)
    }

    /// Reads some bytes of a record's payload; see `RecordLogReader.readPayload(at:_:)`.
    public func readPayload(
        at offset: UInt64, _ range: Range<Int>
    ) throws(RecordLogError) -> [UInt8] {
        try reader.readPayload(at: offset, range)
    }

    /// The synced records from the frame at `offset` on; see `RecordLogReader.records(from:)`.
    public func records(from offset: UInt64? = nil) -> RecordIterator<Disk> {
        reader.records(from: offset)
    }

    /// Calls `body` with each synced record from `offset` on, until it returns `false`; see
    /// `RecordLogReader.forEach(from:_:)`.
    public func forEach(
        from offset: UInt64? = nil, _ body: (LogRecord) -> Bool
    ) throws(RecordLogError) {
        try reader.forEach(from: offset, body)
    }

    /// The mark behind the synced records goes too: it may be what failed.
    private func cutBrokenTail() throws(RecordLogError) {
        do throws(FileSystemError) {
            try reader.file.truncate(to: syncedEnd)
            try reader.file.sync()
        } catch {
            throw .io(error)
        }
        mayHaveBrokenTail = false
    }

    private func requireWritable() throws(RecordLogError) {
        guard let readOnlyReason else { return }
        throw RecordLogError(
            code: .readOnly, path: path, offset: nil,
            message: "The log takes no more records: \(readOnlyReason)")
    }

    private func closeForWriting() {
        readOnlyReason = readOnlyReason ?? "it was closed. Open it again."
    }

    /// Ends writing because of `error`, and takes what may be in the file behind the last good
    /// write out of it again, if the disk still does that.
    ///
    /// Without that, a later open would read those bytes from the system's cache, where they look
    /// whole, and a sync that finds nothing left to write would call them durable.
    private func fail(_ error: FileSystemError) {
        buffer = []
        mayHaveBrokenTail = true
        readOnlyReason =
            "\(error.description). Put that right, then open the log again, which checks it."
        do throws(FileSystemError) {
            try reader.file.truncate(to: writtenEnd)
        } catch {
            // The first failure is the one to report; opening deals with whatever is there.
        }
    }

    /// Writes a sync mark behind what has just been synced. It waits for the next sync.
    ///
    /// Should this write fail, the records before it are durable all the same, so the failure is
    /// the next append's to report.
    func writeMark() {
        var mark: [UInt8] = []
        reader.checksum.appendFrame(
            .syncMark, UnsafeRawBufferPointer(start: nil, count: 0), at: writtenEnd,
            syncedThrough: writtenEnd, to: &mark)
        do throws(FileSystemError) {
            try reader.file.write(mark, at: writtenEnd)
        } catch {
            return fail(error)
        }
        writtenEnd += UInt64(mark.count)
        filledEnd = max(filledEnd, writtenEnd)
        hasUnsyncedMark = true
    }
}
