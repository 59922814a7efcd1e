// SPDX-License-Identifier: MIT

import SyncConformance
import Testing

/// The conformance suite next to servers of whose conformance there is no doubt.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct ConformanceTests {
    private static let heading = ConformanceHeading(
        suite: "server", subject: "this server", seed: 1, command: "conformance server")

    /// The server of a port, judged in the checks of a pattern.
    static func judge(
        port: UInt16, path: String = "", timeout: Duration = .seconds(60), seed: UInt64 = 1,
        only pattern: String? = nil
    ) throws -> ConformanceReport {
        let address = try #require(ServerAddress(parsing: "http://127.0.0.1:\(port)\(path)"))
        let server = ServerUnderTest(address: address, timeout: timeout, seed: seed)
        try server.reach()
        return ConformanceSuite.server.run(
            on: server, only: pattern.map(ConformancePattern.init), heading: heading)
    }

    @Test func ourServerKeepsEveryRule() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()

        let report = try Self.judge(port: server.port)

        #expect(report.failedCount == 0, "\(report.text)")
        // What this version does not have is all that may be left out.
        let skipped = report.results.filter {
            if case .skipped = $0.outcome { true } else { false }
        }
        #expect(
            skipped.map(\.check.name)
                == ["live/events/not-served", "live/socket/not-served", "live/deltas"])
        #expect(report.passedCount > 300)
    }

    @Test(arguments: [2, 3] as [UInt64]) func whatIsRandomDependsOnTheSeed(seed: UInt64) throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()

        let report = try Self.judge(
            port: server.port, seed: seed, only: "*random,*mutated,http/garbage")

        #expect(report.failedCount == 0, "\(report.text)")
        #expect(report.passedCount == 4)
    }

    @Test func aServerMayHaveOtherLimits() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve(
            "server",
            [
                "--max-push-ops", "20", "--max-transaction-ops", "50", "--max-pull-ops", "30",
                "--max-entity-bytes", "200000", "--max-body-bytes", "500000",
            ])

        let report = try Self.judge(port: server.port, only: "push/runs,limits")

        #expect(report.failedCount == 0, "\(report.text)")
        #expect(report.passedCount == report.results.count)
    }

    @Test func aServerMayLieBelowAPath() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let proxy = try LyingProxy(to: server.port) { request, server in
            guard request.target.hasPrefix("/sync/") else { return Reply(status: 500) }
            var request = request
            request.target.removeFirst("/sync".count)
            return try server(request)
        }
        defer { proxy.end() }

        let report = try Self.judge(
            port: proxy.port, path: "/sync/",
            only: "status/health,database,pages,push/exactly-once/lost-response,http/path")

        #expect(report.failedCount == 0, "\(report.text)")
        #expect(report.passedCount == report.results.count)
    }

    @Test func aServerThatIsNotThereIsNotJudged() throws {
        let port = try Socket.makeClosedPort()

        let error = #expect(throws: ConformanceUnreachable.self) {
            try Self.judge(port: port)
        }

        #expect(error?.description.contains("127.0.0.1 port \(port)") == true)
    }
}
