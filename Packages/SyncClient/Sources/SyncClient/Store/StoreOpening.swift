// SPDX-License-Identifier: MIT

import RecordLog

/// Opens a store's directory for writing: lock, manifest, segments, log.
///
/// Nothing is changed before everything has been read and found sound. Then the torn tail of the
/// log, if a crash left one, is cut off; damage before the tail stops the open.
struct StoreOpening<Disk: FileSystem> {
    let directory: String
    let disk: Disk
    private(set) var recovery = StoreRecovery()
    private var manifest = StoreManifest()
    private var index = EntityIndex()
    private var replay = LogReplay()

    init(_ directory: String, on disk: Disk) {
        self.directory = directory
        self.disk = disk
    }

    mutating func open(
        _ configuration: StoreConfiguration, hub: ChangeHub
    ) throws(StoreError) -> StoreWriter<Disk> {
        let lock = try takeLock()
        do throws(StoreError) {
            return try open(configuration, hub: hub, lock: lock)
        } catch {
            lock.release()
            throw error
        }
    }

    private mutating func open(
        _ configuration: StoreConfiguration, hub: ChangeHub, lock: Disk.Lock
    ) throws(StoreError) -> StoreWriter<Disk> {
        if let version = try readManifest() {
            if version < StoreManifest.version { recovery.migratedFrom = Int(version) }
        } else {
            try create()
        }
        let path = directory + "/wal.log"
        let log = try openLog(path)
        let catalog = DatabaseCatalog(manifest, in: directory)
        index = try opening { () throws(WALError) in
            try EntityIndex.loaded(from: catalog, on: disk)
        }
        replay = LogReplay(catalog, path: path)
        recovery.tornBytes = try opening { () throws(WALError) in
            try replay.run(log, into: &index)
        }
        recovery.replayedTransactions = replay.transactionCount
        try repair(log)
        var writer = StoreWriter(
            directory: directory, disk: disk, configuration: configuration,
            index: SharedIndex(index), hub: hub, lock: lock, log: log,
            logState: StoreLog(replay), manifest: manifest,
            collectionIDs: Dictionary(
                uniqueKeysWithValues: manifest.names.map { (TextKey($0.value), $0.key) }),
            nextTxid: replay.lastTxid + 1,
            nextSequence: max(replay.lastSequence, manifest.lastCheckpoint) + 1,
            automaticCheckpointAt: configuration.checkpointLogBytes)
        writer.markLog()
        return writer
    }

    private func takeLock() throws(StoreError) -> Disk.Lock {
        let lock = try storing { () throws(FileSystemError) in
            try disk.createDirectory(at: directory)
            try disk.syncDirectory(at: directory.parentDirectory)
            return try disk.lockFile(at: directory + "/LOCK")
        }
        guard let lock else {
            throw StoreError(
                .locked, path: directory,
                message: "another store writes to this directory; close it, or open the directory "
                    + "with EntityReader, which needs no lock")
        }
        return lock
    }

    /// Reads the manifest and returns its format, or `nil` if the directory is new.
    private mutating func readManifest() throws(StoreError) -> UInt16? {
        let path = directory + "/MANIFEST"
        let bytes = try storing { () throws(FileSystemError) in
            try AtomicFile.read(path, on: disk)
        }
        guard let bytes else { return nil }
        guard !bytes.starts(with: EntiDBManifest.magic) else {
            throw StoreError(
                .unsupported, path: directory,
                message: "the directory holds an EntiDB database; it can be followed with "
                    + "WALPoller, and only EntiDB writes to it")
        }
        switch StoreManifest.parse(bytes) {
        case .success((let manifest, let version)):
            self.manifest = manifest
            return version
        case .failure(let fault):
            throw StoreError(fault.error(path))
        }
    }

    /// Makes the files of a new store. The manifest comes last: without it nothing was there.
    private func create() throws(StoreError) {
        let remains = try storing { () throws(FileSystemError) -> String? in
            if let log = try disk.openIfPresent(directory + "/wal.log"), try log.size() > 0 {
                return "wal.log"
            }
            guard try disk.fileExists(at: directory + "/SEGMENTS") else { return nil }
            return try disk.contentsOfDirectory(at: directory + "/SEGMENTS").first
        }
        if let remains {
            throw StoreError(
                .damaged, path: directory + "/MANIFEST",
                message: "the manifest is missing, but \(remains) is there; restore the directory "
                    + "from a backup")
        }
        try storing { () throws(FileSystemError) in
            try disk.createDirectory(at: directory + "/SEGMENTS")
            _ = try disk.openFile(at: directory + "/wal.log", .createIfMissing)
            try disk.syncDirectory(at: directory)
            try AtomicFile.replace(
                directory + "/MANIFEST", StoreManifest().encoded(), on: disk)
        }
    }

    private func openLog(_ path: String) throws(StoreError) -> Disk.File {
        do throws(FileSystemError) {
            return try disk.openFile(at: path, .readWrite)
        } catch  where error.isNotFound {
            throw StoreError(
                .damaged, path: path,
                message: "the log is missing; restore the directory from a backup")
        } catch {
            throw StoreError(error)
        }
    }

    /// Puts right what a crash left: all of it harmless, and none of it anyone's data.
    private mutating func repair(_ log: Disk.File) throws(StoreError) {
        var removed = 0
        try storing { () throws(FileSystemError) in
            if recovery.tornBytes > 0 { try log.truncate(to: replay.keptEnd) }
            try rewrite(log, replay.syncedEnd..<replay.keptEnd)
            // The commits just read may have been written and not yet synced.
            try log.sync()
            // Names likewise: an earlier run may have seen the directory's sync fail behind a
            // rename.
            try disk.syncDirectory(at: directory)
            try disk.syncDirectory(at: directory + "/SEGMENTS")
            if recovery.migratedFrom != nil {
                try AtomicFile.replace(directory + "/MANIFEST", manifest.encoded(), on: disk)
            }
            let segments = directory + "/SEGMENTS"
            let known = Set(manifest.segments.map(\.fileName))
            for name in try disk.contentsOfDirectory(at: segments) where !known.contains(name) {
                try disk.removeFile(at: segments + "/" + name)
                removed += 1
            }
        }
        recovery.removedSegments = removed
    }

    /// Writes the bytes that are there once more.
    ///
    /// After a sync that failed, the system takes the pages for written and no later sync writes
    /// them, while reads still show them; so they are made new before the sync that vouches for
    /// them.
    private func rewrite(
        _ log: Disk.File, _ range: Range<UInt64>
    ) throws(FileSystemError) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let bytes = try log.read(
                count: Int(min(range.upperBound - offset, 256 << 10)), at: offset)
            if bytes.isEmpty { return }
            try log.write(bytes, at: offset)
            offset += UInt64(bytes.count)
        }
    }
}
