// SPDX-License-Identifier: MIT

/// The first character of UTF-8 that has been checked, and its length in bytes.
///
/// - Precondition: `bytes` is not empty, and valid.
func decodeScalar(_ bytes: Slice<UnsafeRawBufferPointer>) -> (scalar: UInt32, length: Int) {
    let start = bytes.startIndex
    let lead = UInt32(bytes[start])
    func continuation(_ index: Int) -> UInt32 { UInt32(bytes[start + index]) & 0x3F }
    switch lead {
    case ..<0x80: return (lead, 1)
    case ..<0xE0: return ((lead & 0x1F) << 6 | continuation(1), 2)
    case ..<0xF0: return ((lead & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3)
    default:
        let high = (lead & 0x07) << 18 | continuation(1) << 12
        return (high | continuation(2) << 6 | continuation(3), 4)
    }
}

/// How many bytes at the start are whole characters of UTF-8; no more than `characters` of them are
/// looked at.
func validUTF8Prefix(_ bytes: UnsafeRawBufferPointer, _ characters: Int) -> Int {
    guard let base = bytes.baseAddress else { return 0 }
    var index = 0
    var left = characters
    while index < bytes.count, left > 0 {
        let length: Int
        switch bytes[index] {
        case ..<0x80: length = 1
        case 0xC2..<0xE0: length = 2
        case 0xE0..<0xF0: length = 3
        case 0xF0..<0xF5: length = 4
        default: return index
        }
        guard bytes.count - index >= length, isUTF8(base + index, count: length) else {
            return index
        }
        index += length
        left -= 1
    }
    return index
}

/// Whether a character beyond ASCII would hide, break a line, or turn text around: C1 controls,
/// line and paragraph separators, marks and overrides of direction, and the byte order mark.
func isConfusing(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x80..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
}
