// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Section 13.2, D8 and D9: what a server will not take.
    static let refusals: ClientChecks = [
        check(
            "refusals/rejected", "13.2 D9", "A rejected edit goes to quarantine, and nothing else."
        ) {
            world in
            world.server.withModel { $0.rejects = { $0.entityID == "bad" ? .malformed : nil } }
            try world.commit(("n1", "milk"))
            try world.commit(("bad", "x"))
            try world.commit(("n2", "bread"))
            try world.settle()

            try world.expectQuarantine(["bad": "x"])
            try world.expectServer(["n1": "milk", "n2": "bread"])
            try world.expectNothingPending()
        },
        check(
            "refusals/base", "13.4 D15", "The entity of a quarantined edit goes back to its base."
        ) {
            world in
            try world.commit(("bad", "good"))
            try world.settle()
            world.server.withModel { $0.rejects = { $0.entityID == "bad" ? .forbidden : nil } }
            try world.commit(("bad", "x"))
            try world.settle()

            try world.expectQuarantine(["bad": "x"])
            try world.expect(["bad": "good"])
            world.server.withModel { $0.rejects = { _ in nil } }
            try world.commit(("bad", "better"))
            try world.settle()
            try world.expectServer(["bad": "better"])
        },
        check("refusals/unknown-code", "11", "A code that nobody knows is like malformed.") {
            world in
            world.server.withModel { model in
                model.rejects = { operation in
                    operation.entityID == "bad" ? RejectionCode(rawValue: "someDay") : nil
                }
            }
            try world.commit(("bad", "x"))
            try world.settle()

            try world.expectQuarantine(["bad": "x"])
            try world.expectNothingPending()
        },
        check(
            "refusals/transaction", "13.2 D9",
            "If a member is rejected for its values, all of the transaction goes to quarantine."
        ) { world in
            world.server.withModel { $0.rejects = { $0.entityID == "bad" ? .malformed : nil } }
            try world.commit(("n1", "milk"), ("bad", "x"))
            try world.commit(("n2", "bread"))
            try world.settle()

            try world.expectQuarantine(["n1": "milk", "bad": "x"])
            try world.expectServer(["n2": "bread"])
            try world.expect(["n2": "bread"])
        },
        check(
            "refusals/too-large", "13.2 D8", "A push that is answered with 413 is sent in halves."
        ) {
            world in
            world.server.follow { request, _ in
                (request.push?.operations.count ?? 0) > 2 ? .refused(413, .invalidRequest) : .served
            }
            for number in 1...7 { try world.commit(("n\(number)", "x")) }
            try world.settle()

            try world.expectServer(
                Dictionary(uniqueKeysWithValues: (1...7).map { ("n\($0)", "x") }))
            try world.expectQuarantine([:])
            try expect(world.logged().count == 7, "There are not seven operations in the log.")
        },
        check(
            "refusals/halves-of-transactions", "13.2 D8",
            "It is cut between transactions and not inside of them."
        ) { world in
            world.server.follow { request, _ in
                (request.push?.operations.count ?? 0) > 3 ? .refused(413, .invalidRequest) : .served
            }
            for number in 1...3 { try world.commit(("a\(number)", "x"), ("b\(number)", "x")) }
            try world.settle()

            let ofOne = Dictionary(grouping: world.logged(), by: \.transactionID)
            try expect(
                ofOne.count == 3 && ofOne.values.allSatisfy { $0.count == 2 },
                "The log does not have three transactions of two operations.")
            try world.expectQuarantine([:])
        },
        check(
            "refusals/culprit", "13.2 D8",
            "Where the push with one edit alone fails with error 1, that edit goes to quarantine."
        ) { world in
            world.server.follow { request, _ in
                let isBad = request.push?.operations.contains { $0.entityID == "bad" } ?? false
                return isBad ? .refused(400, .invalidRequest) : .served
            }
            for name in ["n1", "n2", "bad", "n3", "n4"] { try world.commit((name, "x")) }
            try world.settle()

            try world.expectQuarantine(["bad": "x"])
            try world.expectServer(["n1": "x", "n2": "x", "n3": "x", "n4": "x"])
            let pushes = world.pushes
            let alone = pushes.firstIndex { $0.push.operations.map(\.entityID) == ["bad"] }
            try expect(alone != nil, "The bad operation was never sent alone.")
            try expect(
                pushes.contains { $0.push.operations.isEmpty },
                "There was no empty push before the first operation went to quarantine.")
        },
        check(
            "refusals/no-culprit", "13.2 D8",
            "If the empty push fails as well, nothing goes to quarantine."
        ) { world in
            world.server.follow { request, _ in
                request.push != nil ? .refused(400, .invalidRequest) : .served
            }
            try world.commit(("n1", "milk"))
            try world.commit(("n2", "bread"))
            let reason = try world.sync()

            try expect(reason != nil, "The sync says that it worked.")
            try world.expectQuarantine([:])
            world.server.heal()
            try world.settle()
            try world.expectServer(["n1": "milk", "n2": "bread"])
        },
    ]
}
