// SPDX-License-Identifier: MIT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The system calls that this module makes: interrupted ones repeated, partial ones continued, and
/// failures thrown as error numbers. What differs between platforms differs here and nowhere else.
enum Platform {
    /// An `errno`, on its way to the `FileSystemError` that names the file.
    struct Failure: Error {
        var errorNumber: Int32
    }

    /// Darwin refuses single transfers over `Int32.max` bytes; one bound for all keeps one path.
    private static let transferBytesMax = 1 << 30

    static func open(_ path: String, _ mode: FileOpenMode) throws(Failure) -> Int32 {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .readWrite: O_RDWR
            case .createNew: O_RDWR | O_CREAT | O_EXCL
            case .createIfMissing: O_RDWR | O_CREAT
            }
        // 0600: logs hold the user's data, so other accounts get nothing unless the owner says so.
        return try retrying { systemOpen(path, flags | O_CLOEXEC, 0o600) }
    }

    static func close(_ descriptor: Int32) {
        // Not repeated after EINTR: the descriptor is gone by then, and may be someone else's.
        _ = systemClose(descriptor)
    }

    static func isDirectory(_ descriptor: Int32) throws(Failure) -> Bool {
        var status = stat()
        _ = try retrying { fstat(descriptor, &status) }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    static func size(_ descriptor: Int32) throws(Failure) -> UInt64 {
        var status = stat()
        _ = try retrying { fstat(descriptor, &status) }
        return UInt64(status.st_size)
    }

    static func read(
        _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
    ) throws(Failure) -> Int {
        let start = try position(offset, adding: buffer.count)
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try retrying {
                pread(
                    descriptor, rest.baseAddress, min(rest.count, transferBytesMax),
                    start + off_t(done))
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    static func write(
        _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
    ) throws(Failure) {
        let start = try position(offset, adding: bytes.count)
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let count = try retrying {
                pwrite(
                    descriptor, rest.baseAddress, min(rest.count, transferBytesMax),
                    start + off_t(done))
            }
            // A write that neither moves nor fails would repeat for ever.
            if count == 0 { throw Failure(errorNumber: EIO) }
            done += count
        }
    }

    static func truncate(_ descriptor: Int32, to size: UInt64) throws(Failure) {
        let size = try position(size, adding: 0)
        _ = try retrying { ftruncate(descriptor, size) }
    }

    static func syncFile(_ descriptor: Int32) throws(Failure) {
        #if canImport(Darwin)
            // fsync alone leaves the bytes in the drive's cache. File systems without
            // F_FULLFSYNC (network mounts) refuse it, and there fsync is what there is.
            do throws(Failure) {
                _ = try retrying { fcntl(descriptor, F_FULLFSYNC) }
            } catch  where [ENOTSUP, EINVAL, ENOTTY].contains(error.errorNumber) {
                _ = try retrying { fsync(descriptor) }
            }
        #else
            _ = try retrying { fdatasync(descriptor) }
        #endif
    }

    static func syncDirectory(_ path: String) throws(Failure) {
        let descriptor = try retrying {
            systemOpen(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
        }
        defer { close(descriptor) }
        do throws(Failure) {
            _ = try retrying { fsync(descriptor) }
        } catch {
            // EINVAL: this file system has no such operation (some network and FUSE mounts), and
            // orders its names in its own way. Every other error means that a sync has failed.
            if error.errorNumber != EINVAL { throw error }
        }
    }

    static func rename(_ source: String, to destination: String) throws(Failure) {
        _ = try retrying { systemRename(source, destination) }
    }

    static func remove(_ path: String) throws(Failure) {
        _ = try retrying { unlink(path) }
    }

    static func createDirectory(_ path: String) throws(Failure) {
        // 0700: as with files, private to the account that runs the program.
        _ = try retrying { mkdir(path, 0o700) }
    }

    static func exists(_ path: String) throws(Failure) -> Bool {
        var status = stat()
        do throws(Failure) {
            _ = try retrying { stat(path, &status) }
            return true
        } catch  where error.errorNumber == ENOENT {
            return false
        }
    }

    static func isDirectory(at path: String) throws(Failure) -> Bool {
        var status = stat()
        _ = try retrying { stat(path, &status) }
        return status.st_mode & S_IFMT == S_IFDIR
    }

    static func namesInDirectory(_ path: String) throws(Failure) -> [String] {
        guard let stream = opendir(path) else { throw Failure(errorNumber: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            // readdir tells its end from an error by errno alone.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        if errno != 0 { throw Failure(errorNumber: errno) }
        return names
    }

    /// Takes the lock, or returns `false` if another open description holds it.
    static func lock(_ descriptor: Int32) throws(Failure) -> Bool {
        do throws(Failure) {
            _ = try retrying { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.errorNumber == EWOULDBLOCK {
            return false
        }
    }

    /// The system's words for an error number.
    static func text(for errorNumber: Int32) -> String {
        // strerror's shared buffer may be written by another thread; strerror_r fills ours.
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress else { return "error \(errorNumber)" }
            start.initialize(repeating: 0, count: buffer.count)
            return strerror_r(errorNumber, start, buffer.count) == 0
                ? String(cString: start) : "error \(errorNumber)"
        }
    }

    /// `offset` as the system takes it, if `count` bytes from there have positions at all.
    private static func position(_ offset: UInt64, adding count: Int) throws(Failure) -> off_t {
        guard let start = off_t(exactly: offset),
            !start.addingReportingOverflow(off_t(count)).overflow
        else { throw Failure(errorNumber: EFBIG) }
        return start
    }

    private static func retrying<Result: FixedWidthInteger>(
        _ call: () -> Result
    ) throws(Failure) -> Result {
        while true {
            let result = call()
            if result != -1 { return result }
            if errno != EINTR { throw Failure(errorNumber: errno) }
        }
    }
}

extension FileSystemError {
    /// The error numbers that this project tells apart, under names that need no C library.
    public enum Number {
        /// `ENOENT`: no such file or directory.
        public static let notFound = ENOENT
        /// `EEXIST`: the name is taken.
        public static let alreadyExists = EEXIST
        /// `ENOSPC`: the disk is full.
        public static let outOfSpace = ENOSPC
        /// `EDQUOT`: the account's share of the disk is used up.
        public static let quotaExceeded = EDQUOT
        /// `EIO`: the device failed.
        public static let inputOutput = EIO
        /// `EROFS`: the file system is mounted read-only.
        public static let readOnlyFileSystem = EROFS
        /// `EACCES`: the account may not.
        public static let permissionDenied = EACCES
        /// `EPERM`: nobody may.
        public static let notPermitted = EPERM
        /// `EMFILE`: the process has too many open files.
        public static let tooManyOpenFiles = EMFILE
        /// `ENFILE`: the system has too many open files.
        public static let tooManyOpenFilesInSystem = ENFILE
        /// `EBADF`: the file is not open in this way.
        public static let badDescriptor = EBADF
        /// `EISDIR`: a directory stands where a file is needed.
        public static let isDirectory = EISDIR
        /// `ENOTDIR`: a file stands where a directory is needed.
        public static let notDirectory = ENOTDIR
        /// `ENOTEMPTY`: the directory to be replaced has something in it.
        public static let directoryNotEmpty = ENOTEMPTY
        /// `EXDEV`: the two names lie on different file systems.
        public static let crossDevice = EXDEV
        /// `EFBIG`: the file would be larger than it can be.
        public static let fileTooLarge = EFBIG
        /// `EINVAL`: the call makes no sense there.
        public static let invalidArgument = EINVAL
    }
}

// Inside `Platform`, whose own functions have these names, the plain C names are not reachable.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
    open(path, flags, mode)
}
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRename(_ source: String, _ destination: String) -> Int32 {
    rename(source, destination)
}
