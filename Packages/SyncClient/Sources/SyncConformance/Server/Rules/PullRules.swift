// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 8: the answer, the filter, and what a request may not say.
    static let pull: ServerChecks =
        [
            rule("pull/empty", "8, L1", "A pull of an empty log is an empty page at cursor 0.") {
                let page = try $0.pull()
                try page.expect(cursors: [])
                try page.expect(next: 0, hasMore: false)
                try page.expect(page.logID == $0.logID, "The logId is not that of the handshake.")
            },
            rule(
                "pull/since", "8", "A pull shows the operations above sinceCursor, in their order."
            ) {
                try fill($0, 6)
                for since in UInt64(0)...6 {
                    let page = try $0.pull(since)
                    try page.expect(cursors: Array(since + 1..<7))
                    try page.expect(next: 6, hasMore: false)
                }
            },
            rule("pull/again", "8.1 L3", "The same pull again has the same answer.") {
                try fill($0, 5)
                let first = try $0.pull(since: 1, limit: 2)
                let again = try $0.pull(since: 1, limit: 2)
                try again.expect(again.answer.body == first.answer.body, "The two answers differ.")
            },
            rule(
                "pull/own", "8 L5", "With deviceId the device's own operations are left out."
            ) {
                let other = $0.other("b")
                try $0.write(1, "n1")
                try other.write(1, "n2")
                try $0.write(2, "n3")
                try $0.pull(["deviceId": "a"]).expect(cursors: [2])
                try $0.pull(["deviceId": "b"]).expect(cursors: [1, 3])
                try $0.pull(["deviceId": "c"]).expect(cursors: [1, 2, 3])
                try $0.pull([:]).expect(cursors: [1, 2, 3])
            },
            rule("pull/include-own", "8", "With includeOwn they are not left out.") {
                try fill($0, 2)
                try $0.pull(["deviceId": "a", "includeOwn": true]).expect(cursors: [1, 2])
                try $0.pull(["deviceId": "a", "includeOwn": false]).expect(cursors: [])
                try $0.pull(["includeOwn": true]).expect(cursors: [1, 2])
            },
            rule("pull/collections", "8 L5", "Only operations of the named collections show.") {
                for (opID, name) in ["x", "y", "x", "z", "X"].enumerated() {
                    try $0.write(
                        UInt64(opID + 1), "n\(opID)", "", base: 0, ["collection": .text(name)])
                }
                try $0.pull(["collections": ["x"]]).expect(cursors: [1, 3])
                try $0.pull(["collections": ["z", "y"]]).expect(cursors: [2, 4])
                try $0.pull(["collections": ["none"]]).expect(cursors: [])
                try $0.pull(["collections": []]).expect(cursors: [])
                try $0.pull(["collections": ["x", "x", "z"]]).expect(cursors: [1, 3, 4])
            },
            rule(
                "pull/progress/filtered", "8.1 L1",
                "What the filter leaves out is passed: nextCursor is serverCursor if hasMore "
                    + "is false."
            ) {
                try fill($0, 5)
                for changes in [
                    ["collections": []], ["collections": ["none"]], ["deviceId": "a"],
                ] as [[String: CBORValue?]] {
                    let page = try $0.pull(since: 0, limit: 1, changes)
                    try page.expect(cursors: [])
                    if !page.hasMore { try page.expect(next: 5, hasMore: false) }
                    var cursor = page.nextCursor
                    while cursor < 5 {
                        let next = try $0.pull(since: cursor, limit: 1, changes)
                        try next.expect(next.nextCursor > cursor, "nextCursor does not move.")
                        cursor = next.nextCursor
                    }
                }
            },
            rule(
                "pull/progress/has-more", "8.1 L2",
                "hasMore is not true because of operations that the filter leaves out, at the last "
                    + "one that passes it or some pages later."
            ) {
                try $0.write(1, "n1")
                try $0.write(2, "n2", "", base: 0, ["collection": "other"])
                try $0.write(3, "n3", "", base: 0, ["collection": "other"])
                var cursor: UInt64 = 0
                var shown: [UInt64] = []
                for _ in 1...4 {
                    let page = try $0.pull(since: cursor, limit: 1, ["collections": ["notes"]])
                    shown += try page.cursors()
                    if !page.hasMore {
                        try page.expect(next: 3, hasMore: false)
                        break
                    }
                    try page.expect(page.nextCursor > cursor, "nextCursor does not move.")
                    cursor = page.nextCursor
                }
                guard shown == [1], cursor < 3 else {
                    throw ConformanceFailure("Pages of one show \(shown), and hasMore stays true.")
                }
            },
            rule("pull/limit/zero", "8", "limit 0 is error 1.") {
                try $0.post("/v1/pull", $0.pullRequest(["limit": 0])).refusedAsMalformed()
            },
            rule("pull/limit/lowered", "8", "A limit above maxPullOps is taken as that.") {
                try fill($0, 3)
                try $0.pull(["limit": .unsigned(UInt64(Int64.max))]).expect(cursors: [1, 2, 3])
            },
            rule("pull/max-bytes/lowered", "8", "maxBytes above maxPageBytes is taken as that.") {
                try fill($0, 3)
                try $0.pull(["maxBytes": .unsigned(UInt64(Int64.max))]).expect(cursors: [1, 2, 3])
            },
            rule("pull/snapshot/device", "8", "snapshot without deviceId is error 1.") {
                try $0.post("/v1/pull", $0.pullRequest(["snapshot": 0])).refusedAsMalformed()
            },
            rule(
                "pull/snapshot/taken", "8.4 L8",
                "The pages of a pull from 0 take the serverCursor of the first as snapshot."
            ) {
                try fill($0, 5)
                let first = try $0.pull(since: 0, limit: 2, ["deviceId": "z"])
                let rest = try $0.pull(
                    since: first.nextCursor, limit: 9,
                    ["deviceId": "z", "snapshot": .unsigned(first.serverCursor)])
                try rest.expect(cursors: [3, 4, 5])
            },
            rule(
                "pull/current-state", "8.4 L8",
                "A pull from 0 shows the newest operation of every entity that lives."
            ) {
                var last: [String: UInt64] = [:]
                var numbers = $0.server.numbers(for: "state")
                for opID in UInt64(1)...40 {
                    let entity = "n\(Int.random(in: 0..<6, using: &numbers))"
                    last[entity] = try $0.write(opID, entity, "\(opID)", base: last[entity] ?? 0)
                }
                var shown: [String: UInt64] = [:]
                for operation in try $0.pullAll(limit: 7) {
                    shown[try operation.text("entityId")] = try operation.uint("cursor")
                }
                guard shown == last else {
                    throw ConformanceFailure(
                        "A pull ends with the revisions \(shown), not \(last).")
                }
            },
        ]
        + rules(
            "pull/collection-name", "2 N5", "A collection that breaks its rule is error 1.",
            [("empty", ""), ("long", String(repeating: "c", count: 129))]
        ) { device, name in
            try device.post(
                "/v1/pull", device.pullRequest(["collections": ["notes", .text(name)]])
            )
            .refusedAsMalformed()
        }

    /// Upserts of so many notes, one push.
    static func fill(_ device: Device, _ count: UInt64) throws {
        try device.push((1...count).map { device.operation($0, "n\($0)") })
            .expect(accepted: Array(1...count))
    }
}

extension Page {
    func expect(next: UInt64, hasMore: Bool) throws(ConformanceFailure) {
        try expect(
            nextCursor == next && self.hasMore == hasMore,
            "nextCursor is \(nextCursor) and hasMore \(self.hasMore) instead of \(next), "
                + "\(hasMore).")
        if !hasMore {
            try expect(
                serverCursor == nextCursor,
                "nextCursor is \(nextCursor), serverCursor \(serverCursor), hasMore false.")
        }
    }
}
