// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Sections 7.3 and 13.4, with a resolver for which the server's side wins.
    static let conflicts: ClientChecks = [
        check(
            "conflicts/remote-wins", "13.4",
            "The entity takes the remote content, and the conflict log keeps the edit."
        ) { world in
            try meet(world)

            try world.expect(["n1": "soy milk"])
            try world.expectConflicts(["n1": "oat milk"])
            try world.expectServer(["n1": "soy milk"])
            try world.expectNothingPending()
        },
        check("conflicts/base-after", "13.4", "The next edit is made on the revision that stands.")
        {
            world in
            try meet(world)
            try world.commit(("n1", "rice milk"))
            try world.settle()

            try expect(world.pushed.last?.base == 2, "The base is not cursor 2.")
            try world.expectServer(["n1": "rice milk"])
        },
        check("conflicts/not-overwritten", "13.2 D9", "A refused number is not sent again.") {
            world in
            try meet(world)
            try world.commit(("n2", "bread"))
            try world.settle()

            let numbers = world.logged().map(\.operationID)
            let refused = world.pushed.filter { $0.entityID == "n1" && $0.base != 0 }
            try expect(
                refused.allSatisfy { !numbers.contains($0.operationID) },
                "The number of the refused operation was used again.")
        },
        check("conflicts/in-push", "7.3", "A conflict that only the push reports is settled, too.")
        {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            // The other's edit comes when everything was pulled.
            world.server.follow { request, count in
                request.push != nil && count == 1
                    ? .changed { $0.otherEdit("n1", "soy milk", number: 1) } : .served
            }
            try world.commit(("n1", "oat milk"))
            try world.settle()
            world.server.heal()
            try world.settle()

            try world.expect(["n1": "soy milk"])
            try world.expectConflicts(["n1": "oat milk"])
            try world.expectNothingPending()
        },
        check("conflicts/equal", "13.4", "Equal contents are no conflict.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.other("n1", "oat milk")
            try world.commit(("n1", "oat milk"))
            try world.settle()

            try world.expect(["n1": "oat milk"])
            try world.expectConflicts([:])
            try world.expectNothingPending()
        },
        check("conflicts/both-deleted", "13.4", "Two deletes are no conflict.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.other("n1", nil)
            try world.commit(("n1", nil))
            try world.settle()

            try world.expect([:])
            try world.expectConflicts([:])
            try world.expectNothingPending()
        },
        check("conflicts/deleted-remotely", "13.4", "A remote delete stands, and the edit is kept.")
        {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.other("n1", nil)
            try world.commit(("n1", "oat milk"))
            try world.settle()

            try world.expect([:])
            try world.expectConflicts(["n1": "oat milk"])
            try world.expectNothingPending()
        },
        check(
            "conflicts/transaction", "13.2 D9",
            "Members that were aborted with a conflict are sent again, and none is lost."
        ) { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            world.server.follow { request, count in
                request.push != nil && count == 1
                    ? .changed { $0.otherEdit("n1", "soy milk", number: 1) } : .served
            }
            try world.commit(("n1", "oat milk"), ("n2", "bread"), ("n3", "eggs"))
            try world.settle()
            world.server.heal()
            try world.settle()

            try world.expect(["n1": "soy milk", "n2": "bread", "n3": "eggs"])
            try world.expectServer(["n1": "soy milk", "n2": "bread", "n3": "eggs"])
            try world.expectConflicts(["n1": "oat milk"])
            let again = world.logged().filter { $0.entityID != "n1" }
            try expect(
                again.count == 2 && again[0].transactionID != nil
                    && again[0].transactionID == again[1].transactionID,
                "The aborted members are not in one transaction.")
        },
    ]

    /// Both devices have changed what both had seen.
    private static func meet(_ world: ClientWorld) throws {
        try world.commit(("n1", "milk"))
        try world.settle()
        world.other("n1", "soy milk")
        try world.commit(("n1", "oat milk"))
        try world.settle()
    }
}
