// SPDX-License-Identifier: MIT

import SyncProtocol

/// Where a replica keeps what waits to be acknowledged. `OfflineQueue` is one, on a disk.
protocol DurableQueue: AnyObject {
    /// What the queue holds, as of the last commit.
    var state: QueueState { get }

    /// Makes changes durable, all or none, as part of a settlement if that is not 0.
    func commit(_ changes: [QueueChange], settlement: UInt64) throws(SyncError)
}

extension DurableQueue {
    /// Makes changes durable that belong to no settlement.
    func commit(_ changes: [QueueChange]) throws(SyncError) {
        try commit(changes, settlement: 0)
    }
}
