// SPDX-License-Identifier: MIT

extension DecodedDocument {
    /// The value of a type that needs no container, or `nil` for any other type.
    @inline(__always)
    func scalar<T>(_ type: T.Type, _ node: Int) throws(CBORError) -> T? {
        if T.self == String.self { return cast(try text(node), to: type) }
        if T.self == Int.self { return cast(try integer(node) as Int, to: type) }
        if T.self == Bool.self { return cast(try bool(node), to: type) }
        if T.self == Double.self { return cast(try double(node), to: type) }
        if T.self == [UInt8].self, head(node).major != 4 {
            return cast(try byteString(node), to: type)
        }
        if T.self == Int64.self { return cast(try integer(node) as Int64, to: type) }
        if T.self == UInt64.self { return cast(try integer(node) as UInt64, to: type) }
        return try lessCommonScalar(type, node)
    }

    private func lessCommonScalar<T>(_ type: T.Type, _ node: Int) throws(CBORError) -> T? {
        if T.self == Float.self { return cast(try float(node), to: type) }
        if T.self == UInt.self { return cast(try integer(node) as UInt, to: type) }
        if T.self == Int8.self { return cast(try integer(node) as Int8, to: type) }
        if T.self == Int16.self { return cast(try integer(node) as Int16, to: type) }
        if T.self == Int32.self { return cast(try integer(node) as Int32, to: type) }
        if T.self == UInt8.self { return cast(try integer(node) as UInt8, to: type) }
        if T.self == UInt16.self { return cast(try integer(node) as UInt16, to: type) }
        if T.self == UInt32.self { return cast(try integer(node) as UInt32, to: type) }
        if T.self == Int128.self { return cast(try integer(node) as Int128, to: type) }
        if T.self == UInt128.self { return cast(try integer(node) as UInt128, to: type) }
        return nil
    }

    private func text(_ node: Int) throws(CBORError) -> String {
        let head = head(node)
        guard head.major == 3, !head.isIndefinite else {
            return try read(node) { reader throws(CBORError) in try reader.readText() }
        }
        return String(decoding: content(of: head), as: UTF8.self)
    }

    private func byteString(_ node: Int) throws(CBORError) -> [UInt8] {
        let head = head(node)
        guard head.major == 2, !head.isIndefinite else {
            return try read(node) { reader throws(CBORError) in try reader.readBytes() }
        }
        return Array(content(of: head))
    }

    /// The content of a string of definite length.
    private func content(of head: CBORHead) -> ArraySlice<UInt8> {
        bytes[head.end..<head.end + Int(truncatingIfNeeded: head.argument)]
    }

    private func bool(_ node: Int) throws(CBORError) -> Bool {
        try read(node) { reader throws(CBORError) in try reader.readBool() }
    }

    private func integer<N: FixedWidthInteger>(_ node: Int) throws(CBORError) -> N {
        let head = head(node)
        let isNegative: Bool
        let argument: N?
        switch head.major {
        case 0, 1:
            isNegative = head.major == 1
            argument = N(exactly: head.argument)
        case 6 where head.argument == 2 || head.argument == 3:
            isNegative = head.argument == 3
            argument = bigNumber(try byteString(node + 1))
        default:
            throw try read(node) { reader throws(CBORError) in reader.wrongType("an integer") }
        }
        guard let argument, !isNegative || N.isSigned else {
            throw CBORError(
                .outOfRange, at: nodes[node].offset, message: "The integer does not fit \(N.self).")
        }
        return isNegative ? ~argument : argument
    }

    /// The number with these bytes, or `nil` if it does not fit.
    private func bigNumber<N: FixedWidthInteger>(_ bytes: [UInt8]) -> N? {
        let digits = bytes.drop { $0 == 0 }
        guard digits.count <= 16 else { return nil }
        return N(exactly: digits.reduce(0 as UInt128) { $0 << 8 | UInt128($1) })
    }

    private func double(_ node: Int) throws(CBORError) -> Double {
        let head = head(node)
        guard head.major < 2 else {
            return try read(node) { reader throws(CBORError) in try reader.readDouble() }
        }
        let integer = head.major == 0 ? Int128(head.argument) : ~Int128(head.argument)
        guard let value = Double(exactly: integer) else {
            throw CBORError(
                .outOfRange, at: nodes[node].offset,
                message: "The integer is no exact floating-point number.")
        }
        return value
    }

    private func float(_ node: Int) throws(CBORError) -> Float {
        let value = try double(node)
        let narrow = Float(value)
        guard narrow.isFinite || !value.isFinite else {
            throw CBORError(
                .outOfRange, at: nodes[node].offset, message: "The float does not fit Float.")
        }
        return narrow
    }
}
