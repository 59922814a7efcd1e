// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import SyncConformance

/// The client suite on this project's own client, and on that client with a lie.
@Suite struct ClientSuiteTests {
    private static let heading = ConformanceHeading(
        suite: "client", subject: "test", seed: 1, command: "test")

    /// The program is built into the same folder as the tests.
    private func adapter() throws -> [String] {
        for bundle in Bundle.allBundles + [Bundle.main] {
            var folder = bundle.bundleURL
            for _ in 0..<4 {
                let candidate = folder.appending(path: "entitysync").path
                if FileManager.default.isExecutableFile(atPath: candidate) {
                    return [candidate, "conformance", "device"]
                }
                folder.deleteLastPathComponent()
            }
        }
        throw ConformanceUnreachable("entitysync is not beside the tests; build it first.")
    }

    private func report(_ pattern: String, _ lie: ClientLie? = nil) throws -> ConformanceReport {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Between a liar and its server some syncs never end.
        let client = ClientUnderTest(
            try adapter(), timeout: lie == nil ? .seconds(60) : .seconds(3),
            folder: folder.path, lie: lie?.wire, adapterLie: lie?.adapter)
        return ConformanceSuite.client.run(
            on: client, only: ConformancePattern(pattern), heading: Self.heading)
    }

    @Test func ourClientKeepsTheRules() throws {
        let report = try report("push,pull,conflicts,crashes")

        #expect(report.failures.map { "\($0.check.name): \($0.failure)" } == [])
        #expect(report.passedCount > 30)
    }

    @Test(arguments: ClientLie.all)
    func aLieIsFoundByTheChecksOfItsRule(_ lie: ClientLie) throws {
        let report = try report(lie.isFoundBy, lie)
        let passed = report.results.filter { $0.outcome == .passed }.map(\.check.name)

        #expect(passed == [], "These do not notice: \(lie.name).")
        #expect(!report.results.isEmpty)
    }

    @Test func thereIsALieForEveryCheck() {
        let patterns = ClientLie.all.map { ConformancePattern($0.isFoundBy) }
        let safe = ConformanceSuite.client.checks().filter { check in
            !patterns.contains { $0.matches(check) }
        }

        #expect(safe.map(\.name) == [])
    }

    @Test func aClientThatDoesNotStartIsNotJudged() {
        let client = ClientUnderTest(["/no/such/program"], timeout: .seconds(1), folder: "/")

        #expect(throws: ConformanceUnreachable.self) { try client.reach() }
    }
}
