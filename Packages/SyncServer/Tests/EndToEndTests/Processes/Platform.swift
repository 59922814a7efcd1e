// SPDX-License-Identifier: MIT

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

/// What differs between platforms when a process is started.
enum Platform {
    /// Starts a program whose descriptors 0 to 2 are the ones given, and which inherits no other.
    static func spawn(
        _ path: String, _ words: [String], environment: [String: String],
        descriptors: [CInt]
    ) throws -> pid_t {
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
        var flags = CInt(POSIX_SPAWN_SETSIGDEF) | CInt(POSIX_SPAWN_SETSIGMASK)
        #if canImport(Darwin)
            flags |= CInt(POSIX_SPAWN_CLOEXEC_DEFAULT)
        #else
            // Beside close-on-exec, which a descriptor gets a moment after it is made. To close
            // what is not open does no harm.
            for descriptor in 3..<CInt(min(1_024, sysconf(CInt(_SC_OPEN_MAX)))) {
                posix_spawn_file_actions_addclose(&actions, descriptor)
            }
        #endif
        var defaults = sigset_t()
        var mask = sigset_t()
        sigemptyset(&mask)
        sigemptyset(&defaults)
        for signal in [SIGPIPE, SIGINT, SIGTERM, SIGHUP] { sigaddset(&defaults, signal) }
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setsigmask(&attributes, &mask)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid: pid_t = 0
        let result = withCStrings([path] + words) { argv in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { envp in
                posix_spawn(&pid, path, &actions, &attributes, argv, envp)
            }
        }
        guard result == 0 else { throw SystemFailure("starting \(path)", result) }
        return pid
    }

    private static func withCStrings<Result>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }

    /// The status of a process that has ended; `nil` while it runs.
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

    /// A pipe's reading and writing ends; neither outlives a spawn.
    static func makePipe() throws -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Waits until one of the descriptors can be read or has ended, or the time is over; with no
    /// descriptors that is a pause.
    static func waitReadable(_ descriptors: [CInt], milliseconds: CInt) {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&entries, nfds_t(entries.count), milliseconds)
    }

    /// Whether a read would return at once.
    static func isReadable(_ descriptor: CInt) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) > 0
    }

    /// Monotonic seconds.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

/// How a process ended.
enum Exit: Equatable, Sendable {
    case status(CInt)
    case signal(CInt)
}
