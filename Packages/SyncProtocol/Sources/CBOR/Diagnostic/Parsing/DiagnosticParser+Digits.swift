// SPDX-License-Identifier: MIT

/// The encodings of RFC 4648 that a prefix names, by the bits of a digit.
private enum BaseEncoding {
    case base16, base32, base32hex, base64

    var bits: UInt32 {
        switch self {
        case .base16: 4
        case .base32, .base32hex: 5
        case .base64: 6
        }
    }

    /// The value of a digit. Base 64 takes both alphabets, the others both cases.
    func value(_ byte: UInt8) -> UInt32? {
        let isDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        let letter = byte | 0x20
        let isLetter = UInt8(ascii: "a")...UInt8(ascii: "z") ~= letter && byte >= UInt8(ascii: "A")
        let index = isLetter ? UInt32(letter - UInt8(ascii: "a")) : 0
        switch self {
        case .base16: return digitValue(byte)
        case .base32:
            if isLetter { return index }
            guard isDigit, byte >= UInt8(ascii: "2"), byte <= UInt8(ascii: "7") else { return nil }
            return UInt32(byte - UInt8(ascii: "2")) + 26
        case .base32hex:
            if isDigit { return UInt32(byte - UInt8(ascii: "0")) }
            return isLetter && index < 22 ? index + 10 : nil
        case .base64:
            if isLetter { return byte == letter ? index + 26 : index }
            if isDigit { return UInt32(byte - UInt8(ascii: "0")) + 52 }
            switch byte {
            case UInt8(ascii: "+"), UInt8(ascii: "-"): return 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): return 63
            default: return nil
            }
        }
    }
}

extension DiagnosticParser {
    /// Parses a string with a prefix (RFC 8949 §8): `h` `b32` `h32` `b64`. Blanks and comments may
    /// stand between digits (RFC 8610 §G.1, §G.6); a slash is a digit of base 64.
    mutating func parsePrefixed() throws(CBORDiagnosticError) {
        let start = position
        while let byte = peek(), isWordByte(byte) { position += 1 }
        let prefix = String(decoding: text[start..<position], as: UTF8.self)
        let encoding: BaseEncoding
        switch prefix {
        case "h": encoding = .base16
        case "b32": encoding = .base32
        case "h32": encoding = .base32hex
        case "b64": encoding = .base64
        default:
            throw error(
                .unknownWord,
                "“\(prefix)” is no known prefix; there are h, b32, h32, b64 and float.", at: start)
        }
        position += 1
        try parseDigits(encoding, literal: start)
    }

    private mutating func parseDigits(
        _ encoding: BaseEncoding, literal start: Int
    ) throws(CBORDiagnosticError) {
        guard let end = text[position...].firstIndex(of: UInt8(ascii: "'")) else {
            throw error(.unexpectedEnd, "The string does not end.", at: start)
        }
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        var isPadded = false
        while position < end {
            let byte = text[position]
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#"):
                while position < end, text[position] != 0x0A { position += 1 }
            case UInt8(ascii: "/") where encoding != .base64: try skipComment(upTo: end)
            case UInt8(ascii: "=") where encoding != .base16:
                isPadded = true
                position += 1
            default:
                guard !isPadded, let value = encoding.value(byte) else {
                    throw error(
                        .invalidDigits,
                        "This is no digit of the string's base \(1 << encoding.bits).")
                }
                position += 1
                bits = bits << encoding.bits | value
                bitCount += encoding.bits
                guard bitCount >= 8 else { continue }
                bitCount -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> bitCount))
                bits &= 1 << bitCount - 1
            }
        }
        // What is left are the unused bits of the last digit, which are zero (RFC 4648 §3.5).
        guard bitCount < encoding.bits, bits == 0 else {
            throw error(
                .invalidDigits, "The last digits are not the end of a whole byte.", at: start)
        }
        position += 1
    }

    /// Parses what follows `float'`: the bits of a half, single or double in hex.
    mutating func parseFloatBits() throws(CBORDiagnosticError) -> Bool {
        let start = position - 6
        guard case nil = streamTop else {
            throw error(.mixedStrings, "A float is no chunk of a string.", at: start)
        }
        let head = output.open()
        let before = output.count
        try parseDigits(.base16, literal: start)
        switch output.count - before {
        case 2: output.set(head, to: 0xF9)
        case 4: output.set(head, to: 0xFA)
        case 8: output.set(head, to: 0xFB)
        default:
            throw error(.invalidDigits, "The bits of a float are 2, 4 or 8 bytes.", at: start)
        }
        return true
    }

    /// The innermost frame, if it is a string in chunks.
    private var streamTop: Frame? {
        guard let top = stack.last, case .stream = top.kind else { return nil }
        return top
    }
}
