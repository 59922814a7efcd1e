// SPDX-License-Identifier: MIT

/// Decodes `Decodable` values from any valid encoding of them.
///
/// The whole input is checked first, as by `CBORReader.skip()`; then each value is read where it
/// stands. Next to the values that takes less than 64 KiB of memory, and 48 bytes for each entry of
/// the maps around the value that is being decoded. The input is copied only for a type that keeps
/// its decoder longer than `init(from:)`. Keys that no property asks for are ignored. null and
/// undefined are `nil`. An integer is taken for a
/// float if the float holds it exactly, and a float for a narrower one by rounding; nothing else is
/// converted. A self-described item (tag 55799, RFC 8949 §3.4.6) counts as its content; other tags
/// only match types that have a form or are `CBORConvertible`, and big numbers match integers.
public struct CBORDecoder: Sendable {
    /// What inputs are refused. The depth bounds the recursion of the types that are decoded.
    public var limits: CBORLimits

    /// What text keys are taken for.
    public var keyDecodingStrategy = KeyDecodingStrategy.useDefaultKeys

    /// Where infinities and NaN may come from.
    public var nonConformingFloatDecodingStrategy = NonConformingFloatDecodingStrategy.native

    /// The types that do not stand as they decode themselves.
    public var forms: CBORForms

    /// Whether tag 55799 in front of the item is passed over.
    public var acceptsSelfDescribedTag = true

    /// Handed on to the values.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// Makes a decoder that refuses what is beyond `limits`.
    public init(limits: CBORLimits = .default, forms: CBORForms = CBORForms()) {
        self.limits = limits
        self.forms = forms
    }

    /// Decodes a value that is the whole of `bytes`.
    ///
    /// - Throws: `DecodingError`; what it says ends with the position in bytes, and its underlying
    ///   error is a `CBORError`, where the bytes are the reason.
    public func decode<T: Decodable>(
        _ type: T.Type = T.self, from bytes: [UInt8]
    ) throws -> T {
        try bytes.withUnsafeBytes { try decode(type, from: $0) }
    }

    /// Decodes a value that is the whole of a slice. Offsets count from its start.
    public func decode<T: Decodable>(
        _ type: T.Type = T.self, from bytes: ArraySlice<UInt8>
    ) throws -> T {
        try bytes.withUnsafeBytes { try decode(type, from: $0) }
    }

    /// Decodes a value that is the whole of some memory, which must not change meanwhile.
    public func decode<T: Decodable>(
        _ type: T.Type = T.self, from bytes: UnsafeRawBufferPointer
    ) throws -> T {
        do throws(CBORError) {
            try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
                try reader.skip()
            }
        } catch {
            throw DecodingError(error, type: type, isNull: false, path: [])
        }
        var document = DecodedDocument(borrowing: bytes, self)
        defer { keepInputIfShared(&document) }
        return try decodeRoot(type, document, ItemPlace(offset: 0, container: 0))
    }

    /// Decodes values that stand one after another (RFC 8742).
    ///
    /// - Throws: As `decode`; the path of an error in the n-th value begins with n. All items are
    ///   checked before the first value is decoded.
    public func decodeSequence<T: Decodable>(
        of type: T.Type = T.self, from bytes: [UInt8]
    ) throws -> [T] {
        var reader = CBORSequenceReader(bytes, limits: limits)
        do throws(CBORError) {
            while try reader.nextItem() != nil {}
        } catch {
            throw DecodingError(
                error, type: type, isNull: false, path: [PositionKey.index(reader.count)])
        }
        return try bytes.withUnsafeBytes { input in
            var document = DecodedDocument(borrowing: input, self)
            defer { keepInputIfShared(&document) }
            var place = ItemPlace(offset: 0, container: 0)
            return try (0..<reader.count).map { index in
                let item = place
                place = document.place(after: item)
                return try decodeRoot(type, document, item, at: .index(index))
            }
        }
    }

    /// Sees to it that a decoder which a type has kept can go on reading.
    private func keepInputIfShared(_ document: inout DecodedDocument) {
        if !isKnownUniquelyReferenced(&document) { document.keepInput() }
    }

    /// Decodes a value from items that were checked. Not inlined, so that nothing of it is left
    /// when it is asked whether the document is shared.
    @inline(never)
    private func decodeRoot<T: Decodable>(
        _ type: T.Type, _ document: DecodedDocument, _ place: ItemPlace,
        at position: PositionKey? = nil
    ) throws -> T {
        var place = place
        if acceptsSelfDescribedTag {
            let tag = CBORTag.selfDescribed.rawValue
            while true {
                let head = document.head(at: place.offset)
                guard head.major == 6, head.argument == tag else { break }
                place.offset = head.end
            }
        }
        let root = ItemDecoder(document, place)
        root.component = position
        return try root.decode(type)
    }
}

extension DecodingError {
    /// What an error in the bytes means for a value of some type.
    init(
        _ error: CBORError, type: any Any.Type, isNull: Bool, path: [any CodingKey]
    ) {
        let context = Context(
            codingPath: path,
            debugDescription: "\(error.message) (\(error.code.rawValue) at byte \(error.offset))",
            underlyingError: error)
        self =
            switch error.code {
            case .wrongType where isNull: .valueNotFound(type, context)
            case .wrongType: .typeMismatch(type, context)
            default: .dataCorrupted(context)
            }
    }
}
