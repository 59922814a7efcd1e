// SPDX-License-Identifier: MIT

import SyncProtocol
@_spi(Simulation) import SyncServer
import SyncTestSupport

// Compaction.
extension ServerHost {
    /// How a server compacts: where the condition is on, so soon that it happens all the time.
    ///
    /// - Returns: What it may drop.
    static func retention(
        of scenario: Scenario, _ settings: inout ServerCoreSettings
    ) -> RetentionModel {
        guard scenario.conditions.contains(.compaction) else {
            settings.compactionInterval = 1 << 60
            return .everything
        }
        var generator = scenario.stream(.compaction)
        settings.retention = (
            compactAfter: generator.oneOf([0, 500, 3_000, 10_000]),
            retention: generator.oneOf([0, 1_000, 5_000, 20_000]),
            stale: generator.oneOf([3_000, 10_000, 30_000, 3_600_000])
        )
        settings.compactionInterval = generator.oneOf([200, 1_000, 5_000]) * 1_000_000
        settings.segmentBytesMax = generator.oneOf([500, 2_000, 8_000])
        return RetentionModel(
            compactAfter: settings.retention.compactAfter, retention: settings.retention.retention,
            stale: settings.retention.stale)
    }

    /// Compares what `verify` finds in the files of a stopped server with the model.
    func verifyFiles() throws {
        for databaseID in world.databaseIDs {
            guard let log = checker.models[databaseID]?.durable else { continue }
            let found = Core.verification(of: databaseID, in: Self.directory, on: disk)
            let due =
                "\(log.operations.count - log.gone.count) operations, head \(log.head), "
                + "oldest \(log.oldest)"
            guard found == due else {
                throw SimulationFailure(
                    .logReplays, "verifying \(databaseID) finds \(found), and is to find \(due)")
            }
        }
    }

    /// Lets the server do what is due, and judges what it has dropped.
    func advance(_ core: Core) throws -> UInt64? {
        checker.retention.latestWall = max(checker.retention.latestWall, wall.milliseconds)
        let next = core.advance()
        guard world.conditions.contains(.compaction), !disk.isHalted else { return next }
        for (index, databaseID) in world.databaseIDs.enumerated() {
            let before = segments[index]
            segments[index] = core.segments(of: databaseID)
            guard before.contains(where: { segments[index][$0.key] != $0.value }),
                let found = try inspect(databaseID, core)
            else { continue }
            note("has compacted \(databaseID): \(found.operations.count) operations are left")
            world.counts.note(.compaction)
            try checker.compacted(
                databaseID, operations: found.operations, oldest: found.oldestCursor)
            try checkIndexes(databaseID, found)
        }
        return next
    }
}
