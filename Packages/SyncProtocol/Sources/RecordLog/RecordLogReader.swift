// SPDX-License-Identifier: MIT

/// One record of a record log.
public struct LogRecord: Sendable, Equatable {
    /// Where its frame begins in the file: what `RecordLogFile.append(_:)` returned.
    public var offset: UInt64
    /// Where the next frame begins. It may be a sync mark, so this is a place to go on from and
    /// not always a record's offset.
    public var nextOffset: UInt64
    /// The record's own bytes; their indices begin anywhere.
    ///
    /// Records that are read one after the other share the memory that they were read into, 256 KiB
    /// at most unless a record is larger. Who keeps a small record for long takes a copy,
    /// `Array(payload)`, so as not to keep all of that.
    public var payload: ArraySlice<UInt8>
}

/// Reads records of a record log at known offsets, without scanning the log first.
///
/// Every record that it returns whole has passed its checksum. It does not look at what lies
/// between, so it finds no damage elsewhere, and of a torn tail it knows only what `end` says.
///
/// A reader is a value that can be handed to other threads. `RecordLogFile.reader` reads from the
/// open file of a log that is being written, and sees what was synced when it was taken.
public struct RecordLogReader<Disk: FileSystem>: Sendable {
    /// The log's file.
    public let path: String
    /// The random id that the log got when it was created, 16 bytes.
    public let fileID: [UInt8]
    /// Nothing at or behind this offset is read.
    public internal(set) var end: UInt64
    /// From here to the end of the file there are only zeros, where no record begins; `nil` for a
    /// reader of a `RecordLogFile`, whose `end` lies before them.
    private var zerosStart: UInt64?

    let file: Disk.File
    let checksum: FrameChecksum

    /// Opens the log at `path` for reading up to the end of the file, checking only its header.
    ///
    /// Behind a log's last synced record there may be others that a crash could still take back,
    /// or a torn tail, where iterating ends with a `damaged` error. Both are there in no log that
    /// was closed after its last record. Zeros up to the end of the file hold no records.
    ///
    /// - Throws: `RecordLogError`: `io`, `notARecordLog`, `newerFormat`, `wrongPurpose`, or
    ///   `damaged` if the header is.
    public init(
        at path: String, on disk: Disk, purpose: RecordLogPurpose
    ) throws(RecordLogError) {
        let file = try reportingIO { () throws(FileSystemError) in
            try disk.openFile(at: path, .read)
        }
        try self.init(file, at: path, purpose: purpose)
        let size = try reportingIO { () throws(FileSystemError) in try file.size() }
        end = size
        zerosStart = try reportingIO { [firstOffset] () throws(FileSystemError) in
            try file.zeroTail(from: firstOffset, size: size)
        }
    }

    init(
        _ file: Disk.File, at path: String, purpose: RecordLogPurpose
    ) throws(RecordLogError) {
        let header = try RecordLogHeader(of: file, at: path, purpose: purpose)
        self.init(file, at: path, fileID: header.fileID)
    }

    init(_ file: Disk.File, at path: String, fileID: [UInt8]) {
        self.file = file
        self.path = path
        self.fileID = fileID
        checksum = FrameChecksum(fileID: fileID)
        end = UInt64(RecordLogHeader.length)
    }

    /// The offset of the first frame.
    public var firstOffset: UInt64 { UInt64(RecordLogHeader.length) }

    /// Reads the record at `offset`, which `append(_:)` or an earlier record gave.
    ///
    /// - Throws: `RecordLogError`: `outOfRange` if no record can begin there, `damaged` if what is
    ///   there fails its checksum, `io`.
    public func read(at offset: UInt64) throws(RecordLogError) -> LogRecord {
        let frame = try recordFrame(at: offset)
        // `recordFrame(at:)` has found that the log reaches this far, so the length is no fiction.
        let payload = try reportingIO { () throws(FileSystemError) in
            try file.read(
                count: frame.payloadLength, at: offset + UInt64(RecordFrame.headerLength))
        }
        guard checksum.isValid(frame, at: offset, payload[...]) else {
            throw failedChecksum(at: offset)
        }
        return LogRecord(offset: offset, nextOffset: offset + frame.length, payload: payload[...])
    }

    /// The length of the payload of the record at `offset`, in bytes.
    ///
    /// The checksum is not checked, as that takes reading all of the record.
    public func payloadLength(at offset: UInt64) throws(RecordLogError) -> Int {
        try recordFrame(at: offset).payloadLength
    }

