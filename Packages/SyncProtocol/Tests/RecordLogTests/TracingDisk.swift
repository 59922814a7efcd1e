// SPDX-License-Identifier: MIT

import RecordLog
import SyncTestSupport
import Synchronization

/// A simulated disk that notes what is done to the content of its files, in order.
final class TracingDisk: FileSystem {
    enum Event: Sendable {
        case write([UInt8], at: Int)
        case truncate(to: Int)
        case sync
    }

    let disk = SimulatedDisk()
    private let noted = Mutex<[Event]>([])

    var events: [Event] { noted.withLock { $0 } }

    fileprivate func note(_ event: Event) {
        noted.withLock { $0.append(event) }
    }

    func openFile(at path: String, _ mode: FileOpenMode) throws(FileSystemError) -> TracingFile {
        TracingFile(on: self, try disk.openFile(at: path, mode))
    }
    func rename(_ source: String, to destination: String) throws(FileSystemError) {
        try disk.rename(source, to: destination)
    }
    func removeFile(at path: String) throws(FileSystemError) { try disk.removeFile(at: path) }
    func createDirectory(at path: String) throws(FileSystemError) {
        try disk.createDirectory(at: path)
    }
    func contentsOfDirectory(at path: String) throws(FileSystemError) -> [String] {
        try disk.contentsOfDirectory(at: path)
    }
    func fileExists(at path: String) throws(FileSystemError) -> Bool {
        try disk.fileExists(at: path)
    }
    func syncDirectory(at path: String) throws(FileSystemError) {
        try disk.syncDirectory(at: path)
    }
    func lockFile(at path: String) throws(FileSystemError) -> SimulatedDiskLock? {
        try disk.lockFile(at: path)
    }
}

final class TracingFile: RandomAccessFile {
    private let disk: TracingDisk
    private let file: SimulatedDiskFile

    init(on disk: TracingDisk, _ file: SimulatedDiskFile) {
        self.disk = disk
        self.file = file
    }

    func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(FileSystemError) -> Int {
        try file.read(into: buffer, at: offset)
    }
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileSystemError) {
        disk.note(.write(Array(bytes), at: Int(offset)))
        try file.write(bytes, at: offset)
    }
    func size() throws(FileSystemError) -> UInt64 { try file.size() }
    func truncate(to size: UInt64) throws(FileSystemError) {
        disk.note(.truncate(to: Int(size)))
        try file.truncate(to: size)
    }
    func sync() throws(FileSystemError) {
        try file.sync()
        disk.note(.sync)
    }
}

extension TracingDisk.Event {
    /// What a crash may leave of this event: of a write nothing, all, its beginning or its end; of
    /// zeros and of a cut nothing or all.
    var remains: [TracingDisk.Event?] {
        switch self {
        case .write(let bytes, let offset) where bytes.contains { $0 != 0 }:
            let half = bytes.count / 2
            return [
                nil, self, .write(Array(bytes[..<half]), at: offset),
                .write(Array(bytes[half...]), at: offset + half),
            ]
        default: return [nil, self]
        }
    }

    func apply(to image: inout [UInt8]) {
        switch self {
        case .write(let bytes, let offset):
            if image.count < offset + bytes.count {
                image += [UInt8](repeating: 0, count: offset + bytes.count - image.count)
            }
            image.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .truncate(let size):
            image = Array(image.prefix(size))
            image += [UInt8](repeating: 0, count: size - image.count)
        case .sync: break
        }
    }
}
