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
        withBytes(lhs, rhs) { lhs, rhs in lhs.count == rhs.count && lhs.elementsEqual(rhs) }
    }

    public static func < (lhs: Self, rhs: Self) -> Bool {
        withBytes(lhs, rhs) { lhs, rhs in lhs.lexicographicallyPrecedes(rhs) }
    }

    /// Compares buffers, as iterating over a string's own view takes several times as long.
    private static func withBytes(
        _ lhs: Self, _ rhs: Self,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        var (left, right) = (lhs.rawValue, rhs.rawValue)
        return left.withUTF8 { left in right.withUTF8 { right in body(left, right) } }
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
