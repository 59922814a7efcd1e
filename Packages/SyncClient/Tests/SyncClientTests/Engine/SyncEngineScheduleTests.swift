// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncClient

/// The engine's actor under many orders of its callers' jobs: what the simulation, which drives the
/// cycles without the actor, does not see.
@Suite(.timeLimit(.minutes(10))) struct SyncEngineScheduleTests {
    @Test func callersInAnyOrderShareCyclesAndLoseNothing() throws {
        var jobCounts: Set<Int> = []
        for seed in 0..<UInt64(150) {
            let executor = SeededExecutor(seed: seed)
            let world = try EngineWorld()
            let outcome = Outcome()
            let isDone = executor.run {
                await withTaskGroup { group in
                    for caller in 0..<UInt64(4) {
                        group.addTask { await Self.use(world, as: caller, outcome) }
                    }
                }
            }
            #expect(isDone, "seed \(seed)")
            #expect(executor.escapes == 0, "seed \(seed)")
            #expect(outcome.failures.isEmpty, "seed \(seed)")
            jobCounts.insert(executor.jobCount)
            let contents = Contents()
            #expect(executor.run { contents.set(await world.server.contents) })
            #expect(contents.value.count == 8, "seed \(seed)")
        }
        // Schedules that were all alike would show nothing.
        #expect(jobCounts.count > 10)
    }

    @Test func aCancelledCallerHarmsNobodyElse() throws {
        for seed in 0..<UInt64(150) {
            let executor = SeededExecutor(seed: seed)
            let world = try EngineWorld()
            let outcome = Outcome()
            let isDone = executor.run {
                await withTaskGroup { group in
                    group.addTask { await Self.use(world, as: 0, outcome) }
                    group.addTask {
                        await withTaskGroup { inner in
                            inner.addTask { _ = try? await world.engine.sync() }
                            inner.cancelAll()
                        }
                    }
                    group.addTask { await Self.use(world, as: 1, outcome) }
                }
            }
            #expect(isDone, "seed \(seed)")
            #expect(outcome.failures.isEmpty, "seed \(seed)")
        }
    }

    /// Writes twice and syncs after each, as one of several parts of an app.
    private static func use(_ world: EngineWorld, as caller: UInt64, _ outcome: Outcome) async {
        do {
            for round in 0..<UInt64(2) {
                try world.put([caller, round], "e\(caller)-\(round)")
                _ = try await world.engine.pendingCount()
                await Task.yield()
                _ = try await world.engine.sync()
            }
        } catch {
            outcome.note(error)
        }
    }
}
