// SPDX-License-Identifier: MIT

import Testing

/// A scenario that found a bug once.
struct RegressionSeed: Sendable, CustomTestStringConvertible {
    /// What the bug was, as a name.
    var name: String
    /// What `entitysync-simulator` is called with.
    var arguments: String
    /// What was wrong.
    var found: String

    var testDescription: String { name }

    /// All of them. As the code changes, a seed comes to tell another story; it stays as a test all
    /// the same.
    static let all: [RegressionSeed] = [
        RegressionSeed(
            name: "everything-at-once", arguments: "--seed 20 --steps 40",
            found: "Nothing: it keeps the table in use.")
    ]
}
