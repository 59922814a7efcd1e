// SPDX-License-Identifier: MIT

/// Encodes `Encodable` values in Core Deterministic Encoding (RFC 8949 §4.2.1): the same value
/// gives the same bytes, whatever order it encodes its properties in.
///
/// Structures are maps with the coding keys' text as keys, or their integers where they have some;
/// `[UInt8]` is a byte string; floats have the shortest form that keeps their value; integers
/// beyond 64 bits are big numbers (tags 2 and 3, §3.4.3). A property that is encoded twice counts
/// once, with its last value. A type that encodes nothing is an empty map.
public struct CBOREncoder: Sendable {
    /// How deep the output may nest; an outermost array or map has depth 1. Values are encoded by
    /// recursion, so this bounds the stack.
    public var maxDepth = 64

    /// Handed on to the values.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// Makes an encoder with a depth of 64 and nothing to hand on.
    public init() {}

    /// Encodes a value as one item.
    ///
    /// - Throws: `EncodingError.invalidValue` if it nests too deep, and whatever the value throws.
    public func encode(_ value: some Encodable) throws -> [UInt8] {
        let session = EncodingSession(maxDepth: maxDepth, userInfo: userInfo)
        let encoder = ItemEncoder(session, path: nil, depth: 0, level: 0)
        let item = try encoder.item(of: value)
        if let error = session.error { throw error }
        var writer = CBORWriter()
        item.write(to: &writer)
        return writer.bytes
    }
}

/// What the encoders of one `encode` have in common.
final class EncodingSession {
    let maxDepth: Int
    let userInfo: [CodingUserInfoKey: any Sendable]
    /// Set where the protocols give no way to throw; ends the encoding.
    var error: EncodingError?

    init(maxDepth: Int, userInfo: [CodingUserInfoKey: any Sendable]) {
        self.maxDepth = maxDepth
        self.userInfo = userInfo
    }
}

/// An item that is ready, or a container that may still be added to.
enum EncodedItem {
    case unsigned(UInt64)
    case negative(UInt64)
    case double(Double)
    case text(String)
    case bytes([UInt8])
    case bool(Bool)
    case null
    case value(CBORValue)
    case array(EncodedArray)
    case map(EncodedMap)
    /// Whatever the encoder has been given by the end.
    case deferred(ItemEncoder)

    /// Writes the item. Recurses as deep as the session allows.
    func write(to writer: inout CBORWriter) {
        switch self {
        case .unsigned(let value): writer.write(uint: value)
        case .negative(let n): writer.write(negative: n)
        case .double(let value): writer.write(double: value)
        case .text(let text): writer.write(text: text)
        case .bytes(let bytes): writer.write(bytes: bytes)
        case .bool(let bool): writer.write(bool: bool)
        case .null: writer.writeNull()
        case .value(let value): value.encode(to: &writer)
        case .array(let array):
            writer.writeArrayHeader(count: array.elements.count)
            for element in array.elements { element.write(to: &writer) }
        case .map(let map): map.write(to: &writer)
        case .deferred(let encoder): encoder.result.write(to: &writer)
        }
    }
}

final class EncodedArray {
    var elements: [EncodedItem] = []
}

final class EncodedMap {
    var entries: [(key: WireKey, item: EncodedItem)] = []

    func write(to writer: inout CBORWriter) {
        let distinct = sortedEntries()
        writer.writeMapHeader(count: distinct.count)
        for entry in distinct {
            switch entry.key {
            case .integer(let value): writer.write(int: Int64(value))
            case .text(let text): writer.write(text: text)
            }
            entry.item.write(to: &writer)
        }
    }

    /// The entries in order; of those with the same key, the last that was encoded.
    private func sortedEntries() -> [(key: WireKey, item: EncodedItem)] {
        let isSorted = zip(entries, entries.dropFirst()).allSatisfy { $0.key.precedes($1.key) }
        guard !isSorted else { return entries }
        let order = entries.indices.sorted { first, second in
            let (one, other) = (entries[first].key, entries[second].key)
            return one == other ? first < second : one.precedes(other)
        }
        var distinct: [(key: WireKey, item: EncodedItem)] = []
        distinct.reserveCapacity(order.count)
        for index in order {
            if let last = distinct.last, last.key == entries[index].key { distinct.removeLast() }
            distinct.append(entries[index])
        }
        return distinct
    }
}
