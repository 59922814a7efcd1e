// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 3: what is sent, what is taken, and the entity.
    static let encoding: ServerChecks =
        deterministic
        + rules(
            "encoding/taken", "3 E3",
            "Valid CBOR of the right shape is taken, however it is written.",
            [
                ("key-order", LooseEncoding(isReversed: true)),
                ("long-heads", LooseEncoding(isLong: true)),
                ("indefinite", LooseEncoding(isIndefinite: true)),
                ("all", LooseEncoding(isIndefinite: true, isLong: true, isReversed: true)),
            ]
        ) { device, loose in
            let operation = device.operation(1, "n1", "ä", ["labels": ["tenant": "t"]])
            let message = device.pushRequest([operation], ["cursor": 0])
            try Settlement(device.post("/v1/push", body: loose.encode(message)))
                .expectAccepted([1: 1])
            let request = device.pullRequest(["collections": ["notes"]])
            let page = try Page(device.post("/v1/pull", body: loose.encode(request)))
            try page.expect(cursors: [1])
            for (key, value) in operation.entries { try page.operations[0].expect(key, value) }
            for (endpoint, request) in [
                ("handshake", device.handshakeRequest()), ("cursor", device.cursorRequest(1)),
            ] {
                _ = try device.post("/v1/\(endpoint)", body: loose.encode(request)).success()
            }
        }
        + [
            rule("encoding/taken/unknown-keys", "3 E3", "Unknown keys are skipped and not stored.")
            {
                let unknown: [String: CBORValue?] = [
                    "": 1, "zzz": [.float(1.5), .null, ["deep": [.tagged(1, 2)]], .simple(99)],
                    "cursors": .negative(.max), "Ops": .undefined, "opid": .bytes([1]),
                ]
                let operation = $0.operation(1, "n1").changed(unknown)
                try Settlement($0.post("/v1/push", $0.pushRequest([operation]).changed(unknown)))
                    .expectAccepted([1: 1])
                let page = try Page($0.post("/v1/pull", $0.pullRequest(unknown)))
                try page.expect(cursors: [1])
                for key in unknown.keys { try page.operations[0].expectNo(key) }
                try $0.shakeHands(unknown)
                _ = try $0.post("/v1/cursor", $0.cursorRequest(1).changed(unknown)).success()
            },
            rule("encoding/taken/null", "3 E3", "null for an optional key means that it is absent.")
            {
                let nulls: [String: CBORValue?] = [
                    "hlc": .null, "labels": .null, "baseOpId": .null, "cursor": .null,
                    "transactionId": .null,
                ]
                try $0.push([$0.operation(1, "n1", "", nulls)], ["cursor": .null, "logId": .null])
                    .expectAccepted([1: 1])
                let page = try $0.pull([
                    "logId": .null, "waitMs": .null, "deviceId": .null, "maxBytes": .null,
                    "snapshot": .null, "includeOwn": .null, "collections": .null,
                ])
                try page.expect(cursors: [1])
                for key in nulls.keys where key != "cursor" {
                    try page.operations[0].expectNo(key)
                }
                try $0.shakeHands(["logId": .null, "cursor": .null, "protocolVersion": .null])
            },
            rule("encoding/taken/depth", "3 E4", "A message may nest 16 deep.") {
                let deep = nestedArrays(15)
                try $0.push([], ["unknown": deep]).expect(accepted: [])
            },
        ] + entity

    /// E2.
    private static let deterministic: ServerChecks = [
        rule(
            "encoding/deterministic/answers", "3 E2",
            "Every answer is in Core Deterministic Encoding."
        ) {
            let other = $0.other("b")
            try other.write(1, "n1", "b", base: 0, ["hlc": 5, "labels": ["k": 1, "a": 2]])
            let operations = [
                $0.operation(1, "n1"), $0.operation(2, "n2", "", ["opType": "move"]),
                $0.operation(3, "n3", "", ["transactionId": 300, "hlc": 1]),
                $0.operation(9, "n9", "", ["labels": ["bb": 1, "a": true, "c": "x"]]),
            ]
            for answer in [
                try $0.post("/v1/handshake", $0.handshakeRequest()),
                try $0.post("/v1/push", $0.pushRequest(operations)),
                try $0.post("/v1/pull", $0.pullRequest([:])),
                try $0.post("/v1/cursor", $0.cursorRequest(1)),
            ] {
                try answer.expectDeterministic()
                _ = try answer.success()
            }
        },
        rule(
            "encoding/deterministic/errors", "3 E2",
            "Every error message is in Core Deterministic Encoding."
        ) {
            let unknown = Device($0.server, database: $0.server.freshName(), name: "a")
            for answer in [
                try $0.post("/v1/push", body: [0xFF]),
                try $0.post("/v1/pull", $0.pullRequest(["sinceCursor": 5])),
                try $0.post("/v1/handshake", $0.handshakeRequest(["protocolVersion": 99])),
                try unknown.post("/v1/pull", unknown.pullRequest(["logId": nil])),
                try $0.post("/v1/none", $0.handshakeRequest()),
            ] {
                try answer.expectDeterministic()
                try answer.expect(answer.status != 200, "The status is 200.")
            }
        },
    ]

    /// E5.
    private static let entity: ServerChecks = [
        rule(
            "encoding/entity/bytes", "3 E5",
            "Content is carried and stored byte for byte, however it is encoded."
        ) {
            let contents: [[UInt8]] = [
                [0xBF, 0x61, 0x62, 0x18, 0x01, 0x61, 0x61, 0x1B, 0, 0, 0, 0, 0, 0, 0, 2, 0xFF],
                [0xFB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0], [0x9F, 0xFF], [0xF9, 0x7E, 0x01],
                [0x5F, 0x41, 1, 0x40, 0xFF], [0xD8, 0x18, 0x41, 0], [0xA2, 1, 1, 1, 1],
            ]
            let operations = contents.enumerated().map { [device = $0] in
                device.operation(
                    UInt64($0.offset + 1), "n\($0.offset)", "", ["entityCbor": .bytes($0.element)])
            }
            try $0.push(operations).expect(accepted: Array(1...7))
            for (operation, content) in zip(try $0.pullAll(), contents) {
                try operation.expect("entityCbor", .bytes(content))
            }
        },
        rule(
            "encoding/entity/large", "3 E5", "Content of 100 000 bytes comes back as it was sent."
        ) {
            var numbers = $0.server.numbers(for: "large")
            let bytes = numbers.bytes(100_000)
            let content = CBORValue.bytes(CBORValue.bytes(bytes).encoded())
            try $0.push([$0.operation(1, "n1", "", ["entityCbor": content])])
                .expectAccepted([1: 1])
            guard let shown = try $0.pullAll().first, shown["entityCbor"] == content else {
                throw ConformanceFailure("A pull shows other bytes.")
            }
        },
    ]

    /// Arrays in each other.
    static func nestedArrays(_ depth: Int) -> CBORValue {
        (1..<depth).reduce([]) { value, _ in [value] }
    }
}

extension Answer {
    /// Throws unless the body is in Core Deterministic Encoding.
    func expectDeterministic() throws(ConformanceFailure) {
        do throws(CBORError) {
            _ = try CBORValue(
                decoding: body, limits: CBORLimits(requiresDeterministic: true))
        } catch {
            throw failure("The body is not deterministic: \(error)", at: error.offset)
                .adding("bytes", body.prefix(200).hex)
        }
    }
}
