// SPDX-License-Identifier: MIT

/// The item of a value that needs no container, or `nil` for any other type.
@inline(__always)
func scalarItem<T>(of value: T) -> EncodedItem? {
    if T.self == String.self { return .text(cast(value, to: String.self)) }
    if T.self == Int.self { return item(of: cast(value, to: Int.self)) }
    if T.self == Bool.self { return .bool(cast(value, to: Bool.self)) }
    if T.self == Double.self { return .double(cast(value, to: Double.self)) }
    if T.self == [UInt8].self { return .bytes(cast(value, to: [UInt8].self)) }
    if T.self == Int64.self { return item(of: cast(value, to: Int64.self)) }
    if T.self == UInt64.self { return item(of: cast(value, to: UInt64.self)) }
    return lessCommonScalarItem(of: value)
}

private func lessCommonScalarItem<T>(of value: T) -> EncodedItem? {
    if T.self == Float.self { return .double(Double(cast(value, to: Float.self))) }
    if T.self == UInt.self { return item(of: cast(value, to: UInt.self)) }
    if T.self == Int8.self { return item(of: cast(value, to: Int8.self)) }
    if T.self == Int16.self { return item(of: cast(value, to: Int16.self)) }
    if T.self == Int32.self { return item(of: cast(value, to: Int32.self)) }
    if T.self == UInt8.self { return item(of: cast(value, to: UInt8.self)) }
    if T.self == UInt16.self { return item(of: cast(value, to: UInt16.self)) }
    if T.self == UInt32.self { return item(of: cast(value, to: UInt32.self)) }
    if T.self == Int128.self { return item(of: cast(value, to: Int128.self)) }
    if T.self == UInt128.self { return item(of: cast(value, to: UInt128.self)) }
    return nil
}

/// The value as the type that it is of, without the cost of a dynamic cast.
///
/// - Precondition: `T` and `U` are the same type.
@inline(__always)
func cast<T, U>(_ value: T, to type: U.Type) -> U {
    // The compiler folds the check where it knows both types.
    precondition(T.self == U.self, "Only a value of the same type keeps its bits.")
    return unsafeBitCast(value, to: type)
}

/// An integer of any width: a big number (RFC 8949 §3.4.3) only if it does not fit a head.
private func item<N: FixedWidthInteger>(of value: N) -> EncodedItem {
    // The complement of a negative integer n is −1 − n, the argument of major type 1 and tag 3.
    let argument = value < 0 ? ~value : value
    if let argument = UInt64(exactly: argument) {
        return value < 0 ? .negative(argument) : .unsigned(argument)
    }
    let bytes = withUnsafeBytes(of: argument.bigEndian) { Array($0.drop { $0 == 0 }) }
    return .value(.tagged(value < 0 ? 3 : 2, .bytes(bytes)))
}
