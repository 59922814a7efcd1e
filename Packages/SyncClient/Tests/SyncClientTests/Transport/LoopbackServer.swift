// SPDX-License-Identifier: MIT

import HTTPWire
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@testable import SyncClient

/// A server on this machine that does to each connection what a test tells it to, on a thread of
/// the connection's own.
final class LoopbackServer: Sendable {
    typealias Script = @Sendable (LoopbackConnection) -> Void

    let port: UInt16
    private let listener: CInt
    private let state = Mutex((accepted: 0, isStopped: false))

    /// How many connections have come, those of a test's own making included.
    var acceptedCount: Int { state.withLock { $0.accepted } }

    var address: SocketAddress { Self.loopback(port) }

    init(_ script: @escaping Script) throws {
        listener = try Self.makeListener(backlog: 128)
        port = Self.port(of: listener)
        let isStarted = SocketCalls.startThread { [self] in
            while let connection = accept() {
                _ = SocketCalls.startThread {
                    script(connection)
                    connection.close()
                }
            }
            SocketCalls.close(listener)
        }
        guard isStarted else { throw LoopbackFailure() }
    }

    /// Takes no more connections. Those that there are end with their scripts.
    func stop() {
        state.withLock { $0.isStopped = true }
        // Wakes the thread that accepts.
        if let descriptor = SocketCalls.connect(to: address).descriptor {
            SocketCalls.close(descriptor)
        }
    }

    private func accept() -> LoopbackConnection? {
        let descriptor = systemAccept(listener)
        guard descriptor >= 0 else { return nil }
        let number = state.withLock { state -> Int? in
            if state.isStopped { return nil }
            state.accepted += 1
            return state.accepted - 1
        }
        guard let number else {
            SocketCalls.close(descriptor)
            return nil
        }
        return LoopbackConnection(descriptor: descriptor, number: number)
    }

    static func makeListener(backlog: CInt) throws -> CInt {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let isBound = loopback(0).bytes.withUnsafeBytes { bytes in
            bytes.baseAddress?.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(bytes.count))
            }
        }
        guard isBound == 0, listen(descriptor, backlog) == 0 else { throw LoopbackFailure() }
        return descriptor
    }

    static func port(of listener: CInt) -> UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = getsockname(listener, $0, &size)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    static func loopback(_ port: UInt16) -> SocketAddress {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return SocketAddress(
            family: AF_INET, bytes: withUnsafeBytes(of: &address) { Array($0) })
    }
}

struct LoopbackFailure: Error {}

/// The server's side of a connection. Blocks; a read that gets nothing for longer than any test may
/// take ends, so that a test which goes wrong leaves no thread for ever, and no slow machine ends
/// one of a test which goes right. Used on the thread of its script.
final class LoopbackConnection: @unchecked Sendable {
    // Checked by hand: the accepting thread hands it to the script's and never uses it again.
    /// How many connections came before.
    let number: Int
    private var descriptor: CInt
    private var parser = HTTPRequestParser(limits: HTTPLimits(maxBodyBytes: 1 << 30))

    init(descriptor: CInt, number: Int) {
        self.descriptor = descriptor
        self.number = number
        // A process that another test starts must not hold the connection open.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        var limit = timeval()
        limit.tv_sec = 600
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var one: CInt = 1
        let oneSize = socklen_t(MemoryLayout<CInt>.size)
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, oneSize)
    }

    /// The next whole request, nil at the end of what the client sends.
    func request() -> HTTPRequest? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        while true {
            if case .request(let request) = parser.next() { return request }
            let result = bytes.withUnsafeMutableBytes { SocketCalls.receive(descriptor, into: $0) }
            guard case .moved(let count) = result, count > 0 else { return nil }
            parser.append(Array(bytes[..<count]))
        }
    }

    /// Reads until the client ends or breaks the connection.
    func waitForEnd() { while request() != nil {} }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: some Collection<UInt8>) {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let result = rest.withUnsafeBytes { SocketCalls.send($0, to: descriptor) }
            guard case .moved(let count) = result else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Ends sending and goes on to read.
    func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

    /// Closes so that the client sees a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        SocketCalls.close(descriptor)
        descriptor = -1
    }

    /// Ends the connection in both directions, whoever else holds it.
    func close() {
        guard descriptor >= 0 else { return }
        shutdown(descriptor, CInt(SHUT_RDWR))
        SocketCalls.close(descriptor)
        descriptor = -1
    }
}

private func systemAccept(_ listener: CInt) -> CInt { accept(listener, nil, nil) }
