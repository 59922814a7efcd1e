// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// P5 and the shape of a conflict.
    static let conflict: ServerChecks = [
        rule("conflict/base/current", "7.2 P5", "An edit of the current revision is accepted.") {
            let cursor = try $0.write(1, "n1", "a")
            let other = $0.other("b")
            try other.push([other.operation(1, "n1", "b", ["base": .unsigned(cursor)])])
                .expectAccepted([1: 2])
        },
        rule(
            "conflict/base/stale", "7.2 P5",
            "An edit of an older revision is in conflict, and is not logged."
        ) {
            let other = $0.other("b")
            try $0.write(1, "n1", "a")
            try other.write(1, "n1", "b", base: 1)
            let settlement = try $0.push([$0.operation(2, "n1", "a2", ["base": 1])])
            try settlement.expect(accepted: [], conflicts: [2])
            try settlement.expect(
                settlement.serverCursor == 2, "serverCursor moved to \(settlement.serverCursor).")
            try $0.expectLog([("a", 1), ("b", 1)], "a conflict was answered")
        },
        rule(
            "conflict/base/zero", "7.2 P5", "An edit made on nothing is in conflict with something."
        ) {
            let other = $0.other("b")
            try $0.write(1, "n1")
            try other.push([other.operation(1, "n1")]).expect(accepted: [], conflicts: [1])
        },
        rule(
            "conflict/base/too-high", "7.2 P5",
            "A base above the current revision's cursor is a conflict, even one beyond the log."
        ) {
            try $0.push([$0.operation(1, "n1"), $0.operation(2, "n2")])
            let operations = [
                $0.operation(3, "n1", "", ["base": 2]), $0.operation(4, "n2", "", ["base": 9]),
            ]
            try $0.push(operations).expect(accepted: [], conflicts: [3, 4])
        },
        rule(
            "conflict/base/version-not-compared", "5.1 O3",
            "With base entityVersion decides nothing; the log keeps the larger version."
        ) {
            try $0.push([$0.operation(1, "n1", "", ["entityVersion": 9])])
            try $0.push([$0.operation(2, "n1", "", ["base": 1, "entityVersion": 1])])
                .expectAccepted([2: 2])
            try $0.pull(1).operations.first?.expect("entityVersion", 9)
            try $0.push([$0.operation(3, "n1", "", ["base": 1, "entityVersion": 99])])
                .expect(accepted: [], conflicts: [3])
        },
        rule(
            "conflict/same-request", "7.2",
            "The current revision may be one that the same request made a moment before."
        ) {
            try $0.push([$0.operation(1, "n1"), $0.operation(2, "n1", "2")])
                .expect(accepted: [1], conflicts: [2])
            let operations = [
                $0.operation(3, "n1", "", ["base": 1]), $0.operation(4, "n1", "", ["base": 2]),
            ]
            try $0.push(operations).expectAccepted([3: 2, 4: 3])
        },
        rule(
            "conflict/shape/living", "7.3",
            "A conflict has the operation as it came and the whole current revision."
        ) {
            let other = $0.other("b")
            let content = Device.note("three bottles")
            try other.push([
                other.operation(
                    1, "n1", "three bottles",
                    ["hlc": 77, "timestampMs": 1_234, "entityVersion": 3, "labels": ["x": 1]])
            ])
            let operation = $0.operation(
                4, "n1", "oat milk", ["hlc": 5, "labels": ["y": true], "entityVersion": 2])
            let conflict = try onlyConflict(try $0.push([operation]))
            try conflict.expect("clientOp", operation)
            try conflict.expect("collection", "notes")
            try conflict.expect("entityId", "n1")
            let state = try conflict.map("serverState")
            for (key, value) in [
                ("hlc", 77), ("cursor", 1), ("deleted", false), ("deviceId", "b"),
                ("entityCbor", .bytes(content)), ("lastModified", 1_234), ("entityVersion", 3),
            ] as [(String, CBORValue)] {
                try state.expect(key, value)
            }
        },
        rule(
            "conflict/shape/tombstone", "7.3",
            "The state of a deleted entity says deleted, its cursor and author, and no content."
        ) {
            try $0.write(1, "n1")
            try $0.push([$0.delete(2, "n1", base: 1)]).expectAccepted([2: 2])
            let state = try onlyConflict(try $0.push([$0.operation(3, "n1", "", ["base": 1])]))
                .map("serverState")
            for (key, value) in [
                ("cursor", 2), ("deleted", true), ("deviceId", "a"), ("entityVersion", 2),
            ] as [(String, CBORValue)] {
                try state.expect(key, value)
            }
            try state.expectNo("entityCbor")
        },
        rule(
            "conflict/shape/unknown", "7.3",
            "The state of an unknown entity is deleted, with cursor and version 0 and no other key."
        ) {
            try $0.write(1, "n1")
            let state = try onlyConflict(try $0.push([$0.operation(2, "n2", "", ["base": 1])]))
                .map("serverState")
            for (key, value) in [("cursor", 0), ("deleted", true), ("entityVersion", 0)]
                as [(String, CBORValue)]
            {
                try state.expect(key, value)
            }
            for key in ["hlc", "deviceId", "entityCbor", "lastModified"] { try state.expectNo(key) }
        },
        rule(
            "conflict/beside-good", "7.2 P8",
            "A conflict does not hold up the operations beside it."
        ) {
            try $0.write(1, "n1")
            let operations = [
                $0.operation(2, "n2"), $0.operation(3, "n1"), $0.operation(4, "n3"),
            ]
            try $0.push(operations).expect(accepted: [2, 4], conflicts: [3])
            try $0.expectLog([("a", 1), ("a", 2), ("a", 4)], "one of three was in conflict")
        },
        rule(
            "conflict/resolved", "7.2 P5",
            "The same edit on the revision that the conflict named is accepted, under a new opId."
        ) {
            let other = $0.other("b")
            try other.write(1, "n1", "b")
            let state = try onlyConflict(try $0.push([$0.operation(1, "n1", "a")]))
                .map("serverState")
            let base = try state.uint("cursor")
            try $0.push([$0.operation(2, "n1", "a", ["base": .unsigned(base)])])
                .expectAccepted([2: 2])
        },
    ]

    /// O2 and P5: chains; P7: deletes, and what follows a refusal.
    static let laterConflict: ServerChecks =
        chains + [
            rule(
                "conflict/delete/unknown", "7.2 P7",
                "A delete of an unknown entity is accepted, whatever its base, and gets a cursor."
            ) {
                try $0.write(1, "n1")
                try $0.push([$0.delete(2, "x", base: 0), $0.delete(3, "y", base: 1)])
                    .expectAccepted([2: 2, 3: 3])
                try $0.pull().expect(cursors: [1, 2, 3])
            },
            rule(
                "conflict/delete/deleted", "7.2 P7",
                "A delete of a deleted entity is accepted, whatever its base, and gets a cursor."
            ) {
                let other = $0.other("b")
                try $0.write(1, "n1")
                try $0.push([$0.delete(2, "n1", base: 1)]).expectAccepted([2: 2])
                try other.push([other.delete(1, "n1", base: 1)]).expectAccepted([1: 3])
            },
            rule(
                "conflict/delete/stale", "7.2 P5", "A delete of an older revision is in conflict."
            ) {
                let other = $0.other("b")
                try $0.write(1, "n1")
                try other.write(1, "n1", base: 1)
                try $0.push([$0.delete(2, "n1", base: 1)]).expect(accepted: [], conflicts: [2])
            },
            rule(
                "conflict/delete/tombstone", "7, 8",
                "A delete is logged: pulls show it without content, and an edit may be made on it."
            ) {
                try $0.write(1, "n1")
                try $0.push([$0.delete(2, "n1", base: 1)]).expectAccepted([2: 2])
                let shown = try $0.pull(1).operations
                guard let tombstone = shown.first, shown.count == 1 else {
                    throw ConformanceFailure("A pull shows \(shown.count) operations behind 1.")
                }
                try tombstone.expect("opType", "delete")
                try tombstone.expectNo("entityCbor")
                try $0.push([$0.operation(3, "n1")]).expect(accepted: [], conflicts: [3])
                try $0.push([$0.operation(4, "n1", "", ["base": 2])]).expectAccepted([4: 3])
            },
            rule(
                "conflict/refused-before/conflict", "7.2 P7",
                "After a conflict every later operation of the request on its entity is one, "
                    + "deletes too."
            ) {
                try $0.write(1, "n1")
                let operations = [
                    $0.operation(2, "n1"), $0.operation(3, "n1", "", ["base": 1]),
                    $0.delete(4, "n1", base: 1), $0.operation(5, "n2"),
                ]
                try $0.push(operations).expect(accepted: [5], conflicts: [2, 3, 4])
                // It holds for that request alone.
                try $0.push([$0.operation(6, "n1", "", ["base": 1])]).expectAccepted([6: 3])
            },
            rule(
                "conflict/refused-before/rejected", "7.2 P7",
                "After a rejection later operations of the request on its entity are in conflict."
            ) {
                let operations = [
                    $0.operation(1, "n1", "", ["opType": "move"]), $0.operation(2, "n1"),
                    $0.delete(3, "n1", base: 0), $0.operation(4, "n2"),
                ]
                try $0.push(operations).expect(
                    accepted: [4], conflicts: [2, 3], rejected: [(1, "malformed")])
            },
        ]

    private static let chains: ServerChecks = [
        rule(
            "conflict/chain/one-request", "5.1 O2, 7.2 P5",
            "Edits that name each other by baseOpId are accepted in one request."
        ) {
            let operations = [
                $0.operation(1, "n1"), $0.operation(2, "n1", "b", on(1)),
                $0.operation(3, "n2"), $0.operation(4, "n1", "c", on(2)),
            ]
            try $0.push(operations).expectAccepted([1: 1, 2: 2, 3: 3, 4: 4])
        },
        rule(
            "conflict/chain/two-requests", "5.1 O2, 7.2 P5",
            "baseOpId may name an operation of an earlier request."
        ) {
            try $0.write(1, "n1")
            try $0.push([$0.operation(2, "n1", "b", on(1))]).expectAccepted([2: 2])
            try $0.push([$0.operation(3, "n1", "c", on(1))]).expect(accepted: [], conflicts: [3])
        },
        rule(
            "conflict/chain/changed-between", "7.2 P5",
            "With baseOpId it is a conflict if another device changed the entity since."
        ) {
            let other = $0.other("b")
            try $0.write(1, "n1")
            try other.write(1, "n1", base: 1)
            try $0.push([$0.operation(2, "n1", "b", on(1))]).expect(accepted: [], conflicts: [2])
        },
        rule(
            "conflict/chain/other-device", "7.2 P5",
            "baseOpId means an operation of the same device, not another's with that number."
        ) {
            let other = $0.other("b")
            try other.write(7, "n1")
            try $0.write(7, "n2")
            try $0.push([$0.operation(8, "n1", "b", on(7))]).expect(accepted: [], conflicts: [8])
        },
        rule(
            "conflict/chain/unknown-entity", "7.2 P5",
            "baseOpId on an entity that the server does not know is a conflict."
        ) {
            try $0.push([$0.operation(2, "n1", "", on(1))]).expect(accepted: [], conflicts: [2])
        },
        rule(
            "conflict/chain/broken", "7.2 P7",
            "If the first edit of a chain is refused, the others are in conflict."
        ) {
            let other = $0.other("b")
            try other.write(1, "n1")
            let operations = [
                $0.operation(1, "n1"), $0.operation(2, "n1", "b", on(1)),
                $0.operation(3, "n1", "c", on(2)), $0.operation(4, "n2"),
            ]
            try $0.push(operations).expect(accepted: [4], conflicts: [1, 2, 3])
        },
        rule(
            "conflict/chain/shown", "5.1, 8", "A pull shows baseOpId as it came, and no base."
        ) {
            try $0.push([$0.operation(1, "n1"), $0.operation(2, "n1", "b", on(1))])
            let shown = try $0.pull(1).operations
            try shown.first?.expect("baseOpId", 1)
            try shown.first?.expectNo("base")
        },
    ]

    /// Made on an operation of the same device instead of a revision.
    private static func on(_ opID: UInt64) -> [String: CBORValue?] {
        ["base": nil, "baseOpId": .unsigned(opID)]
    }

    private static func onlyConflict(_ settlement: Settlement) throws -> Fields {
        guard let conflict = settlement.conflicts.first, settlement.conflicts.count == 1 else {
            throw settlement.failure("There are \(settlement.conflicts.count) conflicts, not 1.")
        }
        return conflict
    }
}
