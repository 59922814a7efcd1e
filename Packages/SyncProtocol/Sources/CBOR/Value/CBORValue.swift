// SPDX-License-Identifier: MIT

/// Any CBOR item as a tree: for data whose shape is not known, and for looking at bytes.
///
/// Decoding and encoding keep every value, tags and keys of any type included. They do not keep how
/// it was written: `encoded()` is always deterministic, a float is one number whatever its width
/// was, and every NaN is the same.
///
/// Values are equal if their encodings are. In particular text is compared by its bytes, not as
/// `String` does, 1 and 1.0 differ, 0.0 and −0.0 differ, and NaN equals itself.
///
/// Comparing, hashing, encoding, describing and releasing a value recurse as deep as it nests. A
/// decoded one nests at most `maxDepth` deep.
public enum CBORValue: Sendable {
    case unsigned(UInt64)
    /// The integer −1 − n for the n given here, down to −2^64.
    case negative(UInt64)
    case bytes([UInt8])
    case text(String)
    case array([CBORValue])
    case map(CBORMap)
    /// A tag's number and its content. No tag is interpreted.
    indirect case tagged(UInt64, CBORValue)
    case bool(Bool)
    case null
    case undefined
    /// A simple value other than the four with a name: 0 to 19 or 32 to 255. Others do not exist;
    /// a value with one can be described, but it is no key of a map and is not encoded.
    case simple(UInt8)
    case float(Double)

    /// The deepest tree that is decoded, whatever the reader's limits are.
    public static let maxDepth = 256
}

extension CBORValue {
    /// Makes the integer of major type 0 or 1.
    public init(_ value: Int64) {
        // The complement of a negative integer is the argument of major type 1.
        if value >= 0 { self = .unsigned(UInt64(value)) } else { self = .negative(UInt64(~value)) }
    }
}

extension CBORValue: Hashable {
    /// Whether the encodings are the same. O(size of the value).
    public static func == (lhs: CBORValue, rhs: CBORValue) -> Bool {
        switch (lhs, rhs) {
        case (.unsigned(let a), .unsigned(let b)): a == b
        case (.negative(let a), .negative(let b)): a == b
        case (.bytes(let a), .bytes(let b)): a == b
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.tagged(let a, let x), .tagged(let b, let y)): a == b && x == y
        case (.bool(let a), .bool(let b)): a == b
        case (.null, .null), (.undefined, .undefined): true
        case (.simple(let a), .simple(let b)): a == b
        case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern || a.isNaN && b.isNaN
        default: false
        }
    }

    /// Hashes what makes values equal. O(size of the value).
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .unsigned(let value): Self.combine(0, value, into: &hasher)
        case .negative(let value): Self.combine(1, value, into: &hasher)
        case .bytes(let value): Self.combine(2, value, into: &hasher)
        case .text(var value):
            hasher.combine(3 as UInt8)
            hasher.combine(value.utf8.count)
            value.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        case .array(let value): Self.combine(4, value, into: &hasher)
        case .map(let value): Self.combine(5, value, into: &hasher)
        case .tagged(let number, let value):
            Self.combine(6, number, into: &hasher)
            hasher.combine(value)
        case .bool(let value): Self.combine(7, value, into: &hasher)
        case .null: hasher.combine(8 as UInt8)
        case .undefined: hasher.combine(9 as UInt8)
        case .simple(let value): Self.combine(10, value, into: &hasher)
        case .float(let value):
            Self.combine(11, value.isNaN ? Double.nan.bitPattern : value.bitPattern, into: &hasher)
        }
    }

    private static func combine(_ kind: UInt8, _ value: some Hashable, into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(value)
    }
}

extension CBORValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    // There is no nil literal: in `map[key: key] = nil` it could mean null as well as no entry.

    /// Makes an integer.
    public init(integerLiteral value: Int64) { self.init(value) }
    /// Makes a text.
    public init(stringLiteral value: String) { self = .text(value) }
    /// Makes false or true.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Makes an array.
    public init(arrayLiteral elements: CBORValue...) { self = .array(elements) }

    /// - Precondition: No key occurs twice.
    public init(dictionaryLiteral entries: (CBORValue, CBORValue)...) {
        var map = CBORMap()
        for (key, value) in entries {
            precondition(map[key: key] == nil, "A map literal has the same key twice.")
            map[key: key] = value
        }
        self = .map(map)
    }
}
