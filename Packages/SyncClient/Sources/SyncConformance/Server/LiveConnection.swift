// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

/// A listener of `GET /v1/events`.
final class EventListener {
    private let connection: Connection
    private var parser = ServerSentEventParser(maxEventBytes: 1 << 24)

    /// Opens the stream, and throws unless it is one.
    init(
        _ device: Device, _ query: String = "", lastEventID: UInt64? = nil
    ) throws(ConformanceFailure) {
        connection = try device.server.connect()
        connection.goOnWithBytes()
        let request = Request(
            method: "GET", path: "/v1/events?dbId=\(device.database)\(query)")
        var headers = ["Accept: text/event-stream"]
        if let lastEventID { headers.append("Last-Event-ID: \(lastEventID)") }
        try connection.send(
            device.server.bytes(of: request, headers: headers, contentType: nil))
        let (head, rest) = try connection.receiveHead()
        guard head.hasPrefix("HTTP/1.1 200 "),
            head.lowercased().contains("content-type: text/event-stream")
        else { throw ConformanceFailure("There is no event stream.").adding("head", head) }
        parser.append(rest)
    }

    /// The next event that is no ping; nil at the end.
    func next() throws(ConformanceFailure) -> ServerSentEvent? {
        while true {
            switch parser.next() {
            case .event(let event):
                if event.name != "ping" { return event }
                continue
            case .tooLong: throw ConformanceFailure("An event has more than 16 MiB.")
            case .needMore: break
            }
            let bytes = try connection.receiveBytes()
            if bytes.isEmpty { return nil }
            parser.append(bytes)
        }
    }

    /// The next event, which has to have a name, an id and these members in its data.
    func expect(
        _ name: String, id: UInt64?, _ members: String...
    ) throws(ConformanceFailure) {
        guard let event = try next() else {
            throw ConformanceFailure("The stream ended instead of saying \(name).")
        }
        let data = event.data.filter { $0 != " " }
        let lacks = members.first { !data.contains($0) }
        guard event.name == name, id == nil || event.id == id.map(String.init), lacks == nil
        else {
            throw ConformanceFailure("This is not the event \(name) that was due.")
                .adding("event", event.name).adding("id", event.id ?? "none")
                .adding("data", event.data).adding("lacks", lacks ?? "nothing")
        }
    }
}

/// A device's end of `GET /v1/ws`.
final class SocketSpeaker {
    private let connection: Connection
    private var parser = WebSocketParser(role: .client, maxMessageBytes: 1 << 26)
    /// The head of the answer.
    let head: String

    /// The key and its answer in RFC 6455 §1.3.
    static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    /// Opens the socket, and throws unless it is one.
    init(_ device: Device) throws(ConformanceFailure) {
        connection = try device.server.connect()
        connection.goOnWithBytes()
        let headers = [
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: \(Self.key)",
        ]
        try connection.send(
            device.server.bytes(
                of: Request(method: "GET", path: "/v1/ws"), headers: headers, contentType: nil))
        let (head, rest) = try connection.receiveHead()
        guard head.hasPrefix("HTTP/1.1 101 ") else {
            throw ConformanceFailure("There is no WebSocket.").adding("head", head)
        }
        self.head = head
        parser.append(rest)
    }

    func send(_ bytes: [UInt8]) throws(ConformanceFailure) { try connection.send(bytes) }

    func send(_ frame: WebSocketFrame) throws(ConformanceFailure) {
        try connection.send(frame.serialized(mask: WebSocketMask(0x0102_0304)))
    }

    func send(
        _ type: String, _ requestID: UInt64, _ body: CBORValue
    ) throws(ConformanceFailure) {
        let message: CBORValue = .array([.text(type), .unsigned(requestID), body])
        try send(WebSocketFrame(.binary, message.encoded()))
    }

    /// What comes next, pings of the server left out; nil at the end.
    func next() throws(ConformanceFailure) -> WebSocketParser.Outcome? {
        while true {
            switch parser.next() {
            case .needMore: break
            case .ping(let payload):
                try send(WebSocketFrame(.pong, payload))
                continue
            case .failed(let fault):
                throw ConformanceFailure("The server's frames break their rules: \(fault)")
            case let outcome: return outcome
            }
            let bytes = try connection.receiveBytes()
            if bytes.isEmpty { return nil }
            parser.append(bytes)
        }
    }

    /// The body of the next message, which has to have this type and number.
    func expect(_ type: String, _ requestID: UInt64) throws(ConformanceFailure) -> Fields {
        let outcome = try next()
        guard case .binary(let bytes)? = outcome else {
            throw ConformanceFailure(
                "No message came, but \(outcome.map { "\($0)" } ?? "the end").")
        }
        let value: CBORValue
        do throws(CBORError) { value = try CBORValue(decoding: bytes) } catch {
            throw ConformanceFailure("A message cannot be read: \(error)").adding(
                "message", bytes.hex)
        }
        guard case .array(let parts) = value, parts.count == 3,
            parts[0] == .text(type), parts[1] == .unsigned(requestID),
            case .map = parts[2]
        else {
            throw ConformanceFailure("This is not the message \(type) \(requestID) that was due.")
                .adding("message", Answer.notation(of: bytes))
        }
        let response = HTTPReceivedResponse(status: 101, body: bytes)
        let answer = Answer(request: Request(method: "GET", path: "/v1/ws"), response: response)
        return try Fields(parts[2], answer: answer, path: type)
    }

    /// Throws unless the server closes with a code.
    func expectClose(_ code: UInt16, _ why: String) throws(ConformanceFailure) {
        let outcome = try next()
        guard case .close(let found?, _)? = outcome, found.rawValue == code else {
            throw ConformanceFailure("It does not close with \(code): \(why).")
                .adding("instead", outcome.map { "\($0)" } ?? "the end")
        }
    }
}

extension Connection {
    /// The head of an answer that goes on, and what has come behind it.
    fileprivate func receiveHead() throws(ConformanceFailure) -> (head: String, rest: [UInt8]) {
        var bytes: [UInt8] = []
        while bytes.count < 1 << 16 {
            let more = try receiveBytes()
            bytes += more
            let end = bytes.indices.first { bytes[$0...].starts(with: "\r\n\r\n".utf8) }
            if let end {
                return (
                    String(decoding: bytes[..<end], as: UTF8.self), Array(bytes[(end + 4)...])
                )
            }
            if more.isEmpty { break }
        }
        throw ConformanceFailure("No whole head came.").adding(
            "head", String(decoding: bytes.prefix(400), as: UTF8.self))
    }
}
