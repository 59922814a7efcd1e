// SPDX-License-Identifier: MIT

/// Percent-encoding of RFC 3986 §2.1. A `+` is a plus, not a space.
public enum HTTPPercentEncoding {
    /// The bytes that `text` stands for, or nil if a `%` is not followed by two hex digits.
    public static func decoded(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            guard let first = rest.next(), let high = ASCII.hexValue(first),
                let second = rest.next(), let low = ASCII.hexValue(second)
            else { return nil }
            result.append(high << 4 | low)
        }
        return result
    }

    /// The text that `text` stands for, or nil if it is not well-formed or not UTF-8.
    public static func decodedString(_ text: String) -> String? {
        if !text.utf8.contains(UInt8(ascii: "%")) { return text }
        return decoded(text).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// `bytes` with everything but unreserved characters (RFC 3986 §2.3) encoded.
    public static func encoded(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.append(byte)
            default:
                result.append(UInt8(ascii: "%"))
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 0xF)])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
