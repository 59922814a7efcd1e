// SPDX-License-Identifier: MIT

import SyncProtocol

// Pulls.
extension LogModel {
    /// What is wrong with a page, by §6.1 and §6.2; `nil` if nothing is.
    ///
    /// - Parameter limit: The most operations that the server puts in a page.
    func fault(of page: PullResponse, to request: PullRequest, limit: UInt64) -> String? {
        if page.logID != logID { return "logId is \(page.logID.map { "\($0)" } ?? "missing")" }
        if page.serverCursor != durable.head { return "serverCursor is not \(durable.head)" }
        guard page.nextCursor >= request.sinceCursor, page.nextCursor <= durable.head else {
            return "nextCursor \(page.nextCursor) lies outside of the log"
        }
        let rest = durable.kept(after: request.sinceCursor).filter { passes($0, request) }
        let expected = rest.prefix { $0.cursor ?? 0 <= page.nextCursor }
        if let index = page.operations.indices.first(where: {
            $0 >= expected.count || page.operations[$0] != expected[$0]
        }) {
            return "operation \(index) of the page is not the one at its cursor"
        }
        if page.operations.count < expected.count {
            return "\(expected.count - page.operations.count) operations up to nextCursor "
                + "\(page.nextCursor) are left out"
        }
        if page.hasMore != (rest.count > expected.count) { return "hasMore is \(page.hasMore)" }
        if !page.hasMore, page.nextCursor != durable.head {
            return "nextCursor \(page.nextCursor) is not the log's end, and hasMore is false"
        }
        if page.operations.isEmpty, page.hasMore { return "an empty page with hasMore" }
        if page.hasMore, let last = page.operations.last,
            durable.areTogether(last, rest[expected.count])
        {
            return "the page ends inside a transaction"
        }
        return faultOfSize(page, min(request.limit, limit))
    }

    /// Whether anything durable passes a pull's filters.
    func hasOperations(for request: PullRequest) -> Bool {
        durable.kept(after: request.sinceCursor).contains { passes($0, request) }
    }

    private func passes(_ operation: SyncOperation, _ request: PullRequest) -> Bool {
        if operation.deviceID == request.deviceID, request.includesOwn != true { return false }
        return request.collections?.contains(operation.collection) ?? true
    }

    /// A page runs over its limit only by the transaction that was begun below it.
    private func faultOfSize(_ page: PullResponse, _ limit: UInt64) -> String? {
        var start = page.operations.count
        while start > 1,
            durable.areTogether(page.operations[start - 2], page.operations[start - 1])
        { start -= 1 }
        return page.operations.isEmpty || UInt64(start - 1) < limit
            ? nil : "\(page.operations.count) operations, with a limit of \(limit)"
    }
}
