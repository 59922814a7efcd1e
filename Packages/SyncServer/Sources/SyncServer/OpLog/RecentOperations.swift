// SPDX-License-Identifier: MIT

import SyncProtocol

/// Which cursors a device's latest operations got: exactly the latest 10,000 that were accepted.
///
/// They are kept as runs in which number and cursor both go up by one. Numbers nearly always come
/// in ascending order; those runs lie in `ascending` and are found by bisection. A run that comes
/// after a higher number lies in `late`, which is searched one by one.
struct RecentOperations {
    /// How many operations are kept (protocol, §5.2).
    static let countMax: UInt64 = 10_000

    private var ascending = RunQueue()
    private var late = RunQueue()
    private var count: UInt64 = 0

    /// Notes an accepted operation. `cursor` is above all that were noted before.
    mutating func append(_ operationID: OperationID, at cursor: Cursor) {
        if let last = ascending.last, operationID <= last.lastOperationID {
            late.append(operationID, at: cursor)
        } else {
            ascending.append(operationID, at: cursor)
        }
        count += 1
        if count > Self.countMax {
            dropOldest()
            count -= 1
        }
    }

    /// The cursor that an operation got, if it is among the latest.
    func cursor(of operationID: OperationID) -> Cursor? {
        ascending.bisect(operationID) ?? late.search(operationID)
    }

    private mutating func dropOldest() {
        switch (ascending.first, late.first) {
        case (let run?, let other?):
            if run.cursor < other.cursor { ascending.dropFirst() } else { late.dropFirst() }
        case (_?, nil): ascending.dropFirst()
        case (nil, _): late.dropFirst()
        }
    }
}

/// Runs in the order of their coming, taken out at the front.
private struct RunQueue {
    struct Run {
        var operationID: OperationID
        var cursor: Cursor
        var count: UInt64

        var lastOperationID: OperationID { OperationID(operationID.rawValue + count - 1) }

        func cursor(of wanted: OperationID) -> Cursor? {
            guard wanted >= operationID, wanted <= lastOperationID else { return nil }
            return Cursor(cursor.rawValue + wanted.rawValue - operationID.rawValue)
        }
    }

    private var runs: [Run] = []
    /// How many runs at the front are gone.
    private var head = 0

    var first: Run? { head < runs.count ? runs[head] : nil }
    var last: Run? { head < runs.count ? runs[runs.count - 1] : nil }

    mutating func append(_ operationID: OperationID, at cursor: Cursor) {
        if let last, last.lastOperationID.next == operationID,
            last.cursor.rawValue + last.count == cursor.rawValue
        {
            runs[runs.count - 1].count += 1
        } else {
            runs.append(Run(operationID: operationID, cursor: cursor, count: 1))
        }
    }

    /// Takes the first operation out.
    mutating func dropFirst() {
        if runs[head].count > 1 {
            runs[head].operationID = runs[head].operationID.next
            runs[head].cursor = runs[head].cursor.next
            runs[head].count -= 1
            return
        }
        head += 1
        // Amortised O(1): the array is shortened when half of it is gone.
        if head > 32, head * 2 > runs.count {
            runs.removeFirst(head)
            head = 0
        }
    }

    /// Finds an operation where the runs' numbers ascend.
    func bisect(_ operationID: OperationID) -> Cursor? {
        var low = head
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].lastOperationID < operationID {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < runs.count ? runs[low].cursor(of: operationID) : nil
    }

    /// Finds an operation among runs in any order.
    func search(_ operationID: OperationID) -> Cursor? {
        for run in runs[head...] {
            if let cursor = run.cursor(of: operationID) { return cursor }
        }
        return nil
    }
}
