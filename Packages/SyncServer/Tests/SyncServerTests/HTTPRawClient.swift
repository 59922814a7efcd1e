// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@testable import SyncServer

/// A blocking socket to a server on this machine. A read that gets nothing for ten seconds
/// fails, so that a test which goes wrong ends.
final class RawClient {
    struct Failure: Error {
        var call: String
        var errorNumber: CInt
    }

    struct Response: Equatable {
        var status: Int
        var head: String
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let descriptor: CInt
    private var received: [UInt8] = []

    init(port: UInt16, receiveBufferBytes: CInt? = nil) throws {
        descriptor = socket(AF_INET, SocketPlatform.stream, 0)
        guard descriptor >= 0 else { throw Failure(call: "socket", errorNumber: errno) }
        var limit = timeval()
        limit.tv_sec = 600
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if let receiveBufferBytes {
            SocketPlatform.set(descriptor, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, size)
            }
        }
        guard result == 0 else { throw Failure(call: "connect", errorNumber: errno) }
        SocketPlatform.set(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY)
    }

    deinit { SocketPlatform.close(descriptor) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let result = rest.withUnsafeBytes {
                SocketPlatform.send($0, to: descriptor, hasMore: false)
            }
            guard case .moved(let count) = result else {
                throw Failure(call: "send", errorNumber: errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    func get(_ target: String) throws {
        try send("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    /// Ends sending, as a peer does that has asked all it wants.
    func endSending() { SocketPlatform.endSending(descriptor) }

    /// Closes so that the server sees a reset.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Whether bytes wait at a socket, without taking them or waiting.
    static func hasBytes(_ descriptor: CInt) -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) > 0
    }

    /// Reads one response with a Content-Length.
    func response(pieceBytes: Int = 65_536) throws -> Response {
        let end = Array("\r\n\r\n".utf8)
        var headEnd = 0
        while true {
            if let index = firstIndex(of: end) {
                headEnd = index
                break
            }
            guard try fill(pieceBytes) else { throw Failure(call: "response", errorNumber: 0) }
        }
        let head = String(decoding: received[..<headEnd], as: UTF8.self)
        let lines = head.split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        let length =
            lines.first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst(16)) } ?? 0
        while received.count < headEnd + 4 + length {
            guard try fill(pieceBytes) else { throw Failure(call: "response", errorNumber: 0) }
        }
        let body = Array(received[(headEnd + 4)..<(headEnd + 4 + length)])
        received.removeFirst(headEnd + 4 + length)
        return Response(status: status, head: head, body: body)
    }

    /// Reads to the server's end and returns what came before it.
    func rest() throws -> String {
        while try fill(65_536) {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    private func firstIndex(of pattern: [UInt8]) -> Int? {
        guard received.count >= pattern.count else { return nil }
        return (0...(received.count - pattern.count)).first {
            received[$0..<($0 + pattern.count)].elementsEqual(pattern)
        }
    }

    /// Reads once; false at the server's end.
    private func fill(_ limit: Int) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: limit)
        let result = buffer.withUnsafeMutableBytes {
            SocketPlatform.receive(descriptor, into: $0)
        }
        switch result {
        case .moved(0): return false
        case .moved(let count): received += buffer[..<count]
        case .wouldBlock, .failed: throw Failure(call: "recv", errorNumber: errno)
        }
        return true
    }
}
