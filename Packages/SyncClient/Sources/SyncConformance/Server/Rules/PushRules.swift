// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 7: what an answer says.
    static let push: ServerChecks =
        [
            rule(
                "push/stored", "7, 8",
                "What a push acknowledges shows in the next pull, as it came."
            ) {
                let operation = $0.operation(
                    5, "n1", "milk",
                    [
                        "hlc": 111_411_200_000_000_007, "entityVersion": 3, "transactionId": 9,
                        "labels": ["tenant": "t1", "level": 3, "open": true],
                    ])
                try $0.push([operation]).expectAccepted([5: 1])
                let page = try $0.pull()
                try page.expect(cursors: [1])
                let got = CBORValue.map(page.operations[0].map)
                let wanted = operation.changed(["cursor": 1])
                try page.expect(got == wanted, "The operation is not the one that was pushed.")
            },
            rule(
                "push/cursors", "2 N4", "Cursors are given as 1, 2, 3 in the order of acceptance."
            ) {
                for opID in UInt64(1)...4 {
                    try $0.push([$0.operation(opID, "n\(opID)")]).expectAccepted([opID: opID])
                }
                let three = (UInt64(5)...7).map { [device = $0] in device.operation($0, "n\($0)") }
                try $0.push(three).expectAccepted([5: 5, 6: 6, 7: 7])
                try $0.pull().expect(cursors: Array(1...7))
            },
            rule("push/order", "7 P10", "The log has the operations in the order of the request.") {
                try $0.push([$0.operation(2, "b"), $0.operation(4, "a"), $0.operation(9, "c")])
                try $0.expectLog([("a", 2), ("a", 4), ("a", 9)], "three operations were pushed")
            },
            rule("push/server-cursor", "7", "serverCursor counts what this push added.") {
                let other = $0.other("b")
                try other.push([other.operation(1, "x"), other.operation(2, "y")])
                let settlement = try $0.push([$0.operation(1, "n1")])
                try settlement.expect(
                    settlement.serverCursor == 3,
                    "serverCursor is \(settlement.serverCursor), not 3.")
            },
            rule(
                "push/runs", "7 P3",
                "accepted has ascending runs in which both numbers go up by one, as long as can be."
            ) {
                let other = $0.other("b")
                try $0.push([1, 2, 3].map { [device = $0] in device.operation($0, "n\($0)") })
                    .expect(runs: [[1, 1, 3]])
                try other.push([other.operation(1, "x")]).expect(runs: [[1, 4, 1]])
                // Gaps in the opIds end runs, and so do gaps in the cursors: 3 is a duplicate.
                try $0.push(
                    [3, 4, 5, 7, 8].map { [device = $0] in device.operation($0, "n\($0)") }
                )
                .expect(runs: [[3, 3, 1], [4, 5, 2], [7, 7, 2]])
            },
            rule(
                "push/runs/refused-between", "7 P3",
                "An operation that is refused ends a run: its neighbours are in two."
            ) {
                let operations = [
                    $0.operation(1, "n1"), $0.operation(2, "n2", "", ["opType": "move"]),
                    $0.operation(3, "n3"),
                ]
                try $0.push(operations).expect(runs: [[1, 1, 1], [3, 2, 1]])
            },
            rule(
                "push/empty", "7 P9",
                "An empty push is answered with the highest opId that was ever accepted."
            ) {
                let first = try $0.push([])
                try first.expect(accepted: [])
                try first.expect(acknowledged: 0)
                try $0.push([$0.operation(3, "n1"), $0.operation(8, "n2")])
                try $0.push([]).expect(acknowledged: 8)
                try $0.other("b").push([]).expect(acknowledged: 0)
            },
            rule(
                "push/acknowledged", "7 P9",
                "acknowledgedUpToOpId is one less than the lowest opId that was refused, else the "
                    + "highest of the request."
            ) {
                try $0.push([$0.operation(2, "n1"), $0.operation(4, "n2")]).expect(acknowledged: 4)
                // 7 is in conflict and 9 is malformed.
                let operations = [
                    $0.operation(6, "n3"), $0.operation(7, "n1"), $0.operation(8, "n4"),
                    $0.operation(9, "n5", "", ["opType": "move"]),
                ]
                try $0.push(operations).expect(acknowledged: 6)
                try $0.push([$0.operation(10, "n5", "", ["opType": "move"])]).expect(
                    acknowledged: 9)
                // It speaks of this request alone.
                try $0.push([$0.operation(2, "n1")]).expect(acknowledged: 2)
            },
            rule(
                "push/cursor-of-operation", "5.1",
                "The cursor of a pushed operation is not looked at."
            ) {
                try $0.push([$0.operation(1, "n1", "", ["cursor": 99])]).expectAccepted([1: 1])
                try $0.pull().expect(cursors: [1])
            },
            rule(
                "push/op-ids-of-devices", "2 N3", "Two devices may use the same opId."
            ) {
                let other = $0.other("b")
                try $0.push([$0.operation(1, "n1")]).expectAccepted([1: 1])
                try other.push([other.operation(1, "n2")]).expectAccepted([1: 2])
                try $0.expectLog([("a", 1), ("b", 1)], "both pushed their operation 1")
            },
            rule("push/same-content", "5.1", "Content may be the same as before: it is a revision.")
            {
                let cursor = try $0.write(1, "n1", "same")
                try $0.push([$0.operation(2, "n1", "same", ["base": .unsigned(cursor)])])
                    .expectAccepted([2: 2])
            },
            rule("push/names-are-bytes", "2 N2", "Names are equal only if their bytes are.") {
                let names = ["\u{E9}", "e\u{301}", "\u{212B}", "\u{C5}", "n", "N"]
                let operations = names.enumerated().map { [device = $0] in
                    device.operation(UInt64($0.offset + 1), $0.element)
                }
                try $0.push(operations).expect(accepted: Array(1...6))
                let shown = try $0.pullAll().map { Array(try $0.text("entityId").utf8) }
                guard shown == names.map({ Array($0.utf8) }) else {
                    throw ConformanceFailure("A pull shows the entities \(shown) for \(names).")
                }
            },
            rule("push/older-op-types", "5.1 O1", "PUT is taken for upsert and DELETE for delete.")
            {
                try $0.push([$0.operation(1, "n1", "", ["opType": "PUT"])]).expectAccepted([1: 1])
                try $0.push([$0.delete(2, "n1", base: 1, ["opType": "DELETE"])])
                    .expectAccepted([2: 2])
                let types = try $0.pullAll().map { try $0.text("opType") }
                guard types == ["upsert", "delete"] else {
                    throw ConformanceFailure("A pull shows them as \(types).")
                }
            },
        ]
        + rules(
            "push/delete-content", "5.1 O1",
            "In a delete, entityCbor that is null or has no bytes counts as absent.",
            [("null", CBORValue.null), ("no-bytes", .bytes([]))]
        ) { device, value in
            try device.write(1, "n1")
            try device.push([device.delete(2, "n1", base: 1, ["entityCbor": value])])
                .expectAccepted([2: 2])
            for operation in try device.pull(1).operations { try operation.expectNo("entityCbor") }
        }
}

extension Settlement {
    func expect(runs wanted: [[UInt64]]) throws(ConformanceFailure) {
        try expect(runs == wanted, "accepted is \(runs) instead of \(wanted).")
    }

    func expect(acknowledged wanted: UInt64) throws(ConformanceFailure) {
        try expect(
            acknowledged == wanted,
            "acknowledgedUpToOpId is \(acknowledged) instead of \(wanted).")
    }
}
