// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// P1: what makes a request refused as a whole. A good operation stands beside the bad one.
    static let pushShape: ServerChecks =
        rules(
            "push/shape/missing", "7 P1",
            "An operation without a required key is error 1, and nothing is stored.",
            [
                "opId", "dbId", "deviceId", "collection", "entityId", "opType", "entityVersion",
                "timestampMs",
            ].map { (kebab($0), $0) }
        ) { device, key in
            try expectRefused(device, [device.operation(2, "n2", "", [key: nil])])
            try expectRefused(device, [device.operation(2, "n2", "", [key: .null])])
        }
        + rules(
            "push/shape/type", "7 P1",
            "An operation with a key of a wrong type is error 1, and nothing is stored.",
            [
                ("op-id", ("opId", "2")), ("collection", ("collection", 7)),
                ("entity-id", ("entityId", .bytes([0x6E]))), ("op-type", ("opType", true)),
                ("entity-version", ("entityVersion", .float(1))),
                ("timestamp", ("timestampMs", .float(1.5))), ("entity", ("entityCbor", "text")),
                ("base", ("base", "0")), ("negative-base", ("base", -1)),
                ("base-op-id", ("baseOpId", [1])), ("hlc", ("hlc", .float(1))),
                ("transaction", ("transactionId", "t")), ("labels", ("labels", ["a"])),
                ("large-version", ("entityVersion", .unsigned(1 << 63))),
            ] as [(String, (String, CBORValue))]
        ) { device, row in
            try expectRefused(device, [device.operation(2, "n2", "", [row.0: row.1])])
        }
        + rules(
            "push/shape/op-id", "7 P1",
            "opIds that are 0 or not above the one before are error 1, and nothing is stored.",
            [("zero", [0]), ("same", [2, 2]), ("falling", [3, 2]), ("large", [1 << 63])]
        ) { device, ids in
            try expectRefused(device, ids.map { device.operation($0, "n\($0)") })
        }
        + [
            rule(
                "push/shape/op-id/largest", "2 N1", "The largest opId is 2^63 − 1, and is taken."
            ) {
                let opID = UInt64(Int64.max)
                try $0.push([$0.operation(opID, "n1")]).expectAccepted([opID: 1])
            }
        ]
        + rules(
            "push/shape/other", "7 P1",
            "A dbId or deviceId other than the request's is error 1, and nothing is stored.",
            ["dbId", "deviceId"].map { (kebab($0), $0) }
        ) { device, key in
            try expectRefused(device, [device.operation(2, "n2", "", [key: "other"])])
        }
        + rules(
            "push/shape/transaction", "7 P1",
            "A transactionId that comes again after another operation is error 1, and nothing is "
                + "stored.",
            [("after-none", [4, nil, 4]), ("after-another", [4, 5, 4])] as [(String, [UInt64?])]
        ) { device, ids in
            let operations = ids.enumerated().map { index, id in
                device.operation(
                    UInt64(index + 2), "m\(index)", "",
                    ["transactionId": id.map { CBORValue.unsigned($0) }])
            }
            try expectRefused(device, operations)
        }
        + rules(
            "push/shape/request", "7 P1",
            "A push without a required key, or with one of a wrong type, is error 1.",
            [
                ("no-ops", ("ops", nil)), ("no-db-id", ("dbId", nil)),
                ("no-device-id", ("deviceId", nil)), ("ops-map", ("ops", [:])),
                ("op-text", ("ops", ["op"])), ("short-log-id", ("logId", .bytes([1, 2]))),
                ("cursor-text", ("cursor", "0")),
            ] as [(String, (String, CBORValue?))]
        ) { device, row in
            try device.post(
                "/v1/push", device.pushRequest([device.operation(1, "n1")], [row.0: row.1])
            ).refusedAsMalformed()
            try device.expectNothingStored("a push was refused with error 1")
        }

    private static func expectRefused(_ device: Device, _ operations: [CBORValue]) throws {
        let good = device.operation(1, "n1")
        try device.post("/v1/push", device.pushRequest([good] + operations)).refusedAsMalformed()
        try device.expectNothingStored("a push was refused with error 1")
    }

    /// A key of a message as the last level of a check's name.
    static func kebab(_ key: String) -> String {
        key.reduce(into: "") { text, character in
            text += character.isUppercase ? "-\(character.lowercased())" : "\(character)"
        }
    }
}
