// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A process that was started, and its two pipes.
struct StartedProcess {
    var id: pid_t
    /// Where its standard input comes from; never blocks.
    var input: CInt
    /// Where its standard output goes to; never blocks.
    var output: CInt
}

/// The calls that start and end adapters.
extension Platform {
    /// Starts a program, found along `PATH`, in a process group of its own; its standard error is
    /// this program's.
    ///
    /// - Throws: `ConformanceUnreachable` with the system's reason.
    static func start(_ words: [String]) throws(ConformanceUnreachable) -> StartedProcess {
        // Whoever writes to an adapter that ended gets an error, and not a signal.
        _ = signal(SIGPIPE, SIG_IGN)
        let input = try makePipe()
        let output = try makePipe()
        let spawned = spawn(words, input: input.read, output: output.write)
        closePipe(input.read)
        closePipe(output.write)
        let id: pid_t
        switch spawned {
        case .success(let started): id = started
        case .failure(let reason):
            closePipe(input.write)
            closePipe(output.read)
            throw ConformanceUnreachable("\(words[0]) cannot be started: \(reason.message)")
        }
        for end in [input.write, output.read] {
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
        }
        return StartedProcess(id: id, input: input.write, output: output.read)
    }

    private static func spawn(
        _ words: [String], input: CInt, output: CInt
    ) -> Swift.Result<pid_t, ConformanceFailure> {
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
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETPGROUP))
        let pointers = words.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, words[0], &actions, &attributes, pointers + [nil], environ)
        guard code == 0 else {
            return .failure(ConformanceFailure(String(cString: strerror(code))))
        }
        return .success(id)
    }

    /// A pipe whose ends no other program inherits.
    private static func makePipe() throws(ConformanceUnreachable) -> (read: CInt, write: CInt) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw ConformanceUnreachable("There is no pipe: \(String(cString: strerror(errno)))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Waits until there is something to read from one descriptor, or room in the other.
    static func wait(
        reading output: CInt, writing input: CInt?, milliseconds: CInt
    ) -> (canRead: Bool, canWrite: Bool) {
        var entries = [pollfd(fd: output, events: Int16(POLLIN), revents: 0)]
        if let input { entries.append(pollfd(fd: input, events: Int16(POLLOUT), revents: 0)) }
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return (false, false) }
        return (entries[0].revents != 0, entries.count > 1 && entries[1].revents != 0)
    }

    static func readPipe(_ end: CInt, into buffer: UnsafeMutableRawBufferPointer) -> Result {
        moved { systemReadPipe(end, buffer.baseAddress, buffer.count) }
    }

    static func writePipe(_ bytes: UnsafeRawBufferPointer, to end: CInt) -> Result {
        moved { systemWritePipe(end, bytes.baseAddress, bytes.count) }
    }

    private static func moved(_ call: () -> Int) -> Result {
        while true {
            let count = call()
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK
                ? .wouldBlock : .failed(String(cString: strerror(errno)))
        }
    }

    static func closePipe(_ end: CInt) { systemClosePipe(end) }

    /// Waits at most so long for a process to end, then ends it and all of its group. Returns how
    /// it ended, for a sentence: `ended with status 3`.
    static func end(_ process: StartedProcess, afterMilliseconds patience: CInt) -> String {
        var status: CInt = 0
        var isOver = false
        var waited: CInt = 0
        while !isOver, waited < patience {
            isOver = waitpid(process.id, &status, WNOHANG) != 0
            if !isOver {
                // Nothing is polled for; this is how long to wait before looking again.
                _ = poll(nil, 0, 5)
                waited += 5
            }
        }
        kill(-process.id, SIGKILL)
        if !isOver {
            while waitpid(process.id, &status, 0) < 0, errno == EINTR {}
            return "was ended"
        }
        // The layout that every Unix gives to it: the signal in the low seven bits.
        let signal = status & 0x7F
        return signal == 0
            ? "ended with status \(status >> 8 & 0xFF)" : "was ended by signal \(signal)"
    }
}

// Inside `Platform`, whose own functions have these names, the plain C names are not reachable.

private func systemReadPipe(_ end: CInt, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(end, buffer, count)
}
private func systemWritePipe(_ end: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(end, bytes, count)
}
private func systemClosePipe(_ end: CInt) { _ = close(end) }
