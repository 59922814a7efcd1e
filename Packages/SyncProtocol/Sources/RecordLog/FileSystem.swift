// SPDX-License-Identifier: MIT

/// The disk, as everything durable in EntitySync sees it: the seam behind which tests put a
/// simulated disk.
///
/// Paths are plain strings with `/` between components. Nothing is durable before it is synced:
/// bytes by `RandomAccessFile.sync()`, and names (a file created, renamed or removed) by
/// `syncDirectory(at:)` on the directory that holds them.
///
/// All calls block. Implementations may be called from any thread. One file has one writer at a
/// time; others may read it beside the writer.
public protocol FileSystem: Sendable {
    associatedtype File: RandomAccessFile
    associatedtype Lock: FileLock

    /// Opens a file.
    ///
    /// - Throws: `FileSystemError` whose `isNotFound` is true if `mode` needs the file and it is
    ///   not there, and whose `alreadyExists` is true for `.createNew` on a name that is taken.
    func openFile(at path: String, _ mode: FileOpenMode) throws(FileSystemError) -> File

    /// Gives the file at `source` the name `destination`, replacing what stood there, atomically.
    /// Not durable until the directory is synced.
    func rename(_ source: String, to destination: String) throws(FileSystemError)

    /// Removes a file. Not durable until the directory is synced.
    func removeFile(at path: String) throws(FileSystemError)

    /// Makes a directory whose parent exists; one that is there already is left as it is.
    /// Not durable until the parent is synced.
    func createDirectory(at path: String) throws(FileSystemError)

    /// The names in a directory, without `.` and `..`, in bytewise order.
    func contentsOfDirectory(at path: String) throws(FileSystemError) -> [String]

    /// Whether a file or directory has this name.
    func fileExists(at path: String) throws(FileSystemError) -> Bool

    /// Makes the names in a directory durable.
    func syncDirectory(at path: String) throws(FileSystemError)

    /// Takes the exclusive lock that the file at `path` stands for, creating the file if needed.
    ///
    /// - Returns: The lock, or `nil` if another owner holds it. It ends with `release()`, with the
    ///   last reference, or with the process, however that dies.
    func lockFile(at path: String) throws(FileSystemError) -> Lock?
}

/// What `FileSystem.openFile(at:_:)` is to do about a file that is there, or is not.
public enum FileOpenMode: Sendable, Equatable {
    /// Open an existing file for reading only.
    case read
    /// Open an existing file for reading and writing.
    case readWrite
    /// Make a new, empty file for reading and writing; a name that is taken is an error.
    case createNew
    /// Open for reading and writing, making an empty file if there is none.
    case createIfMissing
}

/// An open file that is read and written at given positions.
///
/// It closes with its last reference.
public protocol RandomAccessFile: AnyObject, Sendable {
    /// Reads at `offset` until `buffer` is full or the file ends.
    ///
    /// - Returns: How many bytes were read; fewer than `buffer.count` only at the end of the file.
    func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(FileSystemError) -> Int

    /// Writes all of `bytes` at `offset`, growing the file as needed. Bytes between the old end
    /// and `offset` become zero. After an error any prefix may have been written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileSystemError)

    /// The file's length in bytes.
    func size() throws(FileSystemError) -> UInt64

    /// Cuts or grows (with zeros) the file to `size` bytes.
    func truncate(to size: UInt64) throws(FileSystemError)

    /// Makes everything written to the file durable (`fdatasync`; `F_FULLFSYNC` where the platform
    /// has it). After an error nothing written since the last success may be trusted, even if a
    /// later call succeeds.
    func sync() throws(FileSystemError)
}

/// A lock held on a file.
public protocol FileLock: AnyObject, Sendable {
    /// Gives the lock up. Further calls do nothing.
    func release()
}

extension RandomAccessFile {
    /// Reads `count` bytes at `offset`; fewer come back only at the end of the file.
    public func read(count: Int, at offset: UInt64) throws(FileSystemError) -> [UInt8] {
        var failure: FileSystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(FileSystemError) {
                initialized = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes all of `bytes` at `offset`.
    public func write(_ bytes: [UInt8], at offset: UInt64) throws(FileSystemError) {
        var failure: FileSystemError?
        bytes.withUnsafeBytes { buffer in
            do throws(FileSystemError) { try write(buffer, at: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
