// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// What compaction must not let go before something else, and what it ends.
@Suite struct CompactionOrderTests {
    private static func configuration(takesAll: Bool = false) -> ServiceConfiguration {
        var configuration = CompactionTests.configuration(stale: 1_000)
        configuration.retention.takesAll = takesAll
        return configuration
    }

    /// A log whose first segment holds an old revision of `e` among much that stays, and whose
    /// later ones its tombstone among much that goes.
    private func serverWithADeleteFarBehind() throws -> ServiceUnderTest {
        let server = try ServiceUnderTest(Self.configuration())
        try server.push([operation(1, "e", base: 0)])
        var number: UInt64 = 1
        while try server.logFiles().count < 2 {
            number += 1
            try server.push([operation(OperationID(number), EntityID("f\(number)"), base: 0)])
        }
        try server.push([operation(OperationID(number + 1), "e", base: 1, delete: true)])
        for step in 1...40 as ClosedRange<UInt64> {
            let base = step == 1 ? 0 : Cursor(number + step)
            try server.push([operation(OperationID(number + 1 + step), "g", base: base)])
        }
        _ = try server.pull(since: server.database.head, device: "a")
        return server
    }

    @Test func aTombstoneGoesAfterWhatItDeletes() throws {
        let server = try serverWithADeleteFarBehind()
        let state = server.liveState

        for _ in 0..<3 {
            try server.compact()
            let kinds = try server.wholeLog(limit: 10_000).filter { $0.entityID == "e" }
                .map(\.kind)
            #expect(kinds.last != .upsert, "A pull from the start shows what was deleted.")
            try server.restart()
            #expect(server.liveState == state)
        }

        #expect(try server.wholeLog(limit: 10_000).allSatisfy { $0.entityID != "e" })
        #expect(server.database.log.oldestCursor > 0)
    }

    @Test func whatCannotGoYetHoldsNothingElseUp() throws {
        let server = try ServiceUnderTest(Self.configuration(takesAll: true))
        server.time.wall = 10_000
        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "e", base: 1, delete: true)])
        for number in 3...60 as ClosedRange<UInt64> {
            let base = number == 3 ? 0 : Cursor(number - 1)
            try server.push([operation(OperationID(number), "g", base: base)])
        }
        _ = try server.pull(since: 60, device: "a")

        try server.compact()

        #expect(try server.wholeLog(limit: 10_000).map(\.cursor) == [60])
    }

    @Test(arguments: [false, true])
    func aSnapshotFromBeforeADeviceFellSilentCountsNoMore(isRestarted: Bool) throws {
        let server = try ServiceUnderTest(Self.configuration(takesAll: true))
        server.time.wall = 1
        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "f", base: 0)])
        try server.push([operation(3, "e", base: 1, delete: true)])
        // The first page of a pull from the start shows `e`.
        #expect(try server.pull(since: 0, device: "b").serverCursor == 3)
        _ = try server.pull(since: 1, device: "b", snapshot: 3)
        server.time.wall = 2_000
        _ = try server.pull(since: 3, device: "a")
        try server.compact()
        #expect(try server.wholeLog().map(\.cursor) == [2])
        if isRestarted {
            var generator = SeededGenerator(seed: 1)
            try server.crash(using: &generator)
        }

        // It is heard of again, and goes on.
        try server.handshake("b")
        let failure = #expect(throws: ServiceFailure.self) {
            try server.pull(since: 1, device: "b", snapshot: 3)
        }

        #expect(failure?.response.details.reason == "compacted")
        #expect(try server.pull(since: 0, device: "b").operations.map(\.cursor) == [2])
    }

    @Test func aSnapshotThatTheServerNeverNotedCountsForNothing() throws {
        let server = try ServiceUnderTest(Self.configuration(takesAll: true))
        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "e", base: 1, delete: true)])
        try server.push([operation(3, "f", base: 0)])
        _ = try server.pull(since: 3, device: "a")
        try server.compact()

        let failure = #expect(throws: ServiceFailure.self) {
            try server.pull(since: 1, device: "b", snapshot: 3)
        }

        #expect(failure?.response.details.reason == "compacted")
    }
}
