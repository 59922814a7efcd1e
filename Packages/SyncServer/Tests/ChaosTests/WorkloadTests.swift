// SPDX-License-Identifier: MIT

import Testing

@testable import entitysync_chaos

@Suite struct WorkloadTests {
    /// Plays a device alone for `count` transactions.
    private func play(_ count: Int, seed: UInt64) -> [[Workload.Write]] {
        var workload = Workload(device: "a", seed: seed)
        var entities: [Workload.EntityName: Sheet] = [:]
        return (1...count).map { number in
            let writes = workload.next(number) { entities[$0] }
            for write in writes { entities[write.key] = write.sheet }
            return writes
        }
    }

    @Test func eachEditAppendsOneNewTokenToWhatItSaw() {
        var entities: [Workload.EntityName: Sheet] = [:]
        var used: Set<String> = []
        for write in play(500, seed: 1).joined() {
            let before = entities[write.key]?.tokens ?? []
            if let sheet = write.sheet, let token = write.edit.token {
                #expect(sheet.tokens == before + [token])
                #expect(used.insert("\(write.key.key) \(token)").inserted)
            } else {
                #expect(write.edit.removed == before)
            }
            entities[write.key] = write.sheet
        }
        #expect(entities.values.allSatisfy { $0.tokens.count <= Workload.tokensMax })
    }

    @Test func halvesOfAPairAreAlwaysWrittenTogetherAndAlike() {
        for writes in play(500, seed: 2) {
            let halves = writes.filter { Workload.isPair($0.key.key) }
            #expect(halves.isEmpty || halves.count == 2 && writes.count == 2)
            #expect(halves.first?.sheet == halves.last?.sheet)
        }
    }

    @Test func thereAreDeletesTransactionsAndLargeContents() {
        let played = play(500, seed: 3)
        #expect(played.joined().contains { $0.sheet == nil })
        #expect(played.contains { $0.count > 2 })
        #expect(played.joined().contains { ($0.sheet?.ballast.utf8.count ?? 0) > 10_000 })
    }

    @Test(
        arguments: [
            (["a"], ["a", "b"], ["a", "b"]), (nil, ["b"], ["b"]), (["a"], nil, ["a"]),
            (["a", "c"], ["a", "b"], ["a", "b", "c"]),
        ] as [([String]?, [String]?, [String])])
    func aMergeKeepsBothSides(local: [String]?, remote: [String]?, merged: [String]) {
        #expect(mergedTokens(local, remote) == merged)
    }
}
