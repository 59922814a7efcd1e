// SPDX-License-Identifier: MIT

/// Base64 (RFC 4648) in its strict reading: every sequence of bytes has one text, and no other text
/// is taken for it.
public enum Base64 {
    /// The letters and the padding.
    public enum Form: Sendable {
        /// `+` and `/`, padded with `=` (§4).
        case standard
        /// `-` and `_`, without padding (§5), as in JOSE.
        case url
    }

    /// The text of `bytes`.
    public static func encode(_ bytes: some Collection<UInt8>, _ form: Form) -> String {
        let letters = form == .url ? urlLetters : standardLetters
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        var (bits, count) = (UInt32(0), UInt32(0))
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(letters[Int(bits >> count & 63)])
            }
        }
        if count > 0 { output.append(letters[Int(bits << (6 - count) & 63)]) }
        while form == .standard, output.count % 4 > 0 { output.append(UInt8(ascii: "=")) }
        return String(decoding: output, as: UTF8.self)
    }

    /// The bytes that `text` stands for; `nil` for letters or lengths of another form, blanks, and
    /// bits that no byte needs.
    public static func decode(_ text: some Collection<UInt8>, _ form: Form) -> [UInt8]? {
        var digits = Array(text)
        if form == .standard {
            guard digits.count % 4 == 0 else { return nil }
            for _ in 0..<2 where digits.last == UInt8(ascii: "=") { digits.removeLast() }
        }
        guard digits.count % 4 != 1 else { return nil }
        let values = form == .url ? urlValues : standardValues
        var output: [UInt8] = []
        output.reserveCapacity(digits.count / 4 * 3 + 2)
        var (bits, count) = (UInt32(0), UInt32(0))
        for digit in digits {
            let value = values[Int(digit)]
            guard value < 64 else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        guard bits & (1 << count - 1) == 0 else { return nil }
        return output
    }

    private static let alphanumerics = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
    private static let standardLetters = alphanumerics + Array("+/".utf8)
    private static let urlLetters = alphanumerics + Array("-_".utf8)
    private static let standardValues = values(of: standardLetters)
    private static let urlValues = values(of: urlLetters)

    private static func values(of letters: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (index, letter) in letters.enumerated() { values[Int(letter)] = UInt8(index) }
        return values
    }
}
