// SPDX-License-Identifier: MIT

import RecordLog

/// Copies of files, made durable but for their names.
enum FileCopy {
    private static var pieceBytes: Int { 1 << 20 }

    /// Copies the first `length` bytes of an open file to a new one at `path`.
    ///
    /// Bytes are copied and never shared by a link: what harms a file must not harm its backup.
    ///
    /// - Parameter progress: Called with the length of each piece.
    /// - Throws: `FileSystemError`, also if `path` is taken. A file that ends early gives a copy
    ///   that does.
    static func copy(
        _ source: some RandomAccessFile, length: UInt64, to path: String, on disk: some FileSystem,
        progress: (UInt64) -> Void = { _ in }
    ) throws(FileSystemError) {
        let file = try disk.openFile(at: path, .createNew)
        var offset: UInt64 = 0
        while offset < length {
            let wanted = Int(min(UInt64(pieceBytes), length - offset))
            let bytes = try source.read(count: wanted, at: offset)
            try file.write(bytes, at: offset)
            offset += UInt64(bytes.count)
            progress(UInt64(bytes.count))
            if bytes.count < wanted { break }
        }
        try file.sync()
    }

    /// Makes a directory and those above it, with their names durable.
    static func makeDirectory(_ path: String, on disk: some FileSystem) throws(FileSystemError) {
        if path.isEmpty { return }
        var parent = "."
        if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) {
            parent = slash == path.utf8.startIndex ? "/" : String(path[..<slash])
        }
        if try disk.fileExists(at: path) {
            // Whoever made it may not have made its name durable; where its parent may not be
            // read, that is all that can be done.
            try? disk.syncDirectory(at: parent)
            return
        }
        if parent != "." { try makeDirectory(parent, on: disk) }
        try disk.createDirectory(at: path)
        try disk.syncDirectory(at: parent)
    }
}
