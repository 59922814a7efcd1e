// SPDX-License-Identifier: MIT

/// Encodes one item: the `Encoder` that values see.
final class ItemEncoder: Encoder {
    let session: EncodingSession
    let path: CodingPathNode?
    /// The arrays and maps around the item.
    let depth: Int
    /// The calls of `encode(to:)` around the item, at least `depth` many.
    let level: Int
    /// The rule for the keys of the item, if it becomes a map.
    let keyRule: KeyRule
    private var content: EncodedItem?

    init(
        _ session: EncodingSession, path: CodingPathNode?, depth: Int, level: Int,
        keyRule: KeyRule = .any
    ) {
        self.session = session
        self.path = path
        self.depth = depth
        self.level = level
        self.keyRule = keyRule
    }

    var codingPath: [any CodingKey] { CodingPathNode.keys(path) }
    var userInfo: [CodingUserInfoKey: Any] { session.userInfo }

    /// What was encoded; a type that encodes nothing is an empty map.
    var result: EncodedItem { content ?? .map(EncodedMap()) }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        let map: EncodedMap
        switch content {
        case nil:
            map = EncodedMap()
            content = .map(map)
            checkDepth()
        case .map(let existing)?:
            // A class and its superclass may share one map.
            map = existing
        default: preconditionFailure("A value cannot be a map and something else at once.")
        }
        return KeyedEncodingContainer(KeyedItemEncoder(encoder: self, map: map))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let array: EncodedArray
        switch content {
        case nil:
            array = EncodedArray()
            content = .array(array)
            checkDepth()
        case .array(let existing)?: array = existing
        default: preconditionFailure("A value cannot be an array and something else at once.")
        }
        return UnkeyedItemEncoder(encoder: self, array: array)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    /// Notes an error if the container just made nests too deep.
    private func checkDepth() {
        guard depth >= session.maxDepth, session.error == nil else { return }
        session.error = tooDeep(())
    }

    private func tooDeep(_ value: Any) -> EncodingError {
        EncodingError.invalidValue(
            value,
            EncodingError.Context(
                codingPath: codingPath,
                debugDescription: "The value nests deeper than \(session.maxDepth) levels."))
    }

    /// An encoder for an item inside this one's container.
    func child(_ key: some CodingKey, keyRule: KeyRule = .any) -> ItemEncoder {
        // Beyond the limit everything is in vain; the path stops growing, so that releasing it
        // takes no deep recursion.
        let path = session.error == nil ? CodingPathNode(path, key) : path
        return ItemEncoder(
            session, path: path, depth: depth + 1, level: level + 1, keyRule: keyRule)
    }

    /// Encodes a value that stands inside this one's container.
    func item<T: Encodable>(of value: T, at key: some CodingKey) throws -> EncodedItem {
        if let scalar = scalarItem(of: value) { return scalar }
        if let error = session.error { throw error }
        if let convertible = value as? any CBORConvertible { return .value(convertible.cborValue) }
        let child = child(key, keyRule: CBOR.keyRule(of: T.self))
        try value.encode(to: child)
        return child.result
    }

    /// Encodes a value that is the whole item.
    func item<T: Encodable>(of value: T) throws -> EncodedItem {
        if let scalar = scalarItem(of: value) { return scalar }
        if let error = session.error { throw error }
        if let convertible = value as? any CBORConvertible { return .value(convertible.cborValue) }
        // Values that wrap values make no containers, and yet the recursion must end.
        guard level / 4 < session.maxDepth else { throw tooDeep(value) }
        let inner = ItemEncoder(
            session, path: path, depth: depth, level: level + 1,
            keyRule: CBOR.keyRule(of: T.self))
        try value.encode(to: inner)
        return inner.result
    }
}

/// The rule for the keys of a type that may be a dictionary.
func keyRule<T>(of type: T.Type) -> KeyRule {
    (type as? any WithKeyRule.Type)?.keyRule ?? .any
}

extension ItemEncoder: SingleValueEncodingContainer {
    func encodeNil() throws { set(.null) }

    func encode<T: Encodable>(_ value: T) throws { set(try item(of: value)) }

    private func set(_ item: EncodedItem) {
        precondition(content == nil, "A single value can be encoded only once.")
        content = item
    }
}
