// SPDX-License-Identifier: MIT

import RecordLog

/// What a simulated disk is at one moment; everything behind its one lock.
struct SimulatedDiskState: Sendable {
    typealias Name = SimulatedDiskDirectoryNode.Name

    let root = SimulatedDiskDirectoryNode()
    /// How often the power has come back; handles of an earlier life are dead.
    var power = 0
    var callCount = 0
    /// Error numbers by the number of the call that is to fail with them.
    var plannedFailures: [Int: Int32] = [:]
    /// The number of the last call that is performed before the disk stands still.
    var lastCall: Int?
    /// How many bytes files may still grow by; `nil` for no limit.
    var freeBytes: Int?
    var locks: [(number: Int, file: SimulatedDiskFileNode)] = []
    private var lockCount = 0

    /// Fails if the disk stands still.
    func requireRunning() throws(SimulatedDiskFailure) {
        guard callCount < lastCall ?? .max else {
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.inputOutput)
        }
    }

    /// Makes every handle dead and every lock free, and forgets what was planned.
    mutating func endProcesses() {
        power += 1
        locks = []
        plannedFailures = [:]
        lastCall = nil
    }

    /// Counts one call; throws if it is the one to fail.
    mutating func countCall() throws(SimulatedDiskFailure) {
        callCount += 1
        if let errorNumber = plannedFailures.removeValue(forKey: callCount) {
            throw SimulatedDiskFailure(errorNumber: errorNumber)
        }
    }

    mutating func crash(using generator: inout some RandomNumberGenerator) {
        let before = SimulatedDiskNode.directory(root).liveBytes
        root.crash(using: &generator)
        freeBytes? += before - SimulatedDiskNode.directory(root).liveBytes
        endProcesses()
    }

    func openFile(
        _ path: String, _ mode: FileOpenMode
    ) throws(SimulatedDiskFailure) -> SimulatedDiskFileNode {
        let (parent, name) = try parent(of: path)
        switch (parent.live[name], mode) {
        case (.some, .createNew):
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.alreadyExists)
        case (.directory, _):
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.isDirectory)
        case (.file(let file), _):
            return file
        case (nil, .createNew), (nil, .createIfMissing):
            let file = SimulatedDiskFileNode()
            parent.link(name, .file(file))
            return file
        case (nil, .read), (nil, .readWrite):
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.notFound)
        }
    }

    mutating func rename(
        _ source: String, to destination: String
    ) throws(SimulatedDiskFailure) {
        let (parent, sourceName) = try parent(of: source)
        let (destinationParent, destinationName) = try self.parent(of: destination)
        guard let moved = parent.live[sourceName] else {
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.notFound)
        }
        guard parent === destinationParent else {
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.crossDevice)
        }
        let replaced = parent.live[destinationName]
        switch (moved, replaced) {
        case (_, let replaced?) where replaced.identity == moved.identity:
            return
        case (.file, .directory?):
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.isDirectory)
        case (.directory, .file?):
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.notDirectory)
        case (.directory, .directory(let directory)?) where !directory.live.isEmpty:
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.directoryNotEmpty)
        default:
            freeBytes? += replaced?.liveBytes ?? 0
            parent.rename(sourceName, to: destinationName)
        }
    }

    mutating func removeFile(_ path: String) throws(SimulatedDiskFailure) {
        let (parent, name) = try parent(of: path)
        switch parent.live[name] {
        case nil: throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.notFound)
        case .directory:
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.isDirectory)
        case .file(let file):
            freeBytes? += file.live.size
            parent.unlink(name)
        }
    }

    func createDirectory(_ path: String) throws(SimulatedDiskFailure) {
        if Self.names(of: path).isEmpty { return }
        let (parent, name) = try parent(of: path)
        switch parent.live[name] {
        case nil: parent.link(name, .directory(SimulatedDiskDirectoryNode()))
        case .directory: return
        case .file: throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.alreadyExists)
        }
    }

    func exists(_ path: String) throws(SimulatedDiskFailure) -> Bool {
        if Self.names(of: path).isEmpty { return true }
        do throws(SimulatedDiskFailure) {
            let (parent, name) = try parent(of: path)
            return parent.live[name] != nil
        } catch  where error.errorNumber == FileSystemError.Number.notFound {
            return false
        }
    }

    func directory(_ path: String) throws(SimulatedDiskFailure) -> SimulatedDiskDirectoryNode {
        try directory(Self.names(of: path)[...])
    }

    /// What stands at `path` for a live look-up.
    func node(at path: String) -> SimulatedDiskNode? {
        if Self.names(of: path).isEmpty { return .directory(root) }
        do throws(SimulatedDiskFailure) {
            let (parent, name) = try parent(of: path)
            return parent.live[name]
        } catch {
            return nil
        }
    }

    /// Locks `file`: the number of the lock, or `nil` if it is held.
    mutating func lock(_ file: SimulatedDiskFileNode) throws(SimulatedDiskFailure) -> Int? {
        if locks.contains(where: { $0.file === file }) { return nil }
        lockCount += 1
        locks.append((lockCount, file))
        return lockCount
    }

    /// The directory that holds the last name of `path`, and that name.
    func parent(
        of path: String
    ) throws(SimulatedDiskFailure) -> (SimulatedDiskDirectoryNode, Name) {
        let names = Self.names(of: path)
        guard let name = names.last else {
            throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.isDirectory)
        }
        return (try directory(names.dropLast()), name)
    }

    private func directory(
        _ names: ArraySlice<Name>
    ) throws(SimulatedDiskFailure) -> SimulatedDiskDirectoryNode {
        var directory = root
        for name in names {
            switch directory.live[name] {
            case .directory(let next)?: directory = next
            case .file?:
                throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.notDirectory)
            case nil: throw SimulatedDiskFailure(errorNumber: FileSystemError.Number.notFound)
            }
        }
        return directory
    }

    private static func names(of path: String) -> [Name] {
        path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init).filter {
            $0 != [UInt8(ascii: ".")]
        }
    }
}
