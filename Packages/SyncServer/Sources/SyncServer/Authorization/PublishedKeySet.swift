// SPDX-License-Identifier: MIT

import Dispatch
import Synchronization

/// A key set that is published somewhere: when to fetch it, and the keys that it had last.
///
/// It is fetched every ten minutes, so that keys which were taken out go, and when a token names a
/// key that is not there, at most once a minute: whoever makes up names of keys must not have us
/// fetch without end. If it cannot be had, its last keys stay.
struct PublishedKeySet {
    let address: KeySetAddress
    var keys: [TokenKey] = []
    private let inbox = KeySetInbox()
    /// When it was last begun to fetch it; `nil` before anybody has told the time.
    private var begunAt: UInt64?

    private static let intervalNanoseconds: UInt64 = 600_000_000_000
    private static let pauseNanoseconds: UInt64 = 60_000_000_000
    /// Has a thread of its own when there is something to fetch: fetching blocks.
    private static let queue = DispatchQueue(label: "entitysync.keys")

    init(_ address: KeySetAddress) { self.address = address }

    /// Fetches at once, on this thread.
    func fetchNow() {
        if inbox.begin() { inbox.put(KeySetFetch.fetch(address)) }
    }

    /// Begins to fetch, on another thread, if it is time to.
    mutating func beginFetchIfDue(wantsNew: Bool, at now: UInt64) {
        let pause = wantsNew || keys.isEmpty ? Self.pauseNanoseconds : Self.intervalNanoseconds
        let isDue = begunAt.map { now - min($0, now) >= pause } ?? false
        if begunAt == nil { begunAt = now }
        guard isDue, inbox.begin() else { return }
        begunAt = now
        Self.queue.async { [inbox, address] in inbox.put(KeySetFetch.fetch(address)) }
    }

    /// What was fetched since this was last asked.
    func takeFetched() -> Result<[UInt8], KeySourceError>? { inbox.take() }
}

/// Hands one fetched key set from thread to thread.
private final class KeySetInbox: Sendable {
    private enum State {
        case idle
        case fetching
        case fetched(Result<[UInt8], KeySourceError>)
    }

    private let state = Mutex(State.idle)

    /// Returns whether nothing is being fetched; from now on something is.
    func begin() -> Bool {
        state.withLock { state in
            guard case .idle = state else { return false }
            state = .fetching
            return true
        }
    }

    func put(_ result: Result<[UInt8], KeySourceError>) {
        state.withLock { $0 = .fetched(result) }
    }

    func take() -> Result<[UInt8], KeySourceError>? {
        state.withLock { state in
            guard case .fetched(let result) = state else { return nil }
            state = .idle
            return result
        }
    }
}
