// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import SyncProtocol
import Testing

@testable @_spi(Simulation) import SyncServer

/// `GET /v1/ws`, whole but for the sockets.
@Suite struct SocketStreamTests {
    /// The other end of a WebSocket.
    private final class Peer {
        let server: LiveServer
        let connection: Int
        private(set) var isClosed = false
        private(set) var head = ""
        private var parser = WebSocketParser(role: .client, maxMessageBytes: 1 << 26)

        static let handshake =
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

        init(_ server: LiveServer, behind: [UInt8] = []) {
            self.server = server
            connection = server.open("/v1/ws", headers: Self.handshake, behind: behind)
            var bytes = server.core.takeOutput(of: connection).bytes
            let end = bytes.indices.first { bytes[$0...].starts(with: "\r\n\r\n".utf8) } ?? 0
            head = String(decoding: bytes[..<end], as: UTF8.self)
            bytes.removeFirst(end + 4)
            parser.append(bytes)
        }

        static func frame(_ type: String, _ requestID: UInt64, _ body: [UInt8]) -> [UInt8] {
            let message = LiveMessage.head(type, requestID) + body
            return WebSocketFrame(.binary, message).serialized(mask: WebSocketMask(0x1234_5678))
        }

        func send(_ type: String, _ requestID: UInt64, _ body: some WireValue) {
            send(Self.frame(type, requestID, body.encoded()))
        }

        func send(_ frame: WebSocketFrame) { send(frame.serialized(mask: WebSocketMask(7))) }

        func send(_ bytes: [UInt8]) {
            server.core.receive(bytes, on: connection)
            server.core.endTurn()
            _ = server.core.advance()
        }

        /// What came since the last call.
        func outcomes() -> [WebSocketParser.Outcome] {
            var outcomes: [WebSocketParser.Outcome] = []
            while true {
                let (bytes, isClosed) = server.core.takeOutput(of: connection)
                _ = server.core.advance()
                self.isClosed = self.isClosed || isClosed
                parser.append(bytes)
                while case let outcome = parser.next(), outcome != .needMore {
                    outcomes.append(outcome)
                }
                if bytes.isEmpty { return outcomes }
            }
        }

        /// The messages that came since the last call.
        func messages() throws -> [LiveMessage] {
            try outcomes().map { outcome in
                guard case .binary(let bytes) = outcome else { throw Unexpected(outcome: outcome) }
                return try LiveMessage(bytes, maxDepth: 16)
            }
        }

        struct Unexpected: Error { var outcome: WebSocketParser.Outcome }
    }

    private func pull(since cursor: Cursor = 0, wait: UInt64? = nil) -> PullRequest {
        PullRequest(
            databaseID: "db", sinceCursor: cursor, limit: 1_000, deviceID: "b",
            waitMilliseconds: wait)
    }

    private func push(_ numbers: ClosedRange<UInt64>, device: DeviceID = "a") -> PushRequest {
        PushRequest(
            databaseID: "db", deviceID: device,
            operations: numbers.map {
                operation(OperationID($0), EntityID("e\($0)"), base: 0, device: device)
            })
    }

    private func cursors(_ messages: [LiveMessage]) -> [Cursor] {
        messages.filter { $0.type == "operations" }.flatMap {
            OperationsMessage($0.body).operations.compactMap(\.cursor)
        }
    }

    private func error(_ message: LiveMessage?) throws -> ErrorResponse {
        let message = try #require(message)
        #expect(message.type == "error")
        return try ErrorResponse(decoding: message.body)
    }

    @Test func answersTheMessagesOfTheEndpointsUnderTheirNumbers() throws {
        let peer = Peer(try LiveServer())
        #expect(peer.head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(peer.head.hasSuffix("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        let handshake = HandshakeRequest(
            databaseID: "db", deviceID: "b", clientInfo: .init(platform: "t", appVersion: "1"))
        peer.send("handshake", 7, handshake)
        peer.send("push", 8, push(1...3))
        peer.send("pull", 9, pull())

