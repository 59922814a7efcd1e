// SPDX-License-Identifier: MIT

import RecordLog

/// A disk on which somebody else does something before every call.
///
/// `@unchecked`: a test uses it on one thread.
final class MeddlingDisk<Base: FileSystem>: FileSystem, @unchecked Sendable {
    let disk: Base
    var meddle: () -> Void = {}

    init(_ disk: Base) {
        self.disk = disk
    }

    func openFile(
        at path: String, _ mode: FileOpenMode
    ) throws(FileSystemError) -> MeddlingFile<Base> {
        meddle()
        return MeddlingFile(self, try disk.openFile(at: path, mode))
    }

    func rename(_ source: String, to destination: String) throws(FileSystemError) {
        meddle()
        try disk.rename(source, to: destination)
    }

    func removeFile(at path: String) throws(FileSystemError) {
        meddle()
        try disk.removeFile(at: path)
    }

    func createDirectory(at path: String) throws(FileSystemError) {
        meddle()
        try disk.createDirectory(at: path)
    }

    func contentsOfDirectory(at path: String) throws(FileSystemError) -> [String] {
        meddle()
        return try disk.contentsOfDirectory(at: path)
    }

    func fileExists(at path: String) throws(FileSystemError) -> Bool {
        meddle()
        return try disk.fileExists(at: path)
    }

    func syncDirectory(at path: String) throws(FileSystemError) {
        meddle()
        try disk.syncDirectory(at: path)
    }

    func lockFile(at path: String) throws(FileSystemError) -> Base.Lock? {
        meddle()
        return try disk.lockFile(at: path)
    }
}

/// A file of a `MeddlingDisk`.
final class MeddlingFile<Base: FileSystem>: RandomAccessFile {
    private let disk: MeddlingDisk<Base>
    private let file: Base.File

    init(_ disk: MeddlingDisk<Base>, _ file: Base.File) {
        self.disk = disk
        self.file = file
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(FileSystemError) -> Int {
        disk.meddle()
        return try file.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileSystemError) {
        disk.meddle()
        try file.write(bytes, at: offset)
    }

    func size() throws(FileSystemError) -> UInt64 {
        disk.meddle()
        return try file.size()
    }

    func truncate(to size: UInt64) throws(FileSystemError) {
        disk.meddle()
        try file.truncate(to: size)
    }

    func sync() throws(FileSystemError) {
        disk.meddle()
        try file.sync()
    }
}
