// SPDX-License-Identifier: MIT

/// Base64 of RFC 4648 §4, with padding and without line ends.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of some bytes.
    static func encoded(_ bytes: [UInt8]) -> String {
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var number = 0
            for index in 0..<3 {
                number = number << 8 | (index < group.count ? Int(group[start + index]) : 0)
            }
            for index in 0..<4 {
                output.append(
                    index <= group.count
                        ? alphabet[number >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// How many bytes a text stands for; nil if it is not Base64.
    static func decodedCount(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count % 4 == 0 else { return nil }
        let digits = text.prefix { alphabet.contains($0) }
        let padding = text.count - digits.count
        guard padding <= 2, text.dropFirst(digits.count).allSatisfy({ $0 == UInt8(ascii: "=") })
        else { return nil }
        return text.count / 4 * 3 - padding
    }
}
