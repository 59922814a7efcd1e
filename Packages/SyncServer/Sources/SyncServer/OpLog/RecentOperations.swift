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
    /// How many there are.
    private(set) var count: UInt64 = 0

    init() {}

    /// Takes what `ascendingNumbers` and `lateNumbers` gave; `nil` if it is not that.
    init?(ascending: [UInt64], late: [UInt64], count: UInt64) {
        guard let first = RunQueue(numbers: ascending), let second = RunQueue(numbers: late),
            count <= Self.countMax, first.operationCount + second.operationCount == count,
            first.isAscending
        else { return nil }
        (self.ascending, self.late, self.count) = (first, second, count)
    }

    /// The runs whose numbers ascend: number, cursor and count in turn.
    var ascendingNumbers: [UInt64] { ascending.numbers }
    /// The other runs, likewise.
    var lateNumbers: [UInt64] { late.numbers }

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

    init() {}

    init?(numbers: [UInt64]) {
        guard numbers.count % 3 == 0 else { return nil }
        for index in stride(from: 0, to: numbers.count, by: 3) {
            let count = numbers[index + 2]
            guard numbers[index] > 0, count > 0, count <= RecentOperations.countMax,
                numbers[index] < wireIntegerMax, numbers[index + 1] < wireIntegerMax
            else { return nil }
            runs.append(
                Run(
                    operationID: OperationID(numbers[index]), cursor: Cursor(numbers[index + 1]),
                    count: count))
        }
    }

    /// Number, cursor and count of each run in turn.
    var numbers: [UInt64] {
        runs[head...].flatMap { [$0.operationID.rawValue, $0.cursor.rawValue, $0.count] }
    }

    /// How many operations the runs have.
    var operationCount: UInt64 { runs[head...].reduce(0) { $0 + $1.count } }

    /// Whether each run's numbers lie behind those of the one before it.
    var isAscending: Bool {
        zip(runs[head...], runs[head...].dropFirst()).allSatisfy {
            $0.lastOperationID < $1.operationID
        }
    }

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
