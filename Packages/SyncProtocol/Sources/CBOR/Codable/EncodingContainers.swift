// SPDX-License-Identifier: MIT

// Each generic `encode` below also serves the protocols' requirements for `Int`, `String` and the
// other scalars, for which it comes down to one case of `scalarItem`.

/// Encodes the entries of a map.
struct KeyedItemEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: ItemEncoder
    let map: EncodedMap

    var codingPath: [any CodingKey] { encoder.codingPath }

    func encodeNil(forKey key: Key) throws {
        add(.null, key)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        add(try encoder.item(of: value, at: key), key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        let child = encoder.child(key)
        let container = child.container(keyedBy: type)
        add(deferred: child, key)
        return container
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let child = encoder.child(key)
        let container = child.unkeyedContainer()
        add(deferred: child, key)
        return container
    }

    func superEncoder() -> any Encoder {
        let child = encoder.child(PositionKey.super)
        guard encoder.session.error == nil else { return child }
        map.entries.append((.text(PositionKey.super.stringValue), .deferred(child)))
        return child
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        let child = encoder.child(key)
        add(deferred: child, key)
        return child
    }

    private func add(_ item: EncodedItem, _ key: Key) {
        map.entries.append((WireKey(key, encoder.keyRule), item))
    }

    /// Adds what an encoder will be given, unless the encoding has failed: what is then not added
    /// cannot grow into a chain whose release overflows the stack.
    private func add(deferred child: ItemEncoder, _ key: Key) {
        guard encoder.session.error == nil else { return }
        add(.deferred(child), key)
    }
}

/// Encodes the elements of an array.
struct UnkeyedItemEncoder: UnkeyedEncodingContainer {
    let encoder: ItemEncoder
    let array: EncodedArray

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { array.elements.count }

    private var nextKey: PositionKey { PositionKey(count) }

    func encodeNil() throws {
        array.elements.append(.null)
    }

    func encode<T: Encodable>(_ value: T) throws {
        if let scalar = scalarItem(of: value) {
            array.elements.append(scalar)
        } else {
            array.elements.append(try encoder.item(of: value, at: nextKey))
        }
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedEncodingContainer<Nested> {
        let child = encoder.child(nextKey)
        let container = child.container(keyedBy: type)
        add(deferred: child)
        return container
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let child = encoder.child(nextKey)
        let container = child.unkeyedContainer()
        add(deferred: child)
        return container
    }

    func superEncoder() -> any Encoder {
        let child = encoder.child(nextKey)
        add(deferred: child)
        return child
    }

    private func add(deferred child: ItemEncoder) {
        guard encoder.session.error == nil else { return }
        array.elements.append(.deferred(child))
    }
}
