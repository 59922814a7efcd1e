// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

extension Database {
    /// Puts together what a pull returns from what is durable now.
    ///
    /// - Parameter cursor: Where to begin: `sinceCursor`, or a later cursor up to which nothing
    ///   passes the filter.
    /// - Returns: The page, and whether anything passed or may yet pass the filter, so that the
    ///   pull is not to wait.
    func page(
        _ request: PullRequest, after cursor: Cursor, filter: PullFilter
    ) throws(OpLogError) -> (answer: ByteChain, isWorthAnswering: Bool) {
        let limits = configuration.limits
        var page = PullPage(
            after: cursor, filter: filter, limit: Int(min(request.limit, limits.maxPullOperations)),
            bytesMax: Int(min(request.maxBytes ?? .max, limits.maxPageBytes)),
            scanBytesMax: configuration.scanBytesMax)
        if !filter.passesNone {
            try log.forEachGroup(after: cursor) { page.add($0) }
            if let unreadable = page.unreadable {
                throw .damaged(
                    log.directory, at: nil,
                    "The operation at cursor \(unreadable) is not as this server writes it")
            }
        }
        // The budget may have ended exactly where the log does.
        let hasMore = page.endedEarly && page.nextCursor < head
        return (
            answer(
                page.operations, count: page.count,
                nextCursor: hasMore ? page.nextCursor : head, hasMore: hasMore),
            page.count > 0 || hasMore
        )
    }

    /// The answer to a pull that nothing passed.
    var emptyPage: ByteChain {
        answer(ByteChain(), count: 0, nextCursor: head, hasMore: false)
    }

    private func answer(
        _ operations: ByteChain, count: Int, nextCursor: Cursor, hasMore: Bool
    ) -> ByteChain {
        PullResponse.encode(
            around: operations, count: count, logID: logID, nextCursor: nextCursor,
            hasMore: hasMore, serverCursor: head)
    }
}

extension PullResponse {
    /// A page around `count` operations that are encoded already.
    static func encode(
        around operations: ByteChain, count: Int, logID: LogID, nextCursor: Cursor, hasMore: Bool,
        serverCursor: Cursor
    ) -> ByteChain {
        var writer = CBORWriter(capacity: 128)
        var middle = 0
        encode(
            to: &writer, logID: logID, nextCursor: nextCursor, hasMore: hasMore,
            serverCursor: serverCursor, operationCount: count
        ) { writer in
            middle = writer.bytes.count
        }
        let bytes = writer.bytes
        var chain = ByteChain()
        chain.append(bytes[..<middle])
        chain.append(operations)
        chain.append(bytes[middle...])
        return chain
    }
}
