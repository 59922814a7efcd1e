// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `entitysync conformance`, as a shell has it.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct ConformanceCommandTests {
    /// A report as JSON.
    private struct Report: Decodable {
        struct Summary: Decodable {
            var suite: String
            var subject: String
            var seed: Int
            var passed: Int
            var failed: Int
            var skipped: Int
            var milliseconds: Int
        }

        struct Check: Decodable {
            struct Fact: Decodable {
                var label: String
                var text: String
            }

            var name: String
            var section: String
            var expectation: String
            var outcome: String?
            var message: String?
            var facts: [Fact]?
            var again: String?
        }

        var summary: Summary
        var checks: [Check]
    }

    @Test func saysThatAServerKeepsTheRules() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let url = "http://127.0.0.1:\(server.port)"

        let end = try bench.run(
            "entitysync", ["conformance", "server", url, "--only", "status,database/apart"])

        #expect(end.exit == .status(0))
        #expect(
            end.outputText.hasPrefix("conformance server: \(url), seed 1\n\nstatus\n  ✓ health\n"))
        #expect(
            end.outputText.contains("\ndatabase\n  ✓ apart\n\n6 passed, 0 failed, 0 skipped in "))
        #expect(end.errorText.isEmpty)
    }

    @Test func saysWhichRuleAServerBreaksAndHowToSeeItAgain() throws {
        let bench = try Bench()
        defer { bench.end() }
        // A message may nest 16 deep.
        let server = try bench.serve("server", ["--max-message-depth", "10"])
        let url = "http://127.0.0.1:\(server.port)"
        let words = ["conformance", "server", url, "--only=encoding/taken", "--seed", "5"]

        let end = try bench.run("entitysync", words)
        let json = try bench.run("entitysync", words + ["--json"])

        #expect(end.exit == .status(1))
        #expect(json.exit == .status(1))
        let again = "entitysync conformance server \(url) --seed 5 --only encoding/taken/depth"
        #expect(end.outputText.contains("  ✗ taken/depth\n      rule:     protocol.md 3 E4\n"))
        #expect(end.outputText.contains("\n      again:    \(again)\n"))
        #expect(end.outputText.contains("\n6 passed, 1 failed, 0 skipped in "))
        let report = try JSONDecoder().decode(Report.self, from: Data(json.output))
        #expect(report.summary.suite == "server")
        #expect(report.summary.subject == url)
        #expect(report.summary.seed == 5)
        #expect(report.summary.passed == 6)
        #expect(report.summary.failed == 1)
        #expect(report.summary.skipped == 0)
        let failed = try #require(report.checks.first { $0.outcome == "failed" })
        #expect(failed.name == "encoding/taken/depth")
        #expect(failed.again == again)
        #expect(failed.message == "The status is 400 instead of 200.")
        #expect(failed.facts?.map(\.label) == ["request", "status", "body"])
    }

    @Test func keepsToThePrefixOfDatabases() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let words = [
            "conformance", "server", "http://127.0.0.1:\(server.port)", "--only", "cursor",
        ]

        let end = try bench.run("entitysync", words + ["--database-prefix", "mine."])

        #expect(end.exit == .status(0))
        let names = try FileManager.default.contentsOfDirectory(
            atPath: bench.path("server/databases"))
        #expect(names.count > 7)
        #expect(names.allSatisfy { $0.hasPrefix("mine.") })
    }

    @Test func namesItsChecksWithoutAServer() throws {
        let bench = try Bench()
        defer { bench.end() }
        let list = ["conformance", "server", "--list", "--only", "push/exactly-once/reset"]

        let text = try bench.run("entitysync", list)
        let json = try bench.run("entitysync", list + ["--json"])
        let markdown = try bench.run("entitysync", list + ["--markdown"])

        #expect(text.exit == .status(0))
        #expect(text.outputText.hasPrefix("push/exactly-once/reset  7 P4: If the connection is "))
        let checks = try JSONDecoder().decode([Report.Check].self, from: Data(json.output))
        #expect(checks.map(\.name) == ["push/exactly-once/reset"])
        #expect(checks.map(\.section) == ["7 P4"])
        #expect(markdown.outputText.contains("\n| `push/exactly-once/reset` | 7 P4 | If the "))
    }

    @Test(
        arguments: [
            (["http://127.0.0.1:1"], 2, "cannot be judged"), ([], 64, "http://HOST:PORT"),
            (["https://h"], 64, "and got https://h"),
            (["http://h", "--only", "no/such"], 64, "no check is called no/such"),
            (["http://h", "--seed", "x"], 64, "--seed takes a number"),
            (["http://h", "--timeout", "0"], 64, "from 1 to 3600"),
            (["http://h", "--database-prefix", "a/b"], 64, "--database-prefix takes"),
            (["http://h", "--what"], 64, "no flag --what"),
        ] as [([String], CInt, String)])
    func saysWhatIsWrongWithACommandLine(words: [String], status: CInt, message: String) throws {
        let bench = try Bench()
        defer { bench.end() }

        let end = try bench.run("entitysync", ["conformance", "server"] + words)

        #expect(end.exit == .status(status))
        #expect(end.errorText.contains(message), "\(end.errorText)")
        #expect(end.output.isEmpty)
    }
}
