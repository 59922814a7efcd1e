// SPDX-License-Identifier: MIT

/// A type that stands in CBOR in a form of its own, which its `Codable` conformance does not give.
///
/// `CBOREncoder` and `CBORDecoder` ask this protocol first. Make a type conform to give it a tag or
/// a byte string, for example.
public protocol CBORConvertible {
    /// The item that stands for the value.
    var cborValue: CBORValue { get }

    /// The value that an item stands for.
    ///
    /// - Throws: Any error; the decoder reports it as corrupted data at the item's coding path. A
    ///   `DecodingError` is passed on as it is.
    init(cborValue: CBORValue) throws
}

/// Keeps an item of unknown shape inside a `Codable` type.
extension CBORValue: CBORConvertible, Codable {
    /// The value itself.
    public var cborValue: CBORValue { self }

    /// Takes the item as it is.
    public init(cborValue: CBORValue) {
        self = cborValue
    }

    /// - Throws: `EncodingError`: only `CBOREncoder` can encode the value, and it does not call
    ///   this.
    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            self,
            EncodingError.Context(
                codingPath: encoder.codingPath,
                debugDescription: "A CBORValue can be encoded by a CBOREncoder only."))
    }

    /// - Throws: `DecodingError`: only `CBORDecoder` can decode a value, and it does not call this.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.typeMismatch(
            CBORValue.self,
            DecodingError.Context(
                codingPath: decoder.codingPath,
                debugDescription: "A CBORValue can be decoded by a CBORDecoder only."))
    }
}
