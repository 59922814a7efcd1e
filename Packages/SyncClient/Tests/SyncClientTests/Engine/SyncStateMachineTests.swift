// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncClient

/// What a cycle does next, as a table.
@Suite struct SyncStateMachineTests {
    typealias Outlook = SyncStateMachine.Outlook
    typealias Event = SyncStateMachine.Event
    typealias Action = SyncStateMachine.Action

    private static let policy = RetryPolicy(base: .seconds(4), cap: .seconds(60), attemptsMax: 2)
    private static let network = SyncError(.network, "down")
    private static let forbidden = SyncError(.server(.authorizationFailed), "no")

    /// Every outlook, and the action that it leads to after a step that went well.
    @Test("steps", arguments: 0..<32)
    func steps(_ bits: Int) {
        let outlook = Outlook(
            needsHandshake: bits & 1 > 0, hasSentOperations: bits & 2 > 0,
            isResyncing: bits & 4 > 0, isPullComplete: bits & 8 > 0, hasOperations: bits & 16 > 0)
        let expected: Action =
            if bits & 1 > 0 { .handshake } else if bits & 4 > 0 { .pull } else if bits & 2 > 0 {
                .push
            } else if bits & 8 == 0 { .pull } else if bits & 16 > 0 { .push } else { .finish }

        for event in [Event.begin, .done, .recovered(Self.network)] {
            var machine = SyncStateMachine(policy: Self.policy)
            #expect(machine.next(event, outlook) == expected)
        }
        #expect(SyncStateMachine(policy: Self.policy).resume(outlook) == expected)
    }

    @Test func settlesWhatWasSentBeforeItPulls() {
        var machine = SyncStateMachine(policy: Self.policy)
        let outlook = Outlook(hasSentOperations: true, isPullComplete: false, hasOperations: true)

        #expect(machine.next(.begin, outlook) == .push)
    }

    @Test func findsOutWhatTheServerHasBeforeItSendsAnythingAgain() {
        var machine = SyncStateMachine(policy: Self.policy)
        let outlook = Outlook(hasSentOperations: true, isResyncing: true, hasOperations: true)

        #expect(machine.next(.begin, outlook) == .pull)
    }

    @Test func waitsAfterEachFailureAndGivesUpAfterTheLastAttempt() {
        var machine = SyncStateMachine(policy: Self.policy)
        let outlook = Outlook(isPullComplete: false)
        let failure = Event.failed(Self.network, random: 1 << 63)

        #expect(machine.next(.begin, outlook) == .pull)
        #expect(machine.next(failure, outlook) == .wait(.seconds(2)))
        #expect(machine.resume(outlook) == .pull)
        #expect(machine.next(failure, outlook) == .wait(.seconds(4)))
        #expect(machine.next(failure, outlook) == .fail(Self.network))
        #expect(machine.retries == 2)
    }

    @Test func countsAttemptsAnewAfterAnythingWentWell() {
        var machine = SyncStateMachine(policy: Self.policy)
        let outlook = Outlook(isPullComplete: false)
        let failure = Event.failed(Self.network, random: 0)
        for _ in 0..<5 {
            #expect(machine.next(failure, outlook) == .wait(.zero))
            #expect(machine.next(.done, outlook) == .pull)
        }
        #expect(machine.retries == 5)
        _ = machine.next(.begin, outlook)
        #expect(machine.retries == 0)
    }

    @Test func waitsAsLongAsTheServerAsks() {
        var machine = SyncStateMachine(policy: Self.policy)
        let busy = SyncError(.server(.serviceUnavailable), "busy", retryAfterSeconds: 99)

        #expect(
            machine.next(.failed(busy, random: 1 << 63), Outlook()) == .wait(.seconds(99)))
    }

    @Test func failsAtOnceWhereTryingAgainMakesNoSense() {
        var machine = SyncStateMachine(policy: Self.policy)

        #expect(
            machine.next(.failed(Self.forbidden, random: 0), Outlook()) == .fail(Self.forbidden))
        #expect(machine.retries == 0)
    }

    @Test func endsACycleThatOnlyDrawsConclusions() {
        var machine = SyncStateMachine(policy: Self.policy)
        let outlook = Outlook(needsHandshake: true)
        for _ in 0..<SyncStateMachine.recoveriesMax {
            #expect(machine.next(.recovered(Self.network), outlook) == .handshake)
        }
        #expect(machine.next(.recovered(Self.network), outlook) == .fail(Self.network))
    }
}

/// How long the engine waits before it tries again.
@Suite struct RetryPolicyTests {
    private let policy = RetryPolicy(base: .milliseconds(100), cap: .seconds(3), attemptsMax: 4)

    @Test(
        "jitters fully below a bound that doubles up to the cap",
        arguments: [
            (1, 100), (2, 200), (3, 400), (5, 1_600), (6, 3_000), (60, 3_000), (.max, 3_000),
        ])
    func jittersFullyBelowABoundThatDoubles(_ attempt: Int, _ milliseconds: Int64) {
        let bound = Duration.milliseconds(milliseconds)

        #expect(policy.delay(attempt: attempt, random: 0) == .zero)
        let longest = policy.delay(attempt: attempt, random: .max)
        #expect(longest < bound && longest > bound * 0.999)
        #expect(policy.delay(attempt: attempt, random: 1 << 63) == bound / 2)
    }

    @Test(arguments: [0, 1, UInt64(1) << 63, .max])
    func neverUndercutsWhatTheServerAskedFor(_ random: UInt64) {
        for attempt in 1...8 {
            let delay = policy.delay(attempt: attempt, retryAfterSeconds: 2, random: random)
            #expect(delay >= .seconds(2))
        }
    }

    @Test(arguments: [3_600, 3_601, UInt64(Int64.max), .max])
    func sleepsForAnHourAtMostWhateverTheServerAskedFor(_ asked: UInt64) {
        #expect(policy.delay(attempt: 1, retryAfterSeconds: asked, random: 0) == .seconds(3_600))
    }

    @Test func takesAnAttemptBelowTheFirstAsTheFirst() {
        #expect(policy.delay(attempt: -3, random: 1 << 63) == .milliseconds(50))
    }
}
