// SPDX-License-Identifier: MIT

extension ItemEncoder {
    /// Writes a value that needs no container, or nothing if it is of another type.
    ///
    /// - Returns: Whether it was written.
    @inline(__always)
    func writeScalar<T>(_ value: T, at key: (any CodingKey)?) throws -> Bool {
        if T.self == String.self {
            output.writer.write(text: cast(value, to: String.self))
        } else if T.self == Int.self {
            output.writer.write(int: Int64(cast(value, to: Int.self)))
        } else if T.self == Double.self {
            try write(cast(value, to: Double.self), at: key)
        } else if T.self == [UInt8].self {
            output.writer.write(bytes: cast(value, to: [UInt8].self))
        } else if T.self == Bool.self {
            output.writer.write(bool: cast(value, to: Bool.self))
        } else {
            return try writeLessCommonScalar(value, at: key)
        }
        return true
    }

    private func writeLessCommonScalar<T>(
        _ value: T, at key: (any CodingKey)?
    ) throws -> Bool {
        if T.self == UInt64.self { return write(cast(value, to: UInt64.self)) }
        if T.self == Int64.self { return write(cast(value, to: Int64.self)) }
        if T.self == Float.self {
            try write(Double(cast(value, to: Float.self)), at: key)
            return true
        }
        if T.self == UInt.self { return write(cast(value, to: UInt.self)) }
        if T.self == Int8.self { return write(cast(value, to: Int8.self)) }
        if T.self == Int16.self { return write(cast(value, to: Int16.self)) }
        if T.self == Int32.self { return write(cast(value, to: Int32.self)) }
        if T.self == UInt8.self { return write(cast(value, to: UInt8.self)) }
        if T.self == UInt16.self { return write(cast(value, to: UInt16.self)) }
        if T.self == UInt32.self { return write(cast(value, to: UInt32.self)) }
        if T.self == Int128.self { return write(cast(value, to: Int128.self)) }
        if T.self == UInt128.self { return write(cast(value, to: UInt128.self)) }
        if T.self == ContiguousArray<UInt8>.self {
            cast(value, to: ContiguousArray<UInt8>.self).withUnsafeBytes {
                output.writer.write(bytes: $0)
            }
            return true
        }
        return false
    }

    private func write(_ value: some FixedWidthInteger) -> Bool {
        output.writer.write(integer: value)
        return true
    }

    /// Writes a float, or what stands for it if it is an infinity or a NaN.
    @inline(__always)
    func write(_ double: Double, at key: @autoclosure () -> (any CodingKey)?) throws {
        if double.isFinite {
            output.writer.write(double: double)
        } else {
            try writeNonFinite(double, at: key())
        }
    }

    @inline(never)
    private func writeNonFinite(_ double: Double, at key: (any CodingKey)?) throws {
        switch session.options.nonConformingFloatEncodingStrategy {
        case .native: output.writer.write(double: double)
        case .convertToString(let positiveInfinity, let negativeInfinity, let nan):
            output.writer.write(
                text: double.isNaN ? nan : double > 0 ? positiveInfinity : negativeInfinity)
        case .throw:
            throw EncodingError.invalidValue(
                double,
                EncodingError.Context(
                    codingPath: codingPath + (key.map { [$0] } ?? []),
                    debugDescription: "\(double) is refused. Set "
                        + "nonConformingFloatEncodingStrategy to encode it."))
        }
    }
}
