// SPDX-License-Identifier: MIT

import CBOR

/// The writes of a transaction that is being made, over what the store has.
///
/// It lives as long as the closure that it is handed to.
public struct StoreTransaction: ~Copyable {
    private let index: SharedIndex
    private let directory: String
    private let configuration: StoreConfiguration
    private var places: [EntityPlace: Int] = [:]
    private var slots: [WALWrite?] = []

    init(index: SharedIndex, directory: String, configuration: StoreConfiguration) {
        self.index = index
        self.directory = directory
        self.configuration = configuration
    }

    /// The writes in order, one for each entity.
    var writes: [WALWrite] { slots.compactMap { $0 } }

    /// The encoded CBOR of an entity as this transaction leaves it; `nil` if there is none.
    public func rawEntity(in collection: String, id: String) -> [UInt8]? {
        if let place = places[EntityPlace(collection, id)], let write = slots[place] {
            return write.content
        }
        return index.content(in: collection, id: id)
    }

    /// The entities of a collection whose ids begin with `idPrefix` as this transaction leaves
    /// them, in the order of the bytes of their ids.
    ///
    /// - Parameters:
    ///   - after: Only ids above this one: the last id of the page before.
    ///   - limit: The most entities to return.
    public func rawEntities(
        in collection: String, idPrefix: String = "", after: String? = nil, limit: Int = .max
    ) -> [RawEntity] {
        let own = slots.compactMap { $0 }.filter {
            TextKey($0.collection) == TextKey(collection)
        }
        // One that this transaction deletes makes room for one more of the store's.
        let query = EntityQuery(
            collection, idPrefix: idPrefix, after: after,
            limit: limit.addingReportingOverflow(own.count).overflow ? .max : limit + own.count)
        guard !own.isEmpty else { return index.page(query) }
        var found: [TextKey: [UInt8]] = [:]
        for entity in index.page(query) { found[TextKey(entity.id)] = entity.content }
        for write in own where query.contains(TextKey(write.entityID)) {
            found[TextKey(write.entityID)] = write.content
        }
        return found.sorted { $0.key < $1.key }.prefix(max(0, limit)).map {
            RawEntity(id: $0.key.text, content: $0.value)
        }
    }

    /// Writes an entity, replacing the one that has this id.
    ///
    /// - Parameter content: One item of well-formed CBOR.
    /// - Throws: `StoreError` if the name, the id or the content is not one that the store takes.
    public mutating func putRaw(
        _ content: [UInt8], in collection: String, id: String
    ) throws(StoreError) {
        try check(collection, id)
        guard content.count <= configuration.entityBytesMax else {
            throw error(
                .tooLarge,
                "an entity of \(content.count) bytes is over entityBytesMax "
                    + "(\(configuration.entityBytesMax))")
        }
        do throws(CBORError) {
            try CBORWellFormedness.check(content, maxDepth: CBORLimits.default.maxDepth)
        } catch {
            throw self.error(.invalidContent, "the content is not one item of CBOR: \(error)")
        }
        set(WALWrite(collection: collection, entityID: id, content: content))
    }

    /// Deletes an entity. Returns whether there was one; if not, nothing is written.
    ///
    /// - Throws: `StoreError` if the name or the id is not one that the store takes.
    @discardableResult
    public mutating func delete(in collection: String, id: String) throws(StoreError) -> Bool {
        try check(collection, id)
        guard rawEntity(in: collection, id: id) != nil else { return false }
        if index.content(in: collection, id: id) != nil {
            set(WALWrite(collection: collection, entityID: id, content: nil))
        } else if let place = places.removeValue(forKey: EntityPlace(collection, id)) {
            // Written by this transaction and by no one before: nothing is left of it.
            slots[place] = nil
        }
        return true
    }

    private mutating func set(_ write: WALWrite) {
        let key = EntityPlace(write.collection, write.entityID)
        if let place = places[key] {
            slots[place] = write
        } else {
            places[key] = slots.count
            slots.append(write)
        }
    }

    private func check(_ collection: String, _ id: String) throws(StoreError) {
        guard (1...128).contains(collection.utf8.count) else {
            throw error(
                .invalidCollection,
                "a collection name has 1 to 128 bytes of UTF-8, this one has "
                    + "\(collection.utf8.count)")
        }
        guard collection.utf8.first != UInt8(ascii: "_") else {
            throw error(
                .invalidCollection,
                "the collection \(collection) begins with _, which is kept for the store itself")
        }
        guard (1...256).contains(id.utf8.count) else {
            throw error(
                .invalidEntityID,
                "an entity id has 1 to 256 bytes of UTF-8, this one has \(id.utf8.count)")
        }
    }

    private func error(_ code: StoreError.Code, _ message: String) -> StoreError {
        StoreError(code, path: directory, message: message)
    }
}

extension EntityQuery {
    /// Whether an entity with this id is among the wanted ones.
    func contains(_ id: TextKey) -> Bool {
        guard id.hasPrefix(prefix) else { return false }
        guard let after else { return true }
        return after < id
    }
}
