// SPDX-License-Identifier: MIT

/// Encodes the elements of an array.
struct UnkeyedItemEncoder: UnkeyedEncodingContainer {
    let encoder: ItemEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.count }

    func encode<T: Encodable>(_ value: T) throws {
        try encoder.attempt {
            let key = PositionKey.index(count)
            encoder.beginElement()
            try encoder.encodeNested(value, at: key)
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        nextChild().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        nextChild().unkeyedContainer()
    }

    func superEncoder() -> any Encoder { nextChild() }

    private func nextChild() -> ItemEncoder {
        let key = PositionKey.index(count)
        encoder.beginElement()
        return encoder.child(key)
    }

    func encodeNil() throws {
        encoder.beginElement()
        encoder.output.writer.writeNull()
    }

    func encode(_ value: Bool) throws {
        encoder.beginElement()
        encoder.output.writer.write(bool: value)
    }

    func encode(_ value: String) throws {
        encoder.beginElement()
        encoder.output.writer.write(text: value)
    }

    func encode(_ value: Double) throws {
        try encoder.attempt {
            encoder.beginElement()
            try encoder.write(value, at: PositionKey.index(count - 1))
        }
    }

    func encode(_ value: Float) throws {
        try encoder.attempt {
            encoder.beginElement()
            try encoder.write(Double(value), at: PositionKey.index(count - 1))
        }
    }

    func encode(_ value: Int) throws {
        encoder.beginElement()
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int8) throws {
        encoder.beginElement()
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int16) throws {
        encoder.beginElement()
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int32) throws {
        encoder.beginElement()
        encoder.output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int64) throws {
        encoder.beginElement()
        encoder.output.writer.write(int: value)
    }

    func encode(_ value: UInt) throws {
        encoder.beginElement()
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt8) throws {
        encoder.beginElement()
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt16) throws {
        encoder.beginElement()
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt32) throws {
        encoder.beginElement()
        encoder.output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt64) throws {
        encoder.beginElement()
        encoder.output.writer.write(uint: value)
    }
}
