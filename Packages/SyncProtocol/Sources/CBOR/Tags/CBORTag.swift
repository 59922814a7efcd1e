// SPDX-License-Identifier: MIT

/// A tag's number: what the item behind it is meant to be (RFC 8949 §3.4, and IANA's registry).
public struct CBORTag: RawRepresentable, Hashable, Sendable {
    /// The number that stands in the tag's head.
    public let rawValue: UInt64

    /// Any number is a tag; most have no meaning yet.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Text: a date and time as in RFC 3339.
    public static let dateText = CBORTag(rawValue: 0)
    /// An integer or a float: seconds since the beginning of 1970.
    public static let epochSeconds = CBORTag(rawValue: 1)
    /// A byte string: a natural number, the first byte the most significant.
    public static let bigNumber = CBORTag(rawValue: 2)
    /// A byte string: −1 − n for the natural number n in it.
    public static let negativeBigNumber = CBORTag(rawValue: 3)
    /// An array of an exponent e and an integer m: m × 10^e.
    public static let decimalFraction = CBORTag(rawValue: 4)
    /// An array of an exponent e and an integer m: m × 2^e.
    public static let bigFloat = CBORTag(rawValue: 5)
    /// Anything: byte strings in it become base64url text where a format has no bytes.
    public static let expectsBase64URL = CBORTag(rawValue: 21)
    /// Anything: byte strings in it become base64 text where a format has no bytes.
    public static let expectsBase64 = CBORTag(rawValue: 22)
    /// Anything: byte strings in it become hex text where a format has no bytes.
    public static let expectsBase16 = CBORTag(rawValue: 23)
    /// A byte string: one item, encoded.
    public static let embedded = CBORTag(rawValue: 24)
    /// Text: a URI as in RFC 3986.
    public static let uri = CBORTag(rawValue: 32)
    /// Text: base64url without padding.
    public static let base64URLText = CBORTag(rawValue: 33)
    /// Text: base64.
    public static let base64Text = CBORTag(rawValue: 34)
    /// Text: a regular expression.
    public static let regularExpression = CBORTag(rawValue: 35)
    /// Text: a MIME message.
    public static let mimeText = CBORTag(rawValue: 36)
    /// A byte string of 16 bytes: a UUID.
    public static let uuid = CBORTag(rawValue: 37)
    /// Anything: says that it is CBOR, and nothing else (RFC 8949 §3.4.6).
    public static let selfDescribed = CBORTag(rawValue: 55799)
}
