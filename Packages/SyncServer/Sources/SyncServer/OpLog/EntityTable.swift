// SPDX-License-Identifier: MIT

import SyncProtocol

/// An entity's place in a database, borrowed as bytes, with its hash: so that a table is asked
/// without making a `String`, and a key that goes through several tables is hashed once.
struct EntityKeyBytes {
    /// The collection's UTF-8.
    let collection: UnsafeRawBufferPointer
    /// The entity's UTF-8.
    let entityID: UnsafeRawBufferPointer
    /// The key's hash, seeded for each process so that nobody can choose keys that collide.
    let hash: Int

    init(collection: UnsafeRawBufferPointer, entityID: UnsafeRawBufferPointer) {
        self.collection = collection
        self.entityID = entityID
        var hasher = Hasher()
        hasher.combine(collection.count)
        hasher.combine(bytes: collection)
        hasher.combine(bytes: entityID)
        hash = hasher.finalize()
    }

    /// Calls `body` with the bytes of two names.
    static func with<Result>(
        _ collection: CollectionName, _ entityID: EntityID,
        _ body: (EntityKeyBytes) -> Result
    ) -> Result {
        var collectionText = collection.rawValue
        var entityText = entityID.rawValue
        return collectionText.withUTF8 { collectionBytes in
            entityText.withUTF8 { entityBytes in
                body(
                    EntityKeyBytes(
                        collection: UnsafeRawBufferPointer(collectionBytes),
                        entityID: UnsafeRawBufferPointer(entityBytes)))
            }
        }
    }
}

/// A hash table from entities to values, small in memory: the names lie in one stretch of bytes,
/// the entries in one array in the order of their coming, and a slot is four bytes.
///
/// Open addressing with linear probing; nothing is ever removed. Iteration is in the order of
/// coming, so it does not depend on the hash.
struct EntityTable<Value> {
    struct Entry {
        let hash: Int
        let nameStart: Int
        let collectionLength: UInt32
        let entityLength: UInt32
        var value: Value
    }

    private(set) var entries: [Entry] = []
    private var names: [UInt8] = []
    /// An entry's index plus 1, or 0.
    private var slots: [UInt32] = []
    private var mask = 0

    /// How many entities there are.
    var count: Int { entries.count }

    /// The index of an entity's entry. O(1) on average.
    func find(_ key: EntityKeyBytes) -> Int? {
        guard mask > 0 else { return nil }
        var position = key.hash & mask
        while true {
            let slot = slots[position]
            if slot == 0 { return nil }
            let index = Int(slot - 1)
            if entries[index].hash == key.hash, isEqual(entries[index], key) { return index }
            position = (position + 1) & mask
        }
    }

    /// The value of an entity.
    subscript(_ key: EntityKeyBytes) -> Value? { find(key).map { entries[$0].value } }

    /// Sets the value of an entity and returns its entry's index. O(1) on average.
    @discardableResult
    mutating func set(_ key: EntityKeyBytes, _ value: Value) -> Int {
        if let index = find(key) {
            entries[index].value = value
            return index
        }
        return add(key, value)
    }

    /// Adds an entity that is not there yet, and returns its entry's index.
    @discardableResult
    private mutating func add(_ key: EntityKeyBytes, _ value: Value) -> Int {
        if entries.count * 4 >= slots.count * 3 { grow() }
        let index = entries.count
        entries.append(
            Entry(
                hash: key.hash, nameStart: names.count,
                collectionLength: UInt32(key.collection.count),
                entityLength: UInt32(key.entityID.count), value: value))
        names.append(contentsOf: key.collection)
        names.append(contentsOf: key.entityID)
        insert(index)
        return index
    }

    /// The value of an entry, changed in place.
    subscript(entry index: Int) -> Value {
        get { entries[index].value }
        _modify { yield &entries[index].value }
    }

