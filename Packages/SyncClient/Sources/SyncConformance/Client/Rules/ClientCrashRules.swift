// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Section 13.1: what outlives the death of the process.
    static let crashes: ClientChecks = [
        check("crashes/edit", "13.1", "An edit that was committed outlives a kill.") { world in
            // It is killed while it waits for the first answer of all.
            world.server.follow { _, _ in .silence }
            try world.commit(("n1", "milk"), ("n2", "bread"))
            try world.syncAndDie { _ in true }

            try world.expect(["n1": "milk", "n2": "bread"])
            try world.settle()
            try world.expectServer(["n1": "milk", "n2": "bread"])
        },
        check("crashes/push", "13.2 D5", "After a kill during a push, the same operation is sent.")
        {
            world in
            world.server.follow { request, _ in request.push != nil ? .silence : .served }
            try world.commit(("n1", "milk"))
            try world.syncAndDie { $0.push != nil }
            try world.settle()

            try expect(world.logged().count == 1, "There is not one operation in the log.")
            try world.expectServer(["n1": "milk"])
            try world.expectNothingPending()
        },
        check("crashes/push-and-edit", "13.2 D5", "An edit after that kill has another number.") {
            world in
            world.server.follow { request, _ in request.push != nil ? .silence : .served }
            try world.commit(("n1", "milk"))
            try world.syncAndDie { $0.push != nil }
            try world.commit(("n1", "oat milk"))
            try world.settle()

            try world.expectServer(["n1": "oat milk"])
            try expect(world.logged().count == 2, "There are not two operations in the log.")
        },
        check("crashes/page", "13.3 D3", "After a kill during a pull, no page is left out.") {
            world in
            world.server.withModel { $0.pageLimit = 1 }
            for number in 1...4 { world.other("n\(number)", "x") }
            world.server.follow { request, count in
                request.pull != nil && count == 3 ? .silence : .served
            }
            try world.syncAndDie { seen in
                if case .silence = seen.treatment { true } else { false }
            }
            try world.settle()

            try world.expect(["n1": "x", "n2": "x", "n3": "x", "n4": "x"])
            try world.expectConflicts([:])
        },
        check("crashes/resync", "13.5", "A resync that was killed is finished.") { world in
            world.server.withModel { $0.pageLimit = 1 }
            for name in ["n1", "n2", "n3"] { world.other(name, "x") }
            try world.settle()
            world.other("n2", nil)
            world.other("n4", "y")
            world.server.withModel { $0.compact() }
            // The first pull is refused, the second is the resync's first page.
            world.server.follow { request, count in
                request.pull != nil && count == 3 ? .silence : .served
            }
            try world.syncAndDie { seen in
                if case .silence = seen.treatment { true } else { false }
            }
            try world.settle()

            try world.expect(["n1": "x", "n3": "x", "n4": "y"])
        },
    ]
}