    /// Reads some bytes of the payload of the record at `offset`, counted from the payload's start.
    ///
    /// The checksum is not checked, as that takes reading all of the record; opening the log as a
    /// `RecordLogFile`, or `read(at:)`, has done so before.
    ///
    /// - Throws: `RecordLogError`: `outOfRange` if no record can begin there or `range` leaves its
    ///   payload, `io`.
    public func readPayload(
        at offset: UInt64, _ range: Range<Int>
    ) throws(RecordLogError) -> [UInt8] {
        let frame = try recordFrame(at: offset)
        guard range.lowerBound >= 0, range.upperBound <= frame.payloadLength else {
            throw .outOfRange(
                path, at: offset,
                "The record has \(frame.payloadLength) bytes; \(range) is not inside")
        }
        let start = offset + UInt64(RecordFrame.headerLength + range.lowerBound)
        let bytes = try reportingIO { () throws(FileSystemError) in
            try file.read(count: range.count, at: start)
        }
        guard bytes.count == range.count else {
            throw .damaged(path, at: start + UInt64(bytes.count), "The file became shorter")
        }
        return bytes
    }

    /// The records from the frame at `offset` to `end`, in order, read as they are asked for.
    ///
    /// - Parameter offset: The log's first frame unless given; else a record's offset or
    ///   `nextOffset`.
    public func records(from offset: UInt64? = nil) -> RecordIterator<Disk> {
        RecordIterator(
            path: path, window: RecordWindow(file, end: end, checksum: checksum),
            offset: offset ?? firstOffset, framesEnd: min(zerosStart ?? end, end))
    }

    /// Calls `body` with each record from `offset` on, in order, until it returns `false`.
    ///
    /// Memory is bounded by the largest record, or 256 KiB, and not by the log. Where `body` may
    /// throw, use `records(from:)`.
    ///
    /// - Throws: `RecordLogError`, as `RecordIterator.next()`.
    public func forEach(
        from offset: UInt64? = nil, _ body: (LogRecord) -> Bool
    ) throws(RecordLogError) {
        var iterator = records(from: offset)
        while let record = try iterator.next() {
            if !body(record) { return }
        }
    }

    /// The header of the record at `offset`.
    private func recordFrame(at offset: UInt64) throws(RecordLogError) -> RecordFrame {
        guard offset >= firstOffset, offset < end else {
            throw .outOfRange(path, at: offset, "No synced record begins here")
        }
        let bytes = try reportingIO { () throws(FileSystemError) in
            try file.read(count: RecordFrame.headerLength, at: offset)
        }
        let frame = bytes.withUnsafeBytes { RecordFrame($0, at: offset, end: end) }
        guard let frame else { throw failedChecksum(at: offset) }
        guard frame.kind == .record else {
            throw .outOfRange(path, at: offset, "Here lies a sync mark and no record")
        }
        return frame
    }

    private func failedChecksum(at offset: UInt64) -> RecordLogError {
        .damaged(path, at: offset, "No frame begins here, or it fails its checksum")
    }
}

/// Walks over the records of a log; from `RecordLogReader.records(from:)`.
///
/// A copy goes on from where it was made.
public struct RecordIterator<Disk: FileSystem>: Sendable {
    private let path: String
    private var window: RecordWindow<Disk.File>
    private var offset: UInt64
    /// No frame begins at or behind this offset.
    private let framesEnd: UInt64

    init(path: String, window: RecordWindow<Disk.File>, offset: UInt64, framesEnd: UInt64) {
        self.path = path
        self.window = window
        self.offset = offset
        self.framesEnd = framesEnd
    }

    /// The next record, or `nil` at the reader's `end`.
    ///
    /// - Throws: `RecordLogError`: `damaged` at the first byte that no valid frame begins with,
    ///   where calling again finds the same; `outOfRange` if the iterator began outside the log;
    ///   `io`.
    public mutating func next() throws(RecordLogError) -> LogRecord? {
        guard offset >= UInt64(RecordLogHeader.length), offset <= window.end else {
            throw .outOfRange(path, at: offset, "No synced record begins here")
        }
        while offset < framesEnd {
            let found = try reportingIO { () throws(FileSystemError) in
                try window.frame(at: offset)
            }
            guard let (frame, payload) = found else {
                throw .damaged(path, at: offset, "No frame begins here, or it fails its checksum")
            }
            let start = offset
            offset += frame.length
            if frame.kind == .record {
                return LogRecord(offset: start, nextOffset: offset, payload: payload)
            }
        }
        return nil
    }
}
