// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard output and standard error, unbuffered, so that a line is there when it is written.
enum Terminal {
    /// Writes text to standard output.
    static func output(_ text: String) { write(text, to: 1) }

    /// Writes a line to standard error.
    static func error(_ line: String) { write(line + "\n", to: 2) }

    /// Writes text to standard error.
    static func errorText(_ text: String) { write(text, to: 2) }

    /// Standard input to its end, or to `bytesMax` bytes.
    static func input(bytesMax: Int) -> String {
        var bytes = [UInt8](repeating: 0, count: bytesMax)
        var count = 0
        while count < bytesMax {
            let start = count
            let taken = bytes.withUnsafeMutableBytes {
                read(0, $0.baseAddress.map { $0 + start }, bytesMax - start)
            }
            guard taken > 0 else { break }
            count += taken
        }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    /// Whether a person may be looking at standard error.
    static var errorIsTerminal: Bool { isatty(2) == 1 }

    private static func write(_ text: String, to descriptor: CInt) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes {
                systemWrite(descriptor, $0.baseAddress, $0.count)
            }
            // Nobody can be told that the terminal has gone.
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

extension ServerCommand {
    /// The environment variables of this process.
    ///
    /// Read once at the start, before there is a second thread that could change them.
    package static var environment: [String: String] {
        var variables: [String: String] = [:]
        #if canImport(Darwin)
            var next = _NSGetEnviron().pointee
        #else
            var next = environ
        #endif
        while let entry = next.pointee {
            let pair = String(cString: entry).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            next += 1
        }
        return variables
    }
}

/// How many files and sockets the process may have open.
enum DescriptorLimit {
    /// Raises the limit to what the system lets this process have, 65,536 at most: the default of
    /// many systems, 1,024, is less than the connections that the server takes.
    static func raise() {
        SocketPlatform.raiseDescriptorLimit(to: 65_536)
    }
}

/// The wall clock of the machine.
enum SystemClock {
    /// Milliseconds since 1970; 0 before that.
    static var wallMilliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        guard time.tv_sec > 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// The processor time that this process has used, of user and system, in seconds.
    static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// How many bytes a page of memory has.
    static var pageBytes: UInt64 { UInt64(getpagesize()) }
}

private func systemWrite(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
