// SPDX-License-Identifier: MIT

import CBOR
import SyncConformance
import Testing

/// A suite that every server passes shows nothing. Here our server is made to break one rule at a
/// time, and the check that is named for the rule has to notice.
@Suite(.showsPrograms, .timeLimit(.minutes(5))) struct LieTests {
    @Test func noCheckFailsIfTheProxyDoesNotLie() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let proxy = try LyingProxy(to: server.port) { request, server in try server(request) }
        defer { proxy.end() }

        let names = ServerLie.all.map(\.check).joined(separator: ",")
        let report = try ConformanceTests.judge(port: proxy.port, only: names)

        #expect(report.failedCount == 0, "\(report.text)")
        #expect(report.passedCount == report.results.count)
        #expect(Set(ServerLie.all.map(\.check)).isSubset(of: report.results.map(\.check.name)))
    }

    @Test(arguments: ServerLie.all) func catches(_ lie: ServerLie) throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let proxy = try LyingProxy(to: server.port, lie: lie.make())
        defer { proxy.end() }

        let report = try ConformanceTests.judge(port: proxy.port, only: lie.check)

        let failure = try #require(report.failures.first?.failure, "\(lie) was believed")
        #expect(report.failedCount == 1)
        // Enough to find the reason: what came, or what the pull shows.
        #expect(!failure.message.isEmpty)
        #expect(report.text.contains("--only \(lie.check)"))
    }

    @Test func aFailureShowsTheRequestTheStatusAndTheBodyInDiagnosticNotation() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let proxy = try LyingProxy(
            to: server.port, lie: ServerLie.changingAnswers("push") { $0["serverCursor"] = 77 })
        defer { proxy.end() }

        let report = try ConformanceTests.judge(port: proxy.port, only: "push/server-cursor")

        let failure = try #require(report.failures.first?.failure)
        #expect(failure.message == "serverCursor is 77, not 3.")
        #expect(failure.facts.map(\.label) == ["request", "status", "body"])
        #expect(failure.facts[0].text.hasPrefix("POST /v1/push: {\"ops\": [{\"base\": 0, "))
        #expect(failure.facts[1].text == "200")
        #expect(
            failure.facts[2].text == "{\"accepted\": [[1, 3, 1]], \"rejected\": [], "
                + "\"conflicts\": [], \"serverCursor\": 77, \"acknowledgedUpToOpId\": 1}")
    }
}
