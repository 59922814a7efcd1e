// SPDX-License-Identifier: MIT

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tells threads which server is up, and the killer what they achieved.
///
/// Safety: `server`, `isFinishing` and `runningCount` are touched with `condition` locked alone,
/// and the pipe's ends are immutable.
final class KillArena: @unchecked Sendable {
    /// A server, and how many there were before it.
    struct Server {
        var generation: Int
        var port: UInt16
    }

    private let condition = NSCondition()
    private var server: Server?
    private var isFinishing = false
    private var runningCount = 0
    private let events: (read: CInt, write: CInt)

    init() throws {
        events = try Platform.makePipe()
        _ = fcntl(events.write, F_SETFL, O_NONBLOCK)
        _ = fcntl(events.read, F_SETFL, O_NONBLOCK)
    }

    deinit {
        close(events.read)
        close(events.write)
    }

    /// Names the server that is up now.
    func announce(port: UInt16, isLast: Bool) {
        condition.withLock {
            server = Server(generation: (server?.generation ?? 0) + 1, port: port)
            isFinishing = isLast
            condition.broadcast()
        }
    }

    /// Waits for a server later than `generation`; `nil` if there will be none.
    func server(after generation: Int) -> (server: Server, isLast: Bool)? {
        condition.withLock {
            let deadline = Date(timeIntervalSinceNow: Program.patienceSeconds)
            while true {
                if let server, server.generation > generation { return (server, isFinishing) }
                guard !isFinishing, condition.wait(until: deadline) else { return nil }
            }
        }
    }

    /// Runs `body` on a thread of its own.
    func run(_ body: @escaping @Sendable (KillArena) -> Void) {
        condition.withLock { runningCount += 1 }
        Thread.detachNewThread { [self] in
            body(self)
            condition.withLock {
                runningCount -= 1
                condition.broadcast()
            }
        }
    }

    /// Lets the threads end that wait for a server.
    func abandon() {
        condition.withLock {
            isFinishing = true
            condition.broadcast()
        }
    }

    /// Waits until all threads have ended, and says whether they did.
    func join() -> Bool {
        condition.withLock {
            let deadline = Date(timeIntervalSinceNow: Program.patienceSeconds)
            while runningCount > 0 {
                guard condition.wait(until: deadline) else { return false }
            }
            return true
        }
    }

    /// Notes that something was acknowledged.
    func noteProgress() {
        var byte: UInt8 = 1
        _ = write(events.write, &byte, 1)
    }

    /// Waits until something was acknowledged `count` times from now on.
    ///
    /// - Throws: `Program.Failure` if it takes too long.
    func waitForProgress(_ count: Int) throws {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while systemRead(events.read, &buffer) > 0 {}
        var seen = 0
        let deadline = Platform.seconds + Program.patienceSeconds
        while seen < count {
            guard Platform.seconds < deadline else {
                throw Program.Failure(description: "\(seen) of \(count) pushes were acknowledged")
            }
            Platform.waitReadable([events.read], milliseconds: 1_000)
            seen += max(0, systemRead(events.read, &buffer))
        }
    }
}

private func systemRead(_ descriptor: CInt, _ buffer: inout [UInt8]) -> Int {
    read(descriptor, &buffer, buffer.count)
}
