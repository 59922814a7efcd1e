// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

extension ClientRules {
    /// Sections 3 and 14: answers that look otherwise than ours do.
    static let answers: ClientChecks = [
        check("answers/unknown-keys", "3 E3", "Keys that nobody knows are skipped.") { world in
            try exchangeBothWays(world) { .rewritten { addingUnknownKeys($0).encoded() } }
        },
        check("answers/key-order", "3 E3", "Keys may come in any order.") { world in
            try exchangeBothWays(world) {
                .rewritten { LooseEncoding(isReversed: true).encode($0) }
            }
        },
        check("answers/long-heads", "3 E3", "Heads may be longer than they have to be.") { world in
            try exchangeBothWays(world) { .rewritten { LooseEncoding(isLong: true).encode($0) } }
        },
        check("answers/indefinite", "3 E3", "Arrays, maps and strings may have indefinite lengths.")
        {
            world in
            try exchangeBothWays(world) {
                .rewritten { LooseEncoding(isIndefinite: true).encode($0) }
            }
        },
        check("answers/nulls", "3 E3", "Null for an optional key means that it is absent.") {
            world in
            try exchangeBothWays(world) {
                .rewritten { value in
                    guard case .map(var map) = value else { return value.encoded() }
                    // A page and an answer to a push have no such keys.
                    for key in ["protocolVersion", "oldestCursor"] where map[key: .text(key)] != nil
                    {
                        map[key: .text(key)] = .null
                    }
                    return CBORValue.map(map).encoded()
                }
            }
        },
        check("answers/older-peer", "14", "A server that knows the first keys alone is enough.") {
            world in
            world.server.follow { _, _ in .rewritten { forOlderPeers($0).encoded() } }
            try world.commit(("n1", "milk"))
            try world.settle()
            try world.expectNothingPending()
            world.other("n2", "bread")
            try world.settle()

            try world.expect(["n1": "milk", "n2": "bread"])
            try world.expectServer(["n1": "milk", "n2": "bread"])
            try expect(world.logged().count == 1, "There is not one operation in the log.")
        },
        check(
            "answers/older-peer-version", "14 Y3",
            "Edits of revisions without a cursor have neither base, and one version more."
        ) { world in
            world.server.follow { _, _ in .rewritten { forOlderPeers($0).encoded() } }
            world.other("n1", "milk")
            world.other("n1", "oat milk")
            try world.settle()
            try world.commit(("n1", "soy milk"))
            try world.settle()

            let operation = try only(world.pushed, "pushed operations")
            try expect(
                operation.base == nil && operation.baseOperationID == nil,
                "It has a base, of which that server said nothing.")
            try expect(operation.entityVersion == 3, "Its version is not 3.")
            try world.expectServer(["n1": "soy milk"])
        },
    ]

    /// Exchanges in both directions while every answer is treated so.
    private static func exchangeBothWays(
        _ world: ClientWorld, _ treatment: @escaping @Sendable () -> Treatment
    ) throws {
        world.server.follow { _, _ in treatment() }
        try world.commit(("n1", "milk"))
        world.other("n2", "bread")
        try world.settle()
        try world.commit(("n2", "rye bread"))
        try world.settle()

        try world.expect(["n1": "milk", "n2": "rye bread"])
        try world.expectServer(["n1": "milk", "n2": "rye bread"])
        try expect(world.logged().count == 2, "There are not two operations in the log.")
    }

    /// A map and the maps in it, each with a key that means nothing.
    private static func addingUnknownKeys(_ value: CBORValue) -> CBORValue {
        switch value {
        case .array(let elements): return .array(elements.map(addingUnknownKeys))
        case .map(let map):
            var result = CBORMap()
            for entry in map { result[key: entry.key] = addingUnknownKeys(entry.value) }
            result[key: "x-later"] = [.null, [1: .bytes([0])], .float(1.5)]
            return .map(result)
        default: return value
        }
    }

    /// What older peers know (section 14).
    private static func forOlderPeers(_ value: CBORValue) -> CBORValue {
        guard case .map(let map) = value else { return value }
        func only(_ keys: [String], of map: CBORMap) -> CBORMap {
            var result = CBORMap()
            for key in keys { result[key: .text(key)] = map[key: .text(key)] }
            return result
        }
        if map[key: "capabilities"] != nil {
            return .map(only(["serverCursor", "capabilities"], of: map))
        }
        if map[key: "acknowledgedUpToOpId"] != nil {
            return .map(only(["acknowledgedUpToOpId", "conflicts"], of: map))
        }
        guard case .array(let operations) = map[key: "ops"] else { return value }
        var page = only(["nextCursor", "hasMore"], of: map)
        page[key: "ops"] = .array(
            operations.map { operation in
                guard case .map(var members) = operation else { return operation }
                for key in ["base", "baseOpId", "cursor", "hlc", "transactionId"] {
                    members[key: .text(key)] = nil
                }
                members[key: "opType"] =
                    members[key: "opType"] == "delete" ? "DELETE" : "PUT"
                return .map(members)
            })
        return .map(page)
    }
}
