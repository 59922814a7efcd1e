// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import CLinux
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization

/// Wakes a poller from any thread, and from a signal handler. Owns its descriptors.
///
/// An eventfd on Linux, a pipe on Darwin; a write to either is all that a signal handler does.
final class Wakeup: Sendable {
    /// Readable from the first `signal()` until `clear()`.
    let readEnd: CInt
    private let writeEnd: CInt

    /// Makes the descriptors.
    init() throws(HTTPServerError) {
        #if canImport(Glibc)
            let descriptor = eventfd(0, CInt(EFD_NONBLOCK) | CInt(EFD_CLOEXEC))
            guard descriptor >= 0 else { throw HTTPServerError(system: "eventfd") }
            readEnd = descriptor
            writeEnd = descriptor
        #else
            var ends: [CInt] = [-1, -1]
            guard pipe(&ends) == 0 else { throw HTTPServerError(system: "pipe") }
            ends.forEach(SocketPlatform.prepare)
            readEnd = ends[0]
            writeEnd = ends[1]
        #endif
    }

    deinit {
        StopSignals.forget(writeEnd)
        SocketPlatform.close(readEnd)
        if writeEnd != readEnd { SocketPlatform.close(writeEnd) }
    }

    /// Wakes the poller. Any thread may call it.
    func signal() { Wakeup.write(to: writeEnd) }

    /// Lets SIGTERM and SIGINT wake the poller, instead of ending the process.
    func installStopSignals() { StopSignals.install(writeEnd) }

    /// Makes `readEnd` unreadable until the next signal.
    func clear() {
        var buffer: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &buffer) { while read(readEnd, $0.baseAddress, 8) > 0 {} }
    }

    /// Writes one unit; full means that the poller is awake already.
    fileprivate static func write(to descriptor: CInt) {
        var one: UInt64 = 1
        #if canImport(Glibc)
            _ = Glibc.write(descriptor, &one, 8)
        #else
            _ = Darwin.write(descriptor, &one, 8)
        #endif
    }
}

/// What SIGTERM and SIGINT wake. One per process, as signals are.
private enum StopSignals {
    /// The descriptor to write to, -1 for none.
    static let descriptor = Atomic<CInt>(-1)

    static func install(_ writeEnd: CInt) {
        // The store also initialises the global, which a signal handler must not do.
        descriptor.store(writeEnd, ordering: .sequentiallyConsistent)
        for number in [SIGTERM, SIGINT] {
            _ = signal(number) { number in
                let saved = errno
                let target = StopSignals.descriptor.load(ordering: .sequentiallyConsistent)
                if target >= 0 { Wakeup.write(to: target) }
                // A second signal ends a process whose orderly stop takes too long.
                _ = signal(number, SIG_DFL)
                errno = saved
            }
        }
    }

    static func forget(_ writeEnd: CInt) {
        _ = descriptor.compareExchange(
            expected: writeEnd, desired: -1, ordering: .sequentiallyConsistent)
    }
}
