// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// L6 and L2: pages that end everywhere.
    static let pages: ServerChecks = [
        rule(
            "pages/limit", "8", "A page has at most limit operations, and pages join without gap."
        ) {
            try fill($0, 12)
            for limit in [1, 2, 3, 5, 11, 12, 13] as [UInt64] {
                for start in UInt64(0)...12 {
                    var cursor = start
                    var shown: [UInt64] = []
                    while true {
                        let page = try $0.pull(since: cursor, limit: limit)
                        try page.expect(
                            page.operations.count <= limit, "The page has more than \(limit).")
                        shown += try page.cursors()
                        try page.expect(
                            page.hasMore == (page.nextCursor < 12),
                            "hasMore is \(page.hasMore) at \(page.nextCursor) of 12.")
                        guard page.hasMore else { break }
                        try page.expect(page.nextCursor > cursor, "nextCursor does not move.")
                        cursor = page.nextCursor
                    }
                    guard shown == Array(start + 1..<13) else {
                        throw ConformanceFailure(
                            "Pages of \(limit) from \(start) show the cursors \(shown).")
                    }
                }
            }
        },
        rule(
            "pages/max-bytes", "8, L6",
            "A page has at most maxBytes of operations, but at least one; pages join without gap."
        ) {
            try fill($0, 8)
            let one = try CBORValue.map($0.pull(since: 0, limit: 1).operations[0].map)
                .encoded().count
            for bytes in [1, one, one * 2 + 10, one * 100] {
                var cursor: UInt64 = 0
                var shown: [UInt64] = []
                while true {
                    let page = try $0.pull(
                        since: cursor, limit: 100, ["maxBytes": .unsigned(UInt64(bytes))])
                    let size = page.operations.reduce(0) {
                        $0 + CBORValue.map($1.map).encoded().count
                    }
                    try page.expect(
                        size <= bytes || page.operations.count == 1,
                        "The page has \(size) bytes of operations and maxBytes is \(bytes).")
                    try page.expect(
                        !page.operations.isEmpty || !page.hasMore, "The page holds no operation.")
                    shown += try page.cursors()
                    guard page.hasMore else { break }
                    try page.expect(page.nextCursor > cursor, "nextCursor does not move.")
                    cursor = page.nextCursor
                }
                guard shown == Array(1...8) else {
                    throw ConformanceFailure("Pages of \(bytes) bytes show \(shown).")
                }
            }
        },
        rule(
            "pages/transaction/limit", "8.2 L6",
            "A page never ends inside a transaction: with limit 1 it has all of it, and no more."
        ) {
            try fillTransactions($0)
            try expectPages($0, ["limit": 1], [[1], [2, 3, 4], [5, 6], [7], [8, 9], [10]])
        },
        rule(
            "pages/transaction/max-bytes", "8.2 L6",
            "A page never ends inside a transaction: with maxBytes 1 it has all of it, and no more."
        ) {
            try fillTransactions($0)
            try expectPages($0, ["maxBytes": 1], [[1], [2, 3, 4], [5, 6], [7], [8, 9], [10]])
        },
        rule(
            "pages/transaction/authors", "5.2 T2",
            "Two runs that follow each other with one number and two authors are two transactions."
        ) {
            let other = $0.other("b")
            for device in [$0, other] {
                try device.push([
                    device.operation(1, "\(device.name)1", "", member(7)),
                    device.operation(2, "\(device.name)2", "", member(7)),
                ]).expect(accepted: [1, 2])
            }
            try expectPages($0, ["limit": 1], [[1, 2], [3, 4]])
        },
        rule(
            "pages/transaction/filtered", "8.2 L5, L6",
            "Members that the filter leaves out do not count for limit or wholeness."
        ) {
            let device = $0
            let collections = ["x", "y", "x", "y", "y", "x"]
            let operations = collections.enumerated().map { index, name in
                device.operation(
                    UInt64(index + 1), "n\(index)", "",
                    member(index < 4 ? 7 : 8, ["collection": .text(name)]))
            }
            try device.push(operations).expect(accepted: Array(1...6))
            try expectPages(
                device, ["limit": 1, "collections": ["x"]], [[1, 3], [6]])
            try expectPages(
                device, ["limit": 2, "collections": ["y"]], [[2, 4], [5]])
        },
        rule(
            "pages/transaction/random", "8.2 L6",
            "Whatever transactions a log has, pages of any limit are whole and join without gap."
        ) { try pullAtRandom($0) },
    ]

    /// Cursors 1, 7 and 10 alone, and the transactions 2–4, 5–6 and 8–9.
    private static func fillTransactions(_ device: Device) throws {
        let ids: [UInt64?] = [nil, 7, 7, 7, 8, 8, nil, 9, 9, nil]
        let operations = ids.enumerated().map { index, id in
            device.operation(
                UInt64(index + 1), "n\(index)", "",
                ["transactionId": id.map { CBORValue.unsigned($0) }])
        }
        try device.push(operations).expect(accepted: Array(1...10))
    }

    /// Pulls from 0, and expects pages with exactly these cursors.
    private static func expectPages(
        _ device: Device, _ changes: [String: CBORValue?], _ wanted: [[UInt64]]
    ) throws {
        var cursor: UInt64 = 0
        for (index, cursors) in wanted.enumerated() {
            let page = try device.pull(since: cursor, limit: 1_000, changes)
            try page.expect(cursors: cursors)
            let isLast = index == wanted.count - 1
            try page.expect(page.hasMore || isLast, "hasMore is false on page \(index + 1).")
            cursor = page.nextCursor
        }
    }

    private static func pullAtRandom(_ device: Device) throws {
        var numbers = device.server.numbers(for: "pages")
        var groups: [[UInt64]] = []
        var operations: [CBORValue] = []
        while operations.count < 60 {
            let count = Int.random(in: 1...6, using: &numbers)
            let first = UInt64(operations.count + 1)
            // A transaction may have one member.
            let isTransaction = count > 1 || Bool.random(using: &numbers)
            groups.append(Array(first..<first + UInt64(count)))
            for opID in first..<first + UInt64(count) {
                let changes = isTransaction ? member(first) : [:]
                operations.append(device.operation(opID, "n\(opID)", "", changes))
            }
        }
        let last = UInt64(operations.count)
        try device.push(operations).expect(accepted: Array(1...last))
        for limit in UInt64(1)...12 {
            var cursor: UInt64 = 0
            var rest = groups[...]
            while true {
                let page = try device.pull(since: cursor, limit: limit)
                var cursors = try page.cursors()[...]
                try page.expect(
                    cursors.count <= limit || cursors.count == rest.first?.count,
                    "The page has more than \(limit) operations in several transactions.")
                while !cursors.isEmpty {
                    let group = rest.popFirst() ?? []
                    try page.expect(
                        cursors.starts(with: group) && !group.isEmpty,
                        "The page of \(limit) from \(cursor) splits \(group).")
                    cursors = cursors.dropFirst(group.count)
                }
                guard page.hasMore else { break }
                try page.expect(page.nextCursor > cursor, "nextCursor does not move.")
                cursor = page.nextCursor
            }
            guard rest.isEmpty else {
                throw ConformanceFailure("Pages of \(limit) leave out \(rest.joined()).")
            }
        }
    }
}
