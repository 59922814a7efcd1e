// SPDX-License-Identifier: MIT

/// Small files that are replaced whole: manifests, cursors, settings.
///
/// A crash at any moment leaves the old content or the new, never a mixture and never nothing.
public enum AtomicFile {
    /// What stands behind the name of a file while its next content is being written.
    static let temporarySuffix = ".new"

    /// Makes `bytes` the content of the file at `path`, and durable. The directory must exist.
    ///
    /// It writes `path` with `.new` behind it, syncs that, renames it, and syncs the directory; a
    /// leftover of an earlier crash under that name is removed first.
    ///
    /// - Throws: `FileSystemError` of the step that failed. The old content still stands then, or
    ///   the new one if only the last step, the directory's sync, failed: read before you retry.
    public static func replace(
        _ path: String, _ bytes: [UInt8], on disk: some FileSystem
    ) throws(FileSystemError) {
        _ = try create(at: path, bytes, on: disk)
    }

    /// The content of the file at `path`, or `nil` if there is none.
    ///
    /// - Parameter bytesMax: The largest size to take into memory: 64 MiB unless told, as these are
    ///   files that one writes whole.
    /// - Throws: `FileSystemError`; its number is `Number.fileTooLarge` beyond `bytesMax`.
    public static func read(
        _ path: String, on disk: some FileSystem, bytesMax: Int = 64 << 20
    ) throws(FileSystemError) -> [UInt8]? {
        do throws(FileSystemError) {
            let file = try disk.openFile(at: path, .read)
            let size = try file.size()
            guard size <= UInt64(max(bytesMax, 0)) else {
                throw FileSystemError(
                    operation: .read, path: path, errorNumber: FileSystemError.Number.fileTooLarge)
            }
            return try file.read(count: Int(size), at: 0)
        } catch  where error.isNotFound {
            return nil
        }
    }

    /// As `replace`, returning the file, which is open for reading and writing.
    static func create<Disk: FileSystem>(
        at path: String, _ bytes: [UInt8], on disk: Disk
    ) throws(FileSystemError) -> Disk.File {
        let temporary = path + temporarySuffix
        do throws(FileSystemError) {
            try disk.removeFile(at: temporary)
        } catch  where error.isNotFound {
            // No leftover: the usual case.
        }
        let file = try disk.openFile(at: temporary, .createNew)
        do throws(FileSystemError) {
            try file.write(bytes, at: 0)
            try file.sync()
            try disk.rename(temporary, to: path)
        } catch {
            // Only tidiness: a file that stays behind is removed by the next attempt.
            do throws(FileSystemError) { try disk.removeFile(at: temporary) } catch {}
            throw error
        }
        try disk.syncDirectory(at: directory(of: path))
        return file
    }

    /// The directory that holds `path`.
    static func directory(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
