// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import HTTPWire
import Synchronization

/// A request as it goes through a proxy.
struct Letter: Sendable {
    var method: String
    var target: String
    var contentType: String?
    var body: [UInt8]
}

/// An answer as it goes through a proxy.
struct Reply: Sendable {
    var status: Int
    var contentType = "application/cbor"
    var body: [UInt8] = []
}

/// What a proxy makes of a request, with the server at hand. It is called on the thread of the
/// connection that the request came on.
typealias Lie =
    @Sendable (
        _ request: Letter, _ server: (Letter) throws -> Reply
    ) throws -> Reply

/// How a proxy treats the bytes of a connection, beside what its lie makes of whole requests.
struct Manners: Sendable {
    /// Answers what was pipelined from the last to the first.
    var isBackwards = false
    /// Ends the connection behind each answer, without a word.
    var closesAfterAnswer = false
    /// Changes what comes in one read, so that something broken becomes whole.
    var mend: @Sendable ([UInt8]) -> [UInt8] = { $0 }
    /// What it says to bytes that it does not understand.
    var refusal = 400
}

/// A proxy on this machine that takes requests apart and answers as its lie has it. A good server
/// behind it becomes one that breaks a rule.
final class LyingProxy: Sendable {
    let port: UInt16
    private let listener: Socket
    private let target: UInt16
    private let lie: Lie
    private let manners: Manners
    private let connections = Mutex<(sockets: [Socket], isEnded: Bool)>(([], false))

    /// Starts to listen.
    init(
        to target: UInt16, manners: Manners = Manners(),
        lie: @escaping Lie = { request, server in try server(request) }
    ) throws {
        (listener, port) = try Socket.listen()
        self.target = target
        self.lie = lie
        self.manners = manners
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// Ends all connections and takes no more.
    func end() {
        let sockets = connections.withLock { connections in
            connections.isEnded = true
            return connections.sockets
        }
        for socket in sockets { socket.endAll() }
        // Wakes the thread that waits for connections.
        _ = try? Socket(port: port)
    }

    private func acceptAll() {
        while let socket = listener.accepted() {
            let isEnded = connections.withLock { connections in
                connections.sockets.append(socket)
                return connections.isEnded
            }
            if isEnded { return }
            Thread.detachNewThread { [self] in
                try? serve(socket)
                connections.withLock { connections in
                    connections.sockets.removeAll { $0 === socket }
                }
                socket.close()
            }
        }
    }

    /// Answers the requests of a connection until it ends.
    private func serve(_ socket: Socket) throws {
        let server = try HTTPClient(port: target)
        defer { server.socket.close() }
        var parser = HTTPRequestParser(limits: HTTPLimits(maxBodyBytes: 1 << 26))
        var pending: [HTTPRequest] = []
        while true {
            switch parser.next() {
            case .request(let request):
                pending.append(request)
                if !manners.isBackwards { try answer(&pending, socket, server) }
            case .needMore:
                try answer(&pending, socket, server)
                let bytes = try socket.receive()
                if bytes.isEmpty { return }
                parser.append(manners.mend(bytes))
            default:
                var headers = HTTPHeaders()
                headers.append("Content-Type", "application/cbor")
                let error = CBORMap.of(["code": 1, "message": "That is no HTTP."])
                let response = HTTPResponse(
                    status: manners.refusal, headers: headers, body: error.encoded)
                try socket.send(response.serialized(keepAlive: false))
                return
            }
        }
    }

    private func answer(
        _ pending: inout [HTTPRequest], _ socket: Socket, _ server: HTTPClient
    ) throws {
        for request in manners.isBackwards ? pending.reversed() : pending {
            let letter = Letter(
                method: request.method.rawValue, target: request.target,
                contentType: request.headers["content-type"], body: request.body)
            let reply = try lie(letter) { try Self.forward($0, to: server) }
            var headers = HTTPHeaders()
            headers.append("Content-Type", reply.contentType)
            let response = HTTPResponse(status: reply.status, headers: headers, body: reply.body)
            try socket.send(response.serialized(keepAlive: true))
            if manners.closesAfterAnswer { return socket.endAll() }
        }
        pending = []
    }

    private static func forward(_ letter: Letter, to server: HTTPClient) throws -> Reply {
        var head = "\(letter.method) \(letter.target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if let type = letter.contentType { head += "Content-Type: \(type)\r\n" }
        if letter.method == "POST" { head += "Content-Length: \(letter.body.count)\r\n" }
        try server.send(Array((head + "\r\n").utf8) + letter.body)
        let response = try server.response()
        return Reply(
            status: response.status, contentType: response.headers["content-type"] ?? "",
            body: response.body)
    }
}

// MARK: - Messages on their way

extension [UInt8] {
    /// The map that these bytes encode; nil if they do not.
    var message: CBORMap? {
        guard case .map(let map) = try? CBORValue(decoding: self) else { return nil }
        return map
    }
}

extension CBORMap {
    /// A map with text keys.
    static func of(_ entries: [String: CBORValue] = [:]) -> CBORMap {
        var map = CBORMap()
        for (key, value) in entries { map[key] = value }
        return map
    }

    subscript(_ key: String) -> CBORValue? {
        get { self[key: .text(key)] }
        set { self[key: .text(key)] = newValue }
    }

    func uint(_ key: String) -> UInt64 {
        if case .unsigned(let value) = self[key] { value } else { 0 }
    }

    /// The maps of an array.
    var operations: [CBORMap] {
        get { maps("ops") }
        set { self["ops"] = .array(newValue.map { .map($0) }) }
    }

    func maps(_ key: String) -> [CBORMap] {
        guard case .array(let elements) = self[key] else { return [] }
        return elements.compactMap { if case .map(let map) = $0 { map } else { nil } }
    }

    var encoded: [UInt8] { CBORValue.map(self).encoded() }
}
