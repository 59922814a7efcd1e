// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// E1, E4 and E6: what is refused, in every message.
    static let refusedEncoding: ServerChecks =
        rules(
            "encoding/refused", "3 E1, E4",
            "It is error 1 with status 400, and nothing of the request is stored.",
            spoilers
        ) { device, spoil in
            for (endpoint, message) in messages(of: device) {
                try device.post("/v1/\(endpoint)", body: spoil(message)).refusedAsMalformed()
            }
            try device.expectNothingStored("requests were refused with error 1")
        }
        + [
            rule(
                "encoding/refused/truncated", "3 E4",
                "A push that ends too early is error 1, at whatever byte, and nothing is stored."
            ) {
                let body = $0.pushRequest([$0.operation(1, "n1")]).encoded()
                for count in 0..<body.count {
                    try $0.post("/v1/push", body: Array(body[..<count])).refusedAsMalformed()
                }
                try $0.expectNothingStored("truncated pushes were refused")
            },
            rule(
                "encoding/refused/mutated", "3 E4, 7 P1",
                "A push with changed bytes is taken as it says or refused with an error of the "
                    + "protocol; no answer is lost, and what is stored is what was accepted."
            ) { try pushMutations($0) },
            rule(
                "encoding/refused/message", "3 E4",
                "The message names the key's path and a byte offset."
            ) {
                let operation = $0.operation(1, "n1", "", ["entityVersion": "two"])
                let answer = try $0.post("/v1/push", $0.pushRequest([operation]))
                let message = try answer.refusedAsMalformed().text("message")
                guard message.contains("entityVersion"), message.contains("ops"),
                    message.contains(where: \.isNumber)
                else { throw answer.failure("The message does not.") }
            },
        ] + wrongKeys

    /// Required keys and types of the requests other than a push.
    private static let wrongKeys =
        rules(
            "encoding/refused/missing", "3 E4",
            "A required key that is missing or null is error 1.",
            [
                ("handshake-db-id", ("handshake", "dbId")),
                ("handshake-device-id", ("handshake", "deviceId")),
                ("handshake-client-info", ("handshake", "clientInfo")),
                ("pull-db-id", ("pull", "dbId")), ("pull-limit", ("pull", "limit")),
                ("pull-since-cursor", ("pull", "sinceCursor")),
                ("cursor-db-id", ("cursor", "dbId")),
                ("cursor-device-id", ("cursor", "deviceId")),
                ("cursor-cursor", ("cursor", "cursor")),
            ]
        ) { device, row in
            for value in [nil, .null] as [CBORValue?] {
                try refuse(device, row.0, row.1, value)
            }
        }
        + rules(
            "encoding/refused/type", "3 E4", "A key of a wrong type or out of range is error 1.",
            [
                ("float", ("pull", "limit", .float(5))), ("negative", ("pull", "sinceCursor", -1)),
                ("large", ("pull", "sinceCursor", .unsigned(1 << 63))),
                ("huge", ("cursor", "cursor", .unsigned(.max))),
                ("text", ("pull", "waitMs", "0")), ("number", ("handshake", "dbId", 4)),
                ("bytes", ("handshake", "deviceId", .bytes([0x61]))),
                ("bool", ("pull", "includeOwn", 1)),
                ("array", ("pull", "collections", "notes")),
                ("element", ("pull", "collections", [1])),
                ("log-id", ("pull", "logId", .bytes([1]))),
                ("tagged", ("pull", "limit", .tagged(2, 5))),
                ("client-info", ("handshake", "clientInfo", "linux")),
                (
                    "metadata",
                    (
                        "handshake", "clientInfo",
                        ["platform": "p", "appVersion": "1", "metadata": ["a": 1]]
                    )
                ),
                ("no-platform", ("handshake", "clientInfo", ["appVersion": "1"])),
            ] as [(String, (String, String, CBORValue))]
        ) { device, row in try refuse(device, row.0, row.1, row.2) }

    private static func refuse(
        _ device: Device, _ endpoint: String, _ key: String, _ value: CBORValue?
    ) throws {
        for (name, message) in messages(of: device) where name.utf8.elementsEqual(endpoint.utf8) {
            try device.post("/v1/\(name)", message.changed([key: value])).refusedAsMalformed()
        }
    }

    /// A good message to each endpoint.
    private static func messages(of device: Device) -> [(String, CBORValue)] {
        [
            ("handshake", device.handshakeRequest()),
            ("push", device.pushRequest([device.operation(1, "n1")])),
            ("pull", device.pullRequest([:])), ("cursor", device.cursorRequest(0)),
        ]
    }

    /// Changes bytes of good pushes at random, and keeps account.
    private static func pushMutations(_ device: Device) throws {
        var numbers = device.server.numbers(for: "mutations")
        var stored = 0
        for opID in UInt64(1)...150 {
            var body = device.pushRequest([device.operation(opID, "n\(opID)")]).encoded()
            for _ in 0..<Int.random(in: 1...3, using: &numbers) {
                let place = Int.random(in: 0..<body.count, using: &numbers)
                switch Int.random(in: 0..<3, using: &numbers) {
                case 0: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
                case 1: body[place] = UInt8.random(in: 0...255, using: &numbers)
                default: body.remove(at: place)
                }
            }
            let answer = try device.post("/v1/push", body: body)
            switch answer.status {
            case 200: stored += try Settlement(answer).accepted.count
            case 400: try answer.refusedAsMalformed()
            case 404: try answer.refusal(4, 404)
            case 409: try answer.refusal(11, 409)
            default: throw answer.failure("The status is \(answer.status).")
            }
        }
        let shown = try device.pullAll(limit: 1_000).count
        guard shown == stored else {
            throw ConformanceFailure("\(stored) operations were accepted, a pull shows \(shown).")
        }
    }
}

