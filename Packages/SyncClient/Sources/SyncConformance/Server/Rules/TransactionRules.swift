// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// T1 to T3 and P8, as far as pushes show them; pages are with the pulls.
    static let transaction: ServerChecks = [
        rule(
            "transaction/accepted", "5.2 T1",
            "A transaction is accepted and logged as an unbroken run that keeps its number."
        ) {
            let operations = [
                $0.operation(1, "n1"), $0.operation(2, "n2", "", member(7)),
                $0.operation(3, "n3", "", member(7)), $0.operation(4, "n4", "", member(8)),
                $0.operation(5, "n5"),
            ]
            try $0.push(operations).expectAccepted([1: 1, 2: 2, 3: 3, 4: 4, 5: 5])
            let shown = try $0.pullAll()
            for (operation, wanted) in zip(shown, [nil, 7, 7, 8, nil] as [CBORValue?]) {
                if let wanted {
                    try operation.expect("transactionId", wanted)
                } else {
                    try operation.expectNo("transactionId")
                }
            }
        },
        rule(
            "transaction/conflict", "7.2 P8",
            "If a member is in conflict, none is accepted: the others are transactionAborted."
        ) {
            try $0.write(1, "n1")
            let operations = [
                $0.operation(2, "n2", "", member(7)), $0.operation(3, "n1", "", member(7)),
                $0.operation(4, "n3", "", member(7)),
            ]
            let settlement = try $0.push(operations)
            try settlement.expect(
                accepted: [], conflicts: [3],
                rejected: [(2, "transactionAborted"), (4, "transactionAborted")])
            try settlement.expect(acknowledged: 1)
            try $0.expectLog([("a", 1)], "a transaction was aborted")
        },
        rule(
            "transaction/rejected", "7.2 P8",
            "If a member is rejected for its values, the others are transactionAborted."
        ) {
            let operations = [
                $0.operation(1, "n1", "", member(7)),
                $0.operation(2, "n2", "", member(7, ["opType": "move"])),
                $0.delete(3, "n3", base: 0, member(7)),
            ]
            try $0.push(operations).expect(
                accepted: [],
                rejected: [(1, "transactionAborted"), (2, "malformed"), (3, "transactionAborted")])
            try $0.expectNothingStored("a transaction was aborted")
        },
        rule(
            "transaction/reused", "7.2 P8",
            "If a member is opIdReuse, the others are transactionAborted."
        ) {
            try $0.write(1, "n1")
            let operations = [
                $0.operation(1, "other", "", member(7)), $0.operation(2, "n2", "", member(7)),
            ]
            try $0.push(operations).expect(
                accepted: [], rejected: [(1, "opIdReuse"), (2, "transactionAborted")])
            try $0.expectLog([("a", 1)], "a transaction was aborted")
        },
        rule(
            "transaction/outside", "7.2 P8",
            "An aborted transaction does not hold up the operations and transactions beside it."
        ) {
            try $0.write(1, "n1")
            let operations = [
                $0.operation(2, "n2"), $0.operation(3, "n1", "", member(7)),
                $0.operation(4, "n3", "", member(7)), $0.operation(5, "n4", "", member(8)),
                $0.operation(6, "n5", "", member(8)),
            ]
            try $0.push(operations).expect(
                accepted: [2, 5, 6], conflicts: [3], rejected: [(4, "transactionAborted")])
            try $0.expectLog([("a", 1), ("a", 2), ("a", 5), ("a", 6)], "another was aborted")
        },
        rule(
            "transaction/same-entity", "7.2 P8",
            "Between members of one transaction a refusal makes no conflict: they are aborted."
        ) {
            try $0.write(1, "n1")
            let operations = [
                $0.operation(2, "n1", "", member(7, ["opType": "move"])),
                $0.operation(3, "n1", "", member(7, ["base": 1])),
            ]
            try $0.push(operations).expect(
                accepted: [], rejected: [(2, "malformed"), (3, "transactionAborted")])
        },
        rule(
            "transaction/aborted-before", "7.2 P7",
            "After an aborted member later operations on its entity are in conflict."
        ) {
            try $0.write(1, "n1")
            let operations = [
                $0.operation(2, "n1", "", member(7)), $0.operation(3, "n2", "", member(7)),
                $0.operation(4, "n2"), $0.operation(5, "n3"),
            ]
            try $0.push(operations).expect(
                accepted: [5], conflicts: [2, 4], rejected: [(3, "transactionAborted")])
        },
        rule(
            "transaction/not-seen", "7.2 P8",
            "What an aborted transaction wrote is seen by no later operation."
        ) {
            let operations = [
                $0.operation(1, "n1", "", member(7)),
                $0.operation(2, "n2", "", member(7, ["opType": "move"])),
            ]
            try $0.push(operations)
            let other = $0.other("b")
            try other.push([other.operation(1, "n1")]).expectAccepted([1: 1])
        },
        rule(
            "transaction/duplicates", "7.2 P8",
            "Duplicates in an aborted transaction stay accepted."
        ) {
            let operations = [
                $0.operation(1, "n1", "", member(7)), $0.operation(2, "n2", "", member(7)),
            ]
            try $0.push(operations)
            let more = [
                $0.operation(3, "n1", "", member(7)), $0.operation(4, "n4", "", member(7)),
            ]
            try $0.push(operations + more).expect(
                accepted: [1, 2], conflicts: [3], rejected: [(4, "transactionAborted")])
            try $0.expectLog([("a", 1), ("a", 2)], "a transaction was aborted")
        },
        rule(
            "transaction/again", "7.2 P4, P8",
            "A transaction that was pushed again is a duplicate in all of its members."
        ) {
            let operations = (UInt64(1)...3).map { [device = $0] in
                device.operation($0, "n\($0)", "", member(7))
            }
            try $0.push(operations).expectAccepted([1: 1, 2: 2, 3: 3])
            try $0.push(operations).expectAccepted([1: 1, 2: 2, 3: 3])
            try $0.pull().expect(cursors: [1, 2, 3])
        },
        rule(
            "transaction/resolved", "13.2 D9",
            "An aborted transaction whose conflict was resolved is accepted under new opIds."
        ) {
            let other = $0.other("b")
            try other.write(1, "n1")
            try $0.push([
                $0.operation(1, "n1", "", member(7)), $0.operation(2, "n2", "", member(7)),
            ])
            try $0.push([
                $0.operation(3, "n1", "", member(7, ["base": 1])),
                $0.operation(4, "n2", "", member(7)),
            ]).expectAccepted([3: 2, 4: 3])
        },
        rule(
            "transaction/chain-inside", "7.2 P5, P8",
            "Members may be edits of the same entity, chained or on each other's revisions."
        ) {
            let operations = [
                $0.operation(1, "n1", "", member(7)),
                $0.operation(2, "n1", "b", member(7, ["base": nil, "baseOpId": 1])),
                $0.delete(3, "n1", base: 0, member(7, ["base": nil, "baseOpId": 2])),
            ]
            try $0.push(operations).expectAccepted([1: 1, 2: 2, 3: 3])
        },
    ]

    /// The changes that make an operation a member of a transaction.
    static func member(
        _ transactionID: UInt64, _ changes: [String: CBORValue?] = [:]
    ) -> [String: CBORValue?] {
        ["transactionId": .unsigned(transactionID)].merging(changes) { $1 }
    }
}
