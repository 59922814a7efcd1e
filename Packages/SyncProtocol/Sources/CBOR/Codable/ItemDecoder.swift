// SPDX-License-Identifier: MIT

/// Decodes one item: the `Decoder` that types see. It keeps the document alive, so a type may keep
/// it.
final class ItemDecoder: Decoder {
    let document: DecodedDocument
    private(set) var place: ItemPlace
    private(set) var keyRule = KeyRule.any

    /// The key of this item in its container, for the path.
    var component: (any CodingKey)?
    /// The decoder of the container that the item is in.
    private var owner: ItemDecoder?

    /// The entries of the item, if it is a map that a container was asked for.
    private var table: EntryTable?
    private var isListed = false

    /// The place behind the item, once a container has come to its end.
    var end: ItemPlace?

    /// A decoder for values inside this one's, used for one after another.
    private var spare: ItemDecoder?

    init(_ document: DecodedDocument, _ place: ItemPlace) {
        self.document = document
        self.place = place
    }

    var codingPath: [any CodingKey] {
        var keys: [any CodingKey] = []
        var decoder: ItemDecoder? = self
        while let current = decoder {
            if let key = current.component { keys.append(key) }
            decoder = current.owner
        }
        return keys.reversed()
    }

    var userInfo: [CodingUserInfoKey: Any] { document.options.userInfo }

    func container<Key: CodingKey>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        guard document.head(at: place.offset).major == 5 else {
            throw mismatch("a map", [String: Any].self)
        }
        let table = table ?? EntryTable(document)
        self.table = table
        if !isListed {
            end = table.list(place)
            isListed = true
            if keyRule != .any { try checkKeys(table) }
            if !document.usesDefaultKeys, keyRule == .any { convertKeys(table) }
        }
        return KeyedDecodingContainer(KeyedItemDecoder(decoder: self, table: table))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        switch document.head(at: place.offset).major {
        case 4: return UnkeyedItemDecoder(self)
        case 2:
            // Types that are collections of bytes, and decode their elements, take byte strings.
            return UnkeyedItemDecoder(try arrayOfBytes())
        default: throw mismatch("an array", [Any].self)
        }
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    private func mismatch(_ expected: String, _ type: any Any.Type) -> DecodingError {
        document.decodingError(
            document.reader(at: place.offset).wrongType(expected), type, at: place.offset,
            path: codingPath)
    }

    /// A decoder of the bytes of a byte string as numbers in an array. Errors have the position of
    /// the byte, or that of a string that is in chunks.
    private func arrayOfBytes() throws -> ItemDecoder {
        let bytes = try rethrowing([UInt8].self) { () throws(CBORError) in
            try document.byteString(at: place.offset)
        }
        let head = document.head(at: place.offset)
        var array: [UInt8] = [0x9B]
        array.reserveCapacity(9 + 2 * bytes.count)
        withUnsafeBytes(of: UInt64(bytes.count).bigEndian) { array.append(contentsOf: $0) }
        for byte in bytes { array += [0x18, byte] }
        let start = document.origin.position(of: head.isIndefinite ? place.offset : head.end)
        let origin = DocumentOrigin(
            start: start, prefix: 9, scale: head.isIndefinite ? .max : 2)
        let copy = DecodedDocument(copying: array, origin: origin, document.options)
        let decoder = ItemDecoder(copy, ItemPlace(offset: 0, container: 0))
        decoder.owner = self
        return decoder
    }

    /// The place behind an item inside this one that was decoded last.
    @inline(__always)
    func place(after item: ItemPlace) -> ItemPlace {
        if let spare, spare.place.offset == item.offset, let end = spare.end { return end }
        return document.place(after: item)
    }
}

extension ItemDecoder {
    /// Checks that a dictionary's map has no key that cannot be one of its keys.
    private func checkKeys(_ table: EntryTable) throws {
        for offset in table.keyOffsets {
            let major = document.head(at: offset).major
            let isKey = keyRule == .text ? major == 3 : document.wireKey(at: offset) != nil
            guard !isKey || keyRule == .integer && major > 1 else { continue }
            let isText = keyRule == .text
            let error = CBORError(
                .wrongType, at: offset,
                message: "The dictionary's keys must be \(isText ? "text" : "integers").")
            throw document.decodingError(
                error, isText ? String.self : Int.self, at: place.offset, path: codingPath)
        }
    }

