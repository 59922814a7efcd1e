// SPDX-License-Identifier: MIT

import SyncConformance
import Testing

@Suite struct ReportTests {
    private struct Unexpected: Error {}

    /// Passes, is skipped, fails in two ways.
    private static let suite = ConformanceSuite<Int>(
        name: "number",
        entries: [
            .init("size/small", "1", "It is below 10.") { number in
                guard number < 10 else { throw ConformanceFailure("It is \(number).") }
            },
            .init("size/known", "1 A", "It is known.") { _ in throw ConformanceSkip("Unknown.") },
            .init("kind/even", "2", "It is even.") { number in
                guard number.isMultiple(of: 2) else {
                    throw ConformanceFailure("It is odd.").adding("value", "\"\(number)\"\n")
                }
            },
            .init("kind/calm", "2", "Nothing else is thrown.") { _ in throw Unexpected() },
        ])

    private static let heading = ConformanceHeading(
        suite: "number", subject: "three", seed: 7, command: "number 3 --seed 7")

    private static func report(_ number: Int, _ pattern: String? = nil) -> ConformanceReport {
        suite.run(on: number, only: pattern.map(ConformancePattern.init), heading: heading)
    }

    @Test func countsWhatBecameOfEachCheck() {
        let report = Self.report(3)

        #expect(report.passedCount == 1)
        #expect(report.failedCount == 2)
        #expect(report.skippedCount == 1)
        #expect(report.failures.map(\.check.name) == ["kind/even", "kind/calm"])
        #expect(report.exitCode == 1)
    }

    @Test func endsWellIfNothingFailed() {
        #expect(Self.report(4, "size").exitCode == 0)
        #expect(Self.report(40, "size").exitCode == 1)
    }

    @Test func saysOfAFailureWhatWasExpectedWhatCameAndHowToRepeatIt() {
        var report = Self.report(3, "size,kind/even")
        report.duration = .milliseconds(1_290)

        #expect(
            report.text == """
                conformance number: three, seed 7

                size
                  ✓ small
                  – known: Unknown.

                kind
                  ✗ even
                      rule:     protocol.md 2
                      expected: It is even.
                      got:      It is odd.
                      value:    "3"
                      again:    number 3 --seed 7 --only kind/even

                failed
                  kind/even

                1 passed, 1 failed, 1 skipped in 1.2 s

                """)
    }

    @Test func tellsProgramsTheSameInOneObject() {
        var report = Self.report(3, "size/known,kind/even")
        report.duration = .milliseconds(1_290)
        for index in report.results.indices { report.results[index].duration = .milliseconds(5) }

        #expect(
            report.json == #"{"summary":{"suite":"number","subject":"three","seed":7,"passed":0,"#
                + #""failed":1,"skipped":1,"milliseconds":1290},"checks":["#
                + #"{"name":"size/known","section":"1 A","expectation":"It is known.","#
                + #""outcome":"skipped","message":"Unknown.","milliseconds":5},"#
                + #"{"name":"kind/even","section":"2","expectation":"It is even.","#
                + #""outcome":"failed","message":"It is odd.","#
                + #""facts":[{"label":"value","text":"\"3\"\n"}],"#
                + #""again":"number 3 --seed 7 --only kind/even","milliseconds":5}]}"#)
    }

    @Test func tellsWhatComesNextAndHowMuchIsDone() {
        var told: [String] = []

        _ = Self.suite.run(on: 3, only: ConformancePattern("kind"), heading: Self.heading) {
            told.append("\($0.name) \($1)/\($2)")
        }

        #expect(told == ["kind/even 0/2", "kind/calm 1/2"])
    }

    @Test(
        arguments: [
            ("push", "push", true), ("push", "push/reset", true), ("push", "pushed", false),
            ("push/reset", "push", false), ("push/res", "push/reset", false),
            ("pull,push", "push/reset", true), ("pull,", "push/reset", false), ("", "push", false),
            ("*", "push/reset", true), ("*/reset", "push/exactly-once/reset", true),
            ("*/reset", "push/resets", false), ("push/*once", "push/exactly-once/reset", true),
            ("p*l*", "pull", true), ("p*l*x", "pull", false), ("*reset*", "push/reset", true),
        ])
    func choosesByNamesLevelsAndStars(pattern: String, name: String, matches: Bool) {
        #expect(ConformancePattern(pattern).matches(name) == matches)
    }

    @Test(
        arguments: [
            ("http://h", "http://h:80"), ("HTTP://h:1/", "http://h:1"),
            ("http://h:8080/a/b/", "http://h:8080/a/b"), ("http://[::1]:9", "http://[::1]:9"),
            ("http://[::1]", "http://[::1]:80"),
        ])
    func readsURLs(url: String, address: String) {
        #expect(ServerAddress(parsing: url)?.description == address)
    }

    @Test(
        arguments: [
            "h:80", "https://h", "http://", "http://:80", "http://h:0", "http://h:65536",
            "http://h:x", "http://h:", "http://u@h", "http://[::1", "http://[::1]x",
            "http://h/?q", "http://h/#f", "http://h/a b", "http://h/é",
        ])
    func refusesWhatIsNoURLOfAServer(url: String) {
        #expect(ServerAddress(parsing: url) == nil)
    }
}