// MARK: - Ways to spoil a message

extension ServerRules {
    private static let spoilers: [(String, @Sendable (CBORValue) -> [UInt8])] = [
        ("empty-body", { _ in [] }), ("trailing-byte", { $0.encoded() + [0] }),
        ("two-items", { $0.encoded() + $0.encoded() }),
        ("array", { CBORValue.array([$0]).encoded() }),
        ("tagged", { CBORValue.tagged(55_799, $0).encoded() }),
        ("text", { _ in CBORValue.text("push").encoded() }),
        ("json", { _ in Array(#"{"ops":[]}"#.utf8) }),
        ("duplicate-key", { twice($0) }), ("invalid-utf8", { invalidText($0) }),
        ("reserved-head", { replacingFirst($0, with: 0xBC) }),
        ("break", { _ in [0xFF] }),
        ("key-bytes", { addingEntry(key: [0x41, 0x61], to: $0) }),
        ("depth", { $0.changed(["unknown": nestedArrays(16)]).encoded() }),
        ("depth-tags", { $0.changed(["unknown": tags(17)]).encoded() }),
        ("deep-bomb", { _ in [UInt8](repeating: 0x9F, count: 100_000) }),
        ("claimed-array", { _ in [0x9B, 0x7F] + [UInt8](repeating: 0xFF, count: 7) }),
        ("claimed-bytes", { _ in [0x5B, 0x7F] + [UInt8](repeating: 0xFF, count: 7) }),
        ("claimed-map", { _ in [0xBB] + [UInt8](repeating: 0xFF, count: 8) }),
    ]

    /// The message with its first entry twice.
    private static func twice(_ message: CBORValue) -> [UInt8] {
        guard case .map(let map) = message, let first = map.first else { return [] }
        return addingEntry(key: first.key.encoded(), to: message)
    }

    /// The message with another entry at its end, whose value is 0.
    private static func addingEntry(key: [UInt8], to message: CBORValue) -> [UInt8] {
        var bytes = message.encoded()
        // Small maps have their count in the first byte.
        bytes[0] += 1
        return bytes + key + [0]
    }

    /// The message with a text that is not UTF-8 under an unknown key.
    private static func invalidText(_ message: CBORValue) -> [UInt8] {
        var bytes = addingEntry(key: CBORValue.text("unknown").encoded(), to: message)
        bytes.removeLast()
        return bytes + [0x62, 0xC3, 0x28]
    }

    private static func replacingFirst(_ message: CBORValue, with byte: UInt8) -> [UInt8] {
        [byte] + message.encoded().dropFirst()
    }

    private static func tags(_ depth: Int) -> CBORValue {
        (0..<depth).reduce(0) { value, _ in .tagged(1, value) }
    }
}
