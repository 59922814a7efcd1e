// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import Testing

@testable import SyncConformance

/// The codec suite on adapters that know the vectors by heart, and tell the truth or lie.
@Suite struct CodecSuiteTests {
    private static let vectors: Result<CodecVectors, any Error> = Result {
        var folder = URL(filePath: #filePath).resolvingSymlinksInPath()
        // This file, its folder, its target's folder, Tests, the package, Packages.
        for _ in 0..<6 { folder.deleteLastPathComponent() }
        folder = folder.appending(path: "TestVectors")
        return try CodecVectors {
            try Array(Data(contentsOf: folder.appending(path: "\($0).json")))
        }
    }

    private static let heading = ConformanceHeading(
        suite: "codec", subject: "test", seed: 1, command: "test")

    /// The members of a true answer, which a lie may change.
    private typealias Answer = [String: CBORValue]

    /// Judges an adapter whose true answers are changed by a lie.
    private func report(
        _ lie: @escaping @Sendable (_ action: String, inout [String: CBORValue]) -> Void
    ) throws -> ConformanceReport {
        let vectors = try Self.vectors.get()
        let entries = Dictionary(
            uniqueKeysWithValues: vectors.entries.map { ("\($0.file)/\($0.id)", $0) })
        let adapter = Adapter { request throws(ConformanceFailure) in
            guard case .text(let id) = request[key: "id"],
                case .text(let action) = request[key: "do"],
                let entry = entries[id]
            else { throw ConformanceFailure("The request names no entry.") }
            var answer = Self.truth(action, entry, request)
            lie(action, &answer)
            answer["n"] = request[key: "n"]
            var members = CBORMap()
            for (name, value) in answer { members[key: .text(name)] = value }
            return Array(JSONText.text(of: .map(members)).utf8)
        }
        return ConformanceSuite.codec(vectors).run(on: adapter, heading: Self.heading)
    }

    private static func truth(
        _ action: String, _ entry: CodecVectors.Entry, _ request: CBORMap
    ) -> Answer {
        switch action {
        case "decode" where entry.kind == .reject:
            return [
                "ok": false, "error": .text(entry.error ?? ""),
                "offset": .unsigned(entry.offset ?? 0), "path": .text(entry.path),
            ]
        case "decode":
            var answer: Answer = ["ok": true, "hex": .text(entry.encoding ?? "")]
            answer["value"] = entry.value
            return answer
        case "encode": return ["ok": true, "hex": .text(entry.hex)]
        case "judge":
            guard let code = entry.rejection else { return ["ok": true] }
            return ["ok": false, "error": .text(code)]
        default:
            let found = entry.cases.first {
                $0[key: "entity"] == request[key: "entity"]
                    && $0[key: "version"] == request[key: "version"]
            }
            guard let found else { return ["skip": "No such case."] }
            var answer: Answer = ["ok": .bool(found[key: "result"] != nil)]
            answer["hex"] = found[key: "result"]
            for name in ["error", "op", "path"] { answer[name] = found[key: .text(name)] }
            return answer
        }
    }

    private func failedNames(_ report: ConformanceReport) -> Set<String> {
        Set(report.failures.map(\.check.name))
    }

    @Test func theTruthPasses() throws {
        let report = try report { _, _ in }

        #expect(report.passedCount == report.results.count)
        #expect(report.results.count > 1_300)
    }

    @Test func whatCannotBeDoneIsSkippedAndNotPassed() throws {
        let report = try report { action, answer in
            if action != "decode" { answer = ["skip": "Not here."] }
        }

        #expect(report.skippedCount > 0)
        #expect(report.failedCount == 0)
        #expect(
            report.passedCount == report.results.count { $0.check.name.contains("/decode/") })
    }

    @Test func sayingNothingAboutAFaultOrAValueIsNoLie() throws {
        let report = try report { _, answer in
            for name in ["error", "offset", "path", "op", "value"] { answer[name] = nil }
        }

        #expect(report.failedCount == 0)
    }

    /// Each lie, and the checks that it touches: all of them have to fail, and no others.
    @Test func eachLieFailsWhereItIsTold() throws {
        let lies:
            [(
                name: String, touches: @Sendable (Answer) -> Bool,
                tell: @Sendable (inout Answer) -> Void
            )] = [
                ("ok", { _ in true }, { $0["ok"] = $0["ok"] == true ? false : true }),
                (
                    "hex", { $0["hex"] != nil },
                    { answer in
                        if case .text(let hex) = answer["hex"] { answer["hex"] = .text(hex + "00") }
                    }
                ),
                ("no hex", { $0["hex"] != nil }, { $0["hex"] = nil }),
                ("value", { $0["value"] != nil }, { $0["value"] = ["lie"] }),
                ("error", { $0["error"] != nil }, { $0["error"] = "lie" }),
                (
                    "offset", { $0["offset"] != nil },
                    { answer in
                        if case .unsigned(let offset) = answer["offset"] {
                            answer["offset"] = .unsigned(offset + 1)
                        }
                    }
                ),
                ("op", { $0["op"] != nil }, { $0["op"] = 99 }),
            ]
        for lie in lies {
            let names = Names()
            let report = try report { _, answer in
                guard lie.touches(answer) else { return }
                names.count += 1
                lie.tell(&answer)
            }

            #expect(names.count > 0, "\(lie.name)")
            // A check asks again only while its answers are true.
            #expect(report.failedCount == names.count, "\(lie.name)")
        }
    }

    private final class Names: @unchecked Sendable {
        // The suite runs on one thread.
        var count = 0
    }

    @Test func aWrongPathIsALie() throws {
        let report = try report { _, answer in
            if case .text(let path) = answer["path"] { answer["path"] = .text(path + "x") }
        }
        let rejects = try Self.vectors.get().entries.filter {
            $0.kind == .reject && !$0.isPlainCBOR
        }

        #expect(
            failedNames(report) == Set(rejects.map { "\($0.file)/decode/\($0.id)" }))
    }

    @Test func filesThatAreNoVectorsAreRefused() {
        for text in ["", "{}", "[]", "[1]", #"[{"id":"a","id":"b"}]"#, #"[{"id":"a"}]"#] {
            #expect(throws: ConformanceUnreachable.self, "\(text)") {
                _ = try CodecVectors { _ in Array(text.utf8) }
            }
        }
    }

    @Test func theBriefReportShowsWhatFailedAndOnceWhyWhatWasSkipped() throws {
        var report = try report { action, answer in
            if action == "judge" { answer = ["skip": "Not here."] }
            if answer["value"] == ["lie"] { answer = [:] }
        }
        report.results = report.results.filter { $0.check.group == "operation" }
        report.duration = .milliseconds(2_000)
        let skipped = report.skippedCount

        #expect(
            report.briefText == """
                conformance codec: test, seed 1

                ✓ operation: \(report.passedCount) passed, \(skipped) skipped
                  – \(skipped) skipped: Not here.

                \(report.passedCount) passed, 0 failed, \(skipped) skipped in 2.0 s

                """)
    }
}
