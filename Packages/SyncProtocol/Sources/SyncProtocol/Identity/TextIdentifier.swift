// SPDX-License-Identifier: MIT

/// A name on the wire: text that is compared byte for byte and never normalised.
///
/// Swift's `String` treats canonically equivalent texts as equal ("é" as one scalar or two); the
/// protocol does not. Equality, hashing and order here are those of the UTF-8 bytes.
///
/// Any text can be held, so that a name which breaks its rule can still be reported; `isValid`
/// says whether it keeps the rule.
public protocol TextIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible,
    ExpressibleByStringLiteral
{
    /// The name as it stands on the wire.
    var rawValue: String { get }
    /// Creates a name, valid or not.
    init(_ rawValue: String)
    /// Whether the name keeps the rule of its kind. O(n) in its bytes.
    var isValid: Bool { get }
    /// The rule, in words, for messages: "1–128 characters of …".
    static var rule: String { get }
}

extension TextIdentifier {
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.rawValue.utf8.elementsEqual(rhs.rawValue.utf8)
    }

    public static func < (lhs: Self, rhs: Self) -> Bool {
        lhs.rawValue.utf8.lexicographicallyPrecedes(rhs.rawValue.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var name = rawValue
        name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        // No UTF-8 has this byte, so a name and the next field never run into each other.
        hasher.combine(0xFF as UInt8)
    }

    public init(stringLiteral value: String) { self.init(value) }

    public var description: String { rawValue }
}

/// The rule that database and device names share: 1–128 characters of `A–Z a–z 0–9 . _ ~ -`,
/// neither `.` nor `..`, so that each is safe as a path component and in a URL.
func isPlainName(_ name: String) -> Bool {
    let bytes = name.utf8
    guard (1...128).contains(bytes.count) else { return false }
    let allowed = bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
    return allowed && !bytes.elementsEqual(".".utf8) && !bytes.elementsEqual("..".utf8)
}
