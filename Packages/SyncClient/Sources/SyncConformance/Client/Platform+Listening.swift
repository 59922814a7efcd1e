// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The calls of a server on the loopback interface.
extension Platform {
    /// A socket that listens on a free port of 127.0.0.1, and the port; nothing here blocks.
    static func listen() throws(ConformanceUnreachable) -> (descriptor: CInt, port: UInt16) {
        #if canImport(Glibc)
            let type = CInt(SOCK_STREAM.rawValue)
        #else
            let type = SOCK_STREAM
        #endif
        let descriptor = socket(AF_INET, type, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, size) == 0 && systemListen(descriptor) == 0
                    && getsockname(descriptor, address, &size) == 0
            }
        }
        guard descriptor >= 0, isListening else {
            throw ConformanceUnreachable(
                "No port of 127.0.0.1 can be listened on: \(String(cString: strerror(errno)))")
        }
        makeLoopbackSocket(descriptor)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// The next connection that waits to be taken.
    static func accept(_ listener: CInt) -> CInt? {
        let descriptor = systemAccept(listener)
        guard descriptor >= 0 else { return nil }
        makeLoopbackSocket(descriptor)
        var one: CInt = 1
        _ = setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        return descriptor
    }

    private static func makeLoopbackSocket(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
            var one: CInt = 1
            _ = setsockopt(
                descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, socklen_t(MemoryLayout<CInt>.size))
        #endif
    }

    /// Which of some descriptors can be read from, after at most so long.
    static func readable(_ descriptors: [CInt], milliseconds: CInt) -> Set<CInt> {
        var entries = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&entries, nfds_t(entries.count), milliseconds) > 0 else { return [] }
        return Set(entries.filter { $0.revents != 0 }.map(\.fd))
    }

    /// Waits on the calling thread.
    static func pause(milliseconds: CInt) { _ = poll(nil, 0, milliseconds) }

    /// Runs `body` on a new thread, which ends with it.
    ///
    /// - Throws: `ConformanceUnreachable` if the system has no thread to give.
    static func startThread(
        _ body: @escaping @Sendable () -> Void
    ) throws(ConformanceUnreachable) {
        let box = Unmanaged.passRetained(ThreadBody(run: body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, nil, threadMain, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw ConformanceUnreachable("There is no thread: \(String(cString: strerror(code)))")
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

#if canImport(Darwin)
    private func threadMain(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
        return nil
    }
#else
    private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
    }
#endif

// Inside `Platform`, whose own functions have these names, the plain C names are not reachable.

private func systemListen(_ descriptor: CInt) -> CInt { listen(descriptor, 64) }
private func systemAccept(_ descriptor: CInt) -> CInt { accept(descriptor, nil, nil) }
