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
            name: "edits-meet-nothing-while-they-may-come-back",
            arguments: "--seed 720 --steps 329 --without clockSkew,clones,deviceRestores",
            found: "A merge during a resync changed an operation that the server had."),
        RegressionSeed(
            name: "a-copy-of-the-device-is-seen",
            arguments: "--seed 1255 --without clockSkew,cuts,following,halfCloses",
            found: "Two devices under one name left each other's operations out of every page."),
        RegressionSeed(
            name: "an-edit-that-a-copy-pushed-gives-way",
            arguments: "--seed 126 --steps 175 --without longOffline",
            found: "An entity stayed at an own edit although a later revision was known."),
        RegressionSeed(
            name: "a-checkpoint-waits-for-the-queue", arguments: "--seed 11",
            found: "A checkpoint before the capture left parts of transactions."),
        RegressionSeed(
            name: "a-retried-edit-overwrites-nothing",
            arguments: "--seed 9381 --steps 384 --without clockSkew,policies",
            found: "A quarantined edit came back on a revision that its author had not seen."),
        RegressionSeed(
            name: "a-retried-edit-hides-nothing",
            arguments: "--seed 20397 --steps 323 --without clockSkew,policies",
            found: "A retried edit hid a later revision, which a restored server had lost."),
        RegressionSeed(
            name: "a-delete-outlives-the-log",
            arguments: "--seed 95 --steps 480 --without policies",
            found: "A delete came back with a server that was put back to an older copy."),
        RegressionSeed(
            name: "a-copys-delete-is-not-ones-own",
            arguments:
                "--seed 21 --steps 314 --without bitFlips,clockSkew,deviceRestores,strangers",
            found: "Edits went out on the tombstone of a copy, and no resolver was asked."),
    ]
}