        let messages = try peer.messages()

        #expect(messages.map(\.type) == ["handshake", "push", "pull"])
        #expect(messages.map(\.requestID) == [7, 8, 9])
        let welcome = try HandshakeResponse(decoding: messages[0].body)
        #expect(welcome.capabilities["webSocket"] == true && welcome.capabilities["sse"] == true)
        #expect(try PushResponse(decoding: messages[1].body).cursors == [1: 1, 2: 2, 3: 3])
        #expect(try PullResponse(decoding: messages[2].body).operations.count == 3)
    }

    @Test func takesFramesThatCameBehindTheHandshake() throws {
        let bytes = Peer.frame("pull", 1, pull().encoded())
        let peer = Peer(try LiveServer(), behind: bytes)
        #expect(try peer.messages().map(\.type) == ["pull"])
    }

    @Test func takesAMessageByteByByteAndInFragments() throws {
        let peer = Peer(try LiveServer())
        for byte in Peer.frame("pull", 1, pull().encoded()) { peer.send([byte]) }
        let message = LiveMessage.head("pull", 2) + pull().encoded()
        peer.send(WebSocketFrame(.binary, Array(message[..<5]), isFinal: false))
        peer.send(WebSocketFrame(.ping, [1]))
        peer.send(WebSocketFrame(.continuation, Array(message[5...])))

        let outcomes = peer.outcomes()
        #expect(outcomes.count == 3 && outcomes[1] == .pong([1]))
    }

    @Test func subscribersGetWhatTheyLackAndThenWhatComes() throws {
        let server = try LiveServer()
        server.push(push(1...2).operations)
        let peer = Peer(server)
        peer.send("subscribe", 5, pull(since: 1))
        server.push(push(3...4).operations)
        server.push(push(1...1, device: "b").operations, device: "b")

        let messages = try peer.messages()

        #expect(cursors(messages) == [2, 3, 4])
        #expect(messages.allSatisfy { $0.requestID == 5 && $0.type == "operations" })
        #expect(OperationsMessage(messages[0].body).logID != nil)
    }

    @Test func anAckMovesTheDeviceAndNeverBack() throws {
        let server = try LiveServer()
        server.push(push(1...4).operations)
        let peer = Peer(server)
        peer.send("subscribe", 5, pull())
        for cursor in [3, 2] as [Cursor] { peer.send("ack", 5, CursorAnswer(cursor: cursor)) }
        _ = try peer.messages()
        let database = try server.core.service.database("db")
        let number = try #require(database.devices.number(of: "b"))
        #expect(database.devices[number].cursor == 3)

        peer.send("ack", 5, CursorAnswer(cursor: 9))
        peer.send("ack", 6, CursorAnswer(cursor: 1))
        let messages = try peer.messages()
        #expect(try error(messages.first).code == .invalidCursor)
        #expect(try error(messages.last).code == .invalidRequest)
    }

    @Test func aWaitingPullIsAnsweredWhenSomethingComes() throws {
        let server = try LiveServer()
        let peer = Peer(server)
        peer.send("pull", 3, pull(wait: 5_000))
        #expect(try peer.messages().isEmpty)
        server.push(push(1...1).operations)
        let messages = try peer.messages()
        #expect(messages.map(\.requestID) == [3])
        server.core.abort(peer.connection)
        server.push(push(2...2).operations)
    }

    @Test func whatIsWrongWithAMessageIsAnsweredUnderItsNumber() throws {
        let peer = Peer(try LiveServer())
        let rows: [(bytes: [UInt8], requestID: UInt64, code: SyncErrorCode)] = [
            ([], 0, .invalidRequest), ([0x80], 0, .invalidRequest), ([0xA0], 0, .invalidRequest),
            ([0x83, 0x61, 0x78, 4, 0xA0, 0], 4, .invalidRequest),
            ([0x84, 0x61, 0x78, 4, 0xA0, 0], 4, .invalidRequest),
            ([0x83, 0x61, 0x78, 4, 0x80], 4, .invalidRequest),
            ([0x83, 0x61, 0x78, 4, 0xA0], 4, .notSupported),
            (LiveMessage.head("pull", 6) + [0xA0], 6, .invalidRequest),
            (LiveMessage.head("push", 7) + [0xA0], 7, .invalidRequest),
            (
                LiveMessage.head("pull", 8)
                    + PullRequest(databaseID: "none", sinceCursor: 0, limit: 1).encoded(), 8,
                .databaseNotFound
            ),
            (LiveMessage.head("subscribe", 9) + pull(since: 4).encoded(), 9, .invalidCursor),
        ]
        for (index, row) in rows.enumerated() {
            peer.send(WebSocketFrame(.binary, row.bytes))
            let message = try peer.messages().first
            #expect(try error(message).code == row.code, "row \(index)")
            #expect(message?.requestID == row.requestID, "row \(index)")
        }
        peer.send("pull", 10, pull())
        #expect(try peer.messages().map(\.type) == ["pull"])
    }

    @Test func hasSoMuchGoingOnAndNoMore() throws {
        let peer = Peer(try LiveServer())
        for number in 1...64 as ClosedRange<UInt64> {
            if number % 2 == 0 {
                peer.send("subscribe", number, pull())
            } else {
                peer.send("pull", number, pull(wait: 30_000))
            }
        }
        #expect(try peer.messages().count == 32)
        peer.send("subscribe", 2, pull())
        peer.send("subscribe", 65, pull())
        peer.send("pull", 66, pull(wait: 1))
        peer.send("pull", 67, pull())
        let messages = try peer.messages()
        #expect(messages.map(\.requestID) == [2, 65, 66, 67])
        #expect(try error(messages[0]).code == .invalidRequest)
        #expect(try error(messages[1]).code == .rateLimitExceeded)
        #expect(try error(messages[2]).code == .rateLimitExceeded)
    }

    private static let refused: [([UInt8], UInt16)] = [
        ([0x82, 0], 1002), ([0xC2, 0x80, 0, 0, 0, 0], 1002), ([0x83, 0x80, 0, 0, 0, 0], 1002),
        ([0x89, 0xFE, 0, 126], 1002), ([0x80, 0x80, 0, 0, 0, 0], 1002),
        ([0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007), ([0x81, 0x80, 0, 0, 0, 0], 1003),
        ([0x82, 0xFF, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0], 1009),
    ]

    @Test(arguments: refused)
    func closesOnFramesThatAreDoneWrong(bytes: [UInt8], code: UInt16) throws {
        let peer = Peer(try LiveServer())
        peer.send(bytes)
        guard case .close(let found, let reason)? = peer.outcomes().last else {
            Issue.record("It is not closed")
            return
        }
        #expect(found?.rawValue == code && !reason.isEmpty)
        #expect(peer.isClosed)
    }

    @Test func answersACloseWithItsCode() throws {
        let peer = Peer(try LiveServer())
        peer.send(WebSocketFrame.close(.normal, reason: "done"))
        #expect(peer.outcomes() == [.close(.normal, reason: "")])
        #expect(peer.isClosed)
        let other = Peer(peer.server)
        other.send(WebSocketFrame(.close))
        #expect(other.outcomes() == [.close(nil, reason: "")])
    }

    @Test func pingsEveryThirtySecondsAndClosesWithoutAPong() throws {
        let server = try LiveServer()
        let peer = Peer(server)
        _ = peer.outcomes()
        server.advance(seconds: 29)
        #expect(peer.outcomes().isEmpty)
        server.advance(seconds: 1)
        #expect(peer.outcomes() == [.ping([])])
        server.advance(seconds: 9)
        peer.send(WebSocketFrame(.pong))
        server.advance(seconds: 20)
        #expect(peer.outcomes().isEmpty)
        server.advance(seconds: 1)
        #expect(peer.outcomes() == [.ping([])])
        server.advance(seconds: 9)
        #expect(peer.outcomes().isEmpty && !peer.isClosed)
        server.advance(seconds: 1)
        #expect(peer.outcomes() == [.close(.policyViolation, reason: "No pong came in time.")])
        #expect(peer.isClosed && server.core.streams.all.isEmpty)
    }

    @Test func aMessageThatTrickles() throws {
        let server = try LiveServer()
        let peer = Peer(server)
        let frame = Peer.frame("pull", 1, pull().encoded())
        peer.send(Array(frame[..<5]))
        for index in 5..<8 {
            server.advance(seconds: 8)
            peer.send([frame[index]])
        }
        #expect(!peer.isClosed)
        server.advance(seconds: 6)
        #expect(
            peer.outcomes().contains(
                .close(.policyViolation, reason: "A message did not come in time.")))
    }

    @Test func takesNoMessagesFromAPeerThatReadsNoAnswers() throws {
        let server = try LiveServer()
        let content = [0x5A, 0, 1, 0, 0] + [UInt8](repeating: 0, count: 1 << 16)
        for number in 1...20 as ClosedRange<UInt64> {
            server.push([
                operation(OperationID(number), "e", base: Cursor(number - 1), content: content)
            ])
        }
        let peer = Peer(server)
        peer.send((1...50).flatMap { Peer.frame("pull", $0, pull().encoded()) })
        let (bytes, _) = server.core.takeOutput(of: peer.connection)
        // One answer runs over the limit; the others are not made before it is read.
        #expect(bytes.count > 1 << 20 && bytes.count < 2 << 20)
        var answered = 1
        for _ in 0..<60 where answered < 50 {
            answered += try peer.messages().count
        }
        #expect(answered == 50)
    }

    @Test func saysAWordWhenTheServerStops() throws {
        let server = try LiveServer()
        let peer = Peer(server)
        server.core.close()
        let outcomes = peer.outcomes()
        #expect(outcomes.count == 2 && outcomes.last == .close(.goingAway, reason: ""))
        #expect(peer.isClosed)
    }

    @Test func aSlowSubscriberIsToldSoAndTheOthersGoOn() throws {
        let server = try LiveServer()
        let (slow, quick) = (Peer(server), Peer(server))
        slow.send("subscribe", 1, pull())
        quick.send("subscribe", 1, pull())
        var (number, seen) = (0 as UInt64, [Cursor]())
        while server.core.service.live.count == 2, number < 50_000 {
            server.push(push((number + 1)...(number + 500)).operations)
            number += 500
            seen += cursors(try quick.messages())
        }
        #expect(seen == (1...number).map { Cursor($0) })
        let outcomes = slow.outcomes()
        #expect(outcomes.last == .close(.tryAgainLater, reason: "Too much is unread."))
        guard case .binary(let bytes) = outcomes[outcomes.count - 2] else {
            Issue.record("There is no word")
            return
        }
        let word = try error(try LiveMessage(bytes, maxDepth: 16))
        #expect(word.code == .serviceUnavailable && word.details.limit == "maxUnsentBytes")
    }

    @Test func asksForTheVersionThatItSpeaks() throws {
        let server = try LiveServer()
        let headers = Peer.handshake.split(separator: "\r\n").map { line in
            line.hasPrefix("Sec-WebSocket-Version") ? "Sec-WebSocket-Version: 8" : String(line)
        }
        let connection = server.open(
            "/v1/ws", headers: headers.joined(separator: "\r\n") + "\r\n")
        let text = server.text(connection).text
        #expect(text.hasPrefix("HTTP/1.1 426 Upgrade Required\r\n"))
        #expect(text.contains("\r\nSec-WebSocket-Version: 13\r\n"))
    }
}
