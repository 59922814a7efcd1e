// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Non-blocking TCP sockets on this machine.
enum Loopback {
    /// A socket that listens on a free port, and the port.
    static func listen() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = try make()
        guard withAddress(0, { bind(descriptor, $0, $1) }) == 0, systemListen(descriptor, 256) == 0
        else { throw SystemFailure("listen") }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(descriptor, $0, &size)
            }
        }
        guard result == 0 else { throw SystemFailure("getsockname") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// A socket that is connecting to a port; `nil` if that failed at once.
    static func beginConnecting(to port: UInt16) -> CInt? {
        guard let descriptor = try? make() else { return nil }
        let result = withAddress(port) { connect(descriptor, $0, $1) }
        if result == 0 || errno == EINPROGRESS { return descriptor }
        systemClose(descriptor)
        return nil
    }

    /// The next connection of a listening socket.
    static func accepted(by listener: CInt) -> CInt? {
        let descriptor = accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        prepare(descriptor)
        return descriptor
    }

    enum Reading {
        case bytes([UInt8])
        case end
        case nothing
        case failure
    }

    static func receive(_ descriptor: CInt) -> Reading {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { return .bytes(Array(buffer[..<count])) }
        if count == 0 { return .end }
        return [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) ? .nothing : .failure
    }

    /// How many bytes were taken; `nil` if the connection has failed.
    static func send(_ bytes: [UInt8], to descriptor: CInt) -> Int? {
        #if canImport(Darwin)
            let flags: CInt = 0
        #else
            let flags = CInt(MSG_NOSIGNAL)
        #endif
        let count = bytes.withUnsafeBytes {
            systemSend(descriptor, $0.baseAddress, $0.count, flags)
        }
        if count >= 0 { return count }
        return [EAGAIN, EWOULDBLOCK, EINTR].contains(errno) ? 0 : nil
    }

    /// Whether a socket that was connecting is connected.
    static func isConnected(_ descriptor: CInt) -> Bool {
        var number: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) == 0 && number == 0
    }

    /// Ends sending; the peer sees the end of what was sent.
    static func endSending(_ descriptor: CInt) { shutdown(descriptor, CInt(SHUT_WR)) }

    static func close(_ descriptor: CInt) { systemClose(descriptor) }

    /// Closes it so that the peer sees a reset.
    static func reset(_ descriptor: CInt) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        systemClose(descriptor)
    }

    private static func make() throws -> CInt {
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = CInt(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw SystemFailure("socket") }
        prepare(descriptor)
        return descriptor
    }

    private static func prepare(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        Platform.makeNonblocking(descriptor)
        var one: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, size)
        #if canImport(Darwin)
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, size)
        #endif
    }

    private static func withAddress<Result>(
        _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}

private func systemClose(_ descriptor: CInt) { close(descriptor) }

private func systemListen(_ descriptor: CInt, _ backlog: CInt) -> CInt {
    listen(descriptor, backlog)
}

private func systemSend(
    _ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: CInt
) -> Int {
    send(descriptor, bytes, count, flags)
}
