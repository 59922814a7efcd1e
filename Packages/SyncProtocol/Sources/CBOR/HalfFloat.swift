// SPDX-License-Identifier: MIT

// Half-precision floats (IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits) by their bits,
// because `Float16` does not exist on every platform that this package supports.

/// The value of a half-precision float (RFC 8949 Appendix D). A NaN keeps its fraction bits.
func doubleValue(ofHalf bits: UInt16) -> Double {
    let sign = UInt64(bits >> 15) << 63
    let exponent = UInt64(bits >> 10) & 0x1F
    let fraction = UInt64(bits) & 0x3FF
    switch exponent {
    case 0:
        // Zero or subnormal: fraction × 2^-24, which a double holds exactly.
        let magnitude = Double(fraction) * 0x1p-24
        return sign == 0 ? magnitude : -magnitude
    case 31:
        return Double(bitPattern: sign | 0x7FF << 52 | fraction << 42)
    default:
        return Double(bitPattern: sign | (exponent + 1023 - 15) << 52 | fraction << 42)
    }
}

/// The bits of the half-precision float with exactly this value, or `nil` if there is none.
///
/// - Precondition: `value` is not NaN.
func halfBits(of value: Float) -> UInt16? {
    let bits = value.bitPattern
    let sign = UInt16(bits >> 16) & 0x8000
    let exponent = Int(bits >> 23) & 0xFF
    let fraction = bits & 0x7F_FFFF
    switch exponent - 127 {
    case 128:
        return sign | 0x7C00
    case -14...15:
        guard fraction & 0x1FFF == 0 else { return nil }
        return sign | UInt16(exponent - 127 + 15) << 10 | UInt16(fraction >> 13)
    case -24 ... -15:
        // A subnormal half: the implicit bit joins the fraction and both move right.
        let shift = UInt32(13 - 14 - (exponent - 127))
        let significand = fraction | 0x80_0000
        guard significand & (1 << shift - 1) == 0 else { return nil }
        return sign | UInt16(significand >> shift)
    default:
        return exponent == 0 && fraction == 0 ? sign : nil
    }
}

/// Whether these bits of a half-precision float are one of the NaNs.
func isHalfNaN(_ bits: UInt16) -> Bool {
    bits & 0x7C00 == 0x7C00 && bits & 0x3FF != 0
}
