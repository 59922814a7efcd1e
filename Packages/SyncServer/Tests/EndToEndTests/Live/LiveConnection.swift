// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import SyncProtocol

/// A listener of `GET /v1/events` over a plain socket.
final class EventConnection {
    let socket: Socket
    private var parser = ServerSentEventParser(maxEventBytes: 1 << 24)

    init(port: UInt16, query: String, lastEventID: String? = nil) throws {
        socket = try Socket(port: port)
        let header = lastEventID.map { "Last-Event-ID: \($0)\r\n" } ?? ""
        try socket.send("GET /v1/events?\(query) HTTP/1.1\r\nHost: a\r\n\(header)\r\n".utf8)
    }

    /// The next event; nil if the server ended the stream.
    ///
    /// The head means nothing to a parser of events: it is lines that it does not know, and an
    /// empty one.
    func next() throws -> ServerSentEvent? {
        while true {
            switch parser.next() {
            case .event(let event): return event
            case .tooLong: throw Unexpected()
            case .needMore: break
            }
            let bytes = try socket.receive()
            if bytes.isEmpty { return nil }
            parser.append(bytes)
        }
    }

    /// The next event of a name.
    func next(_ name: String) throws -> ServerSentEvent? {
        while let event = try next() {
            if event.name == name { return event }
        }
        return nil
    }

    struct Unexpected: Error {}
}

/// The device's end of `GET /v1/ws` over a plain socket.
final class SocketConnection {
    let socket: Socket
    private var parser = WebSocketParser(role: .client, maxMessageBytes: 1 << 26)
    private var hasHead = false
    private var head: [UInt8] = []

    init(port: UInt16) throws {
        socket = try Socket(port: port)
        let headers = WebSocketHandshake.requestHeaders(nonce: [UInt8](repeating: 7, count: 16))
        let lines = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        try socket.send("GET /v1/ws HTTP/1.1\r\nHost: a\r\n\(lines)\r\n".utf8)
    }

    func send(_ frame: WebSocketFrame) throws {
        try socket.send(frame.serialized(mask: WebSocketMask(0x5EED_0001)))
    }

    func send(_ type: String, _ requestID: UInt64, _ body: some WireValue) throws {
        var writer = CBORWriter()
        writer.writeArrayHeader(count: 3)
        writer.write(text: type)
        writer.write(uint: requestID)
        writer.writeEncodedItem(body.encoded())
        try send(WebSocketFrame(.binary, writer.bytes))
    }

    /// What comes next; nil if the server ended the connection.
    func next() throws -> WebSocketParser.Outcome? {
        while true {
            if hasHead, case let outcome = parser.next(), outcome != .needMore { return outcome }
            let bytes = try socket.receive()
            if bytes.isEmpty { return nil }
            if hasHead {
                parser.append(bytes)
                continue
            }
            head += bytes
            let end = head.indices.first { head[$0...].starts(with: "\r\n\r\n".utf8) }
            if let end {
                hasHead = true
                parser.append(Array(head[(end + 4)...]))
            }
        }
    }

    /// The body of the next message of a type, skipping others.
    func body(of type: String) throws -> [UInt8]? {
        while let outcome = try next() {
            guard case .binary(let bytes) = outcome else { continue }
            var (found, body) = ("", [UInt8]())
            try CBORReader.read(bytes) { reader throws(CBORError) in
                try reader.readArray { reader, index throws(CBORError) in
                    switch index {
                    case 0: found = try reader.readText()
                    case 1: _ = try reader.readUInt()
                    default: body = try reader.readEncodedItem()
                    }
                }
            }
            if found.utf8.elementsEqual(type.utf8) { return body }
        }
        return nil
    }

    /// The operations of the next `operations` message.
    func operations() throws -> [SyncOperation]? {
        guard let body = try body(of: "operations") else { return nil }
        var operations: [SyncOperation] = []
        try CBORReader.read(body) { reader throws(CBORError) in
            try reader.readMap { reader, key throws(CBORError) in
                switch key {
                case "ops":
                    try reader.readArray { reader, _ throws(CBORError) in
                        operations.append(try SyncOperation(from: &reader))
                    }
                default: try reader.skip()
                }
            }
        }
        return operations
    }
}
