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

    static func exit(_ code: Int32) -> Never {
        systemExit(code)
    }
}

// Inside `Platform`, whose own functions have these names, the plain C names are not reachable.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
private func systemExit(_ code: Int32) -> Never { exit(code) }
