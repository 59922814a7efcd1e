// SPDX-License-Identifier: MIT

import CBOR

/// The bytes of a hex text in a test; spaces may stand between bytes.
func hex(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    precondition(digits.count.isMultiple(of: 2), "A byte has two hex digits.")
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// The error of stepping over bytes that should be one item, or `nil`.
func skipError(_ bytes: [UInt8], _ limits: CBORLimits = .default) -> CBORError? {
    do throws(CBORError) {
        try CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try reader.skip()
        }
        return nil
    } catch {
        return error
    }
}

/// The error of the check for well-formedness, or `nil`.
func wellFormednessError(_ bytes: [UInt8], maxDepth: Int = 64) -> CBORError? {
    do throws(CBORError) {
        try CBORWellFormedness.check(bytes, maxDepth: maxDepth)
        return nil
    } catch {
        return error
    }
}

/// The error of decoding a tree, or `nil`.
func valueError(_ bytes: [UInt8], _ limits: CBORLimits = .default) -> CBORError? {
    do throws(CBORError) {
        _ = try CBORValue(decoding: bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}

extension CBORLimits {
    static let deterministic = CBORLimits(requiresDeterministic: true)
}
