// SPDX-License-Identifier: MIT

import Synchronization

/// Tells any number of readers what the engine is doing.
final class StateBroadcast: Sendable {
    private struct Readers {
        var latest = SyncState.idle
        var continuations: [UInt64: AsyncStream<SyncState>.Continuation] = [:]
        var nextID: UInt64 = 0
    }

    private let readers = Mutex(Readers())

    /// How many states a slow reader may lag behind before it misses some.
    private static let bufferedMax = 64

    deinit {
        for continuation in readers.withLock({ $0.continuations }).values { continuation.finish() }
    }

    var latest: SyncState { readers.withLock { $0.latest } }

    func send(_ state: SyncState) {
        readers.withLock { readers in
            guard readers.latest != state else { return }
            readers.latest = state
            for continuation in readers.continuations.values { continuation.yield(state) }
        }
    }

    func stream() -> AsyncStream<SyncState> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: SyncState.self, bufferingPolicy: .bufferingNewest(Self.bufferedMax))
        let id = readers.withLock { readers in
            readers.nextID += 1
            readers.continuations[readers.nextID] = continuation
            continuation.yield(readers.latest)
            return readers.nextID
        }
        continuation.onTermination = { [weak self] _ in
            self?.readers.withLock { readers in _ = readers.continuations.removeValue(forKey: id) }
        }
        return stream
    }
}
