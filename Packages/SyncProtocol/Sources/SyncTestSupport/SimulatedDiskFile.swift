// SPDX-License-Identifier: MIT

public import RecordLog
import Synchronization

/// An open file on a `SimulatedDisk`. It is dead after a crash: every call fails.
public final class SimulatedDiskFile: RandomAccessFile {
    private let disk: SimulatedDisk
    private let node: SimulatedDiskFileNode
    private let path: String
    /// Which life of the disk the file was opened in.
    private let power: Int
    private let isWritable: Bool

    init(
        on disk: SimulatedDisk, _ node: SimulatedDiskFileNode, path: String, power: Int,
        isWritable: Bool
    ) {
        self.disk = disk
        self.node = node
        self.path = path
        self.power = power
        self.isWritable = isWritable
    }

    /// Reads what was written, synced or not.
    public func read(
        into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(FileSystemError) -> Int {
        try call(.read) { (state, failure) throws(SimulatedDiskFailure) in
            if let failure { throw failure }
            return node.live.read(into: buffer, at: try position(offset, adding: buffer.count))
        }
    }

    /// Writes; the bytes are remembered as one unsynced write, to be kept or torn in a crash.
    public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileSystemError) {
        try call(.write) { (state, failure) throws(SimulatedDiskFailure) in
            try requireWritable(FileSystemError.Number.badDescriptor)
            let offset = try position(offset, adding: bytes.count)
            let wanted = failure == nil ? bytes.count : bytes.count / 2
            let growth = wanted == 0 ? 0 : max(0, offset + wanted - node.live.size)
            let fitting = max(0, wanted - max(0, growth - (state.freeBytes ?? growth)))
            let before = node.live.size
            node.write(UnsafeRawBufferPointer(rebasing: bytes[..<fitting]), at: offset)
            state.freeBytes? -= node.live.size - before
            if let failure { throw failure }
            if fitting < wanted {
                throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.outOfSpace)
            }
        }
    }

    /// The size that a live look-up sees.
    public func size() throws(FileSystemError) -> UInt64 {
        try call(.size) { (state, failure) throws(SimulatedDiskFailure) in
            if let failure { throw failure }
            return UInt64(node.live.size)
        }
    }

    /// Cuts or grows; a crash keeps that or not, unless it is synced.
    public func truncate(to size: UInt64) throws(FileSystemError) {
        try call(.truncate) { (state, failure) throws(SimulatedDiskFailure) in
            if let failure { throw failure }
            try requireWritable(FileSystemError.Number.invalidArgument)
            let size = try position(size, adding: 0)
            let growth = size - node.live.size
            if let free = state.freeBytes {
                guard growth <= free else {
                    throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.outOfSpace)
                }
                state.freeBytes = free - growth
            }
            node.resize(to: size)
        }
    }

    /// Makes the content and size durable, but not the name. If it is made to fail, what it should
    /// have written is in doubt for good.
    public func sync() throws(FileSystemError) {
        try call(.sync) { (state, failure) throws(SimulatedDiskFailure) in
            if let failure {
                node.failSync()
                throw failure
            }
            node.sync()
        }
    }

    private func requireWritable(_ errorNumber: Int32) throws(SimulatedDiskFailure) {
        if !isWritable { throw SimulatedDiskFailure(errorNumber: errorNumber) }
    }

    private func position(_ offset: UInt64, adding count: Int) throws(SimulatedDiskFailure) -> Int {
        guard let start = Int(exactly: offset), !start.addingReportingOverflow(count).overflow
        else { throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.fileTooLarge) }
        return start
    }

    /// Counts the call and performs it, telling it whether it is planned to fail.
    private func call<Result: Sendable>(
        _ operation: FileSystemError.Operation,
        _ body: (inout SimulatedDiskState, SimulatedDiskFailure?) throws(SimulatedDiskFailure) ->
            Result
    ) throws(FileSystemError) -> Result {
        do throws(SimulatedDiskFailure) {
            return try disk.state.withLock { (state) throws(SimulatedDiskFailure) in
                guard state.power == power else {
                    throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.inputOutput)
                }
                try state.requireRunning()
                do throws(SimulatedDiskFailure) {
                    try state.countCall()
                } catch {
                    return try body(&state, error)
                }
                return try body(&state, nil)
            }
        } catch {
            throw FileSystemError(
                operation: operation, path: path, errorNumber: error.errorNumber)
        }
    }
}

/// A lock on a `SimulatedDisk`. It ends with `release()`, with the last reference, or in a crash.
public final class SimulatedDiskLock: FileLock {
    private let disk: SimulatedDisk
    /// Which taking of a lock this is, among all that the disk has seen.
    private let number: Int

    init(on disk: SimulatedDisk, number: Int) {
        self.disk = disk
        self.number = number
    }

    deinit {
        release()
    }

    /// Gives the lock up, unless a crash has done so before.
    public func release() {
        // A number is never given twice, so a lock that others took meanwhile stays theirs.
        disk.state.withLock { $0.locks.removeAll { $0.number == number } }
    }
}
