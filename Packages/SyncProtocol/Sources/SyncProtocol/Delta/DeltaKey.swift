// SPDX-License-Identifier: MIT

public import CBOR

/// One key of the path from an entity to an item inside it: a map's key, or an array's index.
///
/// A text is a key of a map. An integer is a key of a map or an index of an array, whichever the
/// path has come to. Entries with keys of other types, or with integers outside −2^63…2^63 − 1,
/// cannot be named. Texts are equal if their bytes are.
public enum DeltaKey: Sendable {
    case text(String)
    case integer(Int64)
}

extension DeltaKey: Hashable {
    public static func == (lhs: DeltaKey, rhs: DeltaKey) -> Bool {
        switch (lhs, rhs) {
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        case (.integer(let a), .integer(let b)): a == b
        default: false
        }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(CBORValue(self))
    }
}

extension DeltaKey: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    CustomStringConvertible
{
    public init(stringLiteral value: String) { self = .text(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }

    /// The key in diagnostic notation.
    public var description: String { CBORValue(self).diagnosticNotation }
}

extension DeltaKey: WireValue {
    public func encode(to writer: inout CBORWriter) {
        switch self {
        case .text(let text): writer.write(text: text)
        case .integer(let number): writer.write(int: number)
        }
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        switch try reader.peekType() {
        case .text: self = .text(try reader.readText())
        case .unsigned, .negative: self = .integer(try reader.readInt())
        default: throw reader.error(.wrongType, "A key of a path is text or an integer.")
        }
    }

    /// The key of a map's entry, or `nil` if no path can name the entry.
    init?(_ key: CBORValue) {
        switch key {
        case .text(let text): self = .text(text)
        case .unsigned, .negative:
            guard let number = key.signedInteger else { return nil }
            self = .integer(number)
        default: return nil
        }
    }
}

extension CBORValue {
    /// The key as an item.
    init(_ key: DeltaKey) {
        switch key {
        case .text(let text): self = .text(text)
        case .integer(let number): self = CBORValue(number)
        }
    }

    /// The integer, if it is one of −2^63…2^63 − 1.
    var signedInteger: Int64? {
        switch self {
        case .unsigned(let value): Int64(exactly: value)
        // Major type 1 means −1 − n, which is the complement.
        case .negative(let n): Int64(exactly: n).map { ~$0 }
        default: nil
        }
    }
}
