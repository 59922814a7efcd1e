// SPDX-License-Identifier: MIT

import Synchronization

/// The real disk.
///
/// Files are made readable and writable by their owner only (0600; directories 0700, both further
/// narrowed by the umask). Descriptors close on exec. Interrupted calls are repeated and partial
/// transfers continued, so a read is short only at the end of the file.
public struct POSIXFileSystem: FileSystem {
    /// Creates a view of the machine's file system. It holds nothing.
    public init() {}

    /// Opens with `open`; a new file gets the mode 0600. A directory is refused in every mode.
    public func openFile(at path: String, _ mode: FileOpenMode) throws(FileSystemError)
        -> POSIXFile
    {
        try naming(.open, path) { () throws(Platform.Failure) in
            let file = POSIXFile(descriptor: try Platform.open(path, mode), path: path)
            // The kernel opens directories for reading and fails only at the first read.
            if try Platform.isDirectory(file.descriptor) {
                throw Platform.Failure(errorNumber: FileSystemError.Number.isDirectory)
            }
            return file
        }
    }

    /// Renames with `rename`; both names must lie on one mounted file system.
    public func rename(_ source: String, to destination: String) throws(FileSystemError) {
        try naming(.rename, source) { () throws(Platform.Failure) in
            try Platform.rename(source, to: destination)
        }
    }

    /// Removes with `unlink`. Files that are open stay readable.
    public func removeFile(at path: String) throws(FileSystemError) {
        try naming(.remove, path) { () throws(Platform.Failure) in try Platform.remove(path) }
    }

    /// Creates with `mkdir` and the mode 0700.
    public func createDirectory(at path: String) throws(FileSystemError) {
        try naming(.createDirectory, path) { () throws(Platform.Failure) in
            do throws(Platform.Failure) {
                try Platform.createDirectory(path)
            } catch {
                guard error.errorNumber == FileSystemError.Number.alreadyExists,
                    try Platform.isDirectory(at: path)
                else { throw error }
            }
        }
    }

    /// Lists the names in bytewise order. Names that are not UTF-8 come out repaired, and cannot
    /// be opened by what comes out.
    public func contentsOfDirectory(at path: String) throws(FileSystemError) -> [String] {
        let names = try naming(.listDirectory, path) { () throws(Platform.Failure) in
            try Platform.namesInDirectory(path)
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Looks with `stat`, so a symbolic link that leads nowhere is not there.
    public func fileExists(at path: String) throws(FileSystemError) -> Bool {
        try naming(.exists, path) { () throws(Platform.Failure) in try Platform.exists(path) }
    }

    /// Syncs with `fsync` on the directory; where the file system has no such call, does nothing.
    public func syncDirectory(at path: String) throws(FileSystemError) {
        try naming(.syncDirectory, path) { () throws(Platform.Failure) in
            try Platform.syncDirectory(path)
        }
    }

    /// Locks with `flock` on an open description of its own, without waiting.
    public func lockFile(at path: String) throws(FileSystemError) -> POSIXFileLock? {
        try naming(.lock, path) { () throws(Platform.Failure) in
            // The lock belongs to the open description, not to the process: a fresh one each time
            // is what makes a second lock in the same process fail too.
            let file = POSIXFile(
                descriptor: try Platform.open(path, .createIfMissing), path: path)
            return try Platform.lock(file.descriptor) ? POSIXFileLock(holding: file) : nil
        }
    }
}

/// An open file of `POSIXFileSystem`. Reads, and writes that do not overlap, may run in parallel.
public final class POSIXFile: RandomAccessFile {
    let descriptor: Int32
    private let path: String

    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        Platform.close(descriptor)
    }

    /// Reads with `pread`, as often as it takes.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(FileSystemError) -> Int {
        try naming(.read, path) { () throws(Platform.Failure) in
            try Platform.read(descriptor, into: buffer, at: offset)
        }
    }

    /// Writes with `pwrite`, as often as it takes.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileSystemError) {
        try naming(.write, path) { () throws(Platform.Failure) in
            try Platform.write(descriptor, bytes, at: offset)
        }
    }

    /// Asks with `fstat`.
    public func size() throws(FileSystemError) -> UInt64 {
        try naming(.size, path) { () throws(Platform.Failure) in try Platform.size(descriptor) }
    }

    /// Cuts or grows with `ftruncate`.
    public func truncate(to size: UInt64) throws(FileSystemError) {
        try naming(.truncate, path) { () throws(Platform.Failure) in
            try Platform.truncate(descriptor, to: size)
        }
    }

    /// Syncs with `fdatasync`, or `F_FULLFSYNC` where there is that.
    public func sync() throws(FileSystemError) {
        try naming(.sync, path) { () throws(Platform.Failure) in
            try Platform.syncFile(descriptor)
        }
    }
}

/// A lock of `POSIXFileSystem`: `flock` on an open description of its own, so it excludes other
/// owners in this process as well as other processes, and ends with the process.
public final class POSIXFileLock: FileLock {
    private let file: Mutex<POSIXFile?>

    init(holding file: POSIXFile) {
        self.file = Mutex(file)
    }

    /// Closes the description that holds the lock.
    public func release() {
        file.withLock { $0 = nil }
    }
}

/// Runs `body`, and names the file in what it throws.
private func naming<Result>(
    _ operation: FileSystemError.Operation, _ path: String,
    _ body: () throws(Platform.Failure) -> Result
) throws(FileSystemError) -> Result {
    do throws(Platform.Failure) {
        return try body()
    } catch {
        throw FileSystemError(
            operation: operation, path: path, errorNumber: error.errorNumber)
    }
}
