// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// P2 to P4: duplicates.
    static let exactlyOnce: ServerChecks =
        [
            rule(
                "push/exactly-once/again", "7 P3, P4",
                "The same push again is answered like the first, and each operation shows once."
            ) {
                let operations = three($0)
                let first = try $0.push(operations)
                let again = try $0.push(operations)
                try again.expectAccepted([1: 1, 2: 2, 3: 3])
                try again.expect(
                    again.acknowledged == first.acknowledged && again.serverCursor == 3,
                    "The numbers of the answer are others than those of the first.")
                try $0.expectThreeOnce("the push came twice")
            },
            rule(
                "push/exactly-once/lost-response", "7 P4",
                "If the answer is lost, the push is sent again, answered as accepted, and "
                    + "stored once."
            ) {
                let request = $0.request("/v1/push", $0.pushRequest(three($0)))
                for _ in 1...4 {
                    let lost = try $0.server.connect()
                    try lost.send($0.server.bytes(of: request))
                    lost.close()
                    try Settlement($0.server.exchange(request)).expectAccepted([1: 1, 2: 2, 3: 3])
                }
                try $0.expectThreeOnce("answers were lost and the push was sent again")
            },
            rule(
                "push/exactly-once/reset", "7 P4",
                "If the connection is reset behind the request, the push is stored once all "
                    + "the same."
            ) {
                let request = $0.request("/v1/push", $0.pushRequest(three($0)))
                for _ in 1...4 {
                    let lost = try $0.server.connect()
                    try lost.send($0.server.bytes(of: request))
                    lost.close(isReset: true)
                    try Settlement($0.server.exchange(request)).expectAccepted([1: 1, 2: 2, 3: 3])
                }
                try $0.expectThreeOnce("connections were reset and the push was sent again")
            },
            rule(
                "push/exactly-once/pipelined", "7 P4, 4 H4",
                "The same push eight times on one connection, unanswered, is stored once."
            ) {
                let request = $0.request("/v1/push", $0.pushRequest(three($0)))
                let connection = try $0.server.connect()
                for _ in 1...8 { try connection.send($0.server.bytes(of: request)) }
                for _ in 1...8 {
                    try Settlement(Answer(request: request, response: connection.receive()))
                        .expectAccepted([1: 1, 2: 2, 3: 3])
                }
                try $0.expectThreeOnce("the push came eight times")
            },
            rule(
                "push/exactly-once/at-once", "7 P4",
                "The same push on eight connections at once is stored once, and all answers agree."
            ) {
                let request = $0.request("/v1/push", $0.pushRequest(three($0)))
                let bytes = $0.server.bytes(of: request)
                var connections: [Connection] = []
                for _ in 1...8 { connections.append(try $0.server.connect()) }
                // The last byte of each makes the request whole.
                for connection in connections { try connection.send(Array(bytes.dropLast())) }
                for connection in connections { try connection.send([bytes[bytes.count - 1]]) }
                for connection in connections {
                    try Settlement(Answer(request: request, response: connection.receive()))
                        .expectAccepted([1: 1, 2: 2, 3: 3])
                }
                try $0.expectThreeOnce("the push came on eight connections")
            },
            rule(
                "push/exactly-once/cut-off", "7 P4",
                "A push that was cut off and then comes whole is stored once."
            ) {
                let request = $0.request("/v1/push", $0.pushRequest(three($0)))
                let bytes = $0.server.bytes(of: request)
                for missing in [1, 2, 100, bytes.count / 2] {
                    let connection = try $0.server.connect()
                    try connection.send(Array(bytes.dropLast(missing)))
                    connection.close(isReset: missing % 2 == 0)
                }
                try Settlement($0.server.exchange(request)).expectAccepted([1: 1, 2: 2, 3: 3])
                try $0.expectThreeOnce("a cut-off push was sent again")
            },
            rule(
                "push/exactly-once/partly-known", "7 P3",
                "Duplicates and new operations in one push are told apart."
            ) {
                try $0.push(three($0))
                let more = (UInt64(2)...5).map { [device = $0] in device.operation($0, "n\($0)") }
                try $0.push(more).expectAccepted([2: 2, 3: 3, 4: 4, 5: 5])
                try $0.pull().expect(cursors: [1, 2, 3, 4, 5])
            },
            rule(
                "push/exactly-once/before-conflict", "7 P2",
                "A duplicate is no conflict, although the entity has another revision by now."
            ) {
                let other = $0.other("b")
                let first = $0.operation(1, "n1", "a")
                try $0.push([first])
                try other.write(1, "n1", "b", base: 1)
                try $0.push([first]).expectAccepted([1: 1])
                try $0.expectLog([("a", 1), ("b", 1)], "a duplicate was pushed")
            },
            rule(
                "push/exactly-once/before-values", "7 P2",
                "A duplicate is not rejected, although it names both base and baseOpId this time."
            ) {
                try $0.push([$0.operation(1, "n1", "a")])
                try $0.push([$0.operation(1, "n1", "a", ["baseOpId": 9])]).expectAccepted([1: 1])
            },
            rule(
                "push/exactly-once/behind-refused", "7 P2, P7",
                "A duplicate stays one behind an operation on its entity that is refused."
            ) {
                try $0.write(2, "n1")
                let operations = [
                    $0.operation(1, "n1", "", ["opType": "move"]), $0.operation(2, "n1"),
                    $0.operation(3, "n1", "c", ["base": 1]),
                ]
                try $0.push(operations).expect(
                    accepted: [2], conflicts: [3], rejected: [(1, "malformed")])
            },
            rule(
                "push/exactly-once/content-only", "7 P2, 5.1 O5",
                "Content decides what is a duplicate: other stamps, bases and labels do not."
            ) {
                try $0.push([$0.operation(1, "n1", "a")])
                let changes: [String: CBORValue?] = [
                    "timestampMs": 5, "hlc": 9, "base": 77, "entityVersion": 12, "labels": ["x": 1],
                ]
                try $0.push([$0.operation(1, "n1", "a", changes)]).expectAccepted([1: 1])
                try $0.pull().operations.first?.expect("timestampMs", 1_700_000_000_000)
            },
            rule(
                "push/exactly-once/gap", "7 P4",
                "An opId that was not accepted is no duplicate, although a higher one was accepted."
            ) {
                try $0.push([$0.operation(1, "n1"), $0.operation(5, "n5")])
                try $0.push([$0.operation(3, "n3")]).expectAccepted([3: 3])
                try $0.expectLog([("a", 1), ("a", 5), ("a", 3)], "an operation below was pushed")
            },
            rule(
                "push/exactly-once/old", "7 P3, P4",
                "A duplicate of long ago is accepted with the cursor that it got, or, "
                    + "if its entity "
                    + "has a later revision, with cursor 0 in a run of its own."
            ) { try replayOldest($0) },
            rule(
                "push/exactly-once/random", "7 P4",
                "Pushes in any mixture, again and again, store each operation once."
            ) { try replayAtRandom($0) },
        ] + reuse

    /// P2, *reused*.
    private static let reuse =
        rules(
            "push/op-id-reuse", "7 P2",
            "Other content under an accepted opId is rejected as opIdReuse, and not stored.",
            [
                ("content", ["entityCbor": .bytes(Device.note("other"))]),
                ("entity", ["entityId": "n9"]), ("collection", ["collection": "other"]),
                ("type", ["opType": "delete", "entityCbor": nil]),
                ("malformed", ["opType": "move"]), ("no-content", ["entityCbor": nil]),
            ] as [(String, [String: CBORValue?])]
        ) { device, changes in
            try device.push([device.operation(1, "n1", "a"), device.operation(2, "n2")])
            let settlement = try device.push([
                device.operation(1, "n1", "a", changes), device.operation(3, "n3"),
            ])
            try settlement.expect(accepted: [3], rejected: [(1, "opIdReuse")])
            try device.expectLog([("a", 1), ("a", 2), ("a", 3)], "an opId was used again")
        }

    private static func three(_ device: Device) -> [CBORValue] {
        (UInt64(1)...3).map { device.operation($0, "n\($0)") }
    }

    /// Pushes more than the 10 000 operations whose cursors are kept in any case, and then the
    /// oldest three again.
    private static func replayOldest(_ device: Device) throws {
        let oldest = [
            device.operation(1, "n1"), device.operation(2, "n1", "b", ["base": 1]),
            device.operation(3, "n2"),
        ]
        try device.push(oldest).expectAccepted([1: 1, 2: 2, 3: 3])
        let step = min(500, try device.shakeHands().map("limits").uint("maxPushOps"))
        for start in stride(from: 4, through: UInt64(10_100), by: Int(step)) {
            let operations = (start..<start + step).map { device.delete($0, "x", base: 0) }
            try device.push(operations).expectNothingRefused()
        }
        let again = try device.push(oldest)
        try again.expectNothingRefused()
        try again.expect(
            again.accepted[2] == 2 && again.accepted[3] == 3,
            "The current revisions have lost their cursors.")
        try again.expect(
            again.accepted[1] == 1 || again.runs.contains([1, 0, 1]),
            "The superseded operation has neither its cursor nor a run [1, 0, 1].")
    }

    private static func replayAtRandom(_ device: Device) throws {
        var numbers = device.server.numbers(for: "replay")
        let operations = (UInt64(1)...40).map { device.operation($0, "n\($0)") }
        var expected: [UInt64: UInt64] = [:]
        var order: [UInt64] = []
        for _ in 1...60 {
            var chosen: [Int] = []
            for index in operations.indices where numbers.next() % 4 == 0 { chosen.append(index) }
            for index in chosen where expected[UInt64(index + 1)] == nil {
                order.append(UInt64(index + 1))
                expected[UInt64(index + 1)] = UInt64(order.count)
            }
            if Bool.random(using: &numbers) { device.disconnect() }
            let settlement = try device.push(chosen.map { operations[$0] })
            try settlement.expectAccepted(
                expected.filter { chosen.contains(Int($0.key) - 1) })
        }
        try device.expectLog(order.map { ("a", $0) }, "60 pushes overlapped")
    }
}

extension Device {
    fileprivate func expectThreeOnce(_ why: String) throws(ConformanceFailure) {
        try expectLog([(name, 1), (name, 2), (name, 3)], why)
    }
}
