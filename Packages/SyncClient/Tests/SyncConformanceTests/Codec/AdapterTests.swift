// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import SyncConformance

/// Programs that are no good adapters, each in its way.
@Suite struct AdapterTests {
    private static let hello = #"read l; echo '{"n":1,"ok":true}';"#

    private static func adapter(
        _ script: String, timeout: Duration = .seconds(30)
    ) -> Adapter {
        Adapter(["/bin/sh", "-c", script], suite: "test", timeout: timeout)
    }

    private static func failure(
        _ script: String, timeout: Duration = .seconds(30)
    ) throws -> ConformanceFailure {
        let adapter = adapter(hello + script, timeout: timeout)
        try adapter.start()
        let error = #expect(throws: ConformanceFailure.self) { _ = try adapter.ask([]) }
        return try #require(error)
    }

    @Test func answersAreTakenInTheirOrder() throws {
        let adapter = Self.adapter(
            Self.hello
                + #"read l; echo '{"n":2,"ok":true,"x":"a"}'; read l; echo '{"n":3,"ok":false}'"#)
        try adapter.start()

        #expect(try adapter.ask([]).text("x") == "a")
        #expect(try adapter.ask([]).bool("ok") == false)
    }

    @Test func aRequestIsOneLineWithItsNumber() throws {
        let adapter = Self.adapter(
            Self.hello + #"read -r l; q='"'; case $l in "{${q}n${q}:2,${q}a${q}:1}") "#
                + #"echo '{"n":2,"ok":true}';; esac"#)
        try adapter.start()

        #expect(try adapter.ask([("a", "1")]).bool("ok") == true)
    }

    @Test func whatIsSkippedIsNoFailure() throws {
        let adapter = Self.adapter(Self.hello + #"read l; echo '{"n":2,"skip":"no time"}'"#)
        try adapter.start()

        let skip = #expect(throws: ConformanceSkip.self) { _ = try adapter.ask([]) }
        #expect(skip?.reason == "no time")
    }

    @Test(
        arguments: [
            (#"echo nonsense"#, "The adapter's line is no JSON object."),
            (#"echo '[1]'"#, "The adapter's line is no JSON object."),
            (#"echo '{"n":2,"ok":true,"ok":false}'"#, "The adapter's line is no JSON object."),
            (#"printf '\377\n'"#, "The adapter's line is no JSON object."),
            (
                #"echo '{"n":3,"ok":true}'"#,
                "The answer is to request 3, and request 2 was asked."
            ),
            (
                #"echo '{"ok":true}'"#,
                "The answer has no number n, and request 2 was asked."
            ),
            (#"exit 3"#, "The adapter ended with status 3 instead of answering."),
            (#"kill -9 $$"#, "The adapter was ended by signal 9 instead of answering."),
            (
                #"printf '{"n":2'; exit 0"#,
                "The adapter ended with status 0 after the beginning of a line instead of "
                    + "answering."
            ),
            (#"echo '{"n":2}'"#, "The answer has neither ok nor skip."),
        ])
    func aBadAnswerFailsWithWhatIsWrong(script: String, message: String) throws {
        #expect(try Self.failure("read l; " + script).message == message)
    }

    @Test func whatNobodyAskedForIsAFault() throws {
        // The second line may come before or after the next request: both are faults.
        let adapter = Self.adapter(
            Self.hello + #"read l; echo '{"n":2,"ok":true}'; echo more; cat"#)
        try adapter.start()
        _ = try adapter.ask([])

        #expect(throws: ConformanceFailure.self) { _ = try adapter.ask([]) }
    }

    @Test func anAnswerThatDoesNotComeIsNotWaitedForForEver() throws {
        let failure = try Self.failure("read l; read l", timeout: .milliseconds(300))

        #expect(failure.message == "The adapter has not answered within 0.3 seconds.")
    }

    @Test func afterSomeSilencesNothingMoreIsAsked() throws {
        let adapter = Self.adapter(Self.hello + "read l; read l", timeout: .milliseconds(300))
        try adapter.start()
        var messages: Set<String> = []
        for _ in 0..<5 {
            messages.insert(
                #expect(throws: ConformanceFailure.self) { _ = try adapter.ask([]) }?.message ?? "")
        }

        #expect(messages.contains("The adapter was given up: 3 of its answers never came."))
    }

    @Test func afterAFaultTheNextCheckHasANewProcess() throws {
        let mark = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: mark) }
        let adapter = Self.adapter(
            Self.hello + "read l; [ -e \(mark.path) ] || { : >\(mark.path); exit 1; }; "
                + #"echo '{"n":2,"ok":true}'"#)
        try adapter.start()
        #expect(throws: ConformanceFailure.self) { _ = try adapter.ask([]) }

        #expect(try adapter.ask([]).bool("ok") == true)
    }

    @Test func aLineMayBeLongerThanAPipeHolds() throws {
        let adapter = Self.adapter(
            Self.hello + #"read -r l; echo "{\"n\":2,\"ok\":true,\"length\":${#l}}""#)
        try adapter.start()
        let text = String(repeating: "x", count: 300_000)

        let answer = try adapter.ask([("text", "\"\(text)\"")])

        #expect(answer.unsigned("length") == UInt64(#"{"n":2,"text":""}"#.count + 300_000))
    }

    @Test(
        arguments: [
            (["/no/such/program"], "cannot be started"), (["true"], "is no adapter"),
            (["echo", "hello"], "is no adapter"), (["cat"], "It does not say ok to hello."),
        ])
    func whatIsNoAdapterIsNotJudged(words: [String], message: String) {
        let adapter = Adapter(words, suite: "test", timeout: .seconds(30))

        let error = #expect(throws: ConformanceUnreachable.self) { try adapter.start() }

        #expect(error?.description.contains(message) ?? false)
    }
}
