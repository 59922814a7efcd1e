// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import SyncProtocol
import Testing

@testable import SyncServer

/// Streams of a server that asks for tokens: what they show, and when they end.
@Suite struct AccessStreamTests {
    private let everything = #""db":"*","device":"*""#
    private let some = #""db":"db","device":"b*","collections":{"mine":"rw"}"#

    /// A connection that keeps what is written to it.
    private final class Line: StreamCarrier {
        var bytes: [UInt8] = []
        var hasEnded = false
        var stream: ResponseStream?
        var refusal: HTTPResponse?
        var unsentCount: Int { 0 }

        func write(_ bytes: ArraySlice<UInt8>) { self.bytes += bytes }
        func endStream() { hasEnded = true }

        var text: String { String(decoding: bytes, as: UTF8.self) }

        /// The messages that came since the last call: type, number and body.
        func messages() -> [LiveMessage] {
            var parser = WebSocketParser(role: .client, maxMessageBytes: 1 << 20)
            parser.append(bytes)
            bytes = []
            var messages: [LiveMessage] = []
            while case let outcome = parser.next(), outcome != .needMore {
                guard case .binary(let bytes) = outcome,
                    let message = try? LiveMessage(bytes, maxDepth: 16)
                else { continue }
                messages.append(message)
            }
            return messages
        }

        func send(_ type: String, _ requestID: UInt64, _ body: some WireValue) {
            let frame = WebSocketFrame(.binary, LiveMessage.head(type, requestID) + body.encoded())
            stream?.receive(frame.serialized(mask: WebSocketMask(9)))
        }
    }

    private func open(
        _ fixture: AccessFixture, _ target: String, token: String?, _ fields: HTTPHeaders = [:]
    ) -> Line {
        let line = Line()
        var headers = fields
        if let token { headers.append("Authorization", "Bearer \(token)") }
        let request = HTTPRequest(method: .get, target: target, headers: headers)
        fixture.routes.receive(
            Exchange(
                request: request, id: 9,
                openStream: { [line] _, receiver in
                    let stream = ResponseStream(carrier: line, receiver: receiver)
                    line.stream = stream
                    return stream
                }, send: { [line] in line.refusal = $0 }))
        return line
    }

    private func socket(_ fixture: AccessFixture, token: String?) -> Line {
        open(
            fixture, "/v1/ws", token: token,
            [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            ])
    }

    private func push(_ fixture: AccessFixture, _ number: OperationID, _ name: CollectionName)
        throws
    {
        try fixture.server.push([operation(number, "e", base: 0, collection: name)])
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)
    }

    private func pull(_ device: DeviceID? = nil) -> PullRequest {
        PullRequest(databaseID: "db", sinceCursor: 0, limit: 10, deviceID: device)
    }

    @Test(
        arguments: [
            ("dbId=db", nil, 401), ("dbId=other", #""db":"db","device":"*""#, 403),
            ("dbId=db&deviceId=a", #""db":"db","device":"b*""#, 403),
        ] as [(String, String?, Int)])
    func listensForWhatItsTokenPermits(query: String, claims: String?, status: Int) throws {
        let fixture = try AccessFixture()
        let line = open(
            fixture, "/v1/events?\(query)", token: claims.map { AccessFixture.token($0) })
        #expect(line.stream == nil && line.refusal?.status == status)
    }

    @Test func aSocketNeedsAToken() throws {
        let fixture = try AccessFixture()
        #expect(socket(fixture, token: nil).refusal?.status == 401)
        #expect(socket(fixture, token: AccessFixture.token(some)).stream != nil)
    }

    @Test func announcesNothingThatMayNotBeRead() throws {
        let fixture = try AccessFixture()
        let line = open(fixture, "/v1/events?dbId=db", token: AccessFixture.token(some))
        try push(fixture, 1, "secret")
        try push(fixture, 2, "mine")
        #expect(line.text.contains("\nid: 2\n") && !line.text.contains("secret"))
    }

    @Test func aSocketSaysNothingThatMayNotBeRead() throws {
        let fixture = try AccessFixture()
        let line = socket(fixture, token: AccessFixture.token(some))
        line.send("subscribe", 1, pull())
        try push(fixture, 1, "secret")
        try push(fixture, 2, "mine")
        let operations = line.messages().filter { $0.type == "operations" }
        #expect(
            operations.flatMap { OperationsMessage($0.body).operations }.map(\.cursor) == [2])
        line.send("pull", 2, pull("a"))
        line.send("handshake", 3, CursorReport(databaseID: "x", deviceID: "b", cursor: 0))
        line.send("subscribe", 4, PullRequest(databaseID: "x", sinceCursor: 0, limit: 1))
        line.send("push", 5, PushRequest(databaseID: "db", deviceID: "a", operations: []))
        let answers = line.messages()
        #expect(answers.map(\.type) == ["error", "error", "error", "error"])
        for answer in answers where answer.requestID != 3 {
            #expect(try ErrorResponse(decoding: answer.body).code == .authorizationFailed)
        }
    }

    @Test func endsWithTheToken() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(everything, exp: AccessFixture.now + 100)
        let lines = [
            open(fixture, "/v1/events?dbId=db", token: token), socket(fixture, token: token),
        ]
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)
        // A minute is allowed for clocks that differ; pings are answered or need no answer.
        fixture.server.time.advance(milliseconds: 20_000)
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)
        #expect(lines.allSatisfy { !$0.hasEnded })
        for _ in 0..<200 {
            fixture.server.time.advance(milliseconds: 1_000)
            lines[1].stream?.receive(WebSocketFrame(.pong).serialized(mask: WebSocketMask(1)))
            _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)
        }
        #expect(lines.allSatisfy { $0.hasEnded })
        #expect(lines[0].text.contains("event: error\ndata: {\"code\":2,"))
        let word = try #require(lines[1].messages().last)
        #expect(try ErrorResponse(decoding: word.body).code == .authenticationFailed)
    }

    @Test func endsWhenItsDeviceIsRevoked() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(everything)
        let (events, other) = (
            open(fixture, "/v1/events?dbId=db&deviceId=b1", token: token),
            open(fixture, "/v1/events?dbId=db&deviceId=c1", token: token)
        )
        let line = socket(fixture, token: token)
        line.send("subscribe", 1, pull("b1"))
        line.send("subscribe", 2, pull("c1"))
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)
        _ = line.messages()

        try fixture.revoke("b1")
        fixture.look()

        #expect(events.hasEnded && events.text.contains("\"code\":3,"))
        #expect(!other.hasEnded && !line.hasEnded)
        let word = try #require(line.messages().first)
        #expect(word.requestID == 1)
        #expect(try ErrorResponse(decoding: word.body).code == .authorizationFailed)
        try push(fixture, 1, "mine")
        #expect(line.messages().map(\.requestID) == [2])
        #expect(other.text.contains("event: operations"))
    }
}
