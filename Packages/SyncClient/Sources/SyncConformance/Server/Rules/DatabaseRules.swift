// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// What databases have to do with each other, and S3 outside the handshake.
    static let database: ServerChecks =
        rules(
            "database/unknown", "6 S1", "An unknown database is error 4, and is not made by that.",
            ["push", "pull", "cursor"].map { ($0, $0) }
        ) { device, endpoint in
            let other = Device(device.server, database: device.server.freshName(), name: "a")
            let message =
                switch endpoint {
                case "push": other.pushRequest([other.operation(1, "n1")], ["logId": nil])
                case "pull": other.pullRequest(["logId": nil])
                default: other.cursorRequest(0)
                }
            try other.post("/v1/\(endpoint)", message).refusal(4, 404)
            try other.expectUnknown("error 4 was answered")
        } + [
            rule("database/apart", "1", "Nothing of a database shows in another.") {
                let other = try $0.server.makeDevice()
                try $0.push([$0.operation(1, "n1"), $0.operation(2, "n2")])
                try other.expectNothingStored("another database was written to")
                // The same device, number and entity, which are others here.
                try other.push([other.operation(1, "n1", "other")]).expectAccepted([1: 1])
                try $0.expectLog([("a", 1), ("a", 2)], "another database was written to")
            }
        ] + otherLog + ahead

    private static let otherLog =
        rules(
            "database/other-log", "6 S3",
            "Another logId is error 11, otherLog, and nothing of the request is stored.",
            ["push", "pull"].map { ($0, $0) }
        ) { device, endpoint in
            let change: [String: CBORValue?] = ["logId": .bytes(Device.otherLogID)]
            let message =
                endpoint == "push"
                ? device.pushRequest([device.operation(1, "n1")], change)
                : device.pullRequest(change)
            let details = try device.post("/v1/\(endpoint)", message).refusedCursor("otherLog")
            try details.expect("logId", .bytes(device.logID))
            try details.expect("serverCursor", 0)
            try details.expect("oldestCursor", 0)
            try device.expectNothingStored("a push with another logId was refused")
        }

    private static let ahead =
        rules(
            "database/ahead", "6 S3",
            "A cursor beyond the log is error 11, ahead, and nothing of the request is stored.",
            [
                ("push", ("push", "cursor")), ("pull", ("pull", "sinceCursor")),
                ("snapshot", ("pull", "snapshot")), ("report", ("cursor", "cursor")),
            ]
        ) { device, row in
            let cursor = try device.write(1, "n1")
            let message =
                switch row.0 {
                case "push": device.pushRequest([device.operation(2, "n2")])
                case "pull":
                    device.pullRequest(since: cursor, ["deviceId": .text(device.name)])
                default: device.cursorRequest(cursor)
                }
            for number in [cursor + 1, UInt64(Int64.max)] {
                let changed = message.changed([row.1: .unsigned(number)])
                try device.post("/v1/\(row.0)", changed).refusedCursor("ahead")
            }
            try device.expectLog([("a", 1)], "error 11 was answered")
            // The cursor of the log itself is not ahead of it.
            let good = try device.post(
                "/v1/\(row.0)", message.changed([row.1: .unsigned(cursor)]))
            _ = try good.success()
        }
}
