// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 12. A limit that is far above its default is left alone: to pass it costs too much.
    static let limits: ServerChecks =
        [
            rule("limits/push-ops", "12", "maxPushOps operations are taken, one more is 413.") {
                let maximum = try limit("maxPushOps", atMost: 20_000, $0)
                let operations = (1...maximum + 1).map { [device = $0] in
                    device.operation($0, "n\($0)")
                }
                let answer = try $0.post("/v1/push", $0.pushRequest(operations))
                try expectTooLarge(answer, "maxPushOps", maximum)
                try $0.expectNothingStored("413 was answered")
                try $0.push(operations.dropLast()).expect(accepted: Array(1...maximum))
            },
            rule(
                "limits/transaction-ops", "12",
                "A transaction alone may have maxTransactionOps operations, one more is 413."
            ) {
                let maximum = try limit("maxTransactionOps", atMost: 50_000, $0)
                let operations = (1...maximum + 1).map { [device = $0] in
                    device.operation($0, "n\($0)", "", member(7))
                }
                let answer = try $0.post("/v1/push", $0.pushRequest(operations))
                try expectTooLarge(answer, "maxTransactionOps", maximum)
                try $0.expectNothingStored("413 was answered")
                try $0.push(operations.dropLast()).expect(accepted: Array(1...maximum))
                let page = try $0.pull(since: 0, limit: 1)
                try page.expect(
                    page.operations.count == Int(maximum),
                    "A pull with limit 1 shows \(page.operations.count) of \(maximum) members.")
            },
            rule(
                "limits/entity", "12",
                "Content of maxEntityBytes is taken; with one more the operation is "
                    + "tooLarge, alone."
            ) {
                let maximum = try limit("maxEntityBytes", atMost: 4 << 20, $0)
                func content(_ count: UInt64) -> CBORValue {
                    // Five bytes of head, or fewer for a very small limit.
                    let head = CBORValue.bytes(.init(repeating: 0, count: Int(count))).encoded()
                        .count
                    let body = Int(count) - (head - Int(count))
                    return .bytes(CBORValue.bytes(.init(repeating: 7, count: body)).encoded())
                }
                guard maximum >= 65_541 || (30...250).contains(maximum) else {
                    throw ConformanceSkip("maxEntityBytes is \(maximum), near where heads grow.")
                }
                let operations = [
                    $0.operation(1, "n1", "", ["entityCbor": content(maximum)]),
                    $0.operation(2, "n2", "", ["entityCbor": content(maximum + 1)]),
                    $0.operation(3, "n3"),
                ]
                try $0.push(operations).expect(accepted: [1, 3], rejected: [(2, "tooLarge")])
            },
            rule(
                "limits/body/declared", "12",
                "A body that declares more than maxBodyBytes is 413, before it is sent."
            ) {
                let maximum = try limit("maxBodyBytes", atMost: .max, $0)
                let request = Request(
                    method: "POST", path: "/v1/push", manner: "Content-Length: \(maximum + 1)")
                let head = $0.server.head(
                    of: request,
                    ["Content-Type: application/cbor", "Content-Length: \(maximum + 1)"])
                try expectTooLarge($0.server.exchange(request, as: head), "maxBodyBytes", maximum)
            },
            rule(
                "limits/body/chunked", "12", "Chunks of more than maxBodyBytes in all are 413."
            ) {
                let maximum = try limit("maxBodyBytes", atMost: 64 << 20, $0)
                let request = Request(
                    method: "POST", path: "/v1/push",
                    manner: "chunks of \(maximum + 1) bytes in all")
                let chunk = [UInt8](repeating: 0, count: 65_536)
                let connection = try $0.server.connect()
                try connection.send(
                    $0.server.head(
                        of: request,
                        ["Content-Type: application/cbor", "Transfer-Encoding: chunked"]))
                var left = Int(maximum) + 1
                while left > 0, !connection.hasNews {
                    let count = min(left, chunk.count)
                    let size = String(count, radix: 16) + "\r\n"
                    try connection.send(Array(size.utf8) + chunk[..<count] + [13, 10])
                    left -= count
                }
                try expectTooLarge(
                    Answer(request: request, response: connection.receive()), "maxBodyBytes",
                    maximum)
            },
            rule(
                "limits/body/largest", "12", "A body of maxBodyBytes is taken."
            ) {
                let maximum = try limit("maxBodyBytes", atMost: 64 << 20, $0)
                let empty = $0.pushRequest([], ["unknown": .bytes([])]).encoded().count
                // The head of a byte string of that size has four bytes more.
                guard maximum >= 65_536 + UInt64(empty) + 4 else {
                    throw ConformanceSkip("maxBodyBytes is \(maximum), near where heads grow.")
                }
                let padding = [UInt8](repeating: 0, count: Int(maximum) - empty - 4)
                let message = $0.pushRequest([], ["unknown": .bytes(padding)])
                guard message.encoded().count == maximum else {
                    throw ConformanceSkip("A body of just \(maximum) bytes cannot be made.")
                }
                try Settlement($0.post("/v1/push", message)).expect(accepted: [])
            },
            rule("limits/page-ops", "12", "A page has at most maxPullOps operations.") {
                let maximum = try limit("maxPullOps", atMost: 20_000, $0)
                let step = min(try limit("maxPushOps", atMost: .max, $0), 500)
                for start in stride(from: 1, through: maximum + 1, by: Int(step)) {
                    let operations = (start...min(start + step - 1, maximum + 1)).map {
                        [device = $0] in device.operation($0, "n\($0)")
                    }
                    try $0.push(operations).expectNothingRefused()
                }
                let page = try $0.pull(["limit": .unsigned(maximum + 1)])
                try page.expect(
                    page.operations.count == Int(maximum) && page.hasMore,
                    "The page has \(page.operations.count) operations and maxPullOps is \(maximum)."
                )
            },
        ]
        + rules(
            "limits/head", "12", "More headers than a server takes are 431 with error 1.",
            [("bytes", (20, 100_000)), ("count", (5_000, 5))]
        ) { device, row in
            var request = device.request("/v1/push", device.pushRequest([]))
            request.manner = "\(row.0) more headers of \(row.1) bytes"
            let headers = (0..<row.0).map { "X-H\($0): \(String(repeating: "x", count: row.1))" }
            let answer = try device.server.exchange(
                request, as: device.server.bytes(of: request, headers: headers))
            try answer.refusal(1, 431)
        }

    /// A limit of the server, unless it is larger than is sensible to pass.
    private static func limit(
        _ name: String, atMost ceiling: UInt64, _ device: Device
    ) throws -> UInt64 {
        let maximum = try device.shakeHands().map("limits").uint(name)
        guard maximum <= ceiling else {
            throw ConformanceSkip("\(name) is \(maximum); this check goes up to \(ceiling).")
        }
        return maximum
    }

    private static func expectTooLarge(
        _ answer: Answer, _ name: String, _ maximum: UInt64
    ) throws {
        let details = try answer.refusal(1, 413).map("details")
        try details.expect("limit", .text(name))
        try details.expect("maximum", .unsigned(maximum))
    }
}
