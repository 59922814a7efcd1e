// SPDX-License-Identifier: MIT

import CBOR
import SyncConformance
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A suite that every server passes shows nothing. Here our server is made to break one rule at a
/// time, and the check that is named for the rule has to notice.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct LieTests {
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

    @Test(
        arguments: [
            ("http/pipelining", Manners(isBackwards: true)),
            ("http/keep-alive", Manners(closesAfterAnswer: true)),
            ("http/ambiguous/two-lengths", Manners(refusal: 500)),
            (
                "http/ambiguous/blank-before-colon",
                Manners(mend: { replacing("Length :", "Length:", in: $0) })
            ),
            (
                "http/ambiguous/no-host",
                Manners(mend: {
                    replacing("1.1\r\nContent-L", "1.1\r\nHost: h\r\nContent-L", in: $0)
                })
            ),
            (
                "http/ambiguous/chunk-size/prefixed",
                Manners(mend: { replacing("\r\n\r\n0x", "\r\n\r\n", in: $0) })
            ),
            ("http/ambiguous/folded", Manners(mend: { replacing("\r\n c", " c", in: $0) })),
        ] as [(String, Manners)])
    func catchesWhatIsWrongWithConnections(check: String, manners: Manners) throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let proxy = try LyingProxy(to: server.port, manners: manners)
        defer { proxy.end() }
        let honest = try LyingProxy(to: server.port)
        defer { honest.end() }

        let report = try ConformanceTests.judge(port: proxy.port, only: check)
        let control = try ConformanceTests.judge(port: honest.port, only: check)

        #expect(report.failures.map(\.check.name).contains(check), "\(report.text)")
        #expect(control.failedCount == 0, "\(control.text)")
    }

    @Test func asksNoMoreOfAServerThatDoesNotAnswer() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let silence = try Platform.makePipe()
        let proxy = try LyingProxy(to: server.port) { request, server in
            if request.target == "/v1/push" {
                // Until the test ends.
                Platform.waitReadable([silence.read], milliseconds: -1)
            }
            return try server(request)
        }
        defer {
            close(silence.write)
            proxy.end()
        }

        let report = try ConformanceTests.judge(
            port: proxy.port, timeout: .seconds(1), only: "handshake/answer,push")

        #expect(report.results.first?.outcome == .passed)
        #expect(report.failedCount == 5)
        #expect(report.passedCount == 1)
        #expect(
            report.results.last?.outcome
                == .skipped(ConformanceSkip("5 requests were left unanswered before.")))
    }

    private static func replacing(
        _ text: String, _ other: String, in bytes: [UInt8]
    ) -> [UInt8] {
        guard let range = bytes.firstRange(of: Array(text.utf8)) else { return bytes }
        return bytes[..<range.lowerBound] + Array(other.utf8) + bytes[range.upperBound...]
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
