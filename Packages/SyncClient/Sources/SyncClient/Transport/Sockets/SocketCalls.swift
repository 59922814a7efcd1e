// SPDX-License-Identifier: MIT

// The socket calls of the platforms, and everywhere that they differ.

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a call on a socket that never blocks came to.
enum SocketResult {
    /// So many bytes were moved; 0 of a read is the peer's end of sending.
    case moved(Int)
    /// Nothing can be moved at present.
    case wouldBlock
    /// The connection is broken, with the system's word for it.
    case failed(String)
}

/// What beginning a connection came to.
enum ConnectResult {
    case connected
    /// The socket becomes writable when it is decided.
    case inProgress
    case failed(String)
}

/// An address as the system has it: the bytes of a `sockaddr`.
struct SocketAddress: Sendable {
    var family: CInt
    var bytes: [UInt8]
}

/// Why a name stands for no address.
struct ResolveFailure: Error {
    var message: String
}

/// The system's socket calls. Every socket made here never blocks, is closed on exec and never
/// raises SIGPIPE.
enum SocketCalls {
    private static var stream: CInt {
        #if canImport(Glibc)
            CInt(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    /// The system's word for an error number.
    static func message(_ number: CInt) -> String { String(cString: strerror(number)) }

    /// Makes a socket and begins to connect it. The descriptor is the caller's to close.
    static func connect(to address: SocketAddress) -> (descriptor: CInt?, result: ConnectResult) {
        let descriptor = socket(address.family, stream, CInt(IPPROTO_TCP))
        guard descriptor >= 0 else { return (nil, .failed(message(errno))) }
        prepare(descriptor)
        set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY)
        // The bytes were copied from a sockaddr of this family, and malloc aligns them.
        let result = address.bytes.withUnsafeBytes { bytes in
            bytes.baseAddress?.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                systemConnect(descriptor, $0, socklen_t(bytes.count))
            }
        }
        if result == 0 { return (descriptor, .connected) }
        // An interrupted connect goes on by itself.
        if errno == EINPROGRESS || errno == EINTR { return (descriptor, .inProgress) }
        return (descriptor, .failed(message(errno)))
    }

    /// What came of a connection that was in progress: nil for success.
    static func connectFailure(_ descriptor: CInt) -> String? {
        var number: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) == 0 else {
            return message(errno)
        }
        return number == 0 ? nil : message(number)
    }

    static func receive(
        _ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer
    ) -> SocketResult {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return failure
        }
    }

    static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> SocketResult {
        while true {
            let count = systemSend(descriptor, bytes.baseAddress, bytes.count)
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return failure
        }
    }

    /// Whether a connection that waits for its next request still can have one: the peer neither
    /// ended it nor said anything that nobody asked for.
    static func isUsable(_ descriptor: CInt) -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) < 0
            && (errno == EAGAIN || errno == EWOULDBLOCK)
    }

    /// Waits until a descriptor is ready, at most `milliseconds`; -1 for as long as it takes.
    static func wait(_ polls: inout [pollfd], milliseconds: CInt) {
        // Nothing is ready after an interruption, and the caller waits again.
        if poll(&polls, nfds_t(polls.count), milliseconds) < 0 {
            for index in polls.indices { polls[index].revents = 0 }
        }
    }

    private static var failure: SocketResult {
        errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(message(errno))
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt) {
        var one: CInt = 1
        _ = setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Makes a descriptor non-blocking and closed on exec.
    static func prepare(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
            set(descriptor, SOL_SOCKET, SO_NOSIGPIPE)
        #endif
    }

    static func close(_ descriptor: CInt) { systemClose(descriptor) }

    /// Nanoseconds of a clock that never goes back; only differences mean anything.
    static var monotonicNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

extension SocketCalls {
    /// The addresses of a host, in the system's order of preference.
    ///
    /// Blocks for as long as the system's resolver takes, unless `isNumeric`: then a host that is
    /// a name has none.
    static func addresses(
        of host: String, port: UInt16, isNumeric: Bool
    ) throws(ResolveFailure) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = stream
        hints.ai_flags = AI_NUMERICSERV | (isNumeric ? AI_NUMERICHOST : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else { throw ResolveFailure(message: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr {
                let bytes = UnsafeRawBufferPointer(
                    start: address, count: Int(entry.pointee.ai_addrlen))
                found.append(SocketAddress(family: entry.pointee.ai_family, bytes: Array(bytes)))
            }
            next = entry.pointee.ai_next
        }
        return found
    }

    /// Runs `body` on a new thread, which ends with it.
    ///
    /// - Returns: whether the system had a thread to give.
    static func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
        let box = Unmanaged.passRetained(ThreadBody(run: body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let code = pthread_create(&thread, nil, threadMain, box.toOpaque())
        guard code == 0 else {
            box.release()
            return false
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
        return true
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

// Behind these names the type's own functions cannot hide the system's.

private func systemConnect(
    _ descriptor: CInt, _ address: UnsafePointer<sockaddr>?, _ size: socklen_t
) -> CInt {
    connect(descriptor, address, size)
}

private func systemSend(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    #if canImport(Darwin)
        send(descriptor, bytes, count, 0)
    #else
        send(descriptor, bytes, count, CInt(MSG_NOSIGNAL))
    #endif
}

private func systemClose(_ descriptor: CInt) { _ = close(descriptor) }
