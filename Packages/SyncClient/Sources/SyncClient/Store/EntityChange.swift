// SPDX-License-Identifier: MIT

import Synchronization

/// That an entity was written, by this process or by an applied pull.
public struct EntityChange: Sendable, Hashable {
    /// The collection.
    public var collection: String
    /// The entity.
    public var entityID: String
    /// Whether the entity is gone; otherwise it is new or has new content.
    public var isDelete: Bool
    /// Whether the write was pulled from a server.
    public var isPulled: Bool

    /// Creates a change.
    public init(collection: String, entityID: String, isDelete: Bool, isPulled: Bool) {
        self.collection = collection
        self.entityID = entityID
        self.isDelete = isDelete
        self.isPulled = isPulled
    }

    init(_ write: WALWrite, isPulled: Bool) {
        self.init(
            collection: write.collection, entityID: write.entityID, isDelete: write.content == nil,
            isPulled: isPulled)
    }

    /// Compares names and ids by their bytes, not by canonical equivalence.
    public static func == (a: EntityChange, b: EntityChange) -> Bool {
        TextKey(a.collection) == TextKey(b.collection) && TextKey(a.entityID) == TextKey(b.entityID)
            && a.isDelete == b.isDelete && a.isPulled == b.isPulled
    }

    public func hash(into hasher: inout Hasher) {
        TextKey(collection).hash(into: &hasher)
        TextKey(entityID).hash(into: &hasher)
    }
}

/// Tells listeners which entities changed.
///
/// A listener that is slow gets the changes of several commits at once, the last per entity: what
/// waits for it is bounded by the entities there are, and no change is lost.
final class ChangeHub: Sendable {
    /// The stream owns its mailbox, so a stream that nobody keeps takes its mailbox with it.
    private struct Listener {
        var collection: TextKey
        weak var mailbox: ChangeMailbox?
    }

    private struct State {
        var listeners: [Listener] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    func changes(in collection: String) -> AsyncStream<[EntityChange]> {
        let mailbox = ChangeMailbox()
        let isOpen = state.withLock { state in
            guard !state.isClosed else { return false }
            state.listeners.append(
                Listener(collection: TextKey(collection), mailbox: mailbox))
            return true
        }
        guard isOpen else { return AsyncStream { $0.finish() } }
        return AsyncStream {
            await mailbox.next()
        } onCancel: {
            mailbox.close()
        }
    }

    func publish(_ changes: [EntityChange]) {
        guard !changes.isEmpty else { return }
        let listeners = state.withLock { state in
            state.listeners.removeAll { $0.mailbox == nil }
            return state.listeners.map { ($0.collection, $0.mailbox) }
        }
        for (collection, mailbox) in listeners {
            mailbox?.add(changes.filter { TextKey($0.collection) == collection })
        }
    }

    func close() {
        let mailboxes = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [] }
            return state.listeners.map(\.mailbox)
        }
        for mailbox in mailboxes { mailbox?.close() }
    }
}

/// The changes that wait for one listener.
private final class ChangeMailbox: Sendable {
    private struct State {
        var changes: [EntityChange] = []
        var places: [TextKey: Int] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())
    private let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() {
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ changes: [EntityChange]) {
        guard !changes.isEmpty else { return }
        state.withLock { state in
            for change in changes {
                let key = TextKey(change.entityID)
                if let place = state.places[key] {
                    state.changes[place] = change
                } else {
                    state.places[key] = state.changes.count
                    state.changes.append(change)
                }
            }
        }
        signal.yield()
    }

    func close() {
        state.withLock { $0.isClosed = true }
        signal.finish()
    }

    /// What has been added since the last call, as soon as there is something; `nil` at the end.
    func next() async -> [EntityChange]? {
        while true {
            if let changes = take() { return changes }
            if state.withLock({ $0.isClosed }) { return take() }
            var iterator = signals.makeAsyncIterator()
            _ = await iterator.next()
            if Task.isCancelled { return nil }
        }
    }

    private func take() -> [EntityChange]? {
        state.withLock { state in
            guard !state.changes.isEmpty else { return nil }
            defer {
                state.changes = []
                state.places = [:]
            }
            return state.changes
        }
    }
}
