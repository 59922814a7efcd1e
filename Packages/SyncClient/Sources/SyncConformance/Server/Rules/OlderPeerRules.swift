// SPDX-License-Identifier: MIT

import CBOR

extension ServerRules {
    /// P6 and section 14: devices that know less.
    static let olderPeer: ServerChecks = [
        rule(
            "older-peer/version", "7.2 P6, 14 Y4",
            "Without base and baseOpId it is a conflict exactly if entityVersion is not above the "
                + "current one."
        ) {
            try $0.push([$0.operation(1, "n1", "", plain(3))]).expectAccepted([1: 1])
            try $0.push([$0.operation(2, "n1", "", plain(2)), $0.operation(3, "n2", "", plain(1))])
                .expect(accepted: [3], conflicts: [2])
            try $0.push([$0.operation(4, "n1", "", plain(3))])
                .expect(accepted: [], conflicts: [4])
            try $0.push([$0.operation(5, "n1", "", plain(4))]).expectAccepted([5: 3])
            // Versions may be left out, and a tombstone counts.
            try $0.push([$0.delete(6, "n1", base: 0, plain(9))]).expectAccepted([6: 4])
            try $0.push([$0.operation(7, "n1", "", plain(9))])
                .expect(accepted: [], conflicts: [7])
            try $0.push([$0.operation(8, "n1", "", plain(10))]).expectAccepted([8: 5])
        },
        rule(
            "older-peer/version-zero", "7.2 P6",
            "Version 0 is not above that of an unknown entity."
        ) {
            try $0.push([$0.operation(1, "n1", "", plain(0))])
                .expect(accepted: [], conflicts: [1])
        },
        rule(
            "older-peer/no-log", "14",
            "Pushes and pulls without logId and cursor are taken."
        ) {
            try $0.push([$0.operation(1, "n1", "", plain(1))], ["logId": nil])
                .expect(accepted: [1])
            try $0.pull(["logId": nil]).expect(cursors: [1])
        },
        rule(
            "older-peer/long-arrays", "14, 3 E3",
            "300 operations in an array of indefinite length, PUT and keys in any order are taken."
        ) {
            let operations = (UInt64(1)...300).map { [device = $0] in
                device.operation($0, "n\($0)", "", plain(1, ["opType": "PUT"]))
            }
            let body = LooseEncoding(isIndefinite: true, isReversed: true)
                .encode($0.pushRequest(operations, ["logId": nil]))
            try Settlement($0.post("/v1/push", body: body)).expect(accepted: Array(1...300))
            let shown = try $0.pullAll()
            guard shown.count == 300 else {
                throw ConformanceFailure("A pull shows \(shown.count) of 300 operations.")
            }
        },
    ]

    /// What a peer sends that knows no revisions.
    private static func plain(
        _ version: UInt64, _ changes: [String: CBORValue?] = [:]
    ) -> [String: CBORValue?] {
        ["base": nil, "entityVersion": .unsigned(version)].merging(changes) { $1 }
    }
}
