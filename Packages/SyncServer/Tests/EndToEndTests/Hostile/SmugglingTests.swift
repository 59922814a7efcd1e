// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol
import Testing

/// Requests that two parsers could read in two ways: each is refused, and nothing that stands
/// behind it on the connection is ever taken for a request.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct SmugglingTests {
    /// Lines of a head, and the status they are refused with.
    private static let heads: [(lines: String, status: Int)] = [
        ("Host: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n", 400),
        ("Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n", 400),
        ("Host: a\r\nContent-Length: 5, 5\r\n", 400),
        ("Host: a\r\nContent-Length: +5\r\n", 400),
        ("Host: a\r\nContent-Length: 0x5\r\n", 400),
        ("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Host: a\r\nTransfer-Encoding: xchunked\r\n", 501),
        ("Host: a\r\nTransfer-Encoding : chunked\r\n", 400),
        ("Host: a\r\nContent-Length : 5\r\n", 400),
        ("Host: a\r\nX: a\r\n folded\r\nContent-Length: 5\r\n", 400),
        ("Host: a\r\nX: a\nContent-Length: 5\r\n", 400),
        ("Host: a\r\nX: a\rContent-Length: 5\r\n", 400),
        ("Host: a\r\nX: a\0\r\nContent-Length: 5\r\n", 400),
        ("Host: a\r\nHost: b\r\nContent-Length: 5\r\n", 400),
        ("Content-Length: 5\r\n", 400),
        ("Host: a\r\n", 411),
    ]

    @Test func ambiguousHeadsAreRefusedAndNothingBehindThemIsRead() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        for (lines, status) in Self.heads {
            let client = try HTTPClient(port: server.port)
            try client.send(
                "POST /v1/push HTTP/1.1\r\n\(lines)\r\n0\r\n\r\n"
                    + "GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n")

            let response = try client.response()
            #expect(response.status == status, "\(lines.debugDescription)")
            #expect(response.headers["connection"] == "close", "\(lines.debugDescription)")
            _ = try response.error()
            client.socket.endSending()
            #expect(try client.responseOrEnd() == nil, "\(lines.debugDescription)")
        }
    }

    @Test func badChunksAreRefusedAndNothingBehindThemIsRead() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let chunks: [(text: String, status: Int)] = [
            ("5\nhello\r\n0\r\n\r\n", 400), ("0x5\r\nhello\r\n0\r\n\r\n", 400),
            ("5 \r\nhello\r\n0\r\n\r\n", 400), ("4\r\nhello\r\n0\r\n\r\n", 400),
            ("-1\r\n\r\n", 400), ("ffffffffffffffff\r\n", 413), ("\r\n\r\n", 400),
        ]
        for (text, status) in chunks {
            let client = try HTTPClient(port: server.port)
            try client.send(
                "POST /v1/push HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(text)"
                    + "GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n")

            #expect(try client.response().status == status, "\(text.debugDescription)")
            client.socket.endSending()
            #expect(try client.responseOrEnd() == nil, "\(text.debugDescription)")
        }
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let client = try HTTPClient(port: server.port)
        let hello = HandshakeRequest(
            databaseID: "cards", deviceID: "d",
            clientInfo: ClientInfo(platform: "test", appVersion: "1"))
        let version = Array("GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let post = HTTPClient.post("/v1/handshake", hello.encoded())
        let unknown = HTTPClient.post("/nothing", [])

        try client.send(version + post + unknown + version)

        #expect(try (0..<4).map { _ in try client.response().status } == [200, 200, 404, 200])
    }

    @Test func aBodyOfOneByteChunksWithAnExpectationIsTaken() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let client = try HTTPClient(port: server.port)
        let hello = HandshakeRequest(
            databaseID: "cards", deviceID: "d",
            clientInfo: ClientInfo(platform: "test", appVersion: "1"))

        try client.send(
            "POST /v1/handshake HTTP/1.1\r\nHost: a\r\nContent-Type: application/cbor\r\n"
                + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(try client.response().status == 100)
        for byte in hello.encoded() { try client.send(Array("1\r\n".utf8) + [byte, 13, 10]) }
        try client.send("0\r\n\r\n")

        let response = try client.response()
        #expect(response.status == 200)
        #expect(try HandshakeResponse(decoding: response.body).lastOperationID == 0)
    }
}
