// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket that takes connections. Owns its descriptor.
final class Listener {
    /// The descriptor; closed with the listener.
    let socket: CInt
    /// The port, which the system chose if 0 was asked for.
    let port: UInt16

    /// Listens on `host`, an IPv4 or IPv6 literal or `localhost`, and `port`.
    init(host: String, port: UInt16) throws(HTTPServerError) {
        let address = try SocketAddress(host: host, port: port)
        let socket = SocketPlatform.makeSocket(family: address.family)
        guard socket >= 0 else { throw HTTPServerError(system: "socket") }
        // A restart must not wait for old connections to time out.
        SocketPlatform.set(socket, SOL_SOCKET, SO_REUSEADDR)
        guard address.bind(socket), listen(socket, 4096) == 0,
            let bound = SocketAddress.port(of: socket)
        else {
            let error = HTTPServerError.cannotListen(host: host, port: port, number: errno)
            SocketPlatform.close(socket)
            throw error
        }
        self.socket = socket
        self.port = bound
    }

    deinit { SocketPlatform.close(socket) }

    /// Takes one waiting connection.
    func accept() -> AcceptResult { SocketPlatform.accept(from: socket) }
}

/// An address of a socket, of either family.
private enum SocketAddress {
    case ipv4(sockaddr_in)
    case ipv6(sockaddr_in6)

    init(host: String, port: UInt16) throws(HTTPServerError) {
        var literal = Substring(host == "localhost" ? "127.0.0.1" : host)
        if literal.hasPrefix("[") && literal.hasSuffix("]") {
            literal = literal.dropFirst().dropLast()
        }
        var ipv4 = sockaddr_in()
        ipv4.sin_family = sa_family_t(AF_INET)
        ipv4.sin_port = port.bigEndian
        var ipv6 = sockaddr_in6()
        ipv6.sin6_family = sa_family_t(AF_INET6)
        ipv6.sin6_port = port.bigEndian
        if inet_pton(AF_INET, String(literal), &ipv4.sin_addr) == 1 {
            self = .ipv4(ipv4)
        } else if inet_pton(AF_INET6, String(literal), &ipv6.sin6_addr) == 1 {
            self = .ipv6(ipv6)
        } else {
            throw HTTPServerError(
                code: .address, errorNumber: 0,
                message: "The host is not an IPv4 or IPv6 address; name resolution is not done. "
                    + "Give an address such as 127.0.0.1, ::1, 0.0.0.0, or localhost.")
        }
    }

    var family: CInt {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        }
    }

    func bind(_ socket: CInt) -> Bool {
        switch self {
        case .ipv4(let address): SocketAddress.bind(socket, to: address)
        case .ipv6(let address): SocketAddress.bind(socket, to: address)
        }
    }

    private static func bind<Address>(_ socket: CInt, to address: Address) -> Bool {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Glibc)
                    Glibc.bind(socket, $0, socklen_t(MemoryLayout<Address>.size)) == 0
                #else
                    Darwin.bind(socket, $0, socklen_t(MemoryLayout<Address>.size)) == 0
                #endif
            }
        }
    }

    /// The port that `socket` is bound to. Both families keep it at the same place.
    static func port(of socket: CInt) -> UInt16? {
        var address = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                getsockname(socket, $0, &length)
            }
        }
        return result == 0 ? UInt16(bigEndian: address.sin6_port) : nil
    }
}

extension HTTPServerError {
    fileprivate static func cannotListen(
        host: String, port: UInt16, number: CInt
    ) -> HTTPServerError {
        let place = "Cannot listen on \(host) port \(port): "
        let system = String(cString: strerror(number))
        return switch number {
        case EADDRINUSE:
            HTTPServerError(
                code: .addressInUse, errorNumber: number,
                message: place + "another process does. Stop it or choose another port.")
        case EACCES:
            HTTPServerError(
                code: .permissionDenied, errorNumber: number,
                message: place + "not permitted. Choose a port above 1023.")
        case EADDRNOTAVAIL:
            HTTPServerError(
                code: .address, errorNumber: number,
                message: place + "this machine does not have the address. Try 127.0.0.1.")
        default:
            HTTPServerError(code: .system, errorNumber: number, message: place + system + ".")
        }
    }
}
