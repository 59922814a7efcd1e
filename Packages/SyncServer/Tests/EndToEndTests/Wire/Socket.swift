// SPDX-License-Identifier: MIT

import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A blocking TCP socket on this machine. Sending and receiving fail when nothing moves for ten
/// minutes, so that a test which goes wrong ends.
final class Socket: Sendable {
    let descriptor: CInt
    private let isClosed = Atomic(false)

    /// Takes over a descriptor.
    init(descriptor: CInt) {
        self.descriptor = descriptor
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var limit = timeval()
        limit.tv_sec = 600
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var one: CInt = 1
        let oneSize = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, oneSize)
        #if canImport(Darwin)
            setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &one, oneSize)
        #endif
    }

    /// Connects to a port of this machine.
    convenience init(port: UInt16) throws {
        let descriptor = try Socket.make()
        self.init(descriptor: descriptor)
        let result = Socket.withAddress(port) { connect(descriptor, $0, $1) }
        guard result == 0 else { throw SystemFailure("connect") }
    }

    deinit { close() }

    /// Closes it now; no other thread may be using it.
    func close() {
        let wasClosed = isClosed.exchange(true, ordering: .relaxed)
        if !wasClosed { systemClose(descriptor) }
    }

    /// A socket that listens on a free port of this machine, and the port.
    static func listen() throws -> (socket: Socket, port: UInt16) {
        let socket = Socket(descriptor: try make())
        guard withAddress(0, { bind(socket.descriptor, $0, $1) }) == 0,
            systemListen(socket.descriptor, 64) == 0
        else { throw SystemFailure("listen") }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket.descriptor, $0, &size)
            }
        }
        guard result == 0 else { throw SystemFailure("getsockname") }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// A port of this machine at which nobody listens.
    static func makeClosedPort() throws -> UInt16 { try listen().port }

    /// The next connection of a listening socket that is readable.
    func accepted() -> Socket? {
        let connection = accept(descriptor, nil, nil)
        return connection < 0 ? nil : Socket(descriptor: connection)
    }

    func send(_ bytes: some Collection<UInt8>) throws {
        #if canImport(Darwin)
            let flags: CInt = 0
        #else
            let flags = CInt(MSG_NOSIGNAL)
        #endif
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                systemSend(descriptor, $0.baseAddress, $0.count, flags)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemFailure("send") }
            rest = rest.dropFirst(count)
        }
    }

    /// The bytes that are there, after waiting for some; none at the peer's end.
    func receive(_ limit: Int = 65_536) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: limit)
        while true {
            let count = recv(descriptor, &buffer, limit, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemFailure("recv") }
            return Array(buffer[..<count])
        }
    }

    /// Ends sending; the peer sees the end of what was sent.
    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Ends both directions, also for a thread that waits in a call.
    func endAll() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Closes it now, so that the peer sees a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    private static func make() throws -> CInt {
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = CInt(SOCK_STREAM.rawValue)
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { throw SystemFailure("socket") }
        return descriptor
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
