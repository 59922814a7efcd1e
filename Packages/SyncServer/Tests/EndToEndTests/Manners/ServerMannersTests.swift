// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// How `entitysync-server` behaves as a process.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct ServerMannersTests {
    @Test func aSecondServerOnTheSameDirectoryIsRefusedByName() throws {
        let bench = try Bench()
        defer { bench.end() }
        let first = try bench.serve()

        let second = try bench.run(
            "entitysync-server", ["serve", "--data", bench.path("server"), "--port", "0"])

        #expect(second.exit == .status(1))
        #expect(second.errorText.contains(bench.path("server")))
        #expect(second.errorText.contains("Another entitysync-server"))
        #expect(!second.errorText.contains("listening"))
        #expect(try HTTPClient(port: first.port).get("/health").status == 200)
        // The lock goes with its holder, however that ended.
        first.kill()
        let third = try bench.serve()
        #expect(try third.stop().exit == .status(0))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func aStopSignalFinishesWhatIsInFlightAndExitsWith0(signal: CInt) throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let waiting = try ProtocolClient(port: server.port, "cards", "waiting")
        try waiting.handshake()
        let idle = try HTTPClient(port: server.port)
        #expect(try idle.get("/health").status == 200)
        // Half of a push is there, and a pull waits.
        let pushing = try ProtocolClient(port: server.port, "cards", "pushing")
        try pushing.handshake()
        let push = HTTPClient.post(
            "/v1/push",
            PushRequest(
                databaseID: "cards", deviceID: "pushing", operations: [pushing.upsert(1, "1", "x")]
            ).encoded())
        try pushing.http.send(Array(push[..<(push.count - 10)]))
        let pull = PullRequest(
            databaseID: "cards", sinceCursor: 0, limit: 1, waitMilliseconds: 30_000)
        try waiting.http.send(HTTPClient.post("/v1/pull", pull.encoded()))
        // Its answer says that the server has read what came before on other connections.
        #expect(try idle.get("/health").status == 200)

        server.program.send(signal)
        #expect(try idle.responseOrEnd() == nil)
        let page = try PullResponse(decoding: try waiting.http.response().body)
        try pushing.http.send(Array(push[(push.count - 10)...]))
        let answer = try PushResponse(decoding: try pushing.http.response().body)

        #expect(page.operations.isEmpty)
        #expect(answer.acknowledgedUpTo == 1)
        #expect(try server.program.end().exit == .status(0))
        let again = try bench.serve()
        #expect(try ServerLog(port: again.port).operations.map(\.deviceID) == ["pushing"])
    }

    @Test func portZeroTakesAFreePortAndOneLineSaysWhich() throws {
        let bench = try Bench()
        defer { bench.end() }
        let one = try bench.serve("one")
        let two = try bench.serve("two")

        #expect(one.port != two.port)
        #expect(one.errors == "listening on http://127.0.0.1:\(one.port)\n")
        #expect(try HTTPClient(port: two.port).get("/v1/version").status == 200)
    }

    @Test func aPortThatIsTakenIsASentence() throws {
        let bench = try Bench()
        defer { bench.end() }
        let first = try bench.serve("one")

        let second = try bench.run(
            "entitysync-server",
            ["serve", "--data", bench.path("two"), "--port", "\(first.port)"])

        #expect(second.exit == .status(1))
        #expect(second.errorText.contains("\(first.port)"))
    }

    @Test func variablesOfTheEnvironmentAreFlagsAndFlagsWin() throws {
        let bench = try Bench()
        defer { bench.end() }
        let program = try bench.start(
            "entitysync-server", ["serve", "--max-push-ops", "2"],
            environment: [
                "ENTITYSYNC_DATA": bench.path("env"), "ENTITYSYNC_PORT": "0",
                "ENTITYSYNC_HOST": "127.0.0.1", "ENTITYSYNC_MAX_PUSH_OPS": "7",
                "ENTITYSYNC_MAX_PULL_OPS": "3",
            ])
        let server = try ServerProcess(program)

        let hello = try ProtocolClient(port: server.port, "cards", "d").handshake()

        #expect(hello.limits?.maxPushOperations == 2)
        #expect(hello.limits?.maxPullOperations == 3)
        #expect(FileManager.default.fileExists(atPath: bench.path("env/databases/cards")))
    }

    @Test(arguments: [
        ["serve", "--data", "x", "--nonsense"], ["serve", "--data"], ["serve", "extra"],
        ["serve", "--data", "x", "--port", "70000"], ["serve", "--data", "x", "--port", "http"],
        ["serve"], [], ["sevre"], ["--nonsense"],
    ])
    func aWrongCommandLineExitsWith64AndAHint(words: [String]) throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run("entitysync-server", words)

        #expect(result.exit == .status(64))
        #expect(result.output.isEmpty)
        #expect(result.errorText.contains("entitysync-server help"))
    }

    @Test func aMisspeltFlagIsAnsweredWithTheRightOne() throws {
        let bench = try Bench()
        defer { bench.end() }
        let result = try bench.run("entitysync-server", ["serve", "--dta", bench.path("x")])
        #expect(result.errorText.contains("Did you mean --data?"))
    }

    @Test func helpAndVersionGoToStandardOutput() throws {
        let bench = try Bench()
        defer { bench.end() }

        let version = try bench.run("entitysync-server", ["--version"])
        let help = try bench.run("entitysync-server", ["--help"])
        let serveHelp = try bench.run("entitysync-server", ["serve", "--help"])

        #expect(version.outputText.hasPrefix("entitysync-server "))
        #expect(help.outputText.contains("serve --data DIR"))
        #expect(serveHelp.outputText.contains("--max-body-bytes"))
        #expect(serveHelp.outputText.contains("ENTITYSYNC_MAX_PUSH_OPS"))
        for result in [version, help, serveHelp] {
            #expect(result.exit == .status(0))
            #expect(result.errors.isEmpty)
        }
    }

    @Test func aDataDirectoryThatIsAFileIsASentence() throws {
        let bench = try Bench()
        defer { bench.end() }
        try Data("x".utf8).write(to: URL(fileURLWithPath: bench.path("file")))

        let result = try bench.run(
            "entitysync-server", ["serve", "--data", bench.path("file"), "--port", "0"])

        #expect(result.exit == .status(1))
        #expect(result.errorText.contains(bench.path("file")))
    }

    @Test func anAddressForOthersNeedsAnExplicitYes() throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run(
            "entitysync-server",
            ["serve", "--data", bench.path("server"), "--host", "0.0.0.0", "--port", "0"])

        #expect(result.exit == .status(64))
        #expect(result.errorText.contains("--insecure-open"))
    }
}
