// SPDX-License-Identifier: MIT

extension DecodedDocument {
    /// The value of a type that needs no container, or `nil` for any other type.
    @inline(__always)
    func scalar<T>(_ type: T.Type, at offset: Int) throws(CBORError) -> T? {
        if T.self == String.self { return cast(try text(at: offset), to: type) }
        if T.self == Int.self { return cast(try integer(at: offset) as Int, to: type) }
        if T.self == Double.self { return cast(try double(at: offset), to: type) }
        if T.self == [UInt8].self, head(at: offset).major != 4 {
            return cast(try byteString(at: offset), to: type)
        }
        if T.self == Bool.self { return cast(try bool(at: offset), to: type) }
        return try lessCommonScalar(type, at: offset)
    }

    private func lessCommonScalar<T>(_ type: T.Type, at offset: Int) throws(CBORError) -> T? {
        if T.self == UInt64.self { return cast(try integer(at: offset) as UInt64, to: type) }
        if T.self == Int64.self { return cast(try integer(at: offset) as Int64, to: type) }
        if T.self == Float.self { return cast(try float(at: offset), to: type) }
        if T.self == UInt.self { return cast(try integer(at: offset) as UInt, to: type) }
        if T.self == Int8.self { return cast(try integer(at: offset) as Int8, to: type) }
        if T.self == Int16.self { return cast(try integer(at: offset) as Int16, to: type) }
        if T.self == Int32.self { return cast(try integer(at: offset) as Int32, to: type) }
        if T.self == UInt8.self { return cast(try integer(at: offset) as UInt8, to: type) }
        if T.self == UInt16.self { return cast(try integer(at: offset) as UInt16, to: type) }
        if T.self == UInt32.self { return cast(try integer(at: offset) as UInt32, to: type) }
        if T.self == Int128.self { return cast(try integer(at: offset) as Int128, to: type) }
        if T.self == UInt128.self { return cast(try integer(at: offset) as UInt128, to: type) }
        if T.self == ContiguousArray<UInt8>.self, head(at: offset).major != 4 {
            return cast(ContiguousArray(try byteString(at: offset)), to: type)
        }
        return nil
    }

    @inline(__always)
    func text(at offset: Int) throws(CBORError) -> String {
        let head = head(at: offset)
        guard head.major == 3, !head.isIndefinite else {
            return try read(at: offset) { reader throws(CBORError) in try reader.readText() }
        }
        return String(decoding: content(of: head), as: UTF8.self)
    }

    func byteString(at offset: Int) throws(CBORError) -> [UInt8] {
        let head = head(at: offset)
        guard head.major == 2, !head.isIndefinite else {
            return try read(at: offset) { reader throws(CBORError) in try reader.readBytes() }
        }
        return Array(content(of: head))
    }

    @inline(__always)
    func bool(at offset: Int) throws(CBORError) -> Bool {
        let byte = byte(at: offset)
        guard byte | 1 == 0xF5 else { throw reader(at: offset).wrongType("a boolean") }
        return byte == 0xF5
    }

    @inline(__always)
    func integer<N: FixedWidthInteger>(at offset: Int) throws(CBORError) -> N {
        let head = head(at: offset)
        if head.major == 0, let value = N(exactly: head.argument) { return value }
        return try uncommonInteger(head, at: offset)
    }

    /// A negative or a big integer, or an error.
    private func uncommonInteger<N: FixedWidthInteger>(
        _ head: CBORHead, at offset: Int
    ) throws(CBORError) -> N {
        if head.major == 1, N.isSigned, let argument = N(exactly: head.argument) {
            return ~argument
        }
        return try read(at: offset) { reader throws(CBORError) in try reader.readInteger(N.self) }
    }

    @inline(__always)
    func double(at offset: Int) throws(CBORError) -> Double {
        let head = head(at: offset)
        if head.major == 7, let value = head.doubleValue, value.isFinite { return value }
        return try uncommonDouble(head, at: offset)
    }

    /// An integer or what is not finite as a float, or an error.
    @inline(never)
    private func uncommonDouble(_ head: CBORHead, at offset: Int) throws(CBORError) -> Double {
        if head.major < 2 {
            let integer = head.major == 0 ? Int128(head.argument) : ~Int128(head.argument)
            guard let value = Double(exactly: integer) else {
                throw CBORError(
                    .outOfRange, at: offset,
                    message: "The integer is no exact floating-point number.")
            }
            return value
        }
        let strategy = options.nonConformingFloatDecodingStrategy
        if case .convertFromString(let infinity, let negative, let nan) = strategy,
            head.major == 3
        {
            let text = try text(at: offset)
            if text == infinity { return .infinity }
            if text == negative { return -.infinity }
            if text == nan { return .nan }
        }
        let value = try read(at: offset) { reader throws(CBORError) in try reader.readDouble() }
        if case .throw = strategy {
            throw CBORError(
                .invalidValue, at: offset,
                message: "\(value) is refused by nonConformingFloatDecodingStrategy.")
        }
        return value
    }

    func float(at offset: Int) throws(CBORError) -> Float {
        let value = try double(at: offset)
        let narrow = Float(value)
        guard narrow.isFinite || !value.isFinite else {
            throw CBORError(
                .outOfRange, at: offset, message: "The float does not fit Float.")
        }
        return narrow
    }
}

// The scalars for containers, which report errors with a path. `key` is nil for the whole item.
extension ItemDecoder {
    typealias Key = () -> (any CodingKey)?

    @inline(__always)
    func text(at place: ItemPlace, _ key: @autoclosure Key) throws -> String {
        do throws(CBORError) {
            return try document.text(at: place.offset)
        } catch {
            throw failure(error, String.self, place, key())
        }
    }

    @inline(__always)
    func bool(at place: ItemPlace, _ key: @autoclosure Key) throws -> Bool {
        do throws(CBORError) {
            return try document.bool(at: place.offset)
        } catch {
            throw failure(error, Bool.self, place, key())
        }
    }

    @inline(__always)
    func double(at place: ItemPlace, _ key: @autoclosure Key) throws -> Double {
        do throws(CBORError) {
            return try document.double(at: place.offset)
        } catch {
            throw failure(error, Double.self, place, key())
        }
    }

    @inline(__always)
    func float(at place: ItemPlace, _ key: @autoclosure Key) throws -> Float {
        do throws(CBORError) {
            return try document.float(at: place.offset)
        } catch {
            throw failure(error, Float.self, place, key())
        }
    }

    @inline(__always)
    func integer<N: FixedWidthInteger>(at place: ItemPlace, _ key: @autoclosure Key) throws -> N {
        do throws(CBORError) {
            return try document.integer(at: place.offset)
        } catch {
            throw failure(error, N.self, place, key())
        }
    }

    @inline(never)
    func failure(
        _ error: CBORError, _ type: any Any.Type, _ place: ItemPlace, _ key: (any CodingKey)?
    ) -> DecodingError {
        document.decodingError(
            error, type, at: place.offset, path: codingPath + (key.map { [$0] } ?? []))
    }
}
