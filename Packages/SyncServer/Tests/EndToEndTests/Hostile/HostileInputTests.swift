// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncProtocol
import SyncTestSupport
import Testing

/// Input that no device sends: each gets a clear error, and the server serves on with flat memory.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct HostileInputTests {
    /// How much a server may grow under hostile input.
    private static let growthMax = 64 << 20

    /// Runs `body` against a server with a database, and checks afterwards that the server serves
    /// on and has not grown.
    private func withServer(
        _ flags: [String] = [], _ body: (ServerProcess) throws -> Void
    ) throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve("server", flags)
        let client = try ProtocolClient(port: server.port, "cards", "good")
        try client.handshake()
        _ = try client.push([client.upsert(1, "1", "before")])
        _ = try client.pullAll()
        let before = server.residentBytes

        try body(server)

        let after = try ProtocolClient(port: server.port, "cards", "good")
        _ = try after.push([after.upsert(2, "2", "after")])
        #expect(try after.pullAll().map(\.operationID) == [1, 2])
        #expect(try after.http.get("/health").status == 200)
        if let before, let now = server.residentBytes {
            #expect(now - before < Self.growthMax, "grew from \(before) to \(now) bytes")
        }
        #expect(server.errors.split(separator: "\n").count == 1, "\(server.errors)")
    }

    @Test func bodiesThatAreNoMessageGetStatus400AndAMessageWithTheOffset() throws {
        try withServer { server in
            for path in ["/v1/handshake", "/v1/push", "/v1/pull", "/v1/cursor"] {
                for body in HostileBody.all {
                    let client = try HTTPClient(port: server.port)
                    let response = try client.post(path, body.bytes)

                    let error = try response.error()
                    #expect(response.status == 400, "\(body.name) at \(path)")
                    #expect(error.code == .invalidRequest, "\(body.name) at \(path)")
                    #expect(!error.message.isEmpty)
                    #expect(error.requestID != nil)
                    // The connection is in order, only the message was not.
                    #expect(try client.get("/health").status == 200)
                }
            }
        }
    }

    @Test func randomBytesGetAnErrorOrTheEndOfTheConnection() throws {
        var generator = SeededGenerator(seed: 4)
        try withServer { server in
            for _ in 0..<200 {
                let count = Int.random(in: 1...3_000, using: &generator)
                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let client = try HTTPClient(port: server.port)
                try client.send(bytes)
                client.socket.endSending()

                if let response = try client.responseOrEnd() {
                    #expect((400...505).contains(response.status))
                    _ = try response.error()
                }
            }
        }
    }

    @Test func messagesWithChangedBytesAreAnsweredOneWayOrTheOther() throws {
        var generator = SeededGenerator(seed: 5)
        try withServer { server in
            let bad = try ProtocolClient(port: server.port, "changed", "bad")
            try bad.handshake()
            let push = PushRequest(
                databaseID: "changed", deviceID: "bad",
                operations: (1...5).map { bad.upsert($0, "bad\($0)", "some text") })
            let pull = PullRequest(
                databaseID: "changed", sinceCursor: 0, limit: 10, collections: ["notes"],
                deviceID: "bad", snapshot: 1)
            for (path, message) in [("/v1/push", push.encoded()), ("/v1/pull", pull.encoded())] {
                for _ in 0..<300 {
                    var bytes = message
                    for _ in 0..<Int.random(in: 1...4, using: &generator) {
                        let index = Int.random(in: 0..<bytes.count, using: &generator)
                        bytes[index] = UInt8.random(in: 0...255, using: &generator)
                    }
                    let response = try bad.http.post(path, bytes)
                    if response.status != 200 {
                        #expect([400, 404, 409, 410, 413, 429].contains(response.status))
                        _ = try response.error()
                    }
                }
            }
        }
    }

    @Test func truncatedMessagesAreRefusedAtEveryLength() throws {
        try withServer { server in
            let client = try ProtocolClient(port: server.port, "cards", "bad")
            let message = PushRequest(
                databaseID: "cards", deviceID: "bad",
                operations: [client.upsert(1, "cut", "some text")]
            ).encoded()
            for count in 0..<message.count {
                let response = try client.http.post("/v1/push", Array(message[..<count]))
                #expect(response.status == 400)
                #expect(try response.error().code == .invalidRequest)
            }
        }
    }

    @Test func wrongTypesMethodsAndPathsGetTheirStatus() throws {
        try withServer { server in
            let message = HandshakeRequest(
                databaseID: "cards", deviceID: "bad",
                clientInfo: ClientInfo(platform: "test", appVersion: "1")
            ).encoded()
            let client = try HTTPClient(port: server.port)
            for type in ["application/json", "text/plain", "application/cborx", "cbor"] {
                let response = try client.post("/v1/handshake", message, contentType: type)
                #expect(response.status == 415, "\(type)")
                #expect(try response.error().code == .invalidRequest)
            }
            for path in ["/", "/v1", "/v2/push", "/v1/push/", "/v1/PUSH", "/v1/%70ush", "/../v1"] {
                let response = try client.post(path, message)
                #expect(response.status == 404, "\(path)")
                #expect(try response.error().code == .notSupported)
            }
            for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
                try client.send(
                    "\(method) /v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                let response = try client.response()
                #expect(response.status == 405, "\(method)")
                #expect(response.headers["allow"] == "POST")
                #expect(try response.error().code == .invalidRequest)
            }
        }
    }

    @Test func bodiesBeyondTheLimitAreRefusedAsSoonAsThatIsKnown() throws {
        try withServer(["--max-body-bytes", "100000"]) { server in
            for head in [
                "Content-Length: 100001", "Content-Length: 99999999999",
                "Content-Length: 9223372036854775807", "Content-Length: 18446744073709551616",
            ] {
                let client = try HTTPClient(port: server.port)
                try client.send("POST /v1/push HTTP/1.1\r\nHost: a\r\n\(head)\r\n\r\n")
                let response = try client.response()
                #expect(response.status == 413, "\(head)")
                #expect(try response.error().details.limit == "maxBodyBytes")
                #expect(try response.error().details.maximum == 100_000)
            }
            let client = try HTTPClient(port: server.port)
            try client.send(
                "POST /v1/push HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = Array("4000\r\n".utf8) + [UInt8](repeating: 0, count: 0x4000) + [13, 10]
            // The server may close before the last of them.
            for _ in 0..<8 { try? client.send(chunk) }
            #expect(try client.response().status == 413)
        }
    }

    @Test func manyLargeBodiesLeaveMemoryFlat() throws {
        let garbage = [UInt8](repeating: 0x9B, count: 16 << 20)
        try withServer { server in
            for round in 0..<6 {
                let client = try HTTPClient(port: server.port)
                let response = try client.post("/v1/push", garbage)
                #expect(response.status == 400, "round \(round)")
            }
            // Bodies that are announced and never come.
            let open = try (0..<50).map { _ in
                let client = try HTTPClient(port: server.port)
                try client.send(
                    "POST /v1/push HTTP/1.1\r\nHost: a\r\nContent-Length: 16000000\r\n\r\nx")
                return client
            }
            #expect(try HTTPClient(port: server.port).get("/health").status == 200)
            #expect(open.count == 50)
        }
    }

    @Test func headsBeyondTheLimitsAre431() throws {
        try withServer { server in
            let many = (0..<200).map { "X\($0): a\r\n" }.joined()
            let long = "X: " + String(repeating: "a", count: 40_000) + "\r\n"
            for lines in [many, long] {
                let client = try HTTPClient(port: server.port)
                try? client.send("GET /health HTTP/1.1\r\nHost: a\r\n\(lines)\r\n")
                let response = try client.response()
                #expect(response.status == 431)
                #expect(try response.error().code == .invalidRequest)
            }
        }
    }

    @Test func aHeadThatDoesNotComeToItsEndIs408() throws {
        try withServer(["--header-timeout", "1"]) { server in
            let client = try HTTPClient(port: server.port)
            try client.send("POST /v1/push HTTP/1.1\r\nHost: a\r\n")
            let response = try client.response()
            #expect(response.status == 408)
            #expect(try response.error().code == .timeout)
            #expect(try client.responseOrEnd() == nil)
        }
    }
}