    /// Takes out the entities whose values `isGone` says yes to. O(n).
    mutating func removeAll(where isGone: (Value) -> Bool) {
        var kept = EntityTable()
        names.withUnsafeBytes { bytes in
            for entry in entries where !isGone(entry.value) {
                let middle = entry.nameStart + Int(entry.collectionLength)
                kept.set(
                    EntityKeyBytes(
                        collection: UnsafeRawBufferPointer(
                            rebasing: bytes[entry.nameStart..<middle]),
                        entityID: UnsafeRawBufferPointer(
                            rebasing: bytes[middle..<(middle + Int(entry.entityLength))]),
                        hash: entry.hash),
                    entry.value)
            }
        }
        self = kept
    }

    /// Sets all of another table's values here, in their order of coming.
    ///
    /// - Parameter note: Told of each value that is set, and of the one that it replaces.
    mutating func merge(
        _ other: EntityTable<Value>, _ note: (_ old: Value?, _ new: Value) -> Void
    ) {
        other.names.withUnsafeBytes { bytes in
            for entry in other.entries {
                let middle = entry.nameStart + Int(entry.collectionLength)
                let key = EntityKeyBytes(
                    collection: UnsafeRawBufferPointer(rebasing: bytes[entry.nameStart..<middle]),
                    entityID: UnsafeRawBufferPointer(
                        rebasing: bytes[middle..<(middle + Int(entry.entityLength))]),
                    hash: entry.hash)
                let index = find(key)
                note(index.map { entries[$0].value }, entry.value)
                if let index {
                    entries[index].value = entry.value
                } else {
                    add(key, entry.value)
                }
            }
        }
    }

    private func isEqual(_ entry: Entry, _ key: EntityKeyBytes) -> Bool {
        guard Int(entry.collectionLength) == key.collection.count,
            Int(entry.entityLength) == key.entityID.count
        else { return false }
        return names.withUnsafeBytes { bytes in
            let middle = entry.nameStart + key.collection.count
            return UnsafeRawBufferPointer(rebasing: bytes[entry.nameStart..<middle])
                .hasSameBytes(as: key.collection)
                && UnsafeRawBufferPointer(rebasing: bytes[middle..<(middle + key.entityID.count)])
                    .hasSameBytes(as: key.entityID)
        }
    }

    private mutating func grow() {
        let size = max(16, slots.count * 2)
        slots = [UInt32](repeating: 0, count: size)
        mask = size - 1
        for index in entries.indices { insert(index) }
    }

    private mutating func insert(_ index: Int) {
        var position = entries[index].hash & mask
        while slots[position] != 0 { position = (position + 1) & mask }
        slots[position] = UInt32(index + 1)
    }
}

extension EntityTable {
    /// Calls `body` with the bytes of an entry's entity id.
    func withEntityID<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withNames(of: index) { _, entityID in body(entityID) }
    }

    /// Calls `body` with the bytes of an entry's collection and entity id.
    func withNames<Result>(
        of index: Int, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let entry = entries[index]
        let middle = entry.nameStart + Int(entry.collectionLength)
        return names.withUnsafeBytes { bytes in
            body(
                UnsafeRawBufferPointer(rebasing: bytes[entry.nameStart..<middle]),
                UnsafeRawBufferPointer(
                    rebasing: bytes[middle..<(middle + Int(entry.entityLength))]))
        }
    }

    /// Collection and id of an entry, for people to read.
    func name(of index: Int) -> String {
        let entry = entries[index]
        let middle = entry.nameStart + Int(entry.collectionLength)
        let end = middle + Int(entry.entityLength)
        return String(decoding: names[entry.nameStart..<middle], as: UTF8.self) + "/"
            + String(decoding: names[middle..<end], as: UTF8.self)
    }
}

extension EntityKeyBytes {
    /// A key whose hash is known.
    fileprivate init(
        collection: UnsafeRawBufferPointer, entityID: UnsafeRawBufferPointer, hash: Int
    ) {
        self.collection = collection
        self.entityID = entityID
        self.hash = hash
    }
}

/// The newest revision of an entity, as the conflict rule needs it.
struct EntityRevision: Equatable {
    /// Its position in the log.
    var cursor: Cursor
    /// The revision count.
    var version: EntityVersion
    /// Its author's number for it.
    var operationID: OperationID
    /// Its author.
    var device: DeviceNumber
    /// Whether it deleted the entity.
    var isDeleted: Bool
}
