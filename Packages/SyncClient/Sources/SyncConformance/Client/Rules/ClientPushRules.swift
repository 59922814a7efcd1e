// SPDX-License-Identifier: MIT

import SyncProtocol

extension ClientRules {
    /// Sections 5, 13.1 and 13.2, where nothing goes wrong.
    static let push: ClientChecks = [
        check("push/first", "13.1 D1", "A first edit is one upsert with base 0 and its content.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()

            let operation = try only(world.pushed, "pushed operations")
            try expect(
                operation.kind == .upsert && operation.entityID == "n1"
                    && operation.collection == ClientWorld.collection
                    && operation.entityCBOR == ClientWorld.content("milk")
                    && operation.deviceID == "phone" && operation.operationID > 0,
                "Operation \(operation.operationID) is another edit.")
            try expect(
                operation.base == 0 && operation.baseOperationID == nil,
                "The base is \(operation.base.map { "\($0)" } ?? "absent") and not 0.")
            try expect(operation.entityVersion == 1, "The version is not 1.")
            try world.expectServer(["n1": "milk"])
            try world.expectNothingPending()
        },
        check("push/handshake", "6", "A new device shakes hands before it pushes.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()

            let first = world.server.seen.first
            try expect(first?.handshake != nil, "The first request is no handshake.")
            try expect(
                first?.handshake?.deviceID == "phone" && first?.handshake?.protocolVersion == 1,
                "The handshake names another device or version.")
        },
        check("push/log", "7", "A push names the log that its bases belong to.") { world in
            try world.commit(("n1", "milk"))
            try world.settle()

            try expect(
                world.pushes.allSatisfy { $0.push.logID == ClientWorld.firstLog },
                "A push does not name the log of the handshake.")
        },
        check("push/base", "13.2 D6", "The cursor of an accepted edit is the base of the next one.")
        { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n1", "oat milk"))
            try world.settle()

            let operation = try only(Array(world.pushed.dropFirst()), "second operations")
            try expect(
                operation.base == 1 && operation.entityVersion == 2,
                "It is not made on cursor 1 with version 2.")
            try world.expectServer(["n1": "oat milk"])
        },
        check("push/delete", "5.1", "A delete has the base of what is deleted, and no content.") {
            world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n1", nil))
            try world.settle()

            let operation = try only(Array(world.pushed.dropFirst()), "second operations")
            try expect(
                operation.kind == .delete && operation.entityCBOR == nil && operation.base == 1,
                "It is no delete on cursor 1.")
            try world.expectServer([:])
            try world.expect([:])
        },
        check(
            "push/again", "13.3", "An entity made again after a delete has the tombstone as base."
        ) { world in
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.commit(("n1", nil))
            try world.settle()
            try world.commit(("n1", "bread"))
            try world.settle()

            try expect(world.pushed.last?.base == 2, "The base is not the tombstone's cursor 2.")
            try world.expectServer(["n1": "bread"])
        },
        check(
            "push/chain", "5.1 O2, 13.1 D1",
            "Edits of one entity in a row reach the server in order."
        ) { world in
            for text in ["a", "b", "c"] { try world.commit(("n1", text)) }
            try world.settle()

            // Edits that were never sent may be merged; those that are sent form a chain.
            var before: SyncOperation?
            for operation in world.logged() {
                try expect(
                    before == nil || operation.baseOperationID == before?.operationID
                        || operation.base == before?.cursor,
                    "Operation \(operation.operationID) is not made on the one before it.")
                before = operation
            }
            try world.expectServer(["n1": "c"])
            try world.expectNothingPending()
        },
        check(
            "push/transaction", "5.2 T1, 13.2 D7", "What was committed together is pushed together."
        ) { world in
            try world.commit(("n1", "a"), ("n2", "b"), ("n3", "c"))
            try world.commit(("n4", "d"))
            try world.settle()

            let members = world.pushed.filter { $0.entityID != "n4" }
            let group = members.first?.transactionID
            try expect(group != nil, "The operations of a transaction have no transactionId.")
            try expect(
                members.count == 3 && members.allSatisfy { $0.transactionID == group },
                "The three operations do not have one transactionId.")
            try expect(
                world.pushes.allSatisfy { push in
                    let count = push.push.operations.count { $0.transactionID == group }
                    return count == 0 || count == 3
                }, "The transaction is spread over several requests.")
            let fourth = world.pushed.first { $0.entityID == "n4" }
            try expect(fourth?.transactionID != group, "Another transaction has the same number.")
            try world.expectServer(["n1": "a", "n2": "b", "n3": "c", "n4": "d"])
        },
        check("push/limits", "12", "Pushes keep to the maxPushOps of the handshake.") { world in
            world.server.withModel { $0.limits.maxPushOperations = 2 }
            for number in 1...5 { try world.commit(("n\(number)", "x")) }
            try world.settle()

            try expect(
                world.pushes.allSatisfy { $0.push.operations.count <= 2 },
                "A push has more operations than the server takes.")
            try expect(world.logged().count == 5, "Not all five edits arrived once.")
        },
        check("push/stamps", "5.3", "If operations are stamped, later ones have higher stamps.") {
            world in
            for number in 1...3 {
                try world.commit(("n\(number)", "x"))
                try world.settle()
            }
            let stamps = world.pushed.compactMap(\.hybridTimestamp)
            guard !stamps.isEmpty else { throw ConformanceSkip("The client stamps nothing.") }

            try expect(
                zip(stamps, stamps.dropFirst()).allSatisfy { $0 < $1 }, "A stamp goes back.")
        },
    ]
}
