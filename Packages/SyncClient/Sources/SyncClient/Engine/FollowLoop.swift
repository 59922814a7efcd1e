// SPDX-License-Identifier: MIT

/// Decides what a started engine does between its cycles. It knows nothing of tasks, sockets or
/// clocks: it is told what came of its last decision, and takes the next one.
///
///     sync ──synced──▶ watch ──▶ look ──▶ … ──wrote──▶ sync
///      │                  └────▶ pull or pause ──heard──▶ sync
///      └─failed─▶ sleep ──slept──▶ sync
///
/// `watch` forks: its two decisions are carried out side by side, and those that follow from them,
/// until one has led to a `sync`; that ends the other. A failure of either ends both.
@_spi(Simulation)
public struct FollowLoop: Sendable, Equatable {
    /// What came of a decision.
    public enum Outcome: Sendable, Equatable {
        /// The engine was started, or a sleep is over.
        case rested
        /// A cycle has come to its end; a waiting pull needs the log that it found.
        case synced(knowsLog: Bool)
        /// The app's writes were looked for.
        case looked(foundWrites: Bool)
        /// A pull or a pause is over. `hasNews` says that others have pushed, or may have.
        case heard(hasNews: Bool)
        /// A cycle, a look or a pull has failed.
        case failed(retryAfterSeconds: UInt64?, random: UInt64)
    }

    /// What to do.
    public enum Decision: Sendable, Equatable {
        /// Run a cycle, or wait for the one that is under way.
        case sync(renewsHandshake: Bool)
        /// Carry out both side by side.
        indirect case watch(writes: Decision, others: Decision)
        /// Let the time pass, then look for the app's writes.
        case look(after: Duration)
        /// Send a pull that waits at the server.
        case pull(limit: Duration)
        /// Let the time pass in which others may push.
        case pause(Duration)
        /// Let the time pass after a failure.
        case sleep(Duration)

        /// Whether it is one of the two that `watch` is made of, or follows from them.
        public var isBetweenCycles: Bool {
            switch self {
            case .look, .pull, .pause: true
            case .sync, .watch, .sleep: false
            }
        }
    }

    /// How many cycles share a handshake: what it finds out is rare, and each costs a round trip.
    static let cyclesPerHandshake = 20
    /// The longest that a server lets a pull wait.
    static let waitMax = Duration.seconds(30)

    private let configuration: Settings
    private var cycles = 0
    /// How many cycles, looks and pulls have failed in a row.
    private var failures = 0
    private var lookInterval = Duration.zero

    /// What is needed of an engine's configuration.
    private struct Settings: Sendable, Equatable {
        var retryPolicy: RetryPolicy
        var pollInterval: Duration
        var idlePollInterval: Duration
        var waitForOthers: Duration
        var idlePullInterval: Duration
    }

    /// The loop of an engine that is about to start.
    public init(_ configuration: SyncConfiguration) {
        self.configuration = Settings(
            retryPolicy: configuration.retryPolicy, pollInterval: configuration.pollInterval,
            idlePollInterval: configuration.idlePollInterval,
            waitForOthers: configuration.waitForOthers,
            idlePullInterval: configuration.idlePullInterval)
    }

    /// The decision after `outcome`.
    public mutating func next(_ outcome: Outcome) -> Decision {
        switch outcome {
        case .rested: return sync
        case .synced(let knowsLog):
            failures = 0
            cycles += 1
            lookInterval = configuration.pollInterval
            return .watch(writes: .look(after: .zero), others: others(knowsLog: knowsLog))
        case .looked(let foundWrites): return foundWrites ? sync : lookAgain()
        case .heard(let hasNews): return hasNews ? sync : others(knowsLog: true)
        case .failed(let retryAfterSeconds, let random):
            failures += 1
            let delay = configuration.retryPolicy.delay(
                attempt: failures, retryAfterSeconds: retryAfterSeconds, random: random)
            return .sleep(max(delay, configuration.pollInterval))
        }
    }

    private var sync: Decision {
        .sync(renewsHandshake: cycles % Self.cyclesPerHandshake == 0)
    }

    private func others(knowsLog: Bool) -> Decision {
        let limit = min(configuration.waitForOthers, Self.waitMax)
        return limit > .zero && knowsLog
            ? .pull(limit: limit) : .pause(configuration.idlePullInterval)
    }

    private mutating func lookAgain() -> Decision {
        defer { lookInterval = min(lookInterval * 1.25, configuration.idlePollInterval) }
        return .look(after: lookInterval)
    }
}
