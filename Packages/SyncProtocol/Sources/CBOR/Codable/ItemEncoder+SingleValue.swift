// SPDX-License-Identifier: MIT

/// Encodes the whole item.
extension ItemEncoder: SingleValueEncodingContainer {
    func encode<T: Encodable>(_ value: T) throws {
        try attempt {
            beginScalar()
            try encodeNested(value, at: nil)
        }
    }

    func encodeNil() throws {
        beginScalar()
        output.writer.writeNull()
    }

    func encode(_ value: Bool) throws {
        beginScalar()
        output.writer.write(bool: value)
    }

    func encode(_ value: String) throws {
        beginScalar()
        output.writer.write(text: value)
    }

    func encode(_ value: Double) throws {
        try attempt {
            beginScalar()
            try write(value, at: nil)
        }
    }

    func encode(_ value: Float) throws {
        try attempt {
            beginScalar()
            try write(Double(value), at: nil)
        }
    }

    func encode(_ value: Int) throws {
        beginScalar()
        output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int8) throws {
        beginScalar()
        output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int16) throws {
        beginScalar()
        output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int32) throws {
        beginScalar()
        output.writer.write(int: Int64(value))
    }

    func encode(_ value: Int64) throws {
        beginScalar()
        output.writer.write(int: value)
    }

    func encode(_ value: UInt) throws {
        beginScalar()
        output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt8) throws {
        beginScalar()
        output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt16) throws {
        beginScalar()
        output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt32) throws {
        beginScalar()
        output.writer.write(uint: UInt64(value))
    }

    func encode(_ value: UInt64) throws {
        beginScalar()
        output.writer.write(uint: value)
    }
}
