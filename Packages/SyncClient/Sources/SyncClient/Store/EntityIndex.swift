// SPDX-License-Identifier: MIT

import Synchronization

/// All entities in memory, by collection and id. A value; `SharedIndex` shares it.
struct EntityIndex: Sendable {
    struct Collection: Sendable {
        var entries = SortedEntries()
        /// Entities that exist, so without tombstones.
        var liveCount = 0

        mutating func set(_ entry: StoredEntry, id: TextKey) {
            let previous = entries[id]
            guard (previous?.sequence ?? 0) <= entry.sequence else { return }
            entries.updateValue(entry, for: id)
            liveCount += (entry.content == nil ? 0 : 1) - (previous?.content == nil ? 0 : 1)
        }
    }

    private(set) var collections: [TextKey: Collection] = [:]

    func entry(in collection: TextKey, id: TextKey) -> StoredEntry? {
        collections[collection]?.entries[id]
    }

    func content(in collection: TextKey, id: TextKey) -> [UInt8]? {
        entry(in: collection, id: id)?.content
    }

    /// Sets an entry, unless there is one with a higher sequence.
    mutating func set(_ entry: StoredEntry, in collection: TextKey, id: TextKey) {
        collections[collection, default: Collection()].set(entry, id: id)
    }

    /// Applies a committed transaction.
    mutating func apply(_ writes: [WALWrite], sequence: UInt64, isPulled: Bool) {
        for write in writes {
            set(
                StoredEntry(content: write.content, sequence: sequence, isPulled: isPulled),
                in: TextKey(write.collection), id: TextKey(write.entityID))
        }
    }

    /// Forgets the tombstones with sequences up to `sequence`.
    mutating func dropTombstones(through sequence: UInt64) {
        for name in collections.keys {
            collections[name]?.entries.removeAll { $0.content == nil && $0.sequence <= sequence }
        }
    }

    /// Entities of a collection in the order of the bytes of their ids.
    ///
    /// Complexity: O(log *n* + what is returned and the tombstones among it).
    func page(_ query: EntityQuery) -> [RawEntity] {
        guard let entries = collections[query.collection]?.entries, query.limit > 0 else {
            return []
        }
        var page: [RawEntity] = []
        var start = query.prefix
        if let after = query.after, start < after { start = after }
        entries.forEach(from: start) { id, entry in
            guard id.hasPrefix(query.prefix) else { return false }
            if id == query.after { return true }
            if let content = entry.content { page.append(RawEntity(id: id.text, content: content)) }
            return page.count < query.limit
        }
        return page
    }
}

/// Which entities of a collection are wanted.
struct EntityQuery {
    var collection: TextKey
    var prefix: TextKey
    var after: TextKey?
    var limit: Int

    init(_ collection: String, idPrefix: String, after: String?, limit: Int) {
        self.collection = TextKey(collection)
        prefix = TextKey(idPrefix)
        self.after = after.map(TextKey.init)
        self.limit = limit
    }
}

/// An entity as it is stored.
public struct RawEntity: Sendable, Hashable {
    /// The entity's id.
    public var id: String
    /// The entity's encoded CBOR.
    public var content: [UInt8]

    /// Creates an entity.
    public init(id: String, content: [UInt8]) {
        self.id = id
        self.content = content
    }

    /// Compares ids by their bytes, not by canonical equivalence.
    public static func == (a: RawEntity, b: RawEntity) -> Bool {
        a.id.utf8.elementsEqual(b.id.utf8) && a.content == b.content
    }

    public func hash(into hasher: inout Hasher) {
        TextKey(id).hash(into: &hasher)
        hasher.combine(content)
    }
}

/// The index that all users of a store share. Held for moments only, never during I/O, so reads
/// do not wait for a commit's sync.
final class SharedIndex: Sendable {
    private let index: Mutex<EntityIndex>

    init(_ index: EntityIndex = EntityIndex()) {
        self.index = Mutex(index)
    }

    func read<T: Sendable>(_ body: (EntityIndex) -> T) -> T {
        index.withLock { body($0) }
    }

    func update(_ body: (inout EntityIndex) -> Void) {
        index.withLock { body(&$0) }
    }
}
