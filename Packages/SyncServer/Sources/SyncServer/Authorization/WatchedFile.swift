// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What tells that a file is another one than before, without reading it.
struct FileStamp: Equatable, Sendable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var seconds: Int64
    var nanoseconds: Int64
    /// Whether others than the owner may read it.
    var isShared: Bool

    /// The stamp of the file at `path`; `nil` if there is none that can be seen.
    static func of(_ path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        #if canImport(Darwin)
            let time = status.st_mtimespec
        #else
            let time = status.st_mtim
        #endif
        return FileStamp(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            inode: UInt64(truncatingIfNeeded: status.st_ino), size: Int64(status.st_size),
            seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec),
            isShared: status.st_mode & 0o077 != 0)
    }
}

/// A file that is read again when it is another one.
struct WatchedFile {
    let path: String
    private var stamp: FileStamp?
    private var isRead = false

    init(_ path: String) { self.path = path }

    /// Whether the file has changed since this was last asked, at first true.
    ///
    /// It is asked before the file is read: what changes after that is noticed the next time.
    mutating func takeChange() -> Bool {
        let present = FileStamp.of(path)
        defer { (stamp, isRead) = (present, true) }
        return !isRead || present != stamp
    }
}
