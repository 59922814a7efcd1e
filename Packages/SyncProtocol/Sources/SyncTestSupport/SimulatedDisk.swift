// SPDX-License-Identifier: MIT

public import RecordLog
import Synchronization

/// A disk in memory that loses what was not synced, fills up, fails and rots as told.
///
/// A live read sees everything that was written. `crash(using:)` keeps what was synced, and of the
/// rest whatever the generator says: of each file's unsynced writes any subset, each of them whole,
/// torn at any byte, or as zeros; of each directory's creations, renames and removals the first
/// few. It is stricter than real disks in that syncing a file does not make its name durable, and
/// kinder in one thing: what was synced stays, unless `flipBit(_:bit:at:)` says otherwise.
///
/// Everything that it does follows from the calls and the generators alone. All methods may be
/// called from any thread.
///
/// Paths are taken from the disk's root, with or without a `/` in front; `..` is not resolved.
/// Renaming from one directory to another is refused as on two disks (`Number.crossDevice`).
public final class SimulatedDisk: FileSystem {
    let state: Mutex<SimulatedDiskState>

    /// Creates an empty disk without limits or faults.
    public init() {
        state = Mutex(SimulatedDiskState())
    }

    /// How many calls there have been, on the disk and on its files and locks.
    public var callCount: Int {
        state.withLock { $0.callCount }
    }

    /// Counts the calls from 0 again. Faults that were planned by number are forgotten.
    public func startCounting() {
        state.withLock { state in
            state.callCount = 0
            state.plannedFailures = [:]
        }
    }

    /// Cuts the power: see the type. Every file handle is dead afterwards (its calls fail with
    /// `Number.inputOutput`) and every lock is free; faults that were planned are forgotten.
    public func crash(using generator: inout some RandomNumberGenerator) {
        state.withLock { state in
            state.crash(using: &generator)
        }
    }

    /// Performs so many more calls; every later one fails with `Number.inputOutput` and does
    /// nothing, until `crash(using:)` or `killProcesses()` says how the story ended.
    public func halt(afterCalls count: Int) {
        precondition(count >= 0, "A number of calls is not negative.")
        state.withLock { $0.lastCall = $0.callCount + count }
    }

    /// Whether the last call that `halt(afterCalls:)` allows has been made.
    public var isHalted: Bool {
        state.withLock { state in state.lastCall.map { state.callCount >= $0 } ?? false }
    }

    /// Forgets the failures that were planned and have not come yet.
    public func forgetPlans() {
        state.withLock { state in
            state.plannedFailures = [:]
            state.lastCall = nil
        }
    }

    /// Lets somebody look at the files from outside of the story: no fault that is planned comes to
    /// these calls, and none of them counts.
    public func aside<Result>(_ look: () throws -> Result) rethrows -> Result {
        let told = state.withLock { state in
            let told = (state.callCount, state.plannedFailures, state.lastCall, state.freeBytes)
            (state.plannedFailures, state.lastCall, state.freeBytes) = ([:], nil, nil)
            return told
        }
        defer {
            state.withLock { state in
                (state.callCount, state.plannedFailures, state.lastCall, state.freeBytes) = told
            }
        }
        return try look()
    }

    /// Ends whoever uses the disk, and not the machine: everything that was written is still seen,
    /// synced or not. Every file handle is dead afterwards and every lock is free; planned faults
    /// are forgotten.
    public func killProcesses() {
        state.withLock { $0.endProcesses() }
    }

    /// Makes one call fail; the disk is as before, except that a write has written its first half,
    /// and a sync that failed has left its pages in doubt: a later sync skips them, and a crash
    /// keeps some of them.
    ///
    /// - Parameter number: Which call, counted from now; 1 is the next.
    public func failNextCall(number: Int = 1, errorNumber: Int32) {
        precondition(number > 0, "The next call has the number 1.")
        state.withLock { $0.plannedFailures[$0.callCount + number] = errorNumber }
    }

