// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The socket calls of the suites. What differs between platforms differs here.
enum Platform {
    /// What a call on a socket came to.
    enum Result {
        /// So many bytes were moved; 0 of a read is the peer's end of sending.
        case moved(Int)
        /// Nothing can be moved at present.
        case wouldBlock
        /// The connection is broken, with the system's word for it.
        case failed(String)
    }

    private static var stream: CInt {
        #if canImport(Glibc)
            CInt(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    /// The system's word for an error number.
    private static func message(_ number: CInt) -> String { String(cString: strerror(number)) }

    /// A connected socket that never blocks, raises no SIGPIPE and does not outlive an exec.
    ///
    /// - Throws: `ConformanceFailure` with the system's reason.
    static func connect(
        to host: String, _ port: UInt16, milliseconds: CInt
    ) throws(ConformanceFailure) -> CInt {
        var hints = addrinfo()
        hints.ai_socktype = stream
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw ConformanceFailure(
                "\(host) has no address: \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var reason = "no address"
        var next = list
        while let entry = next {
            switch connect(entry.pointee, milliseconds) {
            case .success(let descriptor): return descriptor
            case .failure(let failure): reason = failure.message
            }
            next = entry.pointee.ai_next
        }
        throw ConformanceFailure("\(host) port \(port) cannot be connected to: \(reason)")
    }

    private static func connect(
        _ address: addrinfo, _ milliseconds: CInt
    ) -> Swift.Result<CInt, ConformanceFailure> {
        func failed(_ number: CInt) -> Swift.Result<CInt, ConformanceFailure> {
            .failure(ConformanceFailure(message(number)))
        }
        let descriptor = socket(address.ai_family, stream, CInt(IPPROTO_TCP))
        guard descriptor >= 0 else { return failed(errno) }
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY)
        #if canImport(Darwin)
            set(descriptor, SOL_SOCKET, SO_NOSIGPIPE)
        #endif
        if systemConnect(descriptor, address.ai_addr, address.ai_addrlen) == 0 {
            return .success(descriptor)
        }
        var number = errno
        // An interrupted connect goes on by itself.
        if number == EINPROGRESS || number == EINTR {
            _ = wait(descriptor, forWriting: true, milliseconds: milliseconds)
            var size = socklen_t(MemoryLayout<CInt>.size)
            if getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) != 0 { number = errno }
            if number == 0, !wait(descriptor, forWriting: true, milliseconds: 0).canWrite {
                number = ETIMEDOUT
            }
            if number == 0 { return .success(descriptor) }
        }
        systemClose(descriptor)
        return failed(number)
    }

    private static func set(_ descriptor: CInt, _ level: CInt, _ option: CInt) {
        var one: CInt = 1
        _ = setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Waits until there is something to read, or also room to write, or the time is over.
    static func wait(
        _ descriptor: CInt, forWriting: Bool, milliseconds: CInt
    ) -> (canRead: Bool, canWrite: Bool) {
        let events = Int16(POLLIN) | (forWriting ? Int16(POLLOUT) : 0)
        var entry = pollfd(fd: descriptor, events: events, revents: 0)
        guard poll(&entry, 1, milliseconds) > 0 else { return (false, false) }
        // An error is met by whoever moves bytes next.
        let isBroken = entry.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0
        return (
            isBroken || entry.revents & Int16(POLLIN) != 0, entry.revents & Int16(POLLOUT) != 0
        )
    }

    static func receive(_ descriptor: CInt, into buffer: UnsafeMutableRawBufferPointer) -> Result {
        result { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }

    static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: CInt) -> Result {
        result { systemSend(descriptor, bytes.baseAddress, bytes.count) }
    }

    private static func result(_ call: () -> Int) -> Result {
        while true {
            let count = call()
            if count >= 0 { return .moved(count) }
            if errno == EINTR { continue }
            return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(message(errno))
        }
    }

    /// Closes a socket; with `isReset` the peer sees a reset instead of an end.
    static func close(_ descriptor: CInt, isReset: Bool) {
        if isReset {
            var option = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout<linger>.size)
            _ = setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, size)
        }
        systemClose(descriptor)
    }
}

// Inside `Platform`, whose own functions have these names, the plain C names are not reachable.

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
