// SPDX-License-Identifier: MIT

import SyncProtocol

// What a restarted server has.
extension LogModel {
    /// Takes what a restarted server has.
    ///
    /// - Parameters:
    ///   - found: The operations in its log, by their cursors.
    ///   - oldest: The `oldestCursor` that it names.
    ///   - rules: What it may have dropped.
    /// - Returns: What is wrong with it; `nil` if it has all that was acknowledged and may not be
    ///   dropped, and beyond that only the first of those in doubt, in whole transactions.
    mutating func adopt(
        _ found: [SyncOperation], oldest: Cursor = .start, _ rules: RetentionModel = .everything
    ) -> String? {
        let known = durable.head
        let extra = found.drop { $0.cursor ?? 0 <= known }
        if let fault = compact(to: found.prefix(found.count - extra.count), oldest, rules) {
            return fault
        }
        let attempt = doubtful.first { extra.elementsEqual($0.operations.prefix(extra.count)) }
        guard extra.isEmpty || attempt != nil else {
            return "behind cursor \(known) it holds what nobody pushed there: \(Array(extra))"
        }
        let next = attempt?.operations.dropFirst(extra.count).first
        if let last = extra.last, let next, attempt?.log.areTogether(last, next) ?? false {
            return "a transaction of \(last.deviceID) is torn at cursor \(last.cursor ?? 0)"
        }
        if next?.deviceID == .server, !extra.isEmpty {
            return "it ends at \(extra.last?.cursor ?? 0), without what the server let stand there"
        }
        for operation in extra {
            let continues = durable.operations.last.flatMap { last in
                attempt?.log.areTogether(last, operation)
            }
            durable.append(operation, isContinuing: continues ?? false)
            committedAt.append(0)
        }
        staged = durable
        doubtful = []
        return nil
    }
}
