// SPDX-License-Identifier: MIT

/// A natural number of any size, just enough to read and write digits.
struct BigNumber {
    /// Base 2^32, the least significant first; no zeros at the end.
    private var limbs: [UInt32] = []

    init() {}

    init(bigEndian bytes: UnsafeRawBufferPointer) {
        for (index, byte) in bytes.reversed().enumerated() {
            if index.isMultiple(of: 4) { limbs.append(0) }
            limbs[index / 4] |= UInt32(byte) << UInt32(index % 4 * 8)
        }
        trim()
    }

    private mutating func trim() {
        while limbs.last == 0 { limbs.removeLast() }
    }

    /// Becomes `self × factor + addend`.
    mutating func multiply(by factor: UInt32, adding addend: UInt32) {
        var carry = UInt64(addend)
        for index in limbs.indices {
            carry += UInt64(limbs[index]) * UInt64(factor)
            limbs[index] = UInt32(truncatingIfNeeded: carry)
            carry >>= 32
        }
        if carry > 0 { limbs.append(UInt32(truncatingIfNeeded: carry)) }
    }

    /// Becomes one less.
    ///
    /// - Precondition: The number is not zero.
    mutating func decrement() {
        for index in limbs.indices {
            let (difference, hasBorrowed) = limbs[index].subtractingReportingOverflow(1)
            limbs[index] = difference
            guard hasBorrowed else { break }
        }
        trim()
    }

    var isZero: Bool { limbs.isEmpty }

    /// The number, if it fits.
    var small: UInt64? {
        guard limbs.count <= 2 else { return nil }
        return limbs.reversed().reduce(0) { $0 << 32 | UInt64($1) }
    }

    /// The shortest big-endian form.
    var bigEndianBytes: [UInt8] {
        var bytes: [UInt8] = []
        for limb in limbs.reversed() {
            withUnsafeBytes(of: limb.bigEndian) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.drop { $0 == 0 })
    }

    /// The digits in ASCII. O(n²), so for numbers of bounded length.
    consuming func decimalDigits() -> [UInt8] {
        guard !limbs.isEmpty else { return [UInt8(ascii: "0")] }
        var digits: [UInt8] = []
        while !limbs.isEmpty {
            var remainder: UInt64 = 0
            for index in limbs.indices.reversed() {
                remainder = remainder << 32 | UInt64(limbs[index])
                limbs[index] = UInt32(truncatingIfNeeded: remainder / 1_000_000_000)
                remainder %= 1_000_000_000
            }
            trim()
            for _ in 0..<9 {
                digits.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder % 10))
                remainder /= 10
            }
        }
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return digits.reversed()
    }
}
