// SPDX-License-Identifier: MIT

import SyncProtocol

/// Which operations go into the next push: a pure choice from the front of the queue.
enum PushPlan: Equatable {
    /// So many operations from the front, never a part of a transaction.
    case push(count: Int)
    /// The first transaction is larger than the server takes; it has to be sent in pieces, which
    /// start at these operations.
    case split(at: [OperationID])

    /// What the envelope takes at most, and then some.
    private static let envelopeBytes = 2_048
    /// What an operation takes at most beside its content and names: heads, keys and numbers.
    private static let operationBytes = 256

    /// Chooses from `operations`, which must not be empty.
    ///
    /// - Parameters:
    ///   - countMax: A lower limit of operations, after the server refused a larger push; at least
    ///     one transaction is sent all the same.
    ///   - mayBeSent: The first operation may have reached the server; it is never split again.
    static func choose(
        from operations: ArraySlice<SyncOperation>, limits: SyncLimits, countMax: Int?,
        mayBeSent: Bool
    ) -> PushPlan {
        let bytesMax = max(Int(clamping: limits.maxBodyBytes) - envelopeBytes, 1)
        let pushMax = min(Int(clamping: limits.maxPushOperations), countMax ?? .max)
        var count = 0, bytes = 0
        var index = operations.startIndex
        while index < operations.endIndex {
            let end = endOfTransaction(in: operations, from: index)
            let size = operations[index..<end].reduce(0) { $0 + estimatedBytes(of: $1) }
            if count == 0 {
                let transactionMax = Int(clamping: limits.maxTransactionOperations)
                let isTooLarge = end - index > transactionMax || size > bytesMax
                if isTooLarge, end - index > 1, !mayBeSent {
                    return .split(
                        at: pieces(
                            of: operations[index..<end], countMax: max(transactionMax, 1),
                            bytesMax: bytesMax))
                }
            } else if count + end - index > pushMax || bytes + size > bytesMax {
                break
            }
            count += end - index
            bytes += size
            index = end
        }
        return .push(count: count)
    }

    private static func endOfTransaction(
        in operations: ArraySlice<SyncOperation>, from start: Int
    ) -> Int {
        guard let transaction = operations[start].transactionID else { return start + 1 }
        return operations[start...].firstIndex { $0.transactionID != transaction }
            ?? operations.endIndex
    }

    private static func pieces(
        of transaction: ArraySlice<SyncOperation>, countMax: Int, bytesMax: Int
    ) -> [OperationID] {
        var starts: [OperationID] = []
        var count = 0, bytes = 0
        for operation in transaction {
            let size = estimatedBytes(of: operation)
            if starts.isEmpty || count == countMax || bytes + size > bytesMax {
                starts.append(operation.operationID)
                (count, bytes) = (0, 0)
            }
            count += 1
            bytes += size
        }
        return starts
    }

    private static func estimatedBytes(of operation: SyncOperation) -> Int {
        operationBytes + (operation.entityCBOR?.count ?? 0)
            + operation.entityID.rawValue.utf8.count + operation.collection.rawValue.utf8.count
            + operation.databaseID.rawValue.utf8.count + operation.deviceID.rawValue.utf8.count
            + (operation.labels.isEmpty ? 0 : SyncOperation.labelBytesMax)
    }
}
