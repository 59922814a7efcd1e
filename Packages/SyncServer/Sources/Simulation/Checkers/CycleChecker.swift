// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// Judges how a device goes about its cycles: what it asks, how long it waits, how it decides
/// conflicts, and what it gives up.
struct CycleChecker {
    private let name: String
    private let policy: RetryPolicy
    /// What the server takes.
    private let limits: SyncLimits
    /// The waits since something succeeded.
    private var waits = 0
    /// How long the server asked the device to stay away, in its last answer.
    private var askedSeconds: UInt64 = 0
    /// The latest stamp that the device may have taken over, in milliseconds.
    private var latestReceivable: UInt64 = 0
    /// The transactions with a member that the server does not take.
    private var refused: Set<TransactionID> = []

    /// A checker of a device with the files of another one that `other` has judged, if any.
    init(name: String, policy: RetryPolicy, limits: SyncLimits, copyOf other: CycleChecker?) {
        self.name = name
        refused = other?.refused ?? []
        latestReceivable = other?.latestReceivable ?? 0
        self.policy = policy
        self.limits = limits
    }

    /// The device's files were put back: what has been refused since may wait once more.
    mutating func putBack(to earlier: CycleChecker) { refused = earlier.refused }

    // MARK: Waits

    /// A cycle begins.
    mutating func begins() { (waits, askedSeconds) = (0, 0) }

    /// Something came of a request.
    mutating func takes(_ outcome: Result<SyncAnswer, SyncError>) {
        switch outcome {
        case .success: begins()
        case .failure(let error): askedSeconds = error.retryAfterSeconds ?? 0
        }
    }

    /// The device waits before it tries again: as long as it was asked to, else not longer than the
    /// policy says.
    mutating func waits(_ duration: Duration) throws {
        waits += 1
        let asked = Duration.seconds(askedSeconds)
        let longest = min(policy.base * (1 << (waits - 1)), policy.cap)
        guard waits <= policy.attemptsMax, duration >= asked, duration <= max(longest, asked) else {
            throw failure(
                .goesOn,
                "wait \(waits) in a row is \(duration) long, where the server asks for \(asked) "
                    + "and the policy allows \(longest)")
        }
    }

    /// The device gives up: not before it has tried as often as it may.
    func givesUp(_ error: SyncError) throws {
        guard !error.isRetryable || waits >= policy.attemptsMax else {
            throw failure(.goesOn, "it gives up after \(waits) waits: \(error)")
        }
    }

    // MARK: Stamps

    /// The device holds a stamp that it received, while its clock says `wallMilliseconds`.
    mutating func holds(_ received: HybridTimestamp, wallMilliseconds: UInt64) throws {
        let (limit, _) = wallMilliseconds.addingReportingOverflow(
            HybridLogicalClock.toleratedSkewMilliseconds)
        latestReceivable = max(latestReceivable, limit)
        guard received.milliseconds <= latestReceivable else {
            throw failure(
                .goesOn,
                "it took over the stamp \(received), more than a minute ahead of its clock")
        }
    }

    // MARK: Requests

    /// A push has no more than the server takes; a single transaction may have as much as that.
    func asks(_ request: SyncRequest) throws {
        guard case .push(let push) = request else { return }
        let count = UInt64(push.operations.count)
        let isOneTransaction =
            push.operations.first?.transactionID != nil
            && Set(push.operations.map(\.transactionID)).count == 1
        let countMax =
            isOneTransaction
            ? max(limits.maxPushOperations, limits.maxTransactionOperations)
            : limits.maxPushOperations
        guard count <= max(countMax, 1) else {
            throw failure(
                .answersFollowTheRules, "it pushes \(count) operations, and \(countMax) are taken")
        }
    }

    /// Only what the server can never take is put into quarantine, with all of its transaction.
    mutating func check(
        _ quarantine: [SyncOperation], _ found: @autoclosure () throws -> ReplicaInspection
    ) throws {
        guard !quarantine.isEmpty else { return }
        let tooLarge = quarantine.filter {
            UInt64($0.entityCBOR?.count ?? 0) > limits.maxEntityBytes
        }
        // One that the app tries again leaves its transaction.
        refused.formUnion(tooLarge.compactMap(\.transactionID))
        for operation in quarantine
        where !tooLarge.contains(operation)
            && !(operation.transactionID.map(refused.contains) ?? false)
        {
            throw failure(
                .goesOn,
                "operation \(operation.operationID) is in quarantine, and nothing is wrong with it")
        }
        guard
            let member = try found().operations.first(where: {
                $0.transactionID.map(refused.contains) ?? false
            })
        else { return }
        throw failure(
            .wholeTransactions,
            "operation \(member.operationID) waits, and another part of its transaction is in "
                + "quarantine")
    }

    // MARK: Conflicts

    /// What was decided is what the entity is afterwards.
    func check(
        _ decisions: [(EntityConflict, ConflictResolution)], _ content: (EntityKey) -> [UInt8]?
    ) throws {
        var due: [EntityKey: [UInt8]?] = [:]
        for (conflict, resolution) in decisions {
            switch resolution {
            case .keepLocal: due[conflict.key] = .some(conflict.local)
            case .keepRemote: due[conflict.key] = .some(conflict.remote)
            case .merge(let merged): due[conflict.key] = .some(merged)
            }
        }
        for (key, content) in due.map({ ($0.key, content($0.key)) }).sorted(by: { $0.0 < $1.0 })
        where content != due[key] {
            throw failure(
                .decidedAsAsked,
                "\(key) is \(EntityContent.tokens(content)) after its conflict was decided for "
                    + "\(EntityContent.tokens(due[key] ?? nil))")
        }
    }

    private func failure(_ rule: SimulationFailure.Rule, _ detail: String) -> SimulationFailure {
        SimulationFailure(rule, "\(name): \(detail)")
    }
}
