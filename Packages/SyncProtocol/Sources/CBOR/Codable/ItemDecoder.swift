// SPDX-License-Identifier: MIT

/// Decodes one item: the `Decoder` that types see. It keeps the document alive, so a type may keep
/// it.
struct ItemDecoder: Decoder {
    let document: DecodedDocument
    let node: Int
    let path: CodingPathNode?
    let keyRule: KeyRule

    init(
        _ document: DecodedDocument, _ node: Int, path: CodingPathNode?, keyRule: KeyRule = .any
    ) {
        self.document = document
        self.node = node
        self.path = path
        self.keyRule = keyRule
    }

    var codingPath: [any CodingKey] { CodingPathNode.keys(path) }
    var userInfo: [CodingUserInfoKey: Any] { document.userInfo }

    func container<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try check(major: 5, "a map", [String: Any].self)
        return KeyedDecodingContainer(try KeyedItemDecoder(self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try check(major: 4, "an array", [Any].self)
        return UnkeyedItemDecoder(self)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    private func check(major: UInt8, _ expected: String, _ type: any Any.Type) throws {
        guard document.head(node).major != major else { return }
        try document.rethrowing(type, node, path) { () throws(CBORError) in
            throw try document.read(node) { reader throws(CBORError) in reader.wrongType(expected) }
        }
    }
}

extension ItemDecoder: SingleValueDecodingContainer {
    func decodeNil() -> Bool { document.isNull(node) }

    func decode<T: Decodable>(_ type: T.Type) throws -> T {
        if let value = try document.scalar(type, node, path) { return value }
        return try document.decode(
            type, ItemDecoder(document, node, path: path, keyRule: CBOR.keyRule(of: type)))
    }
}

extension DecodedDocument {
    /// Runs a read, and throws its error as one of the protocols'.
    @inline(__always)
    func rethrowing<T>(
        _ type: any Any.Type, _ node: Int, _ path: @autoclosure () -> CodingPathNode?,
        _ body: () throws(CBORError) -> T
    ) throws -> T {
        do throws(CBORError) {
            return try body()
        } catch {
            throw DecodingError(error, type: type, isNull: isNull(node), path: path())
        }
    }

    /// A value that needs no container, or `nil` for a type that may need one.
    @inline(__always)
    func scalar<T>(
        _ type: T.Type, _ node: Int, _ path: @autoclosure () -> CodingPathNode?
    ) throws -> T? {
        try rethrowing(type, node, path()) { () throws(CBORError) in try scalar(type, node) }
    }

    /// A value of a type that is no scalar.
    func decode<T: Decodable>(_ type: T.Type, _ decoder: ItemDecoder) throws -> T {
        guard let convertible = T.self as? any CBORConvertible.Type else {
            return try T(from: decoder)
        }
        let value = try rethrowing(type, decoder.node, decoder.path) { () throws(CBORError) in
            try read(decoder.node) { reader throws(CBORError) in try CBORValue(from: &reader) }
        }
        let offset = nodes[decoder.node].offset
        do {
            if let converted = try convertible.init(cborValue: value) as? T { return converted }
        } catch let error as DecodingError {
            throw error
        } catch {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "\(T.self) does not take this item (byte \(offset)).",
                    underlyingError: error))
        }
        preconditionFailure("An initializer of T returns a T.")
    }
}
