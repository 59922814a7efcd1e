// SPDX-License-Identifier: MIT

/// Decodes the elements of an array.
struct UnkeyedItemDecoder: UnkeyedDecodingContainer {
    private let decoder: ItemDecoder
    private var place: ItemPlace
    private(set) var currentIndex = 0
    let count: Int?
    private(set) var isAtEnd = false

    /// - Precondition: The decoder's item is an array.
    init(_ decoder: ItemDecoder) {
        self.decoder = decoder
        let head = decoder.document.head(at: decoder.place.offset)
        place = decoder.document.place(inside: decoder.place)
        count = head.isIndefinite ? nil : head.itemCount
        checkEnd()
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    private var key: PositionKey { .index(currentIndex) }

    mutating func decodeNil() throws -> Bool {
        guard decoder.document.isNull(at: try current(Never.self).offset) else { return false }
        advance()
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try decoder.decodeNested(type, at: current(type), key)
        // What was decoded may know where it ends.
        advance(to: decoder.place(after: place))
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        let place = try current(KeyedDecodingContainer<Nested>.self)
        let container = try decoder.child(key, place).container(keyedBy: type)
        advance()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        let place = try current((any UnkeyedDecodingContainer).self)
        let container = try decoder.child(key, place).unkeyedContainer()
        advance()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        let child = decoder.child(key, try current((any Decoder).self))
        advance()
        return child
    }

    @inline(__always)
    private mutating func advance() { advance(to: decoder.document.place(after: place)) }

    @inline(__always)
    private mutating func advance(to next: ItemPlace) {
        place = next
        currentIndex += 1
        checkEnd()
    }

    @inline(__always)
    private mutating func checkEnd() {
        if let count {
            guard currentIndex == count else { return }
        } else {
            guard decoder.document.byte(at: place.offset) == breakByte else { return }
        }
        isAtEnd = true
        decoder.end = ItemPlace(
            offset: place.offset + (count == nil ? 1 : 0), container: place.container)
    }

    /// Where the next element is.
    @inline(__always)
    private func current(_ type: any Any.Type) throws -> ItemPlace {
        guard isAtEnd else { return place }
        throw DecodingError.valueNotFound(
            type,
            DecodingError.Context(
                codingPath: codingPath + [key],
                debugDescription: "The array has only \(currentIndex) elements."))
    }
}

// A method for each scalar, because a generic one would ask at run time which it has.
extension UnkeyedItemDecoder {
    mutating func decode(_ type: Bool.Type) throws -> Bool {
        let value: Bool = try decoder.bool(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: String.Type) throws -> String {
        let value: String = try decoder.text(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Double.Type) throws -> Double {
        let value: Double = try decoder.double(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Float.Type) throws -> Float {
        let value: Float = try decoder.float(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Int.Type) throws -> Int {
        let value: Int = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Int8.Type) throws -> Int8 {
        let value: Int8 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Int16.Type) throws -> Int16 {
        let value: Int16 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Int32.Type) throws -> Int32 {
        let value: Int32 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: Int64.Type) throws -> Int64 {
        let value: Int64 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: UInt.Type) throws -> UInt {
        let value: UInt = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: UInt8.Type) throws -> UInt8 {
        let value: UInt8 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: UInt16.Type) throws -> UInt16 {
        let value: UInt16 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: UInt32.Type) throws -> UInt32 {
        let value: UInt32 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }

    mutating func decode(_ type: UInt64.Type) throws -> UInt64 {
        let value: UInt64 = try decoder.integer(at: current(type), key)
        advance()
        return value
    }
}

/// An array that makes room for its elements before it decodes them: one that grows holds half of
/// them twice.
protocol ArrayWithRoom {
    static func decode<T>(_ type: T.Type, from decoder: ItemDecoder) throws -> T
}

extension Array: ArrayWithRoom where Element: Decodable {
    /// - Precondition: `type` is this array's.
    static func decode<T>(_ type: T.Type, from decoder: ItemDecoder) throws -> T {
        guard decoder.document.head(at: decoder.place.offset).major == 4 else {
            return cast(try Self(from: decoder), to: type)
        }
        var elements = UnkeyedItemDecoder(decoder)
        var array: Self = []
        array.reserveCapacity(
            elements.roomCount(stride: MemoryLayout<Element>.stride))
        while !elements.isAtEnd { array.append(try elements.decode(Element.self)) }
        return cast(array, to: type)
    }
}

extension UnkeyedItemDecoder {
    /// For how many elements to make room: for all that are there, but not for many large ones that
    /// so few bytes can hardly be.
    fileprivate func roomCount(stride: Int) -> Int {
        guard let count, count * stride > 1 << 14 else { return count ?? 0 }
        let end = decoder.document.place(after: decoder.place).offset
        return min(count, 16 * (end - decoder.place.offset) / stride)
    }
}
