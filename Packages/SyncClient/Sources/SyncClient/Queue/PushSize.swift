// SPDX-License-Identifier: MIT

import SyncProtocol

/// How large the next push may be, after the server refused a whole one.
///
/// A refused push is halved until one transaction alone fails. Before that goes to quarantine, an
/// empty push finds out whether the fault is in the operations at all.
struct PushSize: Sendable, Hashable {
    /// What the server refused, alone.
    struct Suspect: Sendable, Hashable {
        var operations: [OperationID]
        var code: RejectionCode
        var message: String
    }

    /// At most so many operations; `nil` for the server's own limit.
    private(set) var countMax: Int?
    private var suspect: Suspect?

    /// Whether the next push is to be empty.
    var isProbing: Bool { suspect != nil }

    /// The server refused `push` as a whole.
    mutating func shrink(after push: PushRequest, _ error: SyncError) {
        if halve(push) { return }
        suspect = Suspect(
            operations: push.operations.map(\.operationID),
            code: error.status == 413 ? .tooLarge : .malformed, message: error.message)
    }

    /// The next push has half the operations of this one.
    ///
    /// - Returns: Whether it can be halved: it is not a single operation or transaction.
    mutating func halve(_ push: PushRequest) -> Bool {
        let transactions = push.operations.map(\.transactionID)
        guard push.operations.count > 1,
            transactions[0] == nil || transactions.contains(where: { $0 != transactions[0] })
        else { return false }
        countMax = push.operations.count / 2
        return true
    }

    /// The server took a push.
    mutating func grow() {
        guard let countMax else { return }
        self.countMax = countMax > 1 << 16 ? nil : countMax * 2
    }

    /// The empty push went through: the fault is in the operations.
    mutating func endProbe() -> Suspect? {
        defer { suspect = nil }
        return suspect
    }

    /// The empty push was refused too: the fault is not in the operations.
    mutating func abandonProbe() { suspect = nil }
}