    /// Lets files grow by `bytes` altogether from now on; then writes fail with
    /// `Number.outOfSpace`, the last of them after writing what fits. Cutting and removing files
    /// makes room again. `nil` takes the limit away.
    public func fullAfter(bytes: Int?) {
        state.withLock { $0.freeBytes = bytes }
    }

    /// Turns over one bit of a file, on the platter and in what a live read sees. Does nothing
    /// behind the end of the file.
    ///
    /// - Precondition: There is such a file, and `bit` is 0 to 7.
    public func flipBit(_ path: String, byte: Int, bit: Int) {
        precondition(0..<8 ~= bit, "A byte has the bits 0 to 7.")
        let found = state.withLock { state in
            guard case .file(let file)? = state.node(at: path) else { return false }
            file.flip(bit: bit, ofByte: byte)
            return true
        }
        precondition(found, "There is no file \(path) to damage.")
    }

    /// Opens a file; a new one is not durable before its directory is synced.
    public func openFile(
        at path: String, _ mode: FileOpenMode
    ) throws(FileSystemError) -> SimulatedDiskFile {
        try call(.open, path) { (state) throws(SimulatedDiskFailure) in
            SimulatedDiskFile(
                on: self, try state.openFile(path, mode), path: path, power: state.power,
                isWritable: mode != .read)
        }
    }

    /// Renames within one directory; not durable before that is synced.
    public func rename(_ source: String, to destination: String) throws(FileSystemError) {
        try call(.rename, source) { (state) throws(SimulatedDiskFailure) in
            try state.rename(source, to: destination)
        }
    }

    /// Removes a file; open handles go on, and a crash may bring the name back.
    public func removeFile(at path: String) throws(FileSystemError) {
        try call(.remove, path) { (state) throws(SimulatedDiskFailure) in
            try state.removeFile(path)
        }
    }

    /// Makes a directory; not durable before its parent is synced.
    public func createDirectory(at path: String) throws(FileSystemError) {
        try call(.createDirectory, path) { (state) throws(SimulatedDiskFailure) in
            try state.createDirectory(path)
        }
    }

    /// Lists the names that a live look-up sees, in bytewise order.
    public func contentsOfDirectory(at path: String) throws(FileSystemError) -> [String] {
        try call(.listDirectory, path) { (state) throws(SimulatedDiskFailure) in
            try state.directory(path).live.keys
                .sorted { $0.lexicographicallyPrecedes($1) }
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    /// Whether a live look-up sees a file or directory of this name.
    public func fileExists(at path: String) throws(FileSystemError) -> Bool {
        try call(.exists, path) { (state) throws(SimulatedDiskFailure) in
            try state.exists(path)
        }
    }

    /// Makes the directory's own names durable, not those in directories inside it.
    public func syncDirectory(at path: String) throws(FileSystemError) {
        try call(.syncDirectory, path) { (state) throws(SimulatedDiskFailure) in
            try state.directory(path).sync()
        }
    }

    /// Takes the lock on a file; it ends in a crash at the latest.
    public func lockFile(at path: String) throws(FileSystemError) -> SimulatedDiskLock? {
        try call(.lock, path) { (state) throws(SimulatedDiskFailure) in
            guard let number = try state.lock(try state.openFile(path, .createIfMissing)) else {
                return nil
            }
            return SimulatedDiskLock(on: self, number: number)
        }
    }

    /// Counts the call and lets it fail if that is planned, or performs it.
    private func call<Result: Sendable>(
        _ operation: FileSystemError.Operation, _ path: String,
        _ body: (inout SimulatedDiskState) throws(SimulatedDiskFailure) -> Result
    ) throws(FileSystemError) -> Result {
        do throws(SimulatedDiskFailure) {
            return try state.withLock { (state) throws(SimulatedDiskFailure) in
                try state.requireRunning()
                try state.countCall()
                return try body(&state)
            }
        } catch {
            throw FileSystemError(
                operation: operation, path: path, errorNumber: error.errorNumber)
        }
    }
}

/// An error number on its way to the `FileSystemError` that names the file.
struct SimulatedDiskFailure: Error {
    var errorNumber: Int32
}
