// SPDX-License-Identifier: MIT

import Synchronization

/// The time of the simulated world, and the wrong ideas that machines have of it.
final class VirtualClock: Sendable {
    private let time = Atomic<UInt64>(0)

    /// Nanoseconds since the world began.
    var now: UInt64 {
        get { time.load(ordering: .relaxed) }
        set { time.store(newValue, ordering: .relaxed) }
    }

    /// The wall clock of the first instant: a day in 2025.
    static let epochMilliseconds: UInt64 = 1_750_000_000_000

    /// A machine's wall clock: the true one, moved by an offset, or standing still.
    final class Wall: Sendable {
        private let clock: VirtualClock
        private let offset = Atomic<Int64>(0)
        private let frozenAt = Atomic<UInt64>(0)

        init(_ clock: VirtualClock) { self.clock = clock }

        /// Milliseconds since 1970, as the machine believes.
        var milliseconds: UInt64 {
            let frozen = frozenAt.load(ordering: .relaxed)
            if frozen > 0 { return frozen }
            let rightly = Int64(epochMilliseconds + clock.now / 1_000_000)
            return UInt64(max(1, rightly + offset.load(ordering: .relaxed)))
        }

        /// Moves the clock by `milliseconds` from where it should be.
        func skew(by milliseconds: Int64) {
            frozenAt.store(0, ordering: .relaxed)
            offset.store(milliseconds, ordering: .relaxed)
        }

        /// Stops the clock where it is.
        func stop() { frozenAt.store(milliseconds, ordering: .relaxed) }
    }
}
