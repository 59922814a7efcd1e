// SPDX-License-Identifier: MIT

import SyncProtocol

/// A local store that is a value: what `EntityStore` holds for one device, without files, so that a
/// device can be copied at any point and go on in two ways.
struct MemoryStoreContents: Sendable, Hashable {
    /// Everything by collection and id, sync's own records included.
    var collections: [String: [String: [UInt8]]] = [:]
    /// The app's transactions that the queue may not have yet, oldest first.
    var uncaptured: [[StoreWrite]] = []
    /// How many transactions the app has committed.
    var sequence: UInt64 = 0

    /// The app commits a transaction.
    mutating func commit(_ writes: [StoreWrite]) {
        write(writes)
        uncaptured.append(writes)
        sequence += 1
    }

    mutating func write(_ writes: [StoreWrite]) {
        for write in writes {
            collections[write.collection, default: [:]][write.id] = write.content
            if collections[write.collection]?.isEmpty == true {
                collections[write.collection] = nil
            }
        }
    }

    /// Forgets the transactions up to `checkpoint`, which are in the queue.
    mutating func forget(through checkpoint: UInt64) {
        let first = sequence - UInt64(uncaptured.count)
        uncaptured.removeFirst(checkpoint > first ? Int(checkpoint - first) : 0)
    }

    /// The app's own entities.
    var entities: [EntityKey: [UInt8]] {
        var entities: [EntityKey: [UInt8]] = [:]
        for (collection, contents) in collections where !collection.hasPrefix("_") {
            for (id, content) in contents {
                entities[EntityKey(CollectionName(collection), EntityID(id))] = content
            }
        }
        return entities
    }
}

/// The store of a device while one call to its replica goes on.
///
/// `@unchecked`: it never leaves that call, which is on one thread.
final class MemoryStore: LocalStore, LocalStoreAccess, @unchecked Sendable {
    private(set) var contents: MemoryStoreContents

    init(_ contents: MemoryStoreContents) { self.contents = contents }

    func withWriteLock<Value>(
        _ body: (MemoryStore) throws(SyncError) -> Value
    ) throws(SyncError) -> Value { try body(self) }

    var lastCommit: UInt64 { contents.sequence }

    func content(of key: EntityKey) -> [UInt8]? {
        contents.collections[key.collection.rawValue]?[key.entityID.rawValue]
    }

    func record(_ id: String, in collection: String) -> [UInt8]? {
        contents.collections[collection]?[id]
    }

    func records(in collection: String) -> [LocalRecord] {
        (contents.collections[collection] ?? [:]).sorted { $0.key < $1.key }
            .map { LocalRecord(id: $0.key, content: $0.value) }
    }

    func localCollections(prefix: String) -> [String] {
        contents.collections.keys.filter { $0.hasPrefix(prefix) }.sorted()
    }

    func capture(after checkpoint: UInt64) -> CapturedTransactions {
        let new = Int(contents.sequence - checkpoint)
        return CapturedTransactions(
            transactions: Array(contents.uncaptured.suffix(new)), checkpoint: contents.sequence)
    }

    func noteCaptured(through checkpoint: UInt64) {
        // The model forgets what is in the queue by itself: capture must find the same again.
    }

    func commit(_ writes: [StoreWrite], cursor: Cursor, logID: LogID?, settlement: UInt64) {
        contents.write(writes)
    }
}

/// The queue of a device while one call to its replica goes on.
final class MemoryQueue: DurableQueue {
    private(set) var state: QueueState
    /// Whether the process dies instead of committing the changes of a settlement, which the store
    /// has by then.
    var diesAtSettlement = false

    init(_ state: QueueState) { self.state = state }

    func commit(_ changes: [QueueChange], settlement: UInt64) throws(SyncError) {
        if diesAtSettlement, settlement > 0 { throw SyncError(.storage, "The process has died.") }
        for change in changes { state.apply(change) }
        state.settled(settlement)
    }
}
