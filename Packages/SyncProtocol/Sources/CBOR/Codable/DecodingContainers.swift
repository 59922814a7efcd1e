// SPDX-License-Identifier: MIT

// Each generic `decode` below also serves the protocols' requirements for `Int`, `String` and the
// other scalars, for which it comes down to one case of `DecodedDocument.scalar`.

/// Decodes the entries of a map.
struct KeyedItemDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let decoder: ItemDecoder
    private let entries: EntrySearch

    /// - Throws: `DecodingError` if a dictionary's map has a key that cannot be one of its keys.
    init(_ decoder: ItemDecoder) throws {
        self.decoder = decoder
        entries = EntrySearch(decoder.document, map: decoder.node)
        guard decoder.keyRule != .any else { return }
        for node in entries.keyNodes {
            switch (decoder.document.wireKey(node), decoder.keyRule) {
            case (.text, .text), (.integer, .integer): continue
            default:
                let isText = decoder.keyRule == .text
                let error = CBORError(
                    .wrongType, at: decoder.document.nodes[node].offset,
                    message: "The dictionary's keys must be \(isText ? "text" : "integers").")
                throw DecodingError(
                    error, type: isText ? String.self : Int.self, isNull: false, path: decoder.path)
            }
        }
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        entries.keyNodes.compactMap { node in
            switch decoder.document.wireKey(node) {
            case .integer(let value)?: Key(intValue: value)
            case .text(let text)?: Key(stringValue: text)
            case nil: nil
            }
        }
    }

    func contains(_ key: Key) -> Bool { node(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        decoder.document.isNull(try required(key))
    }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
        try decode(type, at: try required(key), key)
    }

    func decodeIfPresent<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T? {
        guard let node = node(key), !decoder.document.isNull(node) else { return nil }
        return try decode(type, at: node, key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try child(try required(key), key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try child(try required(key), key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        let key = PositionKey.super
        guard let node = entries.find(.text(key.stringValue)) else { throw missing(key) }
        return child(node, key)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder {
        child(try required(key), key)
    }

    @inline(__always)
    private func decode<T: Decodable>(_ type: T.Type, at node: Int, _ key: Key) throws -> T {
        let document = decoder.document
        if let value = try document.scalar(type, node, CodingPathNode(decoder.path, key)) {
            return value
        }
        return try document.decode(type, child(node, key, keyRule(of: type)))
    }

    private func child(
        _ node: Int, _ key: some CodingKey, _ keyRule: KeyRule = .any
    ) -> ItemDecoder {
        ItemDecoder(
            decoder.document, node, path: CodingPathNode(decoder.path, key), keyRule: keyRule)
    }

    /// The node of a key's value.
    private func node(_ key: Key) -> Int? {
        let wireKey = WireKey(key, decoder.keyRule)
        if let node = entries.find(wireKey) { return node }
        // A map made by somebody else may have text where the type has an integer, too.
        guard case .integer = wireKey, decoder.keyRule == .any else { return nil }
        return entries.find(.text(key.stringValue))
    }

    private func required(_ key: Key) throws -> Int {
        guard let node = node(key) else { throw missing(key) }
        return node
    }

    private func missing(_ key: some CodingKey) -> DecodingError {
        let offset = decoder.document.nodes[decoder.node].offset
        return DecodingError.keyNotFound(
            key,
            DecodingError.Context(
                codingPath: codingPath,
                debugDescription: "The map at byte \(offset) has no key \"\(key.stringValue)\"."))
    }
}

/// Decodes the elements of an array.
struct UnkeyedItemDecoder: UnkeyedDecodingContainer {
    private let decoder: ItemDecoder
    private var node: Int
    private let end: Int
    private(set) var currentIndex = 0
    let count: Int?

    init(_ decoder: ItemDecoder) {
        self.decoder = decoder
        node = decoder.node + 1
        end = decoder.document.nodes[decoder.node].next
        let head = decoder.document.head(decoder.node)
        // The elements were seen, so the number of them fits.
        count = head.isIndefinite ? nil : Int(truncatingIfNeeded: head.argument)
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    var isAtEnd: Bool { node == end }

    private var path: CodingPathNode {
        CodingPathNode(decoder.path, PositionKey(currentIndex))
    }

    mutating func decodeNil() throws -> Bool {
        try checkNotAtEnd(Never.self)
        guard decoder.document.isNull(node) else { return false }
        advance()
        return true
    }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try checkNotAtEnd(type)
        let document = decoder.document
        let value: T
        if let scalar = try document.scalar(type, node, path) {
            value = scalar
        } else {
            value = try document.decode(
                type, ItemDecoder(document, node, path: path, keyRule: keyRule(of: type)))
        }
        advance()
        return value
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try checkNotAtEnd(KeyedDecodingContainer<Nested>.self)
        let container = try child.container(keyedBy: type)
        advance()
        return container
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try checkNotAtEnd((any UnkeyedDecodingContainer).self)
        let container = try child.unkeyedContainer()
        advance()
        return container
    }

    mutating func superDecoder() throws -> any Decoder {
        try checkNotAtEnd((any Decoder).self)
        let child = child
        advance()
        return child
    }

    private var child: ItemDecoder { ItemDecoder(decoder.document, node, path: path) }

    private mutating func advance() {
        node = decoder.document.nodes[node].next
        currentIndex += 1
    }

    private func checkNotAtEnd(_ type: any Any.Type) throws {
        guard isAtEnd else { return }
        throw DecodingError.valueNotFound(
            type,
            DecodingError.Context(
                codingPath: CodingPathNode.keys(path),
                debugDescription: "The array has only \(currentIndex) elements."))
    }
}
