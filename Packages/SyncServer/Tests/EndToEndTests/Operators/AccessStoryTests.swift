// SPDX-License-Identifier: MIT

import Foundation
import RecordLog
import SyncClient
import SyncProtocol
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Tokens, keys and revoked devices, as an operator and devices meet them.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct AccessStoryTests {
    @discardableResult
    private func run(
        _ bench: Bench, _ words: [String], status: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let captured = try bench.run("entitysync-server", words)
        #expect(
            captured.exit == .status(status), "\(words): \(captured.errorText)",
            sourceLocation: sourceLocation)
        return captured.outputText + captured.errorText
    }

    /// Makes a token and returns it.
    private func issue(_ bench: Bench, _ words: [String]) throws -> String {
        let captured = try bench.run("entitysync-server", ["token", "issue"] + words)
        #expect(captured.exit == .status(0), "\(captured.errorText)")
        #expect(captured.errorText.isEmpty)
        return captured.outputText.trimmingCharacters(in: .newlines)
    }

    private func device(
        _ name: String, on bench: Bench, _ server: ServerProcess, token: String
    ) throws -> Device {
        try Device(
            name, on: bench, port: server.port,
            transport: { _ in HTTPTransport(server: server.url, token: { token }) })
    }

    /// Sends a request with a token and returns its answer.
    private func request(
        _ server: ServerProcess, _ method: String, _ path: String, token: String,
        _ body: [UInt8] = []
    ) throws -> HTTPClient.Response {
        let client = try HTTPClient(port: server.port)
        try send(client, method, path, token: token, body)
        return try client.response()
    }

    private func send(
        _ client: HTTPClient, _ method: String, _ path: String, token: String,
        _ body: [UInt8] = []
    ) throws {
        let head =
            "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Length: \(body.count)\r\n\r\n"
        try client.send(Array(head.utf8) + body)
    }

    @Test func devicesSyncWithTheirTokensUntilTheseAreWithdrawn() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let file = bench.path("tokens")
        let mine = try issue(
            bench, ["--token-file", file, "--name", "a", "--db", "cards", "--device", "a*"])
        let server = try bench.serve("server", ["--auth", "token", "--token-file", file])
        let a = try device("a", on: bench, server, token: mine)
        try a.put("first", "1")
        try await a.engine.sync()

        let late = try issue(
            bench,
            [
                "--token-file", file, "--name", "b", "--db", "cards", "--device", "b",
                "--collection", "cards=r",
            ])
        server.program.send(SIGHUP)
        _ = try server.program.line("read 2 tokens")
        let b = try device("b", on: bench, server, token: late)
        try await b.engine.sync()
        #expect(try b.text("1") == "first")
        try b.put("not permitted", "2")
        try await b.engine.sync()
        try await a.engine.sync()
        #expect(try a.text("2") == nil)

        let shown = try run(bench, ["token", "check", late, "--token-file", file])
        #expect(shown.contains("token:b") && shown.contains("cards (r)"))
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2 && !lines.contains { $0.contains(mine) || $0.contains(late) })
        try Data((String(lines[1]) + "\n").utf8).write(to: URL(filePath: file))
        server.program.send(SIGHUP)
        _ = try server.program.line("read 1 tokens")
        let error = await #expect(throws: SyncError.self) { try await a.engine.sync() }
        #expect(error?.code == .server(.authenticationFailed))
        try run(bench, ["token", "check", mine, "--token-file", file], status: 1)
        #expect(try server.stop().exit == .status(0))
        #expect(!server.errors.contains(mine) && !server.errors.contains(late))
    }

    @Test func signedTokensAreTakenForWhatTheyClaim() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let secret = bench.path("secret")
        try Data("0123456789abcdef0123456789abcdef\n".utf8).write(to: URL(filePath: secret))
        let flags = ["--jwt-secret-file", secret]
        let server = try bench.serve("server", ["--auth", "jwt"] + flags)
        let token = try issue(
            bench, flags + ["--name", "alice", "--db", "cards", "--expires-in", "1h"])

        let a = try device("a", on: bench, server, token: token)
        try a.put("first", "1")
        try await a.engine.sync()
        #expect(try request(server, "GET", "/v1/stats", token: token).status == 403)
        let root = try issue(bench, flags + ["--name", "root", "--db", "*"])
        #expect(try request(server, "GET", "/v1/stats", token: root).text.contains("cards"))

        let shown = try run(bench, ["token", "check", token] + flags)
        #expect(shown.contains("jwt:alice") && shown.contains("cards"))
        let refused = try run(bench, ["token", "check", token + "A"] + flags, status: 1)
        #expect(refused.contains("refused: the token is not taken"))
        #expect(try server.program.line("can be read by others").contains(secret))
        #expect(!server.errors.contains(token.split(separator: ".")[2]))
    }

    /// A public key, as an identity provider's operator would copy it.
    @Test func tokensOfAnotherIssuerAreTakenByItsPublicKey() throws {
        let bench = try Bench()
        defer { bench.end() }
        let key = bench.path("key.pem")
        try Data(Self.publicKey.utf8).write(to: URL(filePath: key))
        let server = try bench.serve("server", ["--auth", "jwt", "--jwt-public-key", key])
        let client = ProtocolMessages(databaseID: "notes", deviceID: "a1")

        let answer = try request(
            server, "POST", "/v1/handshake", token: Self.signedToken, client.handshake)
        #expect(answer.status == 200)
        let other = ProtocolMessages(databaseID: "notes", deviceID: "b1")
        let refused = try request(
            server, "POST", "/v1/handshake", token: Self.signedToken, other.handshake)
        #expect(refused.status == 403)
        #expect(try refused.error().code == .authorizationFailed)
    }

    @Test func aRevokedDeviceIsOutWhileItWaits() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let messages = ProtocolMessages(databaseID: "notes", deviceID: "phone")
        func status(_ path: String, _ body: [UInt8]) throws -> Int {
            try request(server, "POST", path, token: "-", body).status
        }
        #expect(try status("/v1/handshake", messages.handshake) == 200)
        let waiting = try HTTPClient(port: server.port)
        try send(waiting, "POST", "/v1/pull", token: "-", messages.waitingPull)

        let place = ["--data", bench.path("server"), "--database", "notes"]
        try run(bench, ["device", "revoke", "--device", "phone"] + place)

        let answer = try waiting.response()
        #expect(answer.status == 403)
        #expect(try answer.error().message == "The device was revoked.")
        #expect(try status("/v1/handshake", messages.handshake) == 403)
        let tablet = ProtocolMessages(databaseID: "notes", deviceID: "tablet")
        #expect(try status("/v1/handshake", tablet.handshake) == 200)
        #expect(try server.stop().exit == .status(0))

        let list = try run(bench, ["device", "list"] + place)
        #expect(list.contains("phone: cursor 0") && list.contains(", revoked"))
        let again = try bench.serve()
        let refused = try request(again, "POST", "/v1/handshake", token: "-", messages.handshake)
        #expect(refused.status == 403)
        try run(bench, ["device", "restore", "--device", "phone"] + place)
        try run(bench, ["device", "restore", "--device", "phone"] + place, status: 66)
        again.program.send(SIGHUP)
        let end = Platform.seconds + Program.patienceSeconds
        var present = 403
        while present == 403, Platform.seconds < end {
            present =
                try request(again, "POST", "/v1/handshake", token: "-", messages.handshake).status
        }
        #expect(present == 200)
    }

    @Test(
        arguments: [
            (["--host", "0.0.0.0"], "--insecure-open", 64),
            (["--auth", "maybe"], "must be one of", 64),
            (["--auth", "token"], "--token-file", 64), (["--auth", "jwt"], "needs keys", 64),
            (["--auth", "token", "--token-file", "/nowhere/tokens"], "no such file", 1),
            (["--auth", "jwt", "--jwt-jwks", "/dev/null"], "no JSON", 1),
            (["--token-file", "x"], "--auth token", 64),
            (
                ["--auth", "jwt", "--jwt-secret-file", "x", "--jwt-algorithms", "none"],
                "must be of", 64
            ),
        ] as [([String], String, Int32)])
    func aServerThatDoesNotKnowWhomToLetInDoesNotStart(
        flags: [String], words: String, status: Int32
    ) throws {
        let bench = try Bench()
        defer { bench.end() }

        let text = try run(
            bench, ["serve", "--data", bench.path("server"), "--port", "0"] + flags, status: status)

        #expect(text.contains(words), "\(text)")
    }

    @Test(
        arguments: [
            ([], 64), (["issue"], 64), (["issue", "--name", "a", "--db", "d"], 64),
            (["issue", "--name", "a b", "--db", "d", "--token-file", "x"], 64),
            (["issue", "--name", "a", "--db", "a/b", "--token-file", "x"], 64),
            (["issue", "--name", "a", "--db", "d", "--jwt-secret-file", "/nowhere"], 66),
            (["check", "--token-file", "x"], 64), (["check", "x"], 64),
            (["check", "x", "--token-file", "/nowhere"], 66), (["issue", "--help"], 0),
        ] as [([String], Int32)])
    func aTokenCommandThatMakesNoSenseSaysSo(words: [String], status: Int32) throws {
        let bench = try Bench()
        defer { bench.end() }

        #expect(try !run(bench, ["token"] + words, status: status).isEmpty)
    }
}

