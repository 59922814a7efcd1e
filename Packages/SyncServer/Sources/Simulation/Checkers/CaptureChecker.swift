// SPDX-License-Identifier: MIT

import SyncProtocol

/// Judges what sync takes into the queue by what the app has committed: all of it, in order, in its
/// transactions.
struct CaptureChecker {
    typealias Transaction = [(key: EntityKey, content: [UInt8]?)]

    /// The app's transactions since the last capture that is known of.
    private var uncaptured: [Transaction] = []
    /// How many of them, from the first on, may be in the queue already, by captures that were a
    /// part of something else or failed.
    private var takenCounts: Set<Int> = [0]
    /// Whether the commit of the last one failed, so that it may be there or not.
    private var isLastDoubtful = false
    /// Whether a checkpoint came before the capture and left the outcome of several commits.
    private var isOutcome = false
    /// Whether the files are as they were when they were last looked at.
    private var isKnown = true

    mutating func committed(_ contents: Transaction) {
        if !contents.isEmpty { uncaptured.append(contents) }
    }

    /// A commit threw. The store takes no more until it is opened again.
    mutating func commitFailed(_ contents: Transaction) {
        guard !contents.isEmpty else { return }
        uncaptured.append(contents)
        isLastDoubtful = true
    }

    mutating func mayHaveCaptured() { takenCounts.insert(uncaptured.count) }

    mutating func willCheckpoint() { isOutcome = isOutcome || !uncaptured.isEmpty }

    mutating func didCapture() { self = CaptureChecker() }

    mutating func historyIsGone() {
        self = CaptureChecker()
        isKnown = false
    }

    /// What is wrong with a capture that made the queue `after` of `before`; `nil` if nothing is.
    func fault(
        of before: [SyncOperation], _ after: [SyncOperation]
    ) -> (rule: SimulationFailure.Rule, detail: String)? {
        guard after.prefix(before.count).elementsEqual(before) else {
            return (.capturedInOrder, "capturing changed operations that were queued")
        }
        guard isKnown else { return nil }
        let new = Array(after.dropFirst(before.count))
        let ends = [uncaptured.count, uncaptured.count - (isLastDoubtful ? 1 : 0)]
        var faults: [(rule: SimulationFailure.Rule, detail: String)] = []
        for end in ends {
            for start in takenCounts.sorted() where start <= end {
                let due = uncaptured[start..<end]
                guard let fault = isOutcome ? outcomeFault(new, due) : fault(new, due) else {
                    return nil
                }
                faults.append(fault)
            }
        }
        return faults.first
    }

    private func fault(
        _ new: [SyncOperation], _ due: ArraySlice<Transaction>
    ) -> (rule: SimulationFailure.Rule, detail: String)? {
        var rest = new[...]
        var names: Set<TransactionID> = []
        for transaction in due {
            // Within a transaction the order of entities means nothing.
            let members = rest.prefix(transaction.count).sorted { $0.key < $1.key }
            rest = rest.dropFirst(transaction.count)
            guard members.count == transaction.count,
                zip(members, transaction.sorted { $0.key < $1.key }).allSatisfy({
                    $0.key == $1.key && $0.content == $1.content
                })
            else { return unequal(new, due) }
            let name = members.first?.transactionID
            guard members.allSatisfy({ $0.transactionID == name }),
                (name != nil) == (transaction.count > 1)
            else {
                return (
                    .wholeTransactions,
                    "a commit of \(transaction.count) entities was captured as transactions "
                        + "\(members.map(\.transactionID))"
                )
            }
            guard name.map({ names.insert($0).inserted }) ?? true else {
                return (.wholeTransactions, "two commits were captured as one transaction")
            }
        }
        return rest.isEmpty ? nil : unequal(new, due)
    }

    /// Of several commits their outcome is captured; what was made and deleted may be left out.
    private func outcomeFault(
        _ new: [SyncOperation], _ due: ArraySlice<Transaction>
    ) -> (rule: SimulationFailure.Rule, detail: String)? {
        var expected: [EntityKey: [UInt8]?] = [:]
        for (key, content) in due.joined() { expected[key] = .some(content) }
        var found: [EntityKey: [UInt8]?] = [:]
        for operation in new { found[operation.key] = .some(operation.content) }
        for (key, content) in expected where found[key] == nil && content == nil {
            found[key] = .some(nil)
        }
        return found == expected ? nil : unequal(new, due)
    }

    private func unequal(
        _ new: [SyncOperation], _ due: ArraySlice<Transaction>
    ) -> (rule: SimulationFailure.Rule, detail: String) {
        let captured = new.map { "\($0.key) \(EntityContent.tokens($0.content))" }
        let committed = due.joined().map { "\($0.key) \(EntityContent.tokens($0.content))" }
        return (
            .capturedInOrder, "captured \(captured), and the app committed \(committed)"
        )
    }
}
