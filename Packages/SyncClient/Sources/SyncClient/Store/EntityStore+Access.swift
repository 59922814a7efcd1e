// SPDX-License-Identifier: MIT

import RecordLog

extension DiskEntityStore {
    /// The encoded CBOR of an entity, or `nil` if there is none.
    ///
    /// Complexity: O(log *n*) in the entities of the collection.
    public func rawEntity(in collection: String, id: String) -> [UInt8]? {
        index.content(in: collection, id: id)
    }

    /// The entities of a collection whose ids begin with `idPrefix`, in the order of the bytes of
    /// their ids.
    ///
    /// - Parameters:
    ///   - after: Only ids above this one: the last id of the page before.
    ///   - limit: The most entities to return.
    public func rawEntities(
        in collection: String, idPrefix: String = "", after: String? = nil, limit: Int = .max
    ) -> [RawEntity] {
        index.page(EntityQuery(collection, idPrefix: idPrefix, after: after, limit: limit))
    }

    /// How many entities a collection has.
    public func count(in collection: String) -> Int {
        index.count(in: collection)
    }

    /// The names of the collections that have entities, in the order of their bytes.
    public var collections: [String] { index.collections }

    /// Writes an entity, replacing the one that has this id.
    ///
    /// - Parameter content: One item of well-formed CBOR.
    /// - Throws: `StoreError`.
    public func putRaw(
        _ content: [UInt8], in collection: String, id: String
    ) throws(StoreError) {
        try withWriter { (writer) throws(StoreError) in
            var transaction = StoreTransaction(
                index: index, directory: directory, configuration: configuration)
            try transaction.putRaw(content, in: collection, id: id)
            _ = try writer.commit(transaction.writes)
        }
    }

    /// Deletes an entity. Returns whether there was one; if not, nothing is written.
    ///
    /// - Throws: `StoreError`.
    @discardableResult
    public func delete(in collection: String, id: String) throws(StoreError) -> Bool {
        try withWriter { (writer) throws(StoreError) in
            try writer.checkWritable()
            var transaction = StoreTransaction(
                index: index, directory: directory, configuration: configuration)
            let existed = try transaction.delete(in: collection, id: id)
            _ = try writer.commit(transaction.writes)
            return existed
        }
    }
}

extension SharedIndex {
    func content(in collection: String, id: String) -> [UInt8]? {
        read { $0.content(in: TextKey(collection), id: TextKey(id)) }
    }

    func page(_ query: EntityQuery) -> [RawEntity] {
        read { $0.page(query) }
    }

    func count(in collection: String) -> Int {
        read { $0.collections[TextKey(collection)]?.liveCount ?? 0 }
    }

    /// Collections that have entities, without internal ones.
    var collections: [String] {
        read { index in
            index.collections.filter {
                $0.value.liveCount > 0 && $0.key.text.utf8.first != UInt8(ascii: "_")
            }.keys.sorted().map(\.text)
        }
    }
}
