// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// N4, L4 and P10 while several devices push at the same time. The connections all wait for
    /// their last byte, and get it one right after the other.
    static let concurrency: ServerChecks = [
        rule(
            "concurrency/one-order", "2 N4, 8.2 L4",
            "Devices that push at once are all accepted; pulls show each operation once, in one "
                + "order, at the cursors that the answers named."
        ) { device in
            let writers = (0..<8).map { device.other("w\($0)") }
            var cursors: [String: UInt64] = [:]
            for round in UInt64(0)..<5 {
                let answers = try pushAtOnce(
                    writers.map { writer in
                        let operations = (round * 3 + 1...round * 3 + 3).map {
                            writer.operation($0, "\(writer.name)-\($0)")
                        }
                        return (writer, writer.pushRequest(operations))
                    })
                for (writer, answer) in zip(writers, answers) {
                    let settlement = try Settlement(answer)
                    try settlement.expect(accepted: Array(round * 3 + 1...round * 3 + 3))
                    for (opID, cursor) in settlement.accepted {
                        cursors["\(writer.name) \(opID)"] = cursor
                    }
                }
            }
            var expected: UInt64 = 0
            for operation in try device.pullAll(limit: 7) {
                expected += 1
                try operation.expect("cursor", .unsigned(expected))
                let name = "\(try operation.text("deviceId")) \(try operation.uint("opId"))"
                guard cursors.removeValue(forKey: name) == expected else {
                    throw operation.failure("Its push named another cursor, or it shows twice.")
                }
            }
            guard cursors.isEmpty else {
                throw ConformanceFailure("A pull does not show \(cursors.keys.sorted()).")
            }
        },
        rule(
            "concurrency/one-winner", "7.2 P5",
            "Of devices that make an entity at once one is accepted; the others meet its revision."
        ) { device in
            let writers = (0..<8).map { device.other("w\($0)") }
            let answers = try pushAtOnce(
                writers.map { ($0, $0.pushRequest([$0.operation(1, "n1", $0.name)])) })
            let settlements = try answers.map { try Settlement($0) }
            let winners = zip(writers, settlements).filter { !$0.1.accepted.isEmpty }
            guard let winner = winners.first, winners.count == 1 else {
                throw ConformanceFailure("\(winners.count) of 8 devices made the same entity.")
            }
            for (writer, settlement) in zip(writers, settlements) where writer !== winner.0 {
                try settlement.expect(accepted: [], conflicts: [1])
                try settlement.conflicts[0].map("serverState")
                    .expect("deviceId", .text(winner.0.name))
            }
            try device.expectLog([(winner.0.name, 1)], "8 devices made the same entity")
        },
        rule(
            "concurrency/transactions", "7 P10, 5.2 T1",
            "Transactions that are pushed at once are unbroken runs in the log."
        ) { device in
            let writers = (0..<6).map { device.other("w\($0)") }
            let answers = try pushAtOnce(
                writers.map { writer in
                    let operations = (UInt64(1)...20).map {
                        writer.operation($0, "\(writer.name)-\($0)", "", member(($0 - 1) / 5))
                    }
                    return (writer, writer.pushRequest(operations))
                })
            for answer in answers { try Settlement(answer).expect(accepted: Array(1...20)) }
            var cursor: UInt64 = 0
            for _ in 0..<24 {
                let page = try device.pull(since: cursor, limit: 1)
                try page.expect(cursors: Array(cursor + 1...cursor + 5))
                let authors = Set(try page.operations.map { try $0.text("deviceId") })
                try page.expect(authors.count == 1, "A transaction is by \(authors.sorted()).")
                cursor = page.nextCursor
            }
        },
        rule(
            "concurrency/readers", "8.2 L4",
            "A reader beside writers sees every operation: none appears below a cursor it has seen."
        ) { device in
            let writers = (0..<4).map { device.other("w\($0)") }
            var shown: [UInt64] = []
            var cursor: UInt64 = 0
            for round in UInt64(1)...15 {
                let pending = try beginPushes(
                    writers.map {
                        ($0, $0.pushRequest([$0.operation(round, "\($0.name)-\(round)")]))
                    })
                for _ in 1...3 {
                    let page = try device.pull(cursor)
                    shown += try page.cursors()
                    cursor = page.nextCursor
                }
                for push in pending { try Settlement(push.answer()).expect(accepted: [round]) }
            }
            shown += try device.pull(cursor).cursors()
            guard shown == Array(1...60) else {
                throw ConformanceFailure("60 operations were accepted, the reader saw \(shown).")
            }
        },
        rule(
            "concurrency/own-answer", "7 P11",
            "What a push acknowledges shows in a pull on another connection right after its answer."
        ) { device in
            let reader = device.other("b")
            for opID in UInt64(1)...50 {
                let cursor = try device.write(opID, "n\(opID)")
                try reader.pull(cursor - 1).expect(cursors: [cursor])
            }
        },
    ]

    /// A push that was sent.
    private struct Pending {
        var request: Request
        var connection: Connection

        func answer() throws(ConformanceFailure) -> Answer {
            Answer(request: request, response: try connection.receive())
        }
    }

    private static func beginPushes(_ pushes: [(Device, CBORValue)]) throws -> [Pending] {
        var pending: [Pending] = []
        var lasts: [UInt8] = []
        for (device, message) in pushes {
            let request = device.request("/v1/push", message)
            let bytes = device.server.bytes(of: request)
            let connection = try device.connected()
            try connection.send(Array(bytes.dropLast()))
            pending.append(Pending(request: request, connection: connection))
            lasts.append(bytes[bytes.count - 1])
        }
        for (push, last) in zip(pending, lasts) { try push.connection.send([last]) }
        return pending
    }

    private static func pushAtOnce(_ pushes: [(Device, CBORValue)]) throws -> [Answer] {
        try beginPushes(pushes).map { try $0.answer() }
    }
}
