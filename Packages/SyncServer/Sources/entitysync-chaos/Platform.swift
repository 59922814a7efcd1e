// SPDX-License-Identifier: MIT

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A system call that failed.
struct SystemFailure: Error, CustomStringConvertible {
    var description: String

    init(_ call: String, _ number: CInt = errno) {
        description = "\(call): \(String(cString: strerror(number)))"
    }
}

/// How a process ended.
enum Exit: Equatable, Sendable {
    case status(CInt)
    case signal(CInt)
}

/// Processes, pipes and time: what the C library has, in the shape that is needed here.
enum Platform {
    /// Starts a program whose descriptors 0 to 2 are the ones given, and which inherits no other.
    static func spawn(_ path: String, _ words: [String], descriptors: [CInt]) throws -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (number, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(number))
        }
        // A group of its own: an interrupt from the terminal is this program's to deal with.
        var flags = CInt(POSIX_SPAWN_SETSIGDEF) | CInt(POSIX_SPAWN_SETSIGMASK)
        flags |= CInt(POSIX_SPAWN_SETPGROUP)
        #if canImport(Darwin)
            flags |= CInt(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #endif
        var defaults = sigset_t()
        var mask = sigset_t()
        sigemptyset(&mask)
        sigemptyset(&defaults)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var pid: pid_t = 0
        let result = withCStrings([path] + words) { argv in
            posix_spawn(&pid, path, &actions, &attributes, argv, environ)
        }
        guard result == 0 else { throw SystemFailure("starting \(path)", result) }
        return pid
    }

    /// Replaces this process by another program; returns only if that is impossible.
    static func replaceProcess(_ path: String, _ words: [String]) {
        _ = withCStrings([path] + words) { execv(path, $0) }
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }

    /// How a process ended; `nil` while it runs.
    static func reap(_ pid: pid_t, isBlocking: Bool) -> Exit? {
        var status: CInt = 0
        while true {
            let result = waitpid(pid, &status, isBlocking ? 0 : WNOHANG)
            if result == pid { break }
            if result < 0, errno == EINTR { continue }
            return nil
        }
        // The layout that every Unix gives to it: the signal in the low seven bits.
        let signal = status & 0x7F
        return signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
    }

    /// Sends a signal to one process.
    static func send(_ signal: CInt, to pid: pid_t) { kill(pid, signal) }

    /// What the threads of a process wait for, as far as the system tells: for a report.
    static func threads(of pid: pid_t) -> String {
        #if canImport(Darwin)
            return ""
        #else
            let directory = "/proc/\(pid)/task"
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            let states = tasks.sorted().map { task in
                let stat = text(of: "\(directory)/\(task)/stat")
                let state = stat.split(separator: ")").last?.split(separator: " ").first ?? "?"
                return "\(state) \(text(of: "\(directory)/\(task)/wchan"))"
            }
            return "; its threads: " + states.joined(separator: ", ")
        #endif
    }

    private static func text(of path: String) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else { return "" }
        return String(decoding: (try? handle.read(upToCount: 4_096)) ?? Data(), as: UTF8.self)
    }

    /// A pipe whose ends no other program inherits.
    static func makePipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    static func makeNonblocking(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    /// Appends what a non-blocking descriptor has, and says whether that was the end.
    static func drain(_ descriptor: CInt, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
            } else if count == 0 || errno != EINTR {
                return count == 0
            }
        }
    }

    /// Writes all of `bytes`; says whether that worked.
    @discardableResult
    static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Waits until one of the descriptors can be read or has ended, or the time is over; with no
    /// descriptors that is a pause.
    static func waitReadable(_ descriptors: [CInt], milliseconds: Int) {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&entries, nfds_t(entries.count), CInt(milliseconds))
    }

    /// Monotonic seconds.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
