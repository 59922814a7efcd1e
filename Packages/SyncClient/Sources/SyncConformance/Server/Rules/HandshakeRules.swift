// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 6.
    static let handshake: ServerChecks =
        [
            rule("handshake/answer", "6", "A handshake's answer has all keys, of the right types.")
            {
                try expectWholeAnswer(try $0.shakeHands())
            },
            rule(
                "handshake/new-database", "6 S1", "A new database is empty: all its numbers are 0."
            ) {
                let fields = try $0.shakeHands()
                for key in ["serverCursor", "lastOpId", "oldestCursor"] {
                    try fields.expect(key, 0)
                }
            },
            rule(
                "handshake/capabilities", "6",
                "The server says that it can do pull and push."
            ) {
                let capabilities = try $0.shakeHands().map("capabilities")
                for key in ["pull", "push"] { try capabilities.expect(key, true) }
            },
            rule("handshake/same-log", "2", "Every handshake of a database names the same logId.") {
                let first = $0.logID
                try $0.other("b").shakeHands().expect("logId", .bytes(first))
                $0.disconnect()
                try $0.shakeHands().expect("logId", .bytes(first))
            },
            rule("handshake/other-databases-log", "2", "Two databases have different logIds.") {
                let other = try $0.server.makeDevice()
                guard other.logID != $0.logID else {
                    throw ConformanceFailure("Two databases have the logId h'\(other.logID.hex)'.")
                }
            },
            rule("handshake/known-log", "6 S3", "The server's own logId and cursor are taken.") {
                let cursor = try $0.write(1, "n1")
                try $0.shakeHands(["logId": .bytes($0.logID), "cursor": .unsigned(cursor)])
                    .expect("serverCursor", .unsigned(cursor))
            },
            rule("handshake/server-cursor", "6", "serverCursor is the last cursor of the log.") {
                try $0.push([$0.operation(1, "n1"), $0.operation(2, "n2")])
                try $0.shakeHands().expect("serverCursor", 2)
            },
            rule(
                "handshake/last-op-id", "6",
                "lastOpId is the highest opId that was accepted from this device, and from "
                    + "no other."
            ) {
                try $0.push([$0.operation(3, "n1"), $0.operation(7, "n2")])
                // The one is in conflict and the other malformed: neither is accepted.
                try $0.push([$0.operation(8, "n1"), $0.operation(9, "n3", "", ["opType": "move"])])
                try $0.shakeHands().expect("lastOpId", 7)
                try $0.other("b").shakeHands().expect("lastOpId", 0)
            },
            rule(
                "handshake/no-session", "6 S4", "A device may push and pull without a handshake."
            ) {
                let other = $0.other("b")
                try other.push([other.operation(1, "n1")]).expect(accepted: [1])
                try other.pull(0).expect(cursors: [1])
            },
            rule("handshake/metadata", "6", "clientInfo may have metadata, a map of text to text.")
            {
                try $0.shakeHands([
                    "clientInfo": [
                        "platform": "p", "appVersion": "1", "metadata": ["locale": "de", "": "x"],
                    ]
                ])
            },
            rule("handshake/version/absent", "6", "Without protocolVersion version 1 is meant.") {
                try $0.shakeHands(["protocolVersion": nil]).expect("protocolVersion", 1)
            },
        ]
        + rules(
            "handshake/version", "6 S2",
            "A version that the server does not speak is error 5, which names both; nothing "
                + "is made.",
            [("zero", 0 as UInt64), ("future", 4_711)]
        ) { device, version in
            let other = Device(device.server, database: device.server.freshName(), name: "a")
            let answer = try other.post(
                "/v1/handshake", other.handshakeRequest(["protocolVersion": .unsigned(version)]))
            let message = try answer.refusal(5, 426).text("message")
            for number in ["\(version)", "1"] where !message.contains(number) {
                throw answer.failure("The message does not name version \(number).")
            }
            try other.expectUnknown("the handshake was refused")
        } + otherLogs + [
            rule(
                "handshake/cursor-0-of-no-database", "6 S3",
                "A cursor of 0 is not ahead: the handshake makes the database."
            ) {
                let other = Device($0.server, database: $0.server.freshName(), name: "a")
                try other.shakeHands(["cursor": 0]).expect("serverCursor", 0)
            }
        ]

    /// S3 for handshakes.
    private static let otherLogs: ServerChecks =
        [
            rule("handshake/other-log", "6 S3", "Another logId is error 11, otherLog.") {
                let details = try $0.post(
                    "/v1/handshake", $0.handshakeRequest(["logId": .bytes(Device.otherLogID)])
                ).refusedCursor("otherLog")
                try details.expect("logId", .bytes($0.logID))
            },
            rule("handshake/ahead", "6 S3", "A cursor beyond the server's is error 11, ahead.") {
                let cursor = try $0.write(1, "n1")
                let details = try $0.post(
                    "/v1/handshake", $0.handshakeRequest(["cursor": .unsigned(cursor + 1)])
                ).refusedCursor("ahead")
                try details.expect("serverCursor", .unsigned(cursor))
            },
        ]
        + rules(
            "handshake/nothing-made", "6 S3",
            "Any logId and any cursor above 0 are error 11 for a database that does not exist, and "
                + "make none.",
            [
                ("other-log", ("logId", CBORValue.bytes(Device.otherLogID), "otherLog")),
                ("ahead", ("cursor", 1, "ahead")),
            ]
        ) { device, row in
            let other = Device(device.server, database: device.server.freshName(), name: "a")
            let details = try other.post("/v1/handshake", other.handshakeRequest([row.0: row.1]))
                .refusedCursor(row.2)
            try details.expectNo("logId")
            try other.expectUnknown("the handshake was refused")
        }

    private static func expectWholeAnswer(_ fields: Fields) throws {
        let logID = try fields.bytes("logId")
        try fields.answer.expect(logID.count == 16, "logId has \(logID.count) bytes and not 16.")
        let limits = try fields.map("limits")
        for key in [
            "maxPullOps", "maxPushOps", "maxBodyBytes", "maxPageBytes", "maxEntityBytes",
            "maxTransactionOps",
        ] {
            let limit = try limits.uint(key)
            try fields.answer.expect(limit > 0, "The limit \(key) is 0.")
        }
        let capabilities = try fields.map("capabilities")
        for (key, value) in capabilities.map {
            guard case .text = key, case .bool = value else {
                throw capabilities.failure("\(key): \(value) is not text to bool.")
            }
        }
        for key in ["lastOpId", "oldestCursor", "serverCursor", "serverTimeMs"] {
            _ = try fields.uint(key)
        }
        try fields.expect("protocolVersion", 1)
        switch fields["conflictPolicy"] {
        case .text: break
        case .map(let policies):
            guard case .text = policies[key: ""] else {
                throw fields.failure("conflictPolicy has no default under the key \"\".")
            }
        default: throw fields.failure("conflictPolicy is neither text nor a map.")
        }
    }

    /// N5: the names of a request.
    static let names: ServerChecks =
        rules(
            "handshake/name/database", "2 N5", "A dbId that breaks its rule is error 1.", badNames
        ) { device, name in
            try device.post("/v1/handshake", device.handshakeRequest(["dbId": .text(name)]))
                .refusedAsMalformed()
        }
        + rules(
            "handshake/name/device", "2 N5", "A deviceId that breaks its rule is error 1.",
            badNames + [("server", "~server")]
        ) { device, name in
            try device.post("/v1/handshake", device.handshakeRequest(["deviceId": .text(name)]))
                .refusedAsMalformed()
        } + [
            rule(
                "handshake/name/allowed", "2", "Names have any of their characters, and up to 128."
            ) {
                let name = "AZaz09._~-" + String(repeating: "x", count: 118)
                let other = $0.other(name)
                try other.shakeHands()
                try other.push([other.operation(1, "n1")]).expect(accepted: [1])
                let database = $0.server.freshName() + "._~-AZ09"
                let padding = String(repeating: "y", count: 128 - database.utf8.count)
                try Device($0.server, database: database + padding, name: "...").shakeHands()
            },
            rule("handshake/name/case", "2 N2", "Two names that differ in case are two databases.")
            {
                let lower = Device($0.server, database: $0.database + "-a", name: "a")
                let upper = Device($0.server, database: $0.database + "-A", name: "a")
                try lower.shakeHands()
                try upper.shakeHands()
                try lower.write(1, "n1")
                try upper.expectNothingStored("another database was written to")
            },
        ]

    private static let badNames: [(String, String)] = [
        ("empty", ""), ("long", String(repeating: "a", count: 129)), ("dot", "."), ("dots", ".."),
        ("slash", "a/b"), ("blank", "a b"), ("letter", "é"), ("nul", "a\u{0}"),
    ]
}

extension Device {
    /// A log that nobody has.
    static let otherLogID = [UInt8](repeating: 0xA5, count: 16)

    /// Throws unless the server knows no such database.
    func expectUnknown(_ why: String) throws(ConformanceFailure) {
        let answer = try post("/v1/pull", pullRequest(["logId": nil]))
        guard answer.status == 404 else {
            throw answer.failure("\(why), and then the database is there.")
        }
        try answer.refusal(4, 404)
    }

    /// Pulls one page, with changes to the request alone.
    func pull(_ changes: [String: CBORValue?]) throws(ConformanceFailure) -> Page {
        try pull(since: 0, changes)
    }

    /// Pulls one page behind a cursor.
    func pull(_ cursor: UInt64) throws(ConformanceFailure) -> Page {
        try pull(since: cursor)
    }

    func pullRequest(_ changes: [String: CBORValue?]) -> CBORValue {
        pullRequest(since: 0, changes)
    }
}
