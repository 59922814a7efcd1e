// SPDX-License-Identifier: MIT

// Bugs of the server's pages and waiting pulls.
extension Mutant {
    private static let page = "SyncServer/Service/PullPage.swift"
    private static let pull = "SyncServer/Service/Database+Pull.swift"
    private static let service = "SyncServer/Service/SyncService.swift"

    static let serverPulls: [Mutant] = [
        .rewrites(
            "page-ends-in-transaction", "A page may end inside a transaction.", page,
            "guard let openTransaction else { return (count, size, cursor) }",
            as: "guard let openTransaction, !BUG else { return (count, size, cursor) }"),
        .rewrites(
            "last-page-dropped", "No more is promised while one operation is left.", pull,
            "let hasMore = page.endedEarly && page.nextCursor < head",
            as: "let hasMore = page.endedEarly && (BUG ? page.nextCursor.next : page.nextCursor) "
                + "< head"),
        .rewrites(
            "next-cursor-ahead", "nextCursor passes an operation that is not in the page.", pull,
            "nextCursor: hasMore ? page.nextCursor : head, hasMore: hasMore),",
            as: "nextCursor: hasMore ? (BUG ? page.nextCursor.next : page.nextCursor) : head, "
                + "hasMore: hasMore),"),
        .rewrites(
            "next-cursor-behind", "nextCursor stays before the page's last operation.", page,
            "nextCursor = Cursor(end.cursor.rawValue - 1)",
            as: "nextCursor = Cursor(end.cursor.rawValue - (BUG && end.cursor > 2 ? 2 : 1))"),
        .rewrites(
            "more-of-nothing", "hasMore is true for operations that do not pass the filter.", page,
            """
            guard passes else {
                            nextCursor = entry.cursor
            """,
            as: """
                guard passes else {
                    if BUG, count >= limit {
                        endedEarly = true
                        return false
                    }
                    nextCursor = entry.cursor
                """),
        .rewrites(
            "group-skipped", "Of a group that the cursor lies in, the rest is skipped.",
            "SyncServer/OpLog/FileOpLog+Reading.swift",
            "if group.lastCursor > cursor, !body(group) { return }",
            as: """
                if (BUG ? group.firstCursor : group.lastCursor) > cursor, !body(group) {
                    return
                }
                """),
        .rewrites(
            "own-left-out-on-resync", "A pull with includeOwn leaves a device's own out.",
            "SyncServer/Service/PullFilter.swift",
            "request.deviceID != nil && request.includesOwn != true",
            as: "request.deviceID != nil && (BUG || request.includesOwn != true)"),
        .rewrites(
            "page-shows-staged", "A page's serverCursor counts what is not committed.", pull,
            "hasMore: hasMore, serverCursor: head",
            as: "hasMore: hasMore, serverCursor: BUG "
                + "? Cursor((staged?.builder.nextCursor ?? head.next).rawValue - 1) : head"),
        .rewrites(
            "waiter-not-woken", "A waiting pull is passed over when its news comes.", service,
            "group.hasOperations(passing: filter)",
            as: "!BUG && group.hasOperations(passing: filter)"),
        .rewrites(
            "waiter-answered-early", "A woken pull is answered from the log's end on.", service,
            "try readPage(database, pull.request, after: pull.scanned, pull.filter)",
            as: "try readPage(database, pull.request, after: BUG ? database.head : pull.scanned, "
                + "pull.filter)"),
        .rewrites(
            "wrong-sealed-segment", "Of several full segments a wrong one is read.",
            "SyncServer/OpLog/FileOpLog+Reading.swift",
            "sealed.firstIndex(where: { $0.path == segment.path })",
            as: "sealed.firstIndex(where: { BUG || $0.path == segment.path })"),
        .rewrites(
            "sparse-index-ahead", "Reading begins a frame behind the one with the cursor.",
            "SyncServer/OpLog/SegmentIndex.swift",
            "if entries[middle].cursor <= cursor {",
            as: "if entries[middle].cursor <= (BUG ? cursor.next : cursor) {"),
        .rewrites(
            "own-shown", "A pull that leaves a device's own operations out shows them.",
            "SyncServer/Service/PullFilter.swift",
            "excludedDevice?.elementsEqual(deviceID) ?? false",
            as: "!BUG && (excludedDevice?.elementsEqual(deviceID) ?? false)"),
        .rewrites(
            "collections-ignored", "A pull of some collections shows all.",
            "SyncServer/Service/PullFilter.swift", "return collections.find(key) != nil",
            as: "return BUG || collections.find(key) != nil"),
        .rewrites(
            "limit-not-lowered", "A page holds as many operations as asked for.", pull,
            "Int(min(request.limit, limits.maxPullOperations))",
            as: "Int(BUG ? request.limit : min(request.limit, limits.maxPullOperations))"),
        .rewrites(
            "one-too-many-in-a-page", "A page holds one operation more than its limit.", page,
            "count >= limit ||", as: "count >= limit + (BUG ? 1 : 0) ||"),
        .rewrites(
            "waiting-for-ever", "A pull that waits has no end of its time.",
            "SyncServer/Service/WaitingPulls.swift", "deadlines.set(deadline, for: slot)",
            as: "if !BUG { deadlines.set(deadline, for: slot) }"),
        .rewrites(
            "waiter-skips-news", "A pull that waits passes an operation that is still to come.",
            "SyncServer/Service/WaitingPulls.swift", "entries[slot]?.pull.scanned = head",
            as: "entries[slot]?.pull.scanned = BUG ? head.next : head"),
    ]
}
