// SPDX-License-Identifier: MIT

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Standard output and standard error, unbuffered, so that a line is there when it is written.
enum Terminal {
    /// Writes a line to standard output.
    static func output(_ line: String) { write(line + "\n", to: 1) }

    /// Writes a line to standard error.
    static func error(_ line: String) { write(line + "\n", to: 2) }

    private static func write(_ text: String, to descriptor: CInt) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { writeBytes(descriptor, $0.baseAddress, $0.count) }
            // Nobody can be told that the terminal has gone.
            guard written > 0 else { return }
            bytes = bytes.dropFirst(written)
        }
    }
}

/// The process and the machine that it runs on.
enum Machine {
    /// How many cores there are for this process.
    static var cores: Int { max(1, sysconf(CInt(_SC_NPROCESSORS_ONLN))) }

    /// Sets an environment variable of this process, or removes it.
    static func setEnvironment(_ name: String, _ value: String?) {
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
    }
}

// Running this program again.
extension Machine {
    /// The program cannot be started again.
    struct StartFailure: Error, CustomStringConvertible {
        /// What is wrong.
        var description: String
    }

    /// Runs this program with other words behind its name, and waits for its end. It inherits the
    /// environment, and its standard error goes nowhere.
    ///
    /// - Parameter output: Where its standard output goes.
    static func runAgain(
        _ words: [String], output: String, secondsMax: Int
    ) throws(StartFailure) -> ChildRun.End {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        let program = CommandLine.arguments[0]
        let pointers = ([program] + words).map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        var pid: pid_t = 0
        // Found as this process was: by its path, or in the directories of PATH.
        let result = posix_spawnp(&pid, program, &actions, nil, pointers + [nil], environ)
        guard result == 0 else {
            throw StartFailure(
                description: "\(program) cannot be started: \(String(cString: strerror(result)))")
        }
        return end(of: pid, secondsMax: secondsMax)
    }

    private static func end(of pid: pid_t, secondsMax: Int) -> ChildRun.End {
        let clock = ContinuousClock()
        let limit = clock.now + .seconds(secondsMax)
        var status: CInt = 0
        var isOverdue = false
        while true {
            let found = waitpid(pid, &status, isOverdue ? 0 : WNOHANG)
            if found == pid { break }
            if !isOverdue, clock.now >= limit {
                isOverdue = true
                kill(pid, SIGKILL)
            }
            usleep(2_000)
        }
        if isOverdue { return .overdue }
        // The layout that every Unix gives to it: the signal in the low seven bits.
        let signal = status & 0x7F
        return signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
    }
}

/// Tells which seed was running when the process dies.
enum Crash {
    private static let seed = Atomic<UInt64>(0)

    /// Notes which seed is begun.
    static func note(seed number: UInt64) { seed.store(number, ordering: .relaxed) }

    /// From now on a death is told of.
    static func watch() {
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            signal(number, tellOfDeath)
        }
    }

    fileprivate static var latestSeed: UInt64 { seed.load(ordering: .relaxed) }
}

// Only what may be called in a signal handler is: no memory is taken and no lock.
private func tellOfDeath(_ number: CInt) {
    put("a trap at or shortly before seed ", to: 2)
    put(Crash.latestSeed, to: 2)
    put("; --jobs 1 tells which it is\n", to: 2)
    signal(number, SIG_DFL)
    raise(number)
}

private func put(_ text: StaticString, to descriptor: CInt) {
    _ = writeBytes(descriptor, text.utf8Start, text.utf8CodeUnitCount)
}

private func put(_ number: UInt64, to descriptor: CInt) {
    withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
        var (start, rest) = (20, number)
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        } while rest > 0
        _ = writeBytes(descriptor, digits.baseAddress?.advanced(by: start), 20 - start)
    }
}

private func writeBytes(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
