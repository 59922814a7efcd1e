// SPDX-License-Identifier: MIT

import Testing

@testable import SyncClient

/// How the engine's states reach their readers.
@Suite(.timeLimit(.minutes(10))) struct StateBroadcastTests {
    private func all(_ stream: AsyncStream<SyncState>) async -> [SyncState] {
        var states: [SyncState] = []
        for await state in stream { states.append(state) }
        return states
    }

    @Test func tellsEveryReaderFromThePresentStateOn() async {
        var broadcast: StateBroadcast? = StateBroadcast()
        let early = broadcast!.stream()
        broadcast!.send(.connecting)
        let late = broadcast!.stream()
        broadcast!.send(.pulling)
        #expect(broadcast!.latest == .pulling)
        broadcast = nil

        #expect(await all(early) == [.idle, .connecting, .pulling])
        #expect(await all(late) == [.connecting, .pulling])
    }

    @Test func tellsAStateOnce() async {
        var broadcast: StateBroadcast? = StateBroadcast()
        let stream = broadcast!.stream()
        for _ in 0..<3 { broadcast!.send(.pulling) }
        broadcast = nil

        #expect(await all(stream) == [.idle, .pulling])
    }

    @Test func neverKeepsTheLastStateFromASlowReader() async {
        var broadcast: StateBroadcast? = StateBroadcast()
        let stream = broadcast!.stream()
        for _ in 0..<500 {
            broadcast!.send(.pulling)
            broadcast!.send(.pushing)
        }
        broadcast!.send(.idle)
        broadcast = nil

        let states = await all(stream)
        #expect(states.last == .idle)
        #expect(states.count < 100)
    }
}
