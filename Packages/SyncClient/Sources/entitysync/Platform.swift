// SPDX-License-Identifier: MIT

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The system calls that the command line makes. What differs between platforms differs here.
enum Platform {
    static let standardInput: Int32 = 0
    static let standardOutput: Int32 = 1
    static let standardError: Int32 = 2

    /// Lets a write to a closed pipe fail instead of ending the process.
    static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }

    /// Writes all of `bytes`. Returns whether there is still somebody who reads them.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                systemWrite(descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]))
            }
            if count < 0 {
                if errno == EINTR { continue }
                return false
            }
            done += count
        }
        return true
    }

    /// Reads some bytes to the end of `buffer`, at most `count`. Returns how many; 0 at the end.
    ///
    /// - Throws: `CommandError` with the system's reason.
    static func read(
        _ count: Int, from descriptor: Int32, to buffer: inout [UInt8]
    ) throws(CommandError) -> Int {
        let start = buffer.count
        buffer.append(contentsOf: repeatElement(0, count: count))
        while true {
            let got = buffer.withUnsafeMutableBytes { bytes in
                systemRead(descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes[start...]))
            }
            if got < 0, errno == EINTR { continue }
            let reason = errno
            buffer.removeLast(count - max(0, got))
            guard got >= 0 else { throw CommandError("cannot read: \(message(reason))") }
            return got
        }
    }

    /// Opens a file for reading.
    static func open(_ path: String) throws(CommandError) -> Int32 {
        let descriptor = systemOpen(path)
        guard descriptor >= 0 else { throw CommandError("\(path): \(message(errno))") }
        return descriptor
    }

    private static func message(_ code: Int32) -> String {
        String(cString: strerror(code))
    }

    static func exit(_ code: Int32) -> Never {
        systemExit(code)
    }
}

// Inside `Platform`, whose own functions have these names, the plain C names are not reachable.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
private func systemExit(_ code: Int32) -> Never { exit(code) }
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, bytes.baseAddress, bytes.count)
}
private func systemOpen(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC) }
