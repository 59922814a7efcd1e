// SPDX-License-Identifier: MIT

import Foundation

/// How bytes are written down.
enum CBORFormat: String {
    case binary, hex, base64

    /// The format that a flag names.
    init(
        _ arguments: Arguments, _ flag: String, default format: CBORFormat, _ command: Command
    ) throws(UsageError) {
        guard let name = arguments.value(flag) else {
            self = format
            return
        }
        guard let format = CBORFormat(rawValue: name) else {
            throw UsageError("\(flag) takes binary, hex or base64, not \(name)", command)
        }
        self = format
    }

    /// Appends the bytes that `text` stands for.
    ///
    /// - Returns: The position of what is no such text, or `nil` if all is well.
    func decode(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) -> Int? {
        switch self {
        case .binary:
            bytes.append(contentsOf: text)
            return nil
        case .hex: return Self.decode(text, bits: 4, value: Self.hexValue, to: &bytes)
        case .base64: return Self.decode(text, bits: 6, value: Self.base64Value, to: &bytes)
        }
    }

    private static func decode(
        _ text: UnsafeRawBufferPointer, bits: UInt32, value: (UInt8) -> UInt32?,
        to bytes: inout [UInt8]
    ) -> Int? {
        var pending: UInt32 = 0
        var pendingBits: UInt32 = 0
        var isPadded = false
        for (index, byte) in text.enumerated() {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "=") where bits == 6: isPadded = true
            default:
                guard !isPadded, let digit = value(byte) else { return index }
                pending = pending << bits | digit
                pendingBits += bits
                guard pendingBits >= 8 else { continue }
                pendingBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: pending >> pendingBits))
                pending &= 1 << pendingBits - 1
            }
        }
        return pendingBits < bits && pending == 0 ? nil : text.count
    }

    private static func hexValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte) - 0x61 + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte) - 0x41 + 10
        default: nil
        }
    }

    /// Both alphabets of RFC 4648.
    private static func base64Value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 0x41
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 0x61 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) - 0x30 + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// The bytes in this format, as a line unless it is binary.
    func encode(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .binary: bytes
        case .hex: Array((bytes.hex + "\n").utf8)
        case .base64: Array((bytes.base64(isForURLs: false) + "\n").utf8)
        }
    }
}

extension [UInt8] {
    /// The bytes in base 64 (RFC 4648): with padding, or in the alphabet for URLs and without.
    func base64(isForURLs: Bool) -> String {
        let text = Data(self).base64EncodedString()
        guard isForURLs else { return text }
        return text.replacingOccurrences(of: "+", with: "-")
            .replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}
