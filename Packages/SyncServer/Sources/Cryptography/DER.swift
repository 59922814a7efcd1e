// SPDX-License-Identifier: MIT

/// The little of DER (X.690) that keys and signatures are put in. Everything is `tag length
/// content`; a length below 128 is one byte, a longer one `0x80 + n` and n bytes.
enum DER {
    static func sequence(_ parts: [UInt8]...) -> [UInt8] {
        item(0x30, Array(parts.joined()))
    }

    /// An unsigned number, from its bytes with the highest first.
    static func integer(_ magnitude: some Collection<UInt8>) -> [UInt8] {
        let digits = Array(magnitude.drop { $0 == 0 })
        // The highest bit is the sign's.
        return item(0x02, (digits.first ?? 0x80) & 0x80 == 0 ? digits : [0] + digits)
    }

    static func bitString(_ bytes: [UInt8]) -> [UInt8] { item(0x03, [0] + bytes) }

    private static func item(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        if content.count < 128 { return [tag, UInt8(content.count)] + content }
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 + UInt8(length.count)] + length + content
    }
}
