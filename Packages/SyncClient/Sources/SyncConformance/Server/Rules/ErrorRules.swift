// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 11.
    static let errors: ServerChecks = [
        rule(
            "errors/shape", "11, 4 H2",
            "Every status but 200 comes with an error message of the right keys and types."
        ) {
            let unknown = Device($0.server, database: $0.server.freshName(), name: "a")
            let push = $0.request("/v1/push", $0.pushRequest([]))
            for answer in [
                try $0.post("/v1/push", body: [0xFF]),
                try $0.post("/v1/none", body: [0xA0]),
                try $0.post("/v1/pull", $0.pullRequest(["sinceCursor": 5])),
                try $0.post("/v1/handshake", $0.handshakeRequest(["protocolVersion": 99])),
                try unknown.post("/v1/pull", unknown.pullRequest(["logId": nil])),
                try $0.server.exchange(push, contentType: "text/plain"),
                try $0.server.get("/v1/push"),
            ] {
                try answer.expect(answer.status != 200, "The status is 200.")
                let fields = try answer.message()
                _ = try fields.uint("code")
                let message = try fields.text("message")
                try answer.expect(!message.isEmpty, "The message is empty.")
                if fields.has("requestId") { _ = try fields.text("requestId") }
                if fields.has("retryAfterSeconds") {
                    let seconds = try fields.uint("retryAfterSeconds")
                    try answer.expect(
                        answer.header("retry-after") == "\(seconds)",
                        "The header Retry-After is \(answer.header("retry-after")).")
                }
                if fields.has("details") { _ = try fields.map("details") }
            }
        },
        rule(
            "errors/cursor-details", "11",
            "Error 11 has reason, oldestCursor, serverCursor and logId in its details."
        ) {
            try fill($0, 3)
            let details = try $0.post("/v1/pull", $0.pullRequest(["sinceCursor": 4]))
                .refusedCursor("ahead")
            for (key, value) in [
                ("oldestCursor", 0), ("serverCursor", 3), ("logId", .bytes($0.logID)),
            ] as [(String, CBORValue)] {
                try details.expect(key, value)
            }
        },
        rule(
            "errors/no-content", "11",
            "Neither a message nor a rejection holds content or a token."
        ) {
            let secret = "sec\(UInt32.random(in: 1_000_000 ... .max))ret"
            let operations = [
                $0.operation(1, "n1", secret, ["entityVersion": "wrong"]),
                $0.operation(1, "n1", "", ["entityCbor": .text(secret)]),
            ]
            for operation in operations {
                let answer = try $0.post("/v1/push", $0.pushRequest([operation]))
                try answer.refusedAsMalformed()
                try expectNo(secret, in: answer)
            }
            let broken = Array(secret.utf8) + [0xFF]
            let settlement = try $0.push([
                $0.operation(1, "n1", "", ["entityCbor": .bytes(broken)]),
                $0.operation(2, "n1", secret, ["opType": "move"]),
            ])
            try settlement.expect(
                accepted: [], rejected: [(1, "malformed"), (2, "malformed")])
            try expectNo(secret, in: settlement.answer)
            let request = $0.request("/v1/push", $0.pushRequest([]))
            let answer = try $0.server.exchange(
                request, headers: ["X-Token: \(secret)"], contentType: "text/plain")
            try expectNo(secret, in: answer)
            if let token = $0.server.token { try expectNo(token, in: answer) }
        },
        rule("errors/rejection-message", "7", "Every rejection has a message for people.") {
            let settlement = try $0.push([
                $0.operation(1, "n1", "", ["opType": "move"]),
                $0.operation(2, "", ""),
            ])
            let fields = try settlement.answer.success()
            for rejection in try fields.maps("rejected") {
                let message = try rejection.text("message")
                try settlement.expect(!message.isEmpty, "A message is empty.")
            }
        },
    ]

    private static func expectNo(_ secret: String, in answer: Answer) throws {
        let text = Array(secret.utf8)
        let body = answer.body
        let isThere = body.indices.contains { body[$0...].starts(with: text) }
        try answer.expect(!isThere, "The answer holds what was sent in confidence.")
    }
}
