// SPDX-License-Identifier: MIT

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A directory that can be made to run out of space: a small file system in memory, in a mount
/// name space that is this run's own, so that the kernel takes it away with the run.
final class Volume {
    let path: String
    /// Whether it is a file system of its own; otherwise a plain directory that is never filled.
    let isLimited: Bool
    private var ballast: CInt = -1

    var isFull: Bool { ballast >= 0 }

    static let sizeText = "96m"

    /// The variable that says that this process has its own mount name space.
    private static let marker = "ENTITYSYNC_CHAOS_MOUNTS"

    static var canLimit: Bool { ProcessInfo.processInfo.environment[marker] != nil }

    /// What the report says about it.
    static var howLimited: String {
        canLimit
            ? "tmpfs of \(sizeText) in a mount name space of the run"
            : "skipped: a small file system needs Linux, unshare, and root or user name spaces"
    }

    /// Starts this program again in a mount name space of its own, in the same process; returns if
    /// that has been done, or cannot be.
    static func enterNameSpace() {
        guard !canLimit, let tool = firstFile(["/usr/bin/unshare", "/bin/unshare"]),
            let program = ChaosProgram.path
        else { return }
        let flags = geteuid() == 0 ? ["-m"] : ["-r", "-m"]
        let probe = try? Platform.spawn(
            tool, flags + ["mount", "-t", "tmpfs", "none", "/mnt"], descriptors: [0, 2, 2])
        guard let probe, Platform.reap(probe, isBlocking: true) == .status(0) else { return }
        setenv(marker, "1", 1)
        Platform.replaceProcess(tool, flags + [program] + CommandLine.arguments.dropFirst())
        unsetenv(marker)
    }

    /// Makes the directory, and the file system on it where that is possible and `isLimited`.
    init(_ path: String, isLimited: Bool) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        self.isLimited = isLimited && Self.canLimit
        guard self.isLimited else { return }
        let tool = Self.firstFile(["/usr/bin/mount", "/bin/mount"]) ?? "mount"
        let id = try Platform.spawn(
            tool, ["-t", "tmpfs", "-o", "size=\(Self.sizeText)", "none", path],
            descriptors: [0, 2, 2])
        guard Platform.reap(id, isBlocking: true) == .status(0) else {
            throw SystemFailure("mounting a file system on \(path)", EPERM)
        }
    }

    /// Uses up all space but `leaving` bytes.
    func fill(leaving: Int) {
        guard isLimited, ballast < 0 else { return }
        ballast = open(path + "/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        let block = [UInt8](repeating: 0, count: 65_536)
        var length = 0
        while true {
            let count = write(ballast, block, block.count)
            if count <= 0 { break }
            length += count
        }
        // Blocks of a page: what is given back is a page more than was asked for, at most.
        ftruncate(ballast, off_t(max(0, length - leaving)))
    }

    func free() {
        guard ballast >= 0 else { return }
        close(ballast)
        ballast = -1
        unlink(path + "/ballast")
    }

    /// Takes the file system away; nobody may be using it.
    func end() {
        free()
        guard isLimited else { return }
        let tool = Self.firstFile(["/usr/bin/umount", "/bin/umount"]) ?? "umount"
        let id = try? Platform.spawn(tool, ["-l", path], descriptors: [0, 2, 2])
        if let id { _ = Platform.reap(id, isBlocking: true) }
    }

    private static func firstFile(_ paths: [String]) -> String? {
        paths.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// Where the programs of a run are.
enum ChaosProgram {
    /// This program.
    static var path: String? { Bundle.main.executablePath }

    /// The server, which the build puts beside this program.
    static var serverPath: String? {
        path.map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
            .map { $0 + "/entitysync-server" }
            .flatMap { FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil }
    }
}
