// SPDX-License-Identifier: MIT

import Testing

@testable @_spi(Simulation) import SyncClient

/// What a started engine does next, as a table.
@Suite struct FollowLoopTests {
    typealias Decision = FollowLoop.Decision

    private let configuration: SyncConfiguration = {
        var configuration = SyncConfiguration(databaseID: "db")
        configuration.retryPolicy = RetryPolicy(
            base: .seconds(4), cap: .seconds(10), attemptsMax: 1)
        configuration.pollInterval = .milliseconds(100)
        configuration.idlePollInterval = .milliseconds(150)
        configuration.waitForOthers = .seconds(90)
        configuration.idlePullInterval = .seconds(5)
        return configuration
    }()

    /// A loop whose first cycle is done.
    private func watchingLoop(_ configuration: SyncConfiguration? = nil) -> FollowLoop {
        var loop = FollowLoop(configuration ?? self.configuration)
        _ = loop.next(.rested)
        _ = loop.next(.synced(knowsLog: true))
        return loop
    }

    @Test func beginsWithACycle() {
        var loop = FollowLoop(configuration)

        #expect(loop.next(.rested) == .sync(renewsHandshake: true))
    }

    @Test func looksForWritesAtOnceWhileAPullWaitsAsLongAsAServerAllows() {
        var loop = FollowLoop(configuration)

        #expect(
            loop.next(.synced(knowsLog: true))
                == .watch(writes: .look(after: .zero), others: .pull(limit: .seconds(30))))
    }

    @Test(arguments: [(Duration.zero, true), (.seconds(25), false)])
    func pausesWhereTheServerCannotWait(waitForOthers: Duration, knowsLog: Bool) {
        var configuration = configuration
        configuration.waitForOthers = waitForOthers
        var loop = FollowLoop(configuration)

        #expect(
            loop.next(.synced(knowsLog: knowsLog))
                == .watch(writes: .look(after: .zero), others: .pause(.seconds(5))))
        #expect(loop.next(.heard(hasNews: true)) == .sync(renewsHandshake: false))
    }

    @Test func looksLessAndLessOftenUntilTheNextCycle() {
        var loop = watchingLoop()
        let looks = (0..<4).map { _ in loop.next(.looked(foundWrites: false)) }
        #expect(looks == [100, 125, 150, 150].map { .look(after: .milliseconds($0)) })

        _ = loop.next(.synced(knowsLog: true))
        #expect(loop.next(.looked(foundWrites: false)) == .look(after: .milliseconds(100)))
    }

    @Test(arguments: [FollowLoop.Outcome.looked(foundWrites: true), .heard(hasNews: true)])
    func newsLeadToACycle(outcome: FollowLoop.Outcome) {
        var loop = watchingLoop()

        #expect(loop.next(outcome) == .sync(renewsHandshake: false))
    }

    @Test func aPullThatBroughtNothingIsSentAgain() {
        var loop = watchingLoop()

        #expect(loop.next(.heard(hasNews: false)) == .pull(limit: .seconds(30)))
    }

    @Test func sharesAHandshakeAmongTwentyCycles() {
        var loop = FollowLoop(configuration)
        var renewals: [Int] = []
        for cycle in 0..<45 {
            if loop.next(.rested) == .sync(renewsHandshake: true) { renewals.append(cycle) }
            _ = loop.next(.synced(knowsLog: true))
        }

        #expect(renewals == [0, 20, 40])
    }

    @Test func sleepsLongerAfterEachFailureAndIsPatientAgainAfterACycle() {
        var loop = watchingLoop()
        let failed = FollowLoop.Outcome.failed(retryAfterSeconds: nil, random: 1 << 63)
        #expect((0..<3).map { _ in loop.next(failed) } == [2, 4, 5].map { .sleep(.seconds($0)) })
        #expect(loop.next(.rested) == .sync(renewsHandshake: false))

        _ = loop.next(.synced(knowsLog: true))
        #expect(loop.next(failed) == .sleep(.seconds(2)))
    }

    @Test func sleepsAsLongAsTheServerAsksAndNeverNotAtAll() {
        var loop = watchingLoop()

        #expect(loop.next(.failed(retryAfterSeconds: 20, random: 0)) == .sleep(.seconds(20)))
        #expect(loop.next(.failed(retryAfterSeconds: nil, random: 0)) == .sleep(.milliseconds(100)))
    }

    @Test func aFailedHandshakeIsTriedAgain() {
        var loop = FollowLoop(configuration)
        _ = loop.next(.failed(retryAfterSeconds: nil, random: 0))

        #expect(loop.next(.rested) == .sync(renewsHandshake: true))
    }

    @Test func twoDecisionsAreCarriedOutBetweenCycles() {
        let between: [Decision] = [.look(after: .zero), .pull(limit: .zero), .pause(.zero)]
        let others: [Decision] = [
            .sync(renewsHandshake: true), .sleep(.zero),
            .watch(writes: .look(after: .zero), others: .pause(.zero)),
        ]

        #expect(between.allSatisfy { $0.isBetweenCycles })
        #expect(!others.contains { $0.isBetweenCycles })
    }
}
