// SPDX-License-Identifier: MIT

import Cryptography
import HTTPWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Gets a key set from where it is published: one GET over a socket that blocks. Redirects are not
/// followed, as the operator named one place.
enum KeySetFetch {
    /// How long all of it may take, but for the resolver and one read.
    private static let secondsMax = 5

    static func fetch(_ address: KeySetAddress) -> Result<[UInt8], KeySourceError> {
        // OpenSSL writes to sockets as to files; a peer that has gone must not end the process.
        _ = signal(SIGPIPE, SIG_IGN)
        return Result { () throws(KeySourceError) in
            let descriptor = try connect(address)
            defer { SocketPlatform.close(descriptor) }
            let response = try exchange(address, descriptor)
            guard response.status == 200 else {
                throw KeySourceError(description: "It is answered with \(response.status).")
            }
            return response.body
        }
    }

    private static func connect(_ address: KeySetAddress) throws(KeySourceError) -> CInt {
        var hints = addrinfo()
        hints.ai_socktype = SocketPlatform.stream
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address.host, "\(address.port)", &hints, &list) == 0 else {
            throw KeySourceError(description: "There is no such host.")
        }
        defer { freeaddrinfo(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            let descriptor = socket(entry.ai_family, entry.ai_socktype, entry.ai_protocol)
            guard descriptor >= 0 else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            // On Linux the limit for sending is also that for connecting.
            var limit = timeval(tv_sec: secondsMax, tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                setsockopt(
                    descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
            }
            if systemConnect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 {
                return descriptor
            }
            SocketPlatform.close(descriptor)
        }
        throw KeySourceError(description: "Nothing listens there.")
    }

    private static func exchange(
        _ address: KeySetAddress, _ descriptor: CInt
    ) throws(KeySourceError) -> HTTPReceivedResponse {
        let request = Array(
            ("GET \(address.target) HTTP/1.1\r\nHost: \(address.authority)\r\n"
                + "Accept: application/json\r\nUser-Agent: entitysync-server/\(serverVersion)\r\n"
                + "Connection: close\r\n\r\n").utf8)
        guard address.isSecure else {
            guard systemSend(descriptor, request) else { throw .broken }
            return try response { systemReceive(descriptor) }
        }
        let client: TLSClient
        do throws(TLSError) { client = try TLSClient(descriptor, host: address.host) } catch {
            throw KeySourceError(description: error.description)
        }
        guard client.send(request) else { throw .broken }
        return try response { client.receive(bytesMax: 16 << 10) }
    }

    /// Reads the answer; no bytes are the end, `nil` is a broken connection.
    private static func response(
        _ receive: () -> [UInt8]?
    ) throws(KeySourceError) -> HTTPReceivedResponse {
        var parser = HTTPResponseParser(
            limits: HTTPLimits(
                maxHeadBytes: 32 << 10, maxHeaderCount: 100, maxBodyBytes: JSONWebKeySet.bytesMax))
        let end = SocketPlatform.monotonicNanoseconds + UInt64(secondsMax) * 1_000_000_000
        while true {
            guard let bytes = receive(), SocketPlatform.monotonicNanoseconds < end else {
                throw .broken
            }
            if bytes.isEmpty { parser.receiveEnd() } else { parser.append(bytes) }
            switch parser.next() {
            case .response(let response): return response
            case .failed: throw KeySourceError(description: "The answer is not HTTP, or too long.")
            case .needMore: if bytes.isEmpty { throw .broken }
            }
        }
    }
}

extension KeySourceError {
    fileprivate static let broken = KeySourceError(
        description: "The connection broke, or took too long.")
}

private func systemConnect(
    _ descriptor: CInt, _ address: UnsafeMutablePointer<sockaddr>?, _ length: socklen_t
) -> CInt {
    connect(descriptor, address, length)
}

private func systemSend(_ descriptor: CInt, _ bytes: [UInt8]) -> Bool {
    send(descriptor, bytes, bytes.count, 0) == bytes.count
}

private func systemReceive(_ descriptor: CInt) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : Array(bytes[..<count])
}