extension AccessStoryTests {
    /// An Ed25519 key, whose private half was not kept.
    private static let publicKey =
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAuMvDP4XFS/1DC5t5VRsZfzSK7/h9bPmjc6+D5+dQ"
        + "QRY=\n-----END PUBLIC KEY-----\n"

    /// A token by it, for the database `notes` and devices `a*`, until 2100.
    private static let signedToken =
        "eyJhbGciOiJFZERTQSIsImtpZCI6ImQifQ.eyJzdWIiOiJhbGljZSIsImV4cCI6NDEwMjQ0NDgwMCwiZ"
        + "GIiOlsibm90ZXMiXSwiZGV2aWNlIjoiYSoifQ.yKcxBdvF_FPnoacV9_fVCbQJoENS6AhTce3u8hBaMb"
        + "2bUcSrIgNDHC5KyxzZt9NWXOJF07wL5HXbxuj-EKBODw"
}

/// Messages of one device, as bytes.
private struct ProtocolMessages {
    var databaseID: DatabaseID
    var deviceID: DeviceID

    var handshake: [UInt8] {
        HandshakeRequest(
            databaseID: databaseID, deviceID: deviceID,
            clientInfo: ClientInfo(platform: "test", appVersion: "1")
        ).encoded()
    }

    var waitingPull: [UInt8] {
        PullRequest(
            databaseID: databaseID, sinceCursor: 0, limit: 10, deviceID: deviceID,
            waitMilliseconds: 30_000
        ).encoded()
    }
}
