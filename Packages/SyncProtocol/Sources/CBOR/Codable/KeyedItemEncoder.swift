// SPDX-License-Identifier: MIT

/// Encodes the entries of a map.
///
/// There is a method for each scalar, because a generic one would ask at run time which it has.
struct KeyedItemEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: ItemEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        try encoder.attempt {
            encoder.beginEntry(key)
            try encoder.encodeNested(value, at: key)
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        encoder.beginEntry(key)
        return encoder.child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder.beginEntry(key)
        return encoder.child(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        encoder.beginEntry(PositionKey.super)
        return encoder.child(PositionKey.super)
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        encoder.beginEntry(key)
        return encoder.child(key)
    }

    func encodeNil(forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.writeNull()
    }

    func encode(_ value: Bool, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(bool: value)
    }

    func encode(_ value: String, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(text: value)
    }

    func encode(_ value: Double, forKey key: Key) throws {
        try encoder.attempt {
            encoder.beginEntry(key)
            try encoder.write(value, at: key)
        }
    }

    func encode(_ value: Float, forKey key: Key) throws {
        try encoder.attempt {
            encoder.beginEntry(key)
            try encoder.write(Double(value), at: key)
        }
    }

    func encode(_ value: Int, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int8, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int16, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int32, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int64, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(int: value)
    }

    func encode(_ value: UInt, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt8, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt16, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt32, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt64, forKey key: Key) throws {
        encoder.beginEntry(key)
        encoder.output.writer.write(uint: value)
    }
}