/// A body that is not the message its path takes.
private struct HostileBody {
    var name: String
    var bytes: [UInt8]

    static let all: [HostileBody] = [
        HostileBody(name: "nothing", bytes: []),
        HostileBody(name: "a break", bytes: [0xFF]),
        HostileBody(name: "a reserved head", bytes: [0x1C]),
        HostileBody(name: "an integer", bytes: [0x01]),
        HostileBody(name: "an empty map", bytes: [0xA0]),
        HostileBody(name: "two items", bytes: [0xA0, 0xA0]),
        HostileBody(name: "an array of 2^64 - 1", bytes: [0x9B] + ones),
        HostileBody(name: "a map of 2^64 - 1", bytes: [0xBB] + ones),
        HostileBody(name: "bytes of 2^64 - 1", bytes: [0x5B] + ones),
        HostileBody(name: "text of 2^63", bytes: [0x7B, 0x80, 0, 0, 0, 0, 0, 0, 0]),
        HostileBody(name: "text of 2^32 - 1", bytes: [0x7A, 0xFF, 0xFF, 0xFF, 0xFF, 0x61]),
        HostileBody(name: "a key of 2^31", bytes: [0xA1, 0x7A, 0x80, 0, 0, 0]),
        HostileBody(
            name: "operations without end",
            bytes: [0xA1, 0x63] + Array("ops".utf8) + [0x9B] + ones + [0xA0]),
        HostileBody(name: "deep arrays", bytes: [UInt8](repeating: 0x81, count: 1_000_000)),
        HostileBody(
            name: "deep endless arrays", bytes: [UInt8](repeating: 0x9F, count: 1_000_000)),
        HostileBody(
            name: "deep maps under an unknown key",
            bytes: [0xA1, 0x61, 0x78] + [UInt8](repeating: 0xA1, count: 100_000)),
        HostileBody(name: "deep tags", bytes: [UInt8](repeating: 0xC1, count: 100_000)),
        HostileBody(
            name: "a key twice", bytes: [0xA2, 0x61, 0x78, 0x01, 0x61, 0x78, 0x02]),
        HostileBody(name: "invalid UTF-8", bytes: [0xA1, 0x61, 0xFF, 0x00]),
        HostileBody(name: "a key that is no text", bytes: [0xA1, 0x01, 0x02]),
    ]

    private static let ones = [UInt8](repeating: 0xFF, count: 8)
}
