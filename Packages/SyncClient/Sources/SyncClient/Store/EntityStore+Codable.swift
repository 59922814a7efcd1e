// SPDX-License-Identifier: MIT

public import CBOR
import CBORFoundation
import RecordLog

extension CBOREncoder {
    /// How the store encodes entities: Foundation's types in the forms that RFC 8949 has for them
    /// (`CBORForms.foundation`), so that peers in any language know a date for what it is.
    public static let entities = CBOREncoder(forms: .foundation)
}

extension CBORDecoder {
    /// How the store decodes entities, for resolvers and whoever else has their bytes.
    public static let entities = CBORDecoder(forms: .foundation)
}

extension DiskEntityStore {
    /// Writes `entity`, encoded as CBOR, replacing the entity that has this id.
    ///
    /// - Throws: `StoreError`, or `EncodingError` if `entity` has no CBOR form.
    public func put(_ entity: some Encodable, in collection: String, id: String) throws {
        try putRaw(try CBOREncoder.entities.encode(entity), in: collection, id: id)
    }

    /// The entity with this id, or `nil` if there is none.
    ///
    /// - Throws: `DecodingError` if the entity is not a `T`.
    public func get<T: Decodable>(
        _ type: T.Type = T.self, in collection: String, id: String
    ) throws -> T? {
        try rawEntity(in: collection, id: id).map {
            try CBORDecoder.entities.decode(T.self, from: $0)
        }
    }

    /// The entities of a collection whose ids begin with `idPrefix`, in the order of the bytes of
    /// their ids.
    ///
    /// - Parameters:
    ///   - after: Only ids above this one: the last id of the page before.
    ///   - limit: The most entities to return.
    /// - Throws: `DecodingError` if one of them is not a `T`.
    public func entities<T: Decodable>(
        _ type: T.Type = T.self, in collection: String, idPrefix: String = "",
        after: String? = nil, limit: Int = .max
    ) throws -> [(id: String, entity: T)] {
        try decoded(rawEntities(in: collection, idPrefix: idPrefix, after: after, limit: limit))
    }
}

extension StoreTransaction {
    /// Writes `entity`, encoded as CBOR, replacing the entity that has this id.
    ///
    /// - Throws: `StoreError`, or `EncodingError` if `entity` has no CBOR form.
    public mutating func put(_ entity: some Encodable, in collection: String, id: String) throws {
        try putRaw(try CBOREncoder.entities.encode(entity), in: collection, id: id)
    }

    /// The entity as this transaction leaves it, or `nil` if there is none.
    ///
    /// - Throws: `DecodingError` if the entity is not a `T`.
    public func get<T: Decodable>(
        _ type: T.Type = T.self, in collection: String, id: String
    ) throws -> T? {
        try rawEntity(in: collection, id: id).map {
            try CBORDecoder.entities.decode(T.self, from: $0)
        }
    }

    /// The entities of a collection whose ids begin with `idPrefix` as this transaction leaves
    /// them, in the order of the bytes of their ids.
    ///
    /// - Parameters:
    ///   - after: Only ids above this one: the last id of the page before.
    ///   - limit: The most entities to return.
    /// - Throws: `DecodingError` if one of them is not a `T`.
    public func entities<T: Decodable>(
        _ type: T.Type = T.self, in collection: String, idPrefix: String = "",
        after: String? = nil, limit: Int = .max
    ) throws -> [(id: String, entity: T)] {
        try decoded(rawEntities(in: collection, idPrefix: idPrefix, after: after, limit: limit))
    }
}

extension DiskEntityReader {
    /// The entity with this id, or `nil` if there is none.
    ///
    /// - Throws: `DecodingError` if the entity is not a `T`.
    public func get<T: Decodable>(
        _ type: T.Type = T.self, in collection: String, id: String
    ) throws -> T? {
        try rawEntity(in: collection, id: id).map {
            try CBORDecoder.entities.decode(T.self, from: $0)
        }
    }

    /// The entities of a collection whose ids begin with `idPrefix`, in the order of the bytes of
    /// their ids.
    ///
    /// - Parameters:
    ///   - after: Only ids above this one: the last id of the page before.
    ///   - limit: The most entities to return.
    /// - Throws: `DecodingError` if one of them is not a `T`.
    public func entities<T: Decodable>(
        _ type: T.Type = T.self, in collection: String, idPrefix: String = "",
        after: String? = nil, limit: Int = .max
    ) throws -> [(id: String, entity: T)] {
        try decoded(rawEntities(in: collection, idPrefix: idPrefix, after: after, limit: limit))
    }
}

private func decoded<T: Decodable>(_ entities: [RawEntity]) throws -> [(id: String, entity: T)] {
    try entities.map { ($0.id, try CBORDecoder.entities.decode(T.self, from: $0.content)) }
}
