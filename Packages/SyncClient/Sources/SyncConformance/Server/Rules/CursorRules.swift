// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// Section 9 and the cursor that L10 lets count.
    static let cursor: ServerChecks = [
        rule("cursor/answer", "9", "A report is answered with the cursor that is now kept.") {
            try fill($0, 5)
            try expect(try $0.report(3), 3)
            try expect(try $0.report(5), 5)
        },
        rule("cursor/never-lowered", "9 C1", "A report never lowers the kept cursor.") {
            try fill($0, 5)
            try expect(try $0.report(4), 4)
            try expect(try $0.report(2), 4)
            try expect(try $0.report(0), 4)
        },
        rule("cursor/devices", "9", "Each device has a cursor of its own.") {
            try fill($0, 5)
            try expect(try $0.report(4), 4)
            try expect(try $0.other("b").report(1), 1)
            try expect(try $0.report(0), 4)
        },
        rule("cursor/pull", "8.4 L10", "A pull with deviceId sets the kept cursor to sinceCursor.")
        {
            try fill($0, 5)
            try $0.pull(since: 3, ["deviceId": "a"])
            try expect(try $0.report(1), 3)
            try $0.pull(since: 2, ["deviceId": "a"])
            try expect(try $0.report(1), 2)
        },
        rule("cursor/pull-from-zero", "8.4 L10", "A pull from 0 sets the kept cursor back to 0.") {
            try fill($0, 5)
            try expect(try $0.report(5), 5)
            try $0.pull(since: 0, ["deviceId": "a"])
            try expect(try $0.report(1), 1)
        },
        rule("cursor/nameless-pull", "8.4 L10", "A pull without deviceId sets no cursor.") {
            try fill($0, 5)
            try expect(try $0.report(4), 4)
            try $0.pull(since: 0)
            try expect(try $0.report(0), 4)
        },
        rule("cursor/push", "7", "The cursor of a push does not count as applied.") {
            try fill($0, 5)
            try $0.push([$0.operation(6, "n6")], ["cursor": 5])
            try expect(try $0.report(1), 1)
        },
    ]

    private static func expect(_ got: UInt64, _ wanted: UInt64) throws {
        guard got == wanted else {
            throw ConformanceFailure("The server keeps cursor \(got) instead of \(wanted).")
        }
    }
}