    private func convertKeys(_ table: EntryTable) {
        let path = codingPath
        let strategy = document.options.keyDecodingStrategy
        table.convertKeys { key in
            guard case .text(let text) = key else { return key }
            switch strategy {
            case .useDefaultKeys: return key
            case .convertFromSnakeCase: return .text(camelCase(text))
            case .custom(let convert):
                return .text(convert(path + [PositionKey.named(text)]).stringValue)
            }
        }
    }

    /// Runs a read of this item, and throws its error as one of the protocols'.
    @inline(__always)
    func rethrowing<T>(
        _ type: any Any.Type, _ body: () throws(CBORError) -> T
    ) throws -> T {
        do throws(CBORError) {
            return try body()
        } catch {
            throw document.decodingError(error, type, at: place.offset, path: codingPath)
        }
    }

    /// A decoder for a container inside this one, which may outlive what is decoded next.
    func child(_ key: any CodingKey, _ place: ItemPlace) -> ItemDecoder {
        child(key, ItemDecoder(document, place))
    }

    /// A decoder of null, for what is not there.
    func absent(_ key: any CodingKey) -> ItemDecoder {
        let origin = DocumentOrigin(start: document.origin.position(of: document.count))
        let null = DecodedDocument(copying: [0xF6], origin: origin, document.options)
        return child(key, ItemDecoder(null, ItemPlace(offset: 0, container: 0)))
    }

    private func child(_ key: any CodingKey, _ child: ItemDecoder) -> ItemDecoder {
        child.owner = self
        child.component = key
        return child
    }

    /// Decodes an item inside this one, or with no key this one as another type.
    func decodeNested<T: Decodable>(
        _ type: T.Type, at place: ItemPlace, _ key: @autoclosure () -> (any CodingKey)?
    ) throws -> T {
        do throws(CBORError) {
            if let value = try document.scalar(type, at: place.offset) { return value }
        } catch {
            throw failure(error, type, place, key())
        }
        let role = document.role(of: type)
        // Nobody else gets it while it is in use: a value may decode others by way of this one.
        var decoder = spare.take() ?? ItemDecoder(document, place)
        defer {
            // A type may have kept its decoder; then the next value gets another.
            if isKnownUniquelyReferenced(&decoder) {
                decoder.owner = nil
                spare = decoder
            }
        }
        decoder.prepare(for: self, key(), place, role)
        return try decoder.decodeWhole(type, role)
    }

    private func prepare(
        for owner: ItemDecoder, _ key: (any CodingKey)?, _ place: ItemPlace, _ role: TypeRole
    ) {
        self.owner = owner
        self.place = place
        component = key
        isListed = false
        end = nil
        if case .containers(let rule) = role { keyRule = rule } else { keyRule = .any }
    }

    private func decodeWhole<T: Decodable>(_ type: T.Type, _ role: TypeRole) throws -> T {
        switch role {
        case .containers: return try T(from: self)
        case .array(let array): return try array.decode(type, from: self)
        case .tree: return try decodeTree(type)
        case .form(let form):
            switch TypedForm<T>.of(form).decoding {
            case .containers(let decode): return try decode(self)
            case .item(let read): return try decodeItem(type, read)
            }
        }
    }
}

extension ItemDecoder {
    private func decodeTree<T: Decodable>(_ type: T.Type) throws -> T {
        let value = try rethrowing(type) { () throws(CBORError) in
            try document.read(at: place.offset) { reader throws(CBORError) in
                try CBORValue(from: &reader)
            }
        }
        return try converting(type) {
            let convertible = type as? any CBORConvertible.Type
            guard let converted = try convertible?.init(cborValue: value) as? T else {
                preconditionFailure("An initializer of T returns a T.")
            }
            return converted
        }
    }

    private func decodeItem<T: Decodable>(
        _ type: T.Type, _ read: (inout CBORReader) throws -> T
    ) throws -> T {
        try converting(type) { try self.read(read) }
    }

    private func read<T>(_ body: (inout CBORReader) throws -> T) throws -> T {
        var reader = document.reader(at: place.offset)
        let value = try body(&reader)
        precondition(
            reader.completed == 1 && reader.openTags == 0,
            "The closure given to CBORForm must read exactly one item.")
        return value
    }

    /// Runs what turns an item into a value, and throws its error as one of the protocols'.
    private func converting<T>(_ type: T.Type, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DecodingError {
            throw error
        } catch let error as CBORError {
            throw document.decodingError(error, type, at: place.offset, path: codingPath)
        } catch {
            let offset = document.origin.position(of: place.offset)
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: codingPath,
                    debugDescription: "\(type) does not take this item (byte \(offset)).",
                    underlyingError: error))
        }
    }
}
