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

/// Tells which seed was running when the process dies, or when a run does not end.
enum Crash {
    private static let seed = Atomic<UInt64>(0)
    fileprivate static let isHunt = Atomic<Bool>(false)
    /// Where the name of the planted bug that is hunted stands, for good; 0 for none.
    fileprivate static let hunted = Atomic<UInt>(0)

    /// How long a run may take while a planted bug is hunted, in seconds.
    static let secondsMax: UInt32 = 120

    /// Notes which seed is begun.
    static func note(seed number: UInt64) {
        seed.store(number, ordering: .relaxed)
        if isHunt.load(ordering: .relaxed) { alarm(secondsMax) }
    }

    /// From now on a death is told of; while a planted bug is hunted, it is a find.
    static func watch(hunting mutant: String? = nil) {
        if let mutant {
            hunted.store(UInt(bitPattern: strdup(mutant)), ordering: .relaxed)
            isHunt.store(true, ordering: .relaxed)
        }
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
            signal(number, tellOfDeath)
        }
        signal(SIGALRM, tellOfDeath)
    }

    fileprivate static var latestSeed: UInt64 { seed.load(ordering: .relaxed) }
}

// Only what may be called in a signal handler is: no memory is taken and no lock.
private func tellOfDeath(_ number: CInt) {
    if let name = UnsafePointer<CChar>(bitPattern: Crash.hunted.load(ordering: .relaxed)) {
        put("found ", to: 1)
        _ = writeBytes(1, name, strlen(name))
        put(" seed ", to: 1)
        put(Crash.latestSeed, to: 1)
        put(number == SIGALRM ? " (it does not end)\n" : " (it traps)\n", to: 1)
        _exit(0)
    }
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
