// SPDX-License-Identifier: MIT

import Testing

/// The clock that the engine's tests wait on keeps its own promises.
@Suite(.timeLimit(.minutes(10))) struct ManualClockTests {
    @Test func wakesWhoeverHasSleptLongEnoughAndNobodyElse() async throws {
        let clock = ManualClock()
        let short = Task { try await clock.sleep(for: .seconds(1)) }
        let long = Task { try await clock.sleep(for: .seconds(2)) }
        await clock.waitForSleepers(2)

        clock.advance(by: .milliseconds(999))
        #expect(clock.sleeperCount == 2)
        clock.advance(by: .milliseconds(1))
        try await short.value
        #expect(clock.sleeperCount == 1)
        clock.wakeAll()
        try await long.value
        #expect(clock.now.offset == .seconds(1))
        #expect(Set(clock.sleeps) == [.seconds(1), .seconds(2)])
    }

    @Test func endsASleepThatIsCancelledBeforeOrDuringIt() async {
        let clock = ManualClock()
        let during = Task { try await clock.sleep(for: .seconds(1)) }
        await clock.waitForSleepers(1)
        during.cancel()
        await #expect(throws: CancellationError.self) { try await during.value }

        let before = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(for: .seconds(1))
        }
        await #expect(throws: CancellationError.self) { try await before.value }
        #expect(clock.sleeperCount == 0)
    }
}
