// SPDX-License-Identifier: MIT

extension RecordLogFile {
    /// Creates a log, durable with its name, in a directory that exists.
    ///
    /// It is written under `path` with `.new` behind it and renamed, so a file named `path` always
    /// has a whole header.
    ///
    /// - Parameters:
    ///   - generator: Where the log's random id comes from.
    ///   - recordBytesMax: The largest record that `append(_:)` takes.
    ///   - zeroFillBytes: How many zeros are kept in the file ahead of what is written, at most: a
    ///     multiple of `RecordLogLimits.zeroFillUnitBytes`, or 0 for none. They are written once
    ///     for many syncs, which then change no length and take half the time on some disks. The
    ///     file takes so much more room until it is closed.
    /// - Throws: `RecordLogError` `io`, also if the name is taken.
    public static func create(
        at path: String, on disk: Disk, purpose: RecordLogPurpose,
        using generator: inout some RandomNumberGenerator,
        recordBytesMax: Int = RecordLogLimits.recordBytesMax, zeroFillBytes: Int = 0
    ) throws(RecordLogError) -> RecordLogFile {
        let header = RecordLogHeader(purpose: purpose, using: &generator)
        let file = try reportingIO { () throws(FileSystemError) in
            // rename replaces what stands there, and a log must never be replaced.
            if try disk.fileExists(at: path) {
                throw FileSystemError(
                    operation: .open, path: path,
                    errorNumber: FileSystemError.Number.alreadyExists)
            }
            return try AtomicFile.create(at: path, header.encoded, on: disk)
        }
        let log = RecordLogFile(
            RecordLogReader(file, at: path, fileID: header.fileID),
            recovery: RecordLogRecovery(records: 0, cutBytes: 0, cutOffset: nil),
            writtenEnd: UInt64(RecordLogHeader.length),
            filledEnd: UInt64(RecordLogHeader.length), recordBytesMax: recordBytesMax)
        log.setZeroFill(zeroFillBytes)
        return log
    }

    /// Opens the log at `path`, or creates it if there is none; see `open` and `create`.
    public static func openOrCreate(
        at path: String, on disk: Disk, purpose: RecordLogPurpose,
        using generator: inout some RandomNumberGenerator,
        recordBytesMax: Int = RecordLogLimits.recordBytesMax, zeroFillBytes: Int = 0
    ) throws(RecordLogError) -> RecordLogFile {
        let exists = try reportingIO { () throws(FileSystemError) in
            try disk.fileExists(at: path)
        }
        if exists {
            return try open(
                at: path, on: disk, purpose: purpose, recordBytesMax: recordBytesMax,
                zeroFillBytes: zeroFillBytes)
        }
        return try create(
            at: path, on: disk, purpose: purpose, using: &generator,
            recordBytesMax: recordBytesMax, zeroFillBytes: zeroFillBytes)
    }

