// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Sections 8 and 13.3.
    static let pull: ClientChecks = [
        check("pull/entities", "13.3 D12", "What others pushed is there after a sync.") { world in
            world.other("n1", "milk")
            world.other("n2", "bread")
            world.other("n2", nil)
            world.other("n3", "eggs")
            try world.settle()

            try world.expect(["n1": "milk", "n3": "eggs"])
            try world.expectConflicts([:])
        },
        check("pull/from-cursor", "8.1 L1", "A pull goes on where the last page ended.") { world in
            world.other("n1", "milk")
            try world.settle()
            world.other("n2", "bread")
            try world.settle()
            world.other("n3", "eggs")
            try world.settle()

            let since = world.server.seen.compactMap(\.pull?.sinceCursor)
            try expect(
                since.contains(1) && since.contains(2) && since.filter { $0 == 0 }.count <= 2,
                "The pulls begin at \(since.map { "\($0)" }.joined(separator: ", ")).")
            try world.expect(["n1": "milk", "n2": "bread", "n3": "eggs"])
        },
        check("pull/pages-of-one", "8.1 L2", "Pulls are repeated while hasMore is true.") { world in
            world.server.withModel { $0.pageLimit = 1 }
            for number in 1...6 { world.other("n\(number)", "x") }
            try world.settle()

            try world.expect(
                Dictionary(uniqueKeysWithValues: (1...6).map { ("n\($0)", "x") }))
        },
        check("pull/snapshot", "8.4 L8", "Later pages of a pull from 0 carry the first one's end.")
        {
            world in
            world.server.withModel { $0.pageLimit = 2 }
            for number in 1...6 { world.other("n\(number)", "x") }
            try world.settle()

            let pulls = world.server.seen.compactMap(\.pull)
            let later = pulls.drop { $0.sinceCursor == 0 }.filter { $0.sinceCursor < 6 }
            try expect(!later.isEmpty, "There was no second page.")
            try expect(
                later.allSatisfy { $0.snapshot == 6 },
                "A later page does not carry snapshot 6.")
        },
        check("pull/empty-page", "8.1 L2", "A page without operations is not the end.") { world in
            for number in 1...3 { world.other("n\(number)", "x") }
            let log = ClientWorld.firstLog
            world.server.follow { request, count in
                guard request.pull?.sinceCursor == 0 else { return .served }
                return .body(
                    PullResponse(
                        operations: [], nextCursor: 1, hasMore: true, serverCursor: 3, logID: log
                    ).encoded())
            }
            try world.settle()

            try world.expect(["n2": "x", "n3": "x"])
        },
        check("pull/base", "13.3 D12", "An edit of a pulled entity has its cursor as base.") {
            world in
            world.other("n1", "milk")
            world.other("n2", "bread")
            try world.settle()
            try world.commit(("n1", "oat milk"))
            try world.settle()

            let operation = try only(world.pushed, "pushed operations")
            try expect(
                operation.base == 1 && operation.entityVersion == 2,
                "It is not made on cursor 1 with version 2.")
            try world.expectServer(["n1": "oat milk", "n2": "bread"])
        },
        check("pull/tombstone", "13.3", "An entity made after a pulled delete has that as base.") {
            world in
            world.other("n1", "milk")
            world.other("n1", nil)
            try world.settle()
            try world.commit(("n1", "bread"))
            try world.settle()

            // Who knew nothing of the deleted entity may also begin at 0 and be told.
            try world.expectServer(["n1": "bread"])
            try world.expect(["n1": "bread"])
            try world.expectNothingPending()
        },
        check("pull/own", "13.3 D11", "One's own operations change nothing when they are pulled.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n1", "oat milk"))
            world.other("n2", "bread")
            try world.settle()
            try world.settle()

            try world.expect(["n1": "oat milk", "n2": "bread"])
            try world.expectConflicts([:])
            try expect(world.logged().count == 2, "There are not two operations in the log.")
        },
        check("pull/transaction", "8.2 L6, 13.3 D3", "A page with a transaction is applied.") {
            world in
            world.server.withModel { $0.pageLimit = 1 }
            for number in 1...4 { world.other("n\(number)", "x", transaction: 9) }
            try world.settle()

            try world.expect(["n1": "x", "n2": "x", "n3": "x", "n4": "x"])
        },
        check("pull/restart", "13.1", "A device that is opened again goes on where it was.") {
            world in
            world.other("n1", "milk")
            try world.settle()
            try world.restart()
            world.server.heal()
            let before = world.server.seen.count
            world.other("n2", "bread")
            try world.settle()

            let since = world.server.seen.dropFirst(before).compactMap(\.pull?.sinceCursor)
            try expect(since.first == 1, "The first pull begins at another cursor than 1.")
            try world.expect(["n1": "milk", "n2": "bread"])
        },
    ]
}
