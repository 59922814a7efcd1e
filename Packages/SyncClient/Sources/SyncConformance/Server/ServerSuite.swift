// SPDX-License-Identifier: MIT

/// The checks of one rule or several, in a file of their own.
typealias ServerChecks = [ConformanceSuite<ServerUnderTest>.Entry]

extension ConformanceSuite where Subject == ServerUnderTest {
    /// Every rule of the protocol that can be seen from outside a server.
    public static var server: ConformanceSuite {
        ConformanceSuite(name: "server", entries: ServerRules.status)
    }
}

/// The rules of the server suite, a list for each group.
enum ServerRules {}
