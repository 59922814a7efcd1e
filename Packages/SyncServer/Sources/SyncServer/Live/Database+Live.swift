// SPDX-License-Identifier: MIT

import SyncProtocol

extension Database {
    /// Bytes of operations in a message of a subscriber that catches up, if there is a choice.
    private var livePageBytesMax: Int { 128 << 10 }
    /// Bytes of the log that are looked at for one page.
    private var liveScanBytesMax: Int { 512 << 10 }

    /// Reads what comes next for a subscriber from the log, delivers it, and moves its cursor.
    ///
    /// - Returns: About how many bytes of the log were looked at.
    func feed(
        _ subscription: LiveSubscription, _ receiver: any LiveReceiver
    ) throws(OpLogError) -> Int {
        switch subscription.form {
        case .events: return try feedEvents(subscription, receiver)
        case .operations(let limit, let bytesMax, _):
            return try feedOperations(
                subscription, receiver, limit: limit, bytesMax: min(bytesMax, livePageBytesMax))
        }
    }

    private func feedEvents(
        _ subscription: LiveSubscription, _ receiver: any LiveReceiver
    ) throws(OpLogError) -> Int {
        var writer = AnnouncementWriter()
        var scanned = 0
        var cursor = subscription.cursor
        var unreadable: Cursor?
        let filter = subscription.filter
        if !filter.passesNone {
            let start = cursor
            try log.forEachGroup(after: start) { group in
                let names = filter.passing(group)
                scanned += group.payload.count
                if !names.isEmpty {
                    group.forEach(from: start.next) { entry, bytes in
                        guard let passes = filter.passes(entry, bytes, names),
                            let operation = StoredOperation(bytes, entry.range)
                        else {
                            unreadable = entry.cursor
                            return false
                        }
                        if passes { writer.add(operation, in: bytes) }
                        return true
                    }
                }
                cursor = group.lastCursor
                return unreadable == nil && scanned < liveScanBytesMax
            }
        }
        if let unreadable { throw notAsWritten(unreadable) }
        subscription.cursor = scanned < liveScanBytesMax ? head : cursor
        writer.finish()
        if !writer.bytes.isEmpty { receiver.deliver(writer.bytes, to: subscription) }
        return scanned
    }

    private func feedOperations(
        _ subscription: LiveSubscription, _ receiver: any LiveReceiver, limit: Int, bytesMax: Int
    ) throws(OpLogError) -> Int {
        var page = PullPage(
            after: subscription.cursor, filter: subscription.filter, limit: limit,
            bytesMax: bytesMax, scanBytesMax: liveScanBytesMax)
        var scanned = 0
        if !subscription.filter.passesNone {
            try log.forEachGroup(after: subscription.cursor) { group in
                scanned += group.payload.count
                return page.add(group)
            }
        }
        if let unreadable = page.unreadable { throw notAsWritten(unreadable) }
        subscription.cursor = page.endedEarly ? page.nextCursor : head
        if page.count > 0 || subscription.isNew {
            subscription.isNew = false
            receiver.deliver(
                LiveMessage.operations(
                    page.operations, count: page.count, nextCursor: subscription.cursor,
                    logID: logID), to: subscription)
        }
        return scanned
    }

    private func notAsWritten(_ cursor: Cursor) -> OpLogError {
        .damaged(
            log.directory, at: nil,
            "The operation at cursor \(cursor) is not as this server writes it")
    }
}
