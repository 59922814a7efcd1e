// SPDX-License-Identifier: MIT

import SyncProtocol

/// A page of a pull as it is put together from the groups of the log (protocol, §6.1 and §6.2).
///
/// The bytes of operations go out as they lie in the log. A page ends before the first
/// operation that does not fit, or before the transaction that does not fit as a whole; only its
/// first transaction may run over the limits, so that every page gets further.
struct PullPage {
    private let filter: PullFilter
    private let limit: Int
    private let bytesMax: Int
    /// How many bytes of the log may still be looked at.
    private var scanBudget: Int

    /// The operations, one behind the other.
    private(set) var operations = ByteChain()
    /// How many operations there are.
    private(set) var count = 0
    /// The last cursor that was scanned.
    private(set) var nextCursor: Cursor
    /// Whether the scan ended before the log did, because the page is full or the budget used up.
    private(set) var endedEarly = false
    /// An operation that could not be read; the page is then worth nothing.
    private(set) var unreadable: Cursor?

    /// Where the transaction began that the last operation of the page belongs to.
    private var openTransaction: (count: Int, bytes: Int, cursor: Cursor)?

    init(
        after cursor: Cursor, filter: PullFilter, limit: Int, bytesMax: Int, scanBytesMax: Int
    ) {
        self.filter = filter
        self.limit = limit
        self.bytesMax = bytesMax
        scanBudget = scanBytesMax
        nextCursor = cursor
    }

    /// Takes what fits of a group, which is not wholly before the page's cursor.
    ///
    /// - Returns: Whether the page has room for more.
    mutating func add(_ group: LogGroup) -> Bool {
        let passing = filter.passing(group)
        scanBudget -= group.payload.count
        if passing.isEmpty {
            nextCursor = group.lastCursor
        } else if !addOperations(of: group, passing) {
            return false
        }
        if scanBudget <= 0 { endedEarly = true }
        return scanBudget > 0
    }

    /// Adds the operations of a group that pass.
    ///
    /// - Returns: Whether all of them fitted.
    private mutating func addOperations(
        of group: LogGroup, _ passing: PullFilter.Names
    ) -> Bool {
        var pending = 0..<0
        openTransaction = nil
        let goesOn = group.forEach(from: nextCursor.next) { entry, bytes in
            if !entry.continuesTransaction { openTransaction = nil }
            guard let passes = filter.passes(entry, bytes, passing) else {
                unreadable = entry.cursor
                return false
            }
            guard passes else {
                nextCursor = entry.cursor
                return true
            }
            let size = operations.count + pending.count
            if let end = pageEnd(at: entry.cursor, size: size, adding: entry.range.count) {
                operations.append(group.slice(pending))
                pending = 0..<0
                cut(to: end)
                return false
            }
            if openTransaction == nil { openTransaction = (count, size, entry.cursor) }
            if pending.upperBound == entry.range.lowerBound, !pending.isEmpty {
                pending = pending.lowerBound..<entry.range.upperBound
            } else {
                operations.append(group.slice(pending))
                pending = entry.range
            }
            count += 1
            nextCursor = entry.cursor
            return true
        }
        operations.append(group.slice(pending))
        // What was compacted away behind the last operation is scanned, too.
        if goesOn { nextCursor = group.lastCursor }
        return goesOn
    }

    /// Where the page must end if the operation at `cursor` does not fit; `nil` if it fits.
    private func pageEnd(
        at cursor: Cursor, size: Int, adding length: Int
    ) -> (count: Int, bytes: Int, cursor: Cursor)? {
        guard count > 0, count >= limit || size + length > bytesMax else { return nil }
        guard let openTransaction else { return (count, size, cursor) }
        return openTransaction.count > 0 ? openTransaction : nil
    }

    private mutating func cut(to end: (count: Int, bytes: Int, cursor: Cursor)) {
        count = end.count
        operations.truncate(to: end.bytes)
        nextCursor = Cursor(end.cursor.rawValue - 1)
        endedEarly = true
    }
}
