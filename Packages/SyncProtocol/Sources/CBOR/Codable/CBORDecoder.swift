// SPDX-License-Identifier: MIT

/// Decodes `Decodable` values from any valid encoding of them.
///
/// The whole input is checked first, as by `CBORReader.skip()`; then each value is read where it
/// stands, at a cost of 16 bytes of memory for each item. Keys that no property asks for are
/// ignored. null and undefined are `nil`. An integer is taken for a float if the float holds it
/// exactly, and a float for a narrower one by rounding; nothing else is converted. A self-described
/// item (tag 55799, RFC 8949 §3.4.6) counts as its content; other tags only match types that are
/// `CBORConvertible`, and big numbers match integers.
public struct CBORDecoder: Sendable {
    /// What inputs are refused. The depth bounds the recursion of the types that are decoded.
    public var limits: CBORLimits

    /// Handed on to the values.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// Makes a decoder that refuses what is beyond `limits`.
    public init(limits: CBORLimits = .default) {
        self.limits = limits
    }

    /// Decodes a value that is the whole of `bytes`.
    ///
    /// - Throws: `DecodingError`; what it says ends with the position in bytes, and its underlying
    ///   error is a `CBORError`, where the bytes are the reason.
    public func decode<T: Decodable>(
        _ type: T.Type = T.self, from bytes: [UInt8]
    ) throws -> T {
        let document: DecodedDocument
        do throws(CBORError) {
            document = DecodedDocument(
                bytes: bytes, nodes: try ItemIndex.nodes(of: bytes, limits: limits),
                userInfo: userInfo)
        } catch {
            throw DecodingError(error, type: type, isNull: false, path: nil)
        }
        var root = 0
        while document.head(root).major == 6, document.head(root).argument == 55799 { root += 1 }
        return try ItemDecoder(document, root, path: nil).decode(type)
    }
}

extension DecodingError {
    /// What an error in the bytes means for a value of some type.
    init(_ error: CBORError, type: any Any.Type, isNull: Bool, path: CodingPathNode?) {
        let context = Context(
            codingPath: CodingPathNode.keys(path),
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
