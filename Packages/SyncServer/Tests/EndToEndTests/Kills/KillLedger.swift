// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import SyncProtocol
import Testing

/// What the writers and readers of a server that is killed again and again know, against which its
/// log is checked.
final class KillLedger: Sendable {
    /// An operation's name in the whole database.
    struct Name: Hashable, CustomStringConvertible {
        var device: DeviceID
        var operation: OperationID

        var description: String { "operation \(operation) of \(device)" }
    }

    private struct State {
        var sent: [Name: SyncOperation] = [:]
        /// How many operations each transaction has.
        var transactionSizes: [Name: Int] = [:]
        var acknowledged: [Name: Cursor] = [:]
        /// What a pull showed, by cursor from 1.
        var visible: [Name] = []
        var logID: LogID?
        var duplicateCount = 0
        var lostAnswerCount = 0
    }

    private let state = Mutex(State())

    /// How many operations were acknowledged, how many of them again, and how many batches were
    /// durable when the server died before its answer arrived.
    var counts: (acknowledged: Int, duplicates: Int, lostAnswers: Int) {
        state.withLock { ($0.acknowledged.count, $0.duplicateCount, $0.lostAnswerCount) }
    }

    func noteLostAnswer() { state.withLock { $0.lostAnswerCount += 1 } }

    func note(logID: LogID?) {
        let first = state.withLock { state in
            state.logID = state.logID ?? logID
            return state.logID
        }
        #expect(logID != nil && logID == first, "the log has another identity")
    }

    /// Notes operations that are about to be sent.
    func noteSent(_ operations: [SyncOperation]) {
        state.withLock { state in
            for operation in operations {
                state.sent[name(of: operation)] = operation
                if let transaction = transaction(of: operation) {
                    state.transactionSizes[transaction, default: 0] += 1
                }
            }
        }
    }

    /// Notes an answer, which must acknowledge all of `operations`: these writers make no conflict.
    func note(_ answer: PushResponse, to operations: [SyncOperation]) {
        #expect(answer.conflicts.isEmpty)
        #expect(answer.rejected.isEmpty)
        #expect(answer.acknowledgedUpTo == operations.last?.operationID)
        for operation in operations {
            let cursor = answer.accepted?.lazy.compactMap {
                $0.cursor(of: operation.operationID)
            }.first
            let name = name(of: operation)
            guard let cursor, cursor > .start else {
                Issue.record("\(name) was not acknowledged")
                continue
            }
            state.withLock { state in
                if let known = state.acknowledged[name] {
                    #expect(known == cursor, "\(name) is acknowledged at another cursor")
                    state.duplicateCount += 1
                }
                if cursor.rawValue <= UInt64(state.visible.count) {
                    #expect(state.visible[Int(cursor.rawValue) - 1] == name)
                }
                state.acknowledged[name] = cursor
            }
        }
    }

    /// Notes what a pull after `cursor` showed and checks it against all that is known.
    func note(_ operations: [SyncOperation], after cursor: Cursor) {
        let faults = state.withLock { state in
            operations.enumerated().compactMap { index, operation in
                Self.fault(
                    of: operation, name(of: operation), at: Int(cursor.rawValue) + index, &state)
            }
        }
        for fault in faults { Issue.record("\(fault)") }
        checkTransactions(operations)
    }

    /// Takes in an operation that was pulled, `index` others being before it in the log.
    private static func fault(
        of operation: SyncOperation, _ name: Name, at index: Int, _ state: inout State
    ) -> String? {
        guard operation.cursor == Cursor(UInt64(index) + 1) else {
            return "\(name) is at cursor \(operation.cursor ?? 0) behind \(index): a gap"
        }
        guard let sent = state.sent[name] else { return "\(name) was never sent" }
        guard sent.hasSameContent(as: operation), sent.transactionID == operation.transactionID
        else { return "\(name) has another content than was sent" }
        if let known = state.acknowledged[name], known != operation.cursor {
            return "\(name) is at \(index + 1) and was acknowledged at \(known)"
        }
        if index == state.visible.count { state.visible.append(name) }
        guard index < state.visible.count, state.visible[index] == name else {
            return "cursor \(index + 1) shows \(name), and showed another operation before"
        }
        return nil
    }

    /// Checks a log that was pulled as a whole: everything acknowledged is there, once.
    func checkWhole(_ operations: [SyncOperation]) {
        note(operations, after: .start)
        let found = Dictionary(grouping: operations, by: name(of:))
        state.withLock { state in
            #expect(state.visible.count <= operations.count, "what was visible is gone")
            for (name, cursor) in state.acknowledged
            where found[name]?.map(\.cursor) != [cursor] {
                Issue.record("\(name), acknowledged at \(cursor), is not there once")
            }
        }
    }

    /// A page never ends inside a transaction, so each is there whole, and unbroken.
    private func checkTransactions(_ operations: [SyncOperation]) {
        var cursors: [Name: [UInt64]] = [:]
        for operation in operations {
            guard let transaction = transaction(of: operation) else { continue }
            cursors[transaction, default: []].append(operation.cursor?.rawValue ?? 0)
        }
        let sizes = state.withLock { $0.transactionSizes }
        for (transaction, cursors) in cursors {
            let span = (cursors.last ?? 0) - (cursors.first ?? 0) + 1
            if cursors.count != sizes[transaction] || span != UInt64(cursors.count) {
                Issue.record("the transaction that begins with \(transaction) is not whole")
            }
        }
    }

    private func name(of operation: SyncOperation) -> Name {
        Name(device: operation.deviceID, operation: operation.operationID)
    }

    /// The name of a transaction's first operation, as the writers number transactions by it.
    private func transaction(of operation: SyncOperation) -> Name? {
        operation.transactionID.map {
            Name(device: operation.deviceID, operation: OperationID($0.rawValue))
        }
    }
}
