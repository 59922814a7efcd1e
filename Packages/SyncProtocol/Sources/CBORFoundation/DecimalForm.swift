// SPDX-License-Identifier: MIT

public import CBOR

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension CBORForm where Value == Decimal {
    /// An exponent and an integer with tag 4 (RFC 8949 §3.4.4), exactly; the integer is a big
    /// number if it needs more than 64 bits. NaN is the float that it is.
    ///
    /// Integers without a tag are read too. Floats are not: they are not decimal.
    public static let decimalFraction = CBORForm(
        write: { decimal, writer in
            guard decimal.isFinite else { return writer.write(double: .nan) }
            // Without an exponent, the description is that of an integer of at most 128 bits.
            let significand = Decimal(
                sign: .plus, exponent: -decimal.exponent, significand: decimal.magnitude)
            guard let mantissa = UInt128(significand.description) else {
                preconditionFailure("The significand of a decimal has at most 128 bits.")
            }
            writer.write(tag: .decimalFraction)
            writer.writeArrayHeader(count: 2)
            writer.write(int: Int64(decimal.exponent))
            if decimal.sign == .minus, mantissa > 0 {
                writer.write(negativeInteger: mantissa - 1)
            } else {
                writer.write(integer: mantissa)
            }
        },
        read: { reader in try readDecimal(&reader) })

    private static func readDecimal(_ reader: inout CBORReader) throws -> Decimal {
        let start = reader.offset
        if try reader.peekType() == .float {
            guard try reader.readDouble().isNaN else {
                throw CBORError(
                    .wrongType, at: start, message: "Expected a decimal and found a float.")
            }
            return .nan
        }
        guard try reader.readTagIfPresent(.decimalFraction) else {
            return try decimal(try readMantissa(&reader), exponent: 0, at: start)
        }
        let array = reader.offset
        var exponent: Int64?
        var mantissa: Mantissa?
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0: exponent = try reader.readInt()
            case 1: mantissa = try readMantissa(&reader)
            default: try reader.skip()
            }
            guard index < 2 else { mantissa = nil; return }
        }
        guard let exponent, let mantissa else {
            throw CBORError(
                .invalidValue, at: array, message: "A decimal has an exponent and an integer.")
        }
        return try decimal(mantissa, exponent: exponent, at: start)
    }

    private typealias Mantissa = (isNegative: Bool, magnitude: UInt128)

    private static func readMantissa(_ reader: inout CBORReader) throws(CBORError) -> Mantissa {
        let start = reader.offset
        let (isNegative, argument) = try reader.readIntegerParts(UInt128.self)
        guard isNegative else { return (false, argument) }
        guard argument < .max else { throw tooBig(at: start) }
        return (true, argument + 1)
    }

    private static func decimal(
        _ mantissa: Mantissa, exponent: Int64, at offset: Int
    ) throws(CBORError) -> Decimal {
        var (magnitude, exponent) = (mantissa.magnitude, exponent)
        guard magnitude > 0 else { return 0 }
        // The same number with another exponent may be one that a decimal has.
        while exponent < -128, magnitude.isMultiple(of: 10) {
            (magnitude, exponent) = (magnitude / 10, exponent + 1)
        }
        while exponent > 127, magnitude <= .max / 10 {
            (magnitude, exponent) = (magnitude * 10, exponent - 1)
        }
        guard (-128...127).contains(exponent) else { throw tooBig(at: offset) }
        let high = Decimal(UInt64(truncatingIfNeeded: magnitude >> 64))
        let low = Decimal(UInt64(truncatingIfNeeded: magnitude))
        let significand = high * (Decimal(UInt64.max) + 1) + low
        return Decimal(
            sign: mantissa.isNegative ? .minus : .plus, exponent: Int(exponent),
            significand: significand)
    }

    private static func tooBig(at offset: Int) -> CBORError {
        CBORError(
            .outOfRange, at: offset,
            message: "A Decimal has 128 bits and an exponent from -128 to 127.")
    }
}