    /// Opens a log, checks its frames, and cuts a torn tail that nobody was told about. Zeros up to
    /// the end of the file are no torn tail, and what is appended goes over them.
    ///
    /// Everything that is in the log when this returns is durable, unless it was opened for
    /// reading: then `syncedEnd` is where the whole frames end, and a crash of a writer could take
    /// some of them back.
    ///
    /// - Parameters:
    ///   - access: What the log is opened for.
    ///   - knownSyncedEnd: The `syncedEnd` of this log when it was open for writing, or a record's
    ///     `offset` or `nextOffset` before that, which the caller has noted durably. Frames before
    ///     it are not read now, and the file must reach it. 0, to check everything.
    ///   - recordBytesMax: The largest record that `append(_:)` takes.
    ///   - zeroFillBytes: As for `create`; another number than last time, or none, is fine.
    /// - Throws: `RecordLogError`: `damaged`, and nothing was changed; `notARecordLog`;
    ///   `newerFormat`; `wrongPurpose`; `outOfRange` if `knownSyncedEnd` lies inside a frame; `io`,
    ///   also if there is no such file.
    /// - Complexity: Reads the file once from `knownSyncedEnd`; all of it if only zeros follow
    ///   there. Memory is 128 KiB at most.
    public static func open(
        at path: String, on disk: Disk, purpose: RecordLogPurpose,
        access: RecordLogAccess = .readWrite, knownSyncedEnd: UInt64 = 0,
        recordBytesMax: Int = RecordLogLimits.recordBytesMax, zeroFillBytes: Int = 0
    ) throws(RecordLogError) -> RecordLogFile {
        let file = try reportingIO { () throws(FileSystemError) in
            try disk.openFile(at: path, access == .read ? .read : .readWrite)
        }
        var reader = try RecordLogReader<Disk>(file, at: path, purpose: purpose)
        let size = try reportingIO { () throws(FileSystemError) in try file.size() }
        let scan = try RecordLogScan(
            file, at: path, size: size, checksum: reader.checksum, knownSyncedEnd: knownSyncedEnd)
        reader.end = scan.end
        let cutBytes = scan.tornEnd - scan.end
        let log = RecordLogFile(
            reader,
            recovery: RecordLogRecovery(
                records: scan.records, cutBytes: cutBytes,
                cutOffset: cutBytes > 0 ? scan.end : nil),
            writtenEnd: scan.end, filledEnd: cutBytes > 0 ? scan.end : size,
            recordBytesMax: recordBytesMax)
        log.setZeroFill(zeroFillBytes)
        switch access {
        case .read: log.readOnlyReason = "it was opened for reading only."
        case .readWrite: try reportingIO { () throws(FileSystemError) in try log.settle(scan) }
        case .readThenWrite:
            log.readOnlyReason = "it was opened for reading first (beginWriting)."
            log.unsettledScan = scan
        }
        return log
    }

    /// Makes a log that was opened with `readThenWrite` ready for writing: cuts the torn tail that
    /// opening has found, if any, and makes everything before it durable. Does nothing on others.
    ///
    /// - Throws: `RecordLogError` `io`; the log stays read-only.
    public func beginWriting() throws(RecordLogError) {
        guard let scan = unsettledScan.take() else { return }
        try reportingIO { () throws(FileSystemError) in
            readOnlyReason = nil
            do throws(FileSystemError) { try settle(scan) } catch {
                readOnlyReason = "\(error.description). Open the log again, which checks it."
                throw error
            }
        }
    }

    /// Makes what the scan found, and nothing else, durable, and the file ready for the next frame.
    ///
    /// It syncs even a log that ends in a mark. The file may owe this look to the system's cache: a
    /// writer that failed has cut its last frames off, and until that cut is synced, a crash can
    /// bring them back behind frames that were written since.
    private func settle(_ scan: RecordLogScan<Disk.File>) throws(FileSystemError) {
        // Zeros that are not kept go, too; and so few that the mark leaves less than a frame of
        // them, which the next opening would take for a torn one.
        let zeros = filledEnd - scan.end
        let keepsZeros = zeroFillBytes > 0 && zeros >= UInt64(2 * RecordFrame.headerLength)
        if recovery.cutBytes > 0 { try reader.file.truncate(to: scan.end) }
        if recovery.cutBytes == 0, zeros > 0, !keepsZeros {
            try reader.file.truncate(to: scan.end)
            filledEnd = scan.end
        }
        try rewrite(scan.syncedThrough..<scan.end)
        try reader.file.sync()
        if scan.end > firstOffset, !scan.endsWithMark { writeMark() }
    }

    /// Writes the bytes that are there once more.
    ///
    /// After a sync that failed, the system takes the pages for written and no later sync writes
    /// them, while reads still show them; so they are made new before the sync that vouches for
    /// them.
    private func rewrite(_ range: Range<UInt64>) throws(FileSystemError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let bytes = try reader.file.read(
                count: Int(min(range.upperBound - offset, 64 << 10)), at: offset)
            if bytes.isEmpty { return }
            try reader.file.write(bytes, at: offset)
            offset += UInt64(bytes.count)
        }
    }
}
