// SPDX-License-Identifier: MIT

import RecordLog
import Synchronization

/// A disk that notes how long syncs take.
struct MeasuredFileSystem<Base: FileSystem>: FileSystem {
    let base: Base
    let times: SyncTimes

    func openFile(
        at path: String, _ mode: FileOpenMode
    ) throws(FileSystemError) -> MeasuredFile<Base.File> {
        MeasuredFile(base: try base.openFile(at: path, mode), times: times)
    }

    func rename(_ source: String, to destination: String) throws(FileSystemError) {
        try base.rename(source, to: destination)
    }

    func removeFile(at path: String) throws(FileSystemError) { try base.removeFile(at: path) }

    func createDirectory(at path: String) throws(FileSystemError) {
        try base.createDirectory(at: path)
    }

    func contentsOfDirectory(at path: String) throws(FileSystemError) -> [String] {
        try base.contentsOfDirectory(at: path)
    }

    func fileExists(at path: String) throws(FileSystemError) -> Bool {
        try base.fileExists(at: path)
    }

    func syncDirectory(at path: String) throws(FileSystemError) {
        try base.syncDirectory(at: path)
    }

    func lockFile(at path: String) throws(FileSystemError) -> Base.Lock? {
        try base.lockFile(at: path)
    }
}

/// A file of a `MeasuredFileSystem`.
final class MeasuredFile<Base: RandomAccessFile>: RandomAccessFile {
    private let base: Base
    private let times: SyncTimes

    init(base: Base, times: SyncTimes) { (self.base, self.times) = (base, times) }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(FileSystemError) -> Int {
        try base.read(into: buffer, at: offset)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileSystemError) {
        try base.write(bytes, at: offset)
    }

    func size() throws(FileSystemError) -> UInt64 { try base.size() }

    func truncate(to size: UInt64) throws(FileSystemError) { try base.truncate(to: size) }

    func sync() throws(FileSystemError) {
        let start = times.now()
        defer { times.note(from: start) }
        try base.sync()
    }
}

/// How long syncs took, failed ones too, from any thread.
final class SyncTimes: Sendable {
    private let histogram = Mutex(Histogram.seconds)
    private let nanoseconds: @Sendable () -> UInt64

    /// - Parameter nanoseconds: A clock that never goes back.
    init(nanoseconds: @escaping @Sendable () -> UInt64) { self.nanoseconds = nanoseconds }

    /// The times so far, in seconds.
    var seconds: Histogram { histogram.withLock { $0 } }

    fileprivate func now() -> UInt64 { nanoseconds() }

    fileprivate func note(from start: UInt64) {
        let seconds = Double(nanoseconds() - start) / 1e9
        histogram.withLock { $0.add(seconds) }
    }
}
