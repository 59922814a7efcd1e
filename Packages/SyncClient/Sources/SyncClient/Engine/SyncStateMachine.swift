// SPDX-License-Identifier: MIT

/// Decides what a sync cycle does next. It knows nothing of sockets, files or clocks: it is told
/// what happened and how the replica stands, and says what to do.
///
/// The order is: shake hands if needed; settle what may have reached the server, before anything is
/// pulled; pull until there is no more; push until the queue is empty; and once more from the top,
/// as others may have pushed meanwhile. Only a resync for another log or a new device comes before
/// settling: it finds out what the server has.
struct SyncStateMachine: Sendable, Equatable {
    /// How the replica stands, as far as it matters here.
    struct Outlook: Sendable, Equatable {
        /// The server's limits and log are not known, or may have changed.
        var needsHandshake = false
        /// Operations may have reached the server, and it has not answered.
        var hasSentOperations = false
        /// Everything is being pulled again to find out which operations the server has.
        var isResyncing = false
        /// The last page said that there is no more.
        var isPullComplete = false
        /// Something waits to be pushed.
        var hasOperations = false
    }

    /// What happened.
    enum Event: Sendable, Equatable {
        /// A cycle is asked for.
        case begin
        /// The last action is done.
        case done
        /// The last action failed.
        case failed(SyncError, random: UInt64)
        /// The last action failed, and the replica has drawn its conclusion: go on at once.
        case recovered(SyncError)
    }

    /// What to do.
    enum Action: Sendable, Equatable {
        case handshake
        case pull
        case push
        case wait(Duration)
        case finish
        case fail(SyncError)
    }

    /// How often a cycle may draw conclusions from errors before that counts as a failure: more
    /// than every operation of a full push halved down to itself needs, and still an end.
    static let recoveriesMax = 10_000

    /// How often the server may name another log in one cycle. More is no restored server but one
    /// that changes its mind, and each time the device starts over.
    static let restartsMax = 4

    let policy: RetryPolicy
    /// How many times in a row an action has failed.
    private(set) var attempts = 0
    private(set) var retries = 0
    private var recoveries = 0
    private var restarts = 0

    init(policy: RetryPolicy) { self.policy = policy }

    /// The next action after `event`, with the replica as it stands after it.
    mutating func next(_ event: Event, _ outlook: Outlook) -> Action {
        switch event {
        case .begin:
            (attempts, retries, recoveries, restarts) = (0, 0, 0, 0)
        case .done:
            attempts = 0
        case .recovered(let error):
            recoveries += 1
            if error.isAboutTheLog { restarts += 1 }
            if recoveries > Self.recoveriesMax || restarts > Self.restartsMax {
                return .fail(error)
            }
        case .failed(let error, let random):
            guard error.isRetryable, attempts < policy.attemptsMax else { return .fail(error) }
            attempts += 1
            retries += 1
            return .wait(
                policy.delay(
                    attempt: attempts, retryAfterSeconds: error.retryAfterSeconds, random: random))
        }
        return step(outlook)
    }

    /// The next action after a wait is over.
    func resume(_ outlook: Outlook) -> Action { step(outlook) }

    private func step(_ outlook: Outlook) -> Action {
        if outlook.needsHandshake { return .handshake }
        if outlook.isResyncing { return .pull }
        if outlook.hasSentOperations { return .push }
        if !outlook.isPullComplete { return .pull }
        return outlook.hasOperations ? .push : .finish
    }
}

extension SyncError {
    /// Whether it says that the server has another history, or none, of the database.
    fileprivate var isAboutTheLog: Bool {
        code == .server(.invalidCursor) || code == .server(.databaseNotFound)
    }
}
