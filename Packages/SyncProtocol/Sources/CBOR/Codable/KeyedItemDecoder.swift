// SPDX-License-Identifier: MIT

/// Decodes the entries of a map.
struct KeyedItemDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: ItemDecoder
    let table: EntryTable

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        table.keys.compactMap { key in
            switch key {
            case .integer(let value): Key(intValue: value)
            case .text(let text): Key(stringValue: text)
            }
        }
    }

    func contains(_ key: Key) -> Bool { place(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        decoder.document.isNull(at: try required(key).offset)
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try decoder.decodeNested(type, at: required(key), key)
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let place = present(key) else { return nil }
        return try decoder.decodeNested(type, at: place, key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder.child(key, required(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder.child(key, required(key)).unkeyedContainer()
    }

    /// A decoder of null if there is nothing for the superclass, which may need nothing.
    func superDecoder() throws -> any Decoder {
        let key = PositionKey.super
        return table.find(key.stringValue).map { decoder.child(key, $0) } ?? decoder.absent(key)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        place(key).map { decoder.child(key, $0) } ?? decoder.absent(key)
    }
}

extension KeyedItemDecoder {
    /// Where a key's value is.
    @inline(__always)
    private func place(_ key: Key) -> ItemPlace? {
        let text = key.stringValue
        guard decoder.keyRule != .text, let integer = key.intValue else { return table.find(text) }
        return placeOfInteger(integer, text)
    }

    @inline(never)
    private func placeOfInteger(_ integer: Int, _ text: String) -> ItemPlace? {
        guard WireKey.means(integer, text) else { return table.find(text) }
        if let place = table.find(integer) { return place }
        // A map made by somebody else may have text where the type has an integer, too.
        return decoder.keyRule == .any ? table.find(text) : nil
    }

    /// Where a key's value is, unless it is null.
    @inline(__always)
    private func present(_ key: Key) -> ItemPlace? {
        guard let place = place(key), !decoder.document.isNull(at: place.offset) else { return nil }
        return place
    }

    @inline(__always)
    private func required(_ key: Key) throws -> ItemPlace {
        guard let place = place(key) else { throw missing(key) }
        return place
    }

    @inline(never)
    private func missing(_ key: Key) -> DecodingError {
        let offset = decoder.document.origin.position(of: decoder.place.offset)
        return DecodingError.keyNotFound(
            key,
            DecodingError.Context(
                codingPath: codingPath,
                debugDescription: "The map at byte \(offset) has no key \"\(key.stringValue)\".",
                underlyingError: CBORError(
                    .missingKey, at: offset, message: "The map has no such key.")))
    }
}

// A method for each scalar, because a generic one would ask at run time which it has.
extension KeyedItemDecoder {
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try decoder.bool(at: required(key), key)
    }

    func decodeIfPresent(_ type: Bool.Type, forKey key: Key) throws -> Bool? {
        guard let place = present(key) else { return nil }
        return try decoder.bool(at: place, key)
    }

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try decoder.text(at: required(key), key)
    }

    func decodeIfPresent(_ type: String.Type, forKey key: Key) throws -> String? {
        guard let place = present(key) else { return nil }
        return try decoder.text(at: place, key)
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        try decoder.double(at: required(key), key)
    }

    func decodeIfPresent(_ type: Double.Type, forKey key: Key) throws -> Double? {
        guard let place = present(key) else { return nil }
        return try decoder.double(at: place, key)
    }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        try decoder.float(at: required(key), key)
    }

    func decodeIfPresent(_ type: Float.Type, forKey key: Key) throws -> Float? {
        guard let place = present(key) else { return nil }
        return try decoder.float(at: place, key)
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: Int8.Type, forKey key: Key) throws -> Int8? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: Int16.Type, forKey key: Key) throws -> Int16? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: Int32.Type, forKey key: Key) throws -> Int32? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: Int64.Type, forKey key: Key) throws -> Int64? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: UInt.Type, forKey key: Key) throws -> UInt? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) throws -> UInt8? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) throws -> UInt16? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) throws -> UInt32? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }

    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
        try decoder.integer(at: required(key), key)
    }

    func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) throws -> UInt64? {
        guard let place = present(key) else { return nil }
        return try decoder.integer(at: place, key)
    }
}
