// SPDX-License-Identifier: MIT

import Synchronization
import SyncTestSupport
import Testing

@testable @_spi(Simulation) import SyncServer

/// The server without its sockets.
@Suite struct ServerCoreTests {
    @Test func aSilentConnectionIsDueAndClosed() throws {
        let time = Clock()
        let core = try ServerCore(
            directory: "/server", disk: SimulatedDisk(), settings: ServerCoreSettings(),
            wallMilliseconds: { 1 }, monotonicNanoseconds: { time.now.load(ordering: .relaxed) },
            generator: SeededGenerator(seed: 1), tell: { _ in })
        let connection = core.accept()

        let due = try #require(core.advance())
        time.now.store(due - 1, ordering: .relaxed)
        #expect(core.advance() == due)
        #expect(!core.takeOutput(of: connection).isClosed)
        time.now.store(due, ordering: .relaxed)
        #expect(core.advance() ?? .max > due)
        #expect(core.takeOutput(of: connection).isClosed)
    }

    private final class Clock: Sendable { let now = Atomic<UInt64>(1) }
}
