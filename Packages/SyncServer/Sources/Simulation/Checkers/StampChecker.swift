// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol

/// Judges the stamps that a device gives: each is later than all that it has given, whatever was
/// acknowledged or restarted since, and than all that it had received.
struct StampChecker {
    /// The latest stamp of an operation that was ever in the queue.
    private(set) var latest: HybridTimestamp = 0
    /// Whether a server has refused a stamp for being ahead of its clock: the device then goes back
    /// to the server's time, and below what it gave before.
    private var wentBack = false

    /// The device was told that its clock is ahead.
    mutating func goBack() { wentBack = true }

    /// Looks at what is in the queue.
    mutating func note(_ operations: [SyncOperation]) {
        for operation in operations { latest = max(latest, operation.hybridTimestamp ?? 0) }
    }

    /// What is wrong with the stamps of new edits; `nil` if nothing is.
    ///
    /// - Parameters:
    ///   - received: The latest stamp that the device had taken over from others.
    ///   - log: Where the revisions are that the edits are made on; `nil` if their stamps say
    ///     nothing.
    mutating func fault(
        of new: ArraySlice<SyncOperation>, received: HybridTimestamp, _ log: LogModel.Log?
    ) -> String? {
        latest = max(latest, received)
        for operation in new {
            var due = latest
            if let base = operation.base, base > .start, let log, base <= log.head {
                due = max(due, log.operations[Int(base.rawValue) - 1].hybridTimestamp ?? 0)
            }
            guard let stamp = operation.hybridTimestamp, stamp > due || wentBack else {
                return "operation \(operation.operationID) is stamped "
                    + "\(operation.hybridTimestamp ?? 0), not later than \(due)"
            }
            latest = stamp
        }
        return nil
    }
}

/// Judges that a device takes over the stamps of what it pulls, so far as its clock allows that.
struct ReceiptChecker {
    private var logID: LogID?
    private var cursor: Cursor = .start

    /// The device has been opened; what it has pulled before, it has seen by another clock.
    mutating func begin(_ found: ReplicaInspection) {
        (logID, cursor) = (found.logID, found.cursor)
    }

    /// What is wrong with the device's latest received stamp; `nil` if nothing is.
    ///
    /// - Parameters:
    ///   - log: The log that the device pulls from.
    ///   - wallMilliseconds: The device's clock when it took what is new since the last look.
    mutating func fault(
        of found: ReplicaInspection, _ log: LogModel.Log?, wallMilliseconds: UInt64
    ) -> String? {
        let start = found.logID == logID ? min(cursor, found.cursor) : .start
        begin(found)
        guard let log, start < found.cursor, found.cursor <= log.head else { return nil }
        let (limit, _) = wallMilliseconds.addingReportingOverflow(
            HybridLogicalClock.toleratedSkewMilliseconds)
        for operation in log.kept(after: start) where operation.deviceID != found.deviceID {
            if operation.cursor ?? 0 > found.cursor { break }
            guard let stamp = operation.hybridTimestamp, stamp.milliseconds <= limit,
                stamp > found.receivedTimestamp
            else { continue }
            return "it pulled the stamp \(stamp) and holds \(found.receivedTimestamp)"
        }
        return nil
    }
}
