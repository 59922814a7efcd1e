// SPDX-License-Identifier: MIT

@_spi(Simulation) import SyncClient
import SyncProtocol
import Testing

@testable import Simulation

/// The model of a log sees what a server must not have dropped, and whom it must refuse.
@Suite struct CompactionModelTests {
    /// `a` written twice, `b` written and deleted, each committed at its cursor in milliseconds.
    private static func model(deviceAt cursor: Cursor? = nil) -> LogModel {
        var model = LogModel(logID: Fixture.logID)
        let operations = [
            Fixture.operation(1, "a", [1]), Fixture.operation(2, "b", [2]),
            Fixture.operation(3, "a", [1, 3], base: 1), Fixture.operation(4, "b", [], base: 2),
        ]
        for (index, operation) in operations.enumerated() {
            _ = model.push(Fixture.push([operation]), maxEntityBytes: 1_000)
            _ = model.commit(atMilliseconds: UInt64(index + 1))
        }
        if let cursor {
            model.places.hears(
                "other", Fixture.pull(after: cursor), head: 4, at: 90, rules(at: 90))
        }
        return model
    }

    private static func rules(
        compactAfter: UInt64 = 10, retention: UInt64 = 20, at wall: UInt64
    ) -> RetentionModel {
        RetentionModel(
            compactAfter: compactAfter, retention: retention, stale: 50, latestWall: wall)
    }

    private static func fault(
        _ model: LogModel, leaving cursors: [Cursor], oldest: Cursor = 0, at wall: UInt64 = 100
    ) -> String? {
        var model = model
        let found = model.durable.operations.filter { cursors.contains($0.cursor ?? 0) }
        return model.compact(to: found[...], oldest, rules(at: wall))
    }

    @Test func whatMayGoMayGo() {
        #expect(Self.fault(Self.model(), leaving: [1, 2, 3, 4]) == nil)
        #expect(Self.fault(Self.model(), leaving: [3, 4]) == nil)
        #expect(Self.fault(Self.model(), leaving: [3], oldest: 4) == nil)
        #expect(Self.fault(Self.model(deviceAt: 4), leaving: [3], oldest: 4) == nil)
    }

    @Test(
        arguments: [
            ([1, 2, 4], 0, 100), ([3, 4], 0, 5), ([3], 4, 15), ([2, 3], 4, 100), ([3], 0, 100),
            ([3, 4], 4, 100), ([3], 2, 100),
        ] as [([Cursor], Cursor, UInt64)])
    func whatMustStayIsMissed(left: [Cursor], oldest: Cursor, wall: UInt64) {
        #expect(Self.fault(Self.model(), leaving: left, oldest: oldest, at: wall) != nil)
    }

    @Test func anActiveDeviceIsWaitedForAndASilentOneIsNot() {
        let model = Self.model(deviceAt: 3)

        #expect(Self.fault(model, leaving: [3], oldest: 4, at: 100) != nil)
        #expect(Self.fault(model, leaving: [3], oldest: 4, at: 141) == nil)
    }

    @Test func whatIsGoneStaysGone() {
        var model = Self.model()
        let all = model.durable.operations
        #expect(model.compact(to: [all[2]], 4, Self.rules(at: 100)) == nil)

        #expect(model.compact(to: [all[0], all[2]], 4, Self.rules(at: 100)) != nil)
        #expect(model.adopt([all[2]], oldest: 4, Self.rules(at: 100)) == nil)
        #expect(model.durable.revision(Fixture.operation(4, "b").key) == nil)
    }

    @Test func whoBeginsBeforeWhatIsGoneIsRefused() {
        var model = Self.model(deviceAt: 0)
        let all = model.durable.operations
        func refusal(_ since: Cursor, snapshot: Cursor?) -> LogModel.Refusal {
            var request = Fixture.pull(after: since)
            request.snapshot = snapshot
            return model.refusal(of: request)
        }
        #expect(refusal(1, snapshot: nil) == .notDue)
        // The device falls silent in its pull from the start, and tombstones go.
        #expect(model.compact(to: [all[2]], 4, Self.rules(at: 200)) == nil)

        #expect(refusal(1, snapshot: nil) == .due)
        #expect(refusal(1, snapshot: 4) == .due)
        #expect(refusal(4, snapshot: nil) == .notDue)
        // It begins anew.
        model.places.hears(
            "other", Fixture.pull(after: 0), head: 4, at: 201, Self.rules(at: 201))
        #expect(refusal(1, snapshot: 4) == .notDue)
        #expect(refusal(1, snapshot: 3) == .due)
        model.places.serverDied()
        #expect(refusal(1, snapshot: 4) == .allowed)
    }

    @Test func aNumberOfWhatIsGoneIsADuplicateWithoutACursor() {
        var model = Self.model()
        let all = model.durable.operations
        #expect(model.compact(to: [all[2]], 4, Self.rules(at: 100)) == nil)

        let answer = model.push(
            Fixture.push([Fixture.operation(1, "a", [1])]), maxEntityBytes: 1_000)

        #expect(answer.accepted?.map(\.firstCursor) == [0])
        #expect(!model.hidesReuse(in: Fixture.push([Fixture.operation(1, "a", [1])])))
        #expect(model.hidesReuse(in: Fixture.push([Fixture.operation(1, "a", [9])])))
    }

    @Test func aRefusalNamesWhatIsGone() throws {
        var checker = try Fixture.checker()
        checker.models["db"] = Self.model()
        checker.retention = Self.rules(at: 100)
        let all = Self.model().durable.operations
        try checker.compacted("db", operations: [all[2]], oldest: 4)
        func judge(_ error: SyncError) -> String? {
            broken { try checker.check(.failure(error), to: .pull(Fixture.pull(after: 1))) }
        }

        #expect(judge(Fixture.refusal("compacted", oldest: 4)) == nil)
        #expect(judge(Fixture.refusal("compacted", oldest: 3)) != nil)
        #expect(judge(Fixture.refusal("ahead", oldest: 4)) != nil)
        #expect(
            broken { try checker.compacted("db", operations: [], oldest: 4) }
                == SimulationFailure.Rule.compactsAsAllowed.rawValue)
    }
}
