// SPDX-License-Identifier: MIT

// The socket calls of the platforms, and everywhere that they differ.

#if canImport(Glibc)
    import CLinux
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a call on a socket that never blocks came to.
enum SocketResult {
    /// So many bytes were moved; 0 of a read is the peer's end of sending.
    case moved(Int)
    /// Nothing can be moved at present.
    case wouldBlock
    /// The connection is broken.
    case failed
}

/// What accepting a connection came to.
enum AcceptResult {
    case accepted(CInt)
    /// No further connection waits.
    case none
    /// A connection went away before it was accepted; another may wait.
    case retry
    /// The process or the system is out of descriptors or memory.
    case exhausted
}

/// The system's socket calls. Every socket made here never blocks, is closed on exec and never
/// raises SIGPIPE.
enum SocketPlatform {
    static var stream: CInt {
        #if canImport(Glibc)
            CInt(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    static func makeSocket(family: CInt) -> CInt {
        let socket = socket(family, stream, CInt(IPPROTO_TCP))
        if socket >= 0 { prepare(socket) }
        return socket
    }

    static func accept(from listener: CInt) -> AcceptResult {
        #if canImport(Glibc)
            let socket = clinux_accept4(
                listener,
                CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue))
        #else
            let socket = Darwin.accept(listener, nil, nil)
        #endif
        if socket >= 0 {
            #if !canImport(Glibc)
                prepare(socket)
            #endif
            set(socket, CInt(IPPROTO_TCP), TCP_NODELAY)
            return .accepted(socket)
        }
        switch errno {
        case EAGAIN, EWOULDBLOCK: return .none
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
        case EINTR, ECONNABORTED, EPROTO: return .retry
        // Faults of the network of one connection (accept(2)); not to be retried at once.
        default: return .exhausted
        }
    }

    static func receive(_ socket: CInt, into buffer: UnsafeMutableRawBufferPointer) -> SocketResult
    {
        while true {
            let count = recv(socket, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Sends from `bytes`; with `hasMore` the system may wait for what follows at once.
    static func send(
        _ bytes: UnsafeRawBufferPointer, to socket: CInt, hasMore: Bool
    ) -> SocketResult {
        #if canImport(Glibc)
            let flags =
                CInt(MSG_NOSIGNAL) | (hasMore ? CInt(MSG_MORE) : 0)
        #else
            let flags: CInt = 0
        #endif
        while true {
            #if canImport(Glibc)
                let count = Glibc.send(socket, bytes.baseAddress, bytes.count, flags)
            #else
                let count = Darwin.send(socket, bytes.baseAddress, bytes.count, flags)
            #endif
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed
        }
    }

    /// Ends sending: the peer sees the end behind the last byte.
    static func endSending(_ socket: CInt) {
        #if canImport(Glibc)
            _ = shutdown(socket, CInt(SHUT_WR))
        #else
            _ = shutdown(socket, SHUT_WR)
        #endif
    }

    static func close(_ descriptor: CInt) {
        #if canImport(Glibc)
            _ = Glibc.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
    }

    static func set(_ socket: CInt, _ level: CInt, _ option: CInt, _ value: CInt = 1) {
        var value = value
        _ = setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Makes a descriptor non-blocking and closed on exec.
    static func prepare(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
            set(descriptor, SOL_SOCKET, SO_NOSIGPIPE)
        #endif
    }

    /// Raises the process's soft limit of open descriptors to `count`, as far as it may.
    static func raiseDescriptorLimit(to count: Int) {
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < rlim_t(count) else { return }
        limit.rlim_cur = min(rlim_t(count), limit.rlim_max)
        _ = setrlimit(resource, &limit)
    }

    /// Nanoseconds of a clock that never goes back; only differences mean anything.
    static var monotonicNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension HTTPServerError {
    /// The error of the system call that failed last.
    init(system call: String) {
        let number = errno
        self.init(
            code: .system, errorNumber: number,
            message: "\(call) failed: \(String(cString: strerror(number))).")
    }
}
