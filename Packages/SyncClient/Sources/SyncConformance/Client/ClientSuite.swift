// SPDX-License-Identifier: MIT

/// The checks of one rule or several, in a file of their own.
typealias ClientChecks = [ConformanceSuite<ClientUnderTest>.Entry]

extension ConformanceSuite where Subject == ClientUnderTest {
    /// What a device has to do (section 13 of the protocol), as far as requests and entities show.
    public static var client: ConformanceSuite {
        ConformanceSuite(
            name: "client",
            entries: ClientRules.push + ClientRules.pull + ClientRules.answers + ClientRules.faults
                + ClientRules.refusals + ClientRules.conflicts + ClientRules.logs
                + ClientRules.otherLogs
                + ClientRules.crashes)
    }
}

/// The rules of the client suite, a list for each group.
enum ClientRules {
    static func check(
        _ name: String, _ section: String, _ expectation: String,
        _ body: @escaping @Sendable (ClientWorld) throws -> Void
    ) -> ConformanceSuite<ClientUnderTest>.Entry {
        .init(name, section, expectation) { client in try client.judge(body) }
    }

    /// Throws a failure unless something holds.
    static func expect(_ holds: Bool, _ message: @autoclosure () -> String) throws {
        if !holds { throw ConformanceFailure(message()) }
    }

    /// The only element of some, or a failure.
    static func only<Element>(_ elements: [Element], _ what: String) throws -> Element {
        guard elements.count == 1 else {
            throw ConformanceFailure("There are \(elements.count) \(what), and should be one.")
        }
        return elements[0]
    }
}
