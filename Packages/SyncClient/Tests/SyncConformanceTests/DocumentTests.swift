// SPDX-License-Identifier: MIT

import Foundation
import SyncConformance
import Testing

/// `doc/conformance.md` and `doc/conformance-adapters.md` list the checks that there are.
@Suite struct DocumentTests {
    @Test func theTableOfTheServerSuiteIsTheSuites() throws {
        try expectTable(
            of: ConformanceSuite.server.checks(), named: "server", in: "conformance.md")
    }

    @Test func theTableOfTheClientSuiteIsTheSuites() throws {
        try expectTable(
            of: ConformanceSuite.client.checks(), named: "client", in: "conformance-adapters.md")
    }

    @Test func everyCheckNamesASectionOfTheProtocolAndSaysASentence() throws {
        let document = try text("protocol.md")
        for check in ConformanceSuite.server.checks() + ConformanceSuite.client.checks() {
            for word in check.section.split(whereSeparator: { ", ".contains($0) }) {
                let isThere =
                    word.first?.isNumber == true
                    ? document.contains("\n## \(word). ") || document.contains("\n### \(word) ")
                    : document.contains("**\(word)")
                #expect(isThere, "\(check.name) names \(word), which protocol.md does not have")
            }
            #expect(check.expectation.hasSuffix("."), "\(check.name)")
            #expect(!check.expectation.contains("|"), "\(check.name)")
        }
    }

    private func expectTable(
        of checks: [ConformanceCheck], named name: String, in file: String
    ) throws {
        let document = try text(file)
        let start = try #require(document.range(of: "<!-- checks of the \(name) suite -->\n"))
        let end = try #require(
            document.range(of: "<!-- end -->", range: start.upperBound..<document.endIndex))
        #expect(
            document[start.upperBound..<end.lowerBound] == ConformanceReport.table(of: checks),
            "print it with: entitysync conformance \(name) --list --markdown")
    }

    private func text(_ name: String) throws -> String {
        let root = URL(filePath: #filePath).appending(path: "../../../../..").standardized
        return try String(contentsOf: root.appending(path: "doc/\(name)"), encoding: .utf8)
    }
}
