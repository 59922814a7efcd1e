// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

/// The handshake of RFC 6455 §4. The digest is the standard's own example.
@Suite struct WebSocketHandshakeTests {
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private static let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

    /// SHA-1 of the one key (RFC 6455 §1.3).
    private static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        #expect(
            bytes == Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        return [
            0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
            0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea,
        ]
    }

    private static func request(
        method: HTTPMethod = .get, version: HTTPVersion = .http11, without: String = "",
        with: [(String, String)] = []
    ) -> HTTPRequest {
        var headers = HTTPHeaders()
        let fields = [
            ("Host", "a"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key),
        ]
        for (name, value) in fields.filter({ $0.0 != without }) + with {
            headers.append(name, value)
        }
        return HTTPRequest(method: method, target: "/v1/ws", version: version, headers: headers)
    }

    @Test func answersTheKeyOfTheStandard() {
        #expect(WebSocketHandshake.accept(forKey: Self.key, sha1: Self.sha1) == Self.accept)
        let answer = WebSocketHandshake.acceptance(ofKey: Self.key, sha1: Self.sha1)
        #expect(
            String(decoding: answer, as: UTF8.self)
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                + "Connection: Upgrade\r\nSec-WebSocket-Accept: \(Self.accept)\r\n\r\n")
    }

    @Test func takesWhatBrowsersAndLibrariesSend() {
        #expect(WebSocketHandshake.read(Self.request()) == .key(Self.key))
        let firefox = Self.request(
            without: "Connection", with: [("Connection", "keep-alive,\tUPGRADE ")])
        #expect(WebSocketHandshake.read(firefox) == .key(Self.key))
        let twice = Self.request(
            without: "Upgrade", with: [("Upgrade", "h2c"), ("Upgrade", "WebSocket")])
        #expect(WebSocketHandshake.read(twice) == .key(Self.key))
    }

    @Test(arguments: [
        request(method: .post), request(version: .http10), request(without: "Upgrade"),
        request(without: "Connection"), request(without: "Sec-WebSocket-Key"),
        request(with: [("Sec-WebSocket-Key", key)]),
        request(without: "Sec-WebSocket-Key", with: [("Sec-WebSocket-Key", "AAAA")]),
        request(
            without: "Sec-WebSocket-Key",
            with: [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=A")]),
        request(without: "Connection", with: [("Connection", "upgraded")]),
    ])
    func refusesWhatIsNoHandshake(request: HTTPRequest) {
        guard case .refused = WebSocketHandshake.read(request) else {
            Issue.record("\(request) is taken")
            return
        }
    }

    @Test func tellsAnotherVersionApart() {
        let other = Self.request(
            without: "Sec-WebSocket-Version", with: [("Sec-WebSocket-Version", "8")])
        #expect(WebSocketHandshake.read(other) == .otherVersion)
        #expect(
            WebSocketHandshake.read(Self.request(without: "Sec-WebSocket-Version"))
                == .otherVersion)
    }

    @Test func aClientKnowsWhetherItWasTaken() {
        let nonce = Array("the sample nonce".utf8)
        #expect(WebSocketHandshake.requestHeaders(nonce: nonce)["Sec-WebSocket-Key"] == Self.key)
        let good: HTTPHeaders = [
            "upgrade": "WebSocket", "connection": "upgrade", "sec-websocket-accept": Self.accept,
        ]
        func isAccepted(_ status: Int, _ headers: HTTPHeaders) -> Bool {
            WebSocketHandshake.isAccepted(
                status: status, headers: headers, nonce: nonce, sha1: Self.sha1)
        }
        #expect(isAccepted(101, good))
        #expect(!isAccepted(200, good))
        for (name, value) in [
            ("Sec-WebSocket-Accept", Self.accept), ("Sec-WebSocket-Extensions", "x"),
            ("Sec-WebSocket-Protocol", "y"),
        ] {
            var headers = good
            headers.append(name, value)
            #expect(!isAccepted(101, headers))
        }
        #expect(!isAccepted(101, ["Upgrade": "websocket", "Connection": "upgrade"]))
    }

    @Test func whatCameBehindTheRequestIsHandedOn() {
        var parser = HTTPRequestParser()
        let bytes = Array("GET /v1/ws HTTP/1.1\r\nHost: a\r\n\r\n".utf8) + [0x82, 0x80]
        bytes.withUnsafeBytes { parser.append($0) }
        guard case .request = parser.next() else {
            Issue.record("The request was not read")
            return
        }
        #expect(parser.takeRemainder() == [0x82, 0x80])
        #expect(parser.takeRemainder() == [])
    }
}
