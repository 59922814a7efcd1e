// SPDX-License-Identifier: MIT

import SyncProtocol

/// How long a server keeps what is superseded or deleted (§6.4).
struct RetentionModel: Sendable, Equatable {
    /// The age at which a superseded operation may go, in milliseconds.
    var compactAfter: UInt64
    /// Likewise a tombstone, if no active device lacks it.
    var retention: UInt64
    /// The time after which a device that was not heard of is not waited for.
    var stale: UInt64
    /// The latest time that the server's clock has shown it.
    var latestWall: UInt64 = 0

    /// Nothing ever goes.
    static let everything = RetentionModel(compactAfter: .max, retention: .max, stale: .max)

    /// Whether something is so old.
    func isPast(_ age: UInt64, since time: UInt64) -> Bool {
        latestWall >= age && latestWall - age >= time
    }
}

// Compaction.
extension LogModel {
    /// Takes what is left of the log's operations, and the `oldestCursor` that goes with it.
    ///
    /// - Returns: What is wrong with it; `nil` if all is there that may not go.
    mutating func compact(
        to found: ArraySlice<SyncOperation>, _ oldest: Cursor, _ rules: RetentionModel
    ) -> String? {
        var dropped: [Int] = []
        var rest = found
        for index in durable.operations.indices {
            let operation = durable.operations[index]
            guard let next = rest.first, next.cursor == operation.cursor else {
                if !durable.gone.contains(index) { dropped.append(index) }
                continue
            }
            rest = rest.dropFirst()
            if durable.gone.contains(index) { return "cursor \(index + 1) was gone, and is back" }
            if next != operation { return "cursor \(index + 1) is \(next), and was \(operation)" }
        }
        if let stray = rest.first { return "its operations are out of order at \(stray)" }
        let all = Set(dropped)
        for index in dropped {
            if let fault = fault(dropping: index, with: all, rules) {
                return "cursor \(index + 1) is gone: \(fault)"
            }
        }
        let tombstones = dropped.filter { durable.operations[$0].kind == .delete }
        let buried = tombstones.last { durable.current[durable.operations[$0].key] == $0 }
            .map { Cursor(UInt64($0 + 1)) }
        let due = max(durable.oldest, buried ?? .start)
        // A tombstone that was superseded while it was dropped may count, too.
        guard oldest == due || (oldest > due && tombstones.contains(Int(oldest.rawValue) - 1))
        else { return "oldestCursor is \(oldest), and is to be \(due)" }
        places.drop(upTo: buried ?? .start)
        durable.drop(dropped, oldest: oldest)
        staged.drop(dropped, oldest: oldest)
        return nil
    }

    /// Why an operation may not go with others; `nil` if it may.
    private func fault(
        dropping index: Int, with dropped: Set<Int>, _ rules: RetentionModel
    ) -> String? {
        let operation = durable.operations[index]
        let isOldTombstone =
            operation.kind == .delete && rules.isPast(rules.retention, since: committedAt[index])
        guard durable.current[operation.key] == index else {
            // Its tombstone may have been let go before somebody made the entity anew.
            return isOldTombstone || rules.isPast(rules.compactAfter, since: committedAt[index])
                ? nil : "it is superseded, and not old enough"
        }
        if operation.kind == .upsert { return "it is what \(operation.key) is" }
        if !isOldTombstone { return "it is a tombstone, and not old enough" }
        let first = durable.operations.indices.first {
            durable.operations[$0].key == operation.key && !dropped.contains($0)
                && !durable.gone.contains($0)
        }
        if let first, first < index {
            return "it is a tombstone, and cursor \(first + 1), which it deletes, is there"
        }
        let lacking = places.firstActive(before: operation.cursor ?? 0, rules)
        return lacking.map { "it is a tombstone, and \($0) is active and has not pulled it" }
    }
}

// Numbers of what is gone.
extension LogModel {
    /// Whether a number comes with another edit than it stood for, and nobody can tell any more.
    func hidesReuse(in request: PushRequest) -> Bool {
        request.operations.contains { operation in
            guard let index = staged.accepted[operation.deviceID]?[operation.operationID] else {
                return false
            }
            return staged.gone.contains(index)
                && !staged.operations[index].hasSameContent(as: operation)
        }
    }
}

// Pulls of a compacted log.
extension LogModel {
    /// Whether a pull is to be answered that begins before dropped tombstones.
    enum Refusal {
        case due
        case notDue
        /// The server may not know any more that the device has been there all the time.
        case allowed
    }

    /// Whether a pull is to be refused as `compacted`.
    func refusal(of request: PullRequest) -> Refusal {
        guard request.sinceCursor > .start, request.sinceCursor < durable.oldest else {
            return .notDue
        }
        guard let snapshot = request.snapshot, snapshot >= durable.oldest else { return .due }
        guard let deviceID = request.deviceID, let place = places[deviceID] else { return .allowed }
        if place.isSnapshotVoid { return .due }
        return place.isSure && !place.wasSilent && place.snapshot == snapshot
            && place.cursor <= request.sinceCursor ? .notDue : .allowed
    }
}
