// SPDX-License-Identifier: MIT

/// Whether two stretches of memory hold the same bytes.
///
/// - Precondition: both are valid for `count` bytes.
@inlinable
@inline(__always)
package func areEqual(_ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, count: Int) -> Bool {
    // The last word may overlap the one before it, which costs less than a loop over its bytes.
    if count >= 8 {
        var index = 0
        while index < count - 8 {
            guard isSame(UInt64.self, lhs, rhs, at: index) else { return false }
            index += 8
        }
        return isSame(UInt64.self, lhs, rhs, at: count - 8)
    }
    if count >= 4 {
        return isSame(UInt32.self, lhs, rhs, at: 0) && isSame(UInt32.self, lhs, rhs, at: count - 4)
    }
    if count >= 2 {
        return isSame(UInt16.self, lhs, rhs, at: 0) && isSame(UInt16.self, lhs, rhs, at: count - 2)
    }
    return count == 0 || isSame(UInt8.self, lhs, rhs, at: 0)
}

@inlinable
@inline(__always)
func isSame<Word: FixedWidthInteger & BitwiseCopyable>(
    _: Word.Type, _ lhs: UnsafeRawPointer, _ rhs: UnsafeRawPointer, at offset: Int
) -> Bool {
    lhs.loadUnaligned(fromByteOffset: offset, as: Word.self)
        == rhs.loadUnaligned(fromByteOffset: offset, as: Word.self)
}

/// Whether these bytes are UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing
/// above U+10FFFF.
///
/// - Precondition: `base` is valid for `count` bytes.
@inlinable
@inline(__always)
func isUTF8(_ base: UnsafeRawPointer, count: Int) -> Bool {
    // The last word may overlap the one before it, which costs less than a loop over its bytes.
    if count >= 8 {
        var index = 0
        while index < count - 8 {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard word & 0x8080_8080_8080_8080 == 0 else {
                return isUTF8Slowly(base, count: count, from: index)
            }
            index += 8
        }
        let last = base.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
        return last & 0x8080_8080_8080_8080 == 0 || isUTF8Slowly(base, count: count, from: index)
    }
    var bits: UInt32 = 0
    if count >= 4 {
        bits =
            base.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            | base.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
    } else if count >= 2 {
        bits = UInt32(
            base.loadUnaligned(fromByteOffset: 0, as: UInt16.self)
                | base.loadUnaligned(fromByteOffset: count - 2, as: UInt16.self))
    } else if count == 1 {
        bits = UInt32(base.load(as: UInt8.self))
    }
    return bits & 0x8080_8080 == 0 || isUTF8Slowly(base, count: count, from: 0)
}

/// The part of `isUTF8` that looks at each sequence, from a position where one starts.
@usableFromInline
@inline(never)
func isUTF8Slowly(_ base: UnsafeRawPointer, count: Int, from start: Int) -> Bool {
    var index = start
    while index < count {
        let lead = base.load(fromByteOffset: index, as: UInt8.self)
        index += 1
        if lead < 0x80 { continue }
        // Only the first continuation byte has a range of its own; the others are 80…BF.
        let length: Int
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (length, second) = (1, 0x80...0xBF)
        case 0xE0: (length, second) = (2, 0xA0...0xBF)
        case 0xED: (length, second) = (2, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (2, 0x80...0xBF)
        case 0xF0: (length, second) = (3, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (3, 0x80...0xBF)
        case 0xF4: (length, second) = (3, 0x80...0x8F)
        default: return false
        }
        guard count - index >= length,
            second.contains(base.load(fromByteOffset: index, as: UInt8.self))
        else { return false }
        for next in index + 1..<index + length
        where base.load(fromByteOffset: next, as: UInt8.self) & 0xC0 != 0x80 {
            return false
        }
        index += length
    }
    return true
}

/// Whether these bytes are UTF-8, where so many bytes can be read from their start on, at least
/// their own.
///
/// Most texts are short and ASCII. They are told in one piece, without the bytes behind them.
@inlinable
@inline(__always)
func isUTF8(_ base: UnsafeRawPointer, count: Int, ofReadable readable: Int) -> Bool {
    guard count < 16, readable >= 16 else { return isUTF8OutOfLine(base, count: count) }
    // A shift by 128 leaves everything, so that an empty text may be looked at a second time.
    let text = loadWords(base) &<< UInt128(truncatingIfNeeded: 128 &- 8 &* count)
    return isASCII(text) || isUTF8OutOfLine(base, count: count)
}

@usableFromInline
@inline(never)
func isUTF8OutOfLine(_ base: UnsafeRawPointer, count: Int) -> Bool {
    isUTF8(base, count: count)
}

/// Sixteen bytes as one number, of which the first is the lowest.
///
/// - Precondition: `base` is valid for 16 bytes.
@inlinable
@inline(__always)
func loadWords(_ base: UnsafeRawPointer) -> UInt128 {
    let low = base.loadUnaligned(as: UInt64.self)
    let high = base.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    return UInt128(truncatingIfNeeded: high.littleEndian) &<< 64
        | UInt128(truncatingIfNeeded: low.littleEndian)
}

@inlinable
@inline(__always)
func isASCII(_ words: UInt128) -> Bool {
    words & 0x8080_8080_8080_8080_8080_8080_8080_8080 == 0
}
