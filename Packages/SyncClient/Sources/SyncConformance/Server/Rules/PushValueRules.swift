// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// P2, *faulty*: what is wrong with one operation and says nothing about the others.
    static let pushValues: ServerChecks =
        rules(
            "push/value", "7 P2",
            "An operation whose values break a rule is rejected as malformed, alone: those beside "
                + "it are accepted.",
            [
                ("collection-empty", ["collection": ""]),
                ("collection-long", ["collection": text(129)]),
                ("collection-local", ["collection": "_local"]),
                ("entity-empty", ["entityId": ""]), ("entity-long", ["entityId": text(257)]),
                ("op-type", ["opType": "move"]), ("op-type-case", ["opType": "Upsert"]),
                ("both-bases", ["baseOpId": 1]),
                ("no-content", ["entityCbor": nil]), ("null-content", ["entityCbor": .null]),
                ("empty-content", ["entityCbor": .bytes([])]),
                ("cut-content", ["entityCbor": .bytes([0x82, 0x01])]),
                ("two-items", ["entityCbor": .bytes([0x01, 0x02])]),
                ("reserved-head", ["entityCbor": .bytes([0x1C])]),
                ("deep-content", ["entityCbor": .bytes(nested(65))]),
                ("delete-with-content", ["opType": "delete"]),
                ("labels-many", ["labels": labels(17, of: 1)]),
                ("labels-large", ["labels": labels(8, of: 128)]),
            ] as [(String, [String: CBORValue?])]
        ) { device, changes in
            let operations = [
                device.operation(1, "n1"), device.operation(2, "n2", "", changes),
                device.operation(3, "n3"),
            ]
            let settlement = try device.push(operations)
            try settlement.expect(accepted: [1, 3], rejected: [(2, "malformed")])
            try settlement.expect(acknowledged: 1)
            try device.expectLog([("a", 1), ("a", 3)], "the operation between was rejected")
        }
        + rules(
            "push/value/taken", "5.1, 2",
            "Names, labels and content may be as large as their rules say.",
            [
                ("collection", ["collection": text(128)]), ("entity", ["entityId": text(256)]),
                ("entity-bytes", ["entityId": .text(String(repeating: "é", count: 128))]),
                ("local-inside", ["collection": "a_b"]),
                ("labels", ["labels": labels(16, of: 50)]),
                ("null-keys", ["hlc": .null, "labels": .null, "transactionId": .null]),
                ("content-scalar", ["entityCbor": .bytes([0xF6])]),
                ("content-deep", ["entityCbor": .bytes(nested(64))]),
            ] as [(String, [String: CBORValue?])]
        ) { device, changes in
            let operation = device.operation(1, "n1", "", changes)
            try device.push([operation]).expect(accepted: [1])
            let shown = try device.pullAll()
            guard shown.count == 1 else { throw ConformanceFailure("A pull does not show it.") }
            for (key, value) in operation.entries where value != .null {
                try shown[0].expect(key, value)
            }
        }
        + [
            rule(
                "push/value/free-op-id", "7 P4", "An opId that was refused stays free."
            ) {
                try $0.write(1, "n1")
                let operations = [
                    $0.operation(2, "n1"), $0.operation(3, "n2", "", ["opType": "move"]),
                ]
                try $0.push(operations).expect(
                    accepted: [], conflicts: [2], rejected: [(3, "malformed")])
                try $0.push([$0.operation(2, "m2"), $0.operation(3, "m3")])
                    .expectAccepted([2: 2, 3: 3])
            },
            rule(
                "push/value/before-conflict", "7 P2",
                "What is malformed is rejected, also if it was made on an older revision."
            ) {
                try $0.write(1, "n1")
                try $0.push([$0.operation(2, "n1", "", ["entityCbor": nil])])
                    .expect(accepted: [], rejected: [(2, "malformed")])
            },
            rule(
                "push/value/order", "7",
                "rejected and conflicts each have the order of the request."
            ) {
                try $0.write(1, "n1")
                let bad: [String: CBORValue?] = ["opType": "move"]
                let operations = [
                    $0.operation(2, "a", "", bad), $0.operation(3, "n1"), $0.operation(4, "b"),
                    $0.operation(5, "c", "", bad), $0.operation(6, "n1"),
                    $0.operation(7, "d", "", bad),
                ]
                try $0.push(operations).expect(
                    accepted: [4], conflicts: [3, 6],
                    rejected: [(2, "malformed"), (5, "malformed"), (7, "malformed")])
            },
        ]

    private static func text(_ count: Int) -> CBORValue {
        .text(String(repeating: "x", count: count))
    }

    /// Labels whose values are texts.
    private static func labels(_ count: Int, of length: Int) -> CBORValue {
        .message(
            (0..<count).reduce(into: [:]) { labels, index in
                labels["l\(index)"] = text(length)
            })
    }

    /// An item that nests so deep.
    static func nested(_ depth: Int) -> [UInt8] {
        [UInt8](repeating: 0x81, count: depth - 1) + [0x80]
    }
}
