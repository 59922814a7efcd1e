// SPDX-License-Identifier: MIT

import Synchronization

/// A copy of a file, or of a directory with everything in it, as a live read saw it: a backup.
///
/// It shares its pages with the disk until either is written, so copies are cheap.
public struct SimulatedDiskTree: Sendable, Equatable {
    fileprivate indirect enum Content: Sendable, Equatable {
        case file(SimulatedDiskPages)
        case directory([SimulatedDiskDirectoryNode.Name: Content])
    }

    fileprivate var content: Content

    /// A file with this content.
    public init(file bytes: [UInt8]) {
        var pages = SimulatedDiskPages()
        bytes.withUnsafeBytes { pages.write($0, at: 0) }
        content = .file(pages)
    }

    fileprivate init(content: Content) { self.content = content }
}

extension SimulatedDisk {
    /// Copies the file or directory at `path`, the disk's root for the empty path; `nil` if there
    /// is none.
    public func copyTree(at path: String = "") -> SimulatedDiskTree? {
        state.withLock { state in
            state.node(at: path).map { SimulatedDiskTree(content: .init($0)) }
        }
    }

    /// Replaces what stands at `path` with a copy, durable at once; `nil` leaves nothing there.
    /// Files that are open stay what they were, but have no name any more.
    ///
    /// - Precondition: The directory that holds `path` is there, and `path` is not the root.
    public func replaceTree(at path: String, with tree: SimulatedDiskTree?) {
        let replaced = state.withLock { state in
            do throws(SimulatedDiskFailure) {
                let (parent, name) = try state.parent(of: path)
                let before = parent.live[name]?.liveBytes ?? 0
                let node = tree?.content.node
                parent.restore(name, node)
                state.freeBytes? += before - (node?.liveBytes ?? 0)
                return true
            } catch {
                return false
            }
        }
        precondition(replaced, "There is no directory to hold \(path).")
    }

    /// The content of the file at `path` as a live read sees it; `nil` if there is none.
    public func bytes(at path: String) -> [UInt8]? {
        state.withLock { state in
            guard case .file(let file)? = state.node(at: path) else { return nil }
            return file.live.bytes
        }
    }

    /// The paths of all files in the directory at `path` and below it, in bytewise order.
    public func filePaths(in path: String) -> [String] {
        state.withLock { state in
            state.node(at: path).map { Self.filePaths($0, path) } ?? []
        }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func filePaths(_ node: SimulatedDiskNode, _ path: String) -> [String] {
        guard case .directory(let directory) = node else { return [path] }
        return directory.live.flatMap { name, node in
            filePaths(node, path + "/" + String(decoding: name, as: UTF8.self))
        }
    }

    /// What of the file at `path` would be there after a crash that keeps nothing unsynced, with
    /// its name as it is; `nil` if there is no such file.
    public func syncedBytes(at path: String) -> [UInt8]? {
        state.withLock { state in
            guard case .file(let file)? = state.node(at: path) else { return nil }
            return file.durable.bytes
        }
    }
}

extension SimulatedDiskTree.Content {
    fileprivate init(_ node: SimulatedDiskNode) {
        switch node {
        case .file(let file): self = .file(file.live)
        case .directory(let directory): self = .directory(directory.live.mapValues(Self.init))
        }
    }

    fileprivate var node: SimulatedDiskNode {
        switch self {
        case .file(let pages): .file(SimulatedDiskFileNode(durable: pages))
        case .directory(let names):
            .directory(SimulatedDiskDirectoryNode(durable: names.mapValues(\.node)))
        }
    }
}

extension SimulatedDiskPages {
    var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
            initialized = read(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
        }
    }
}
