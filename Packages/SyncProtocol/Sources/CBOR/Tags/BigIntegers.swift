// SPDX-License-Identifier: MIT

// Integers of any width: those that fit no head are big numbers (RFC 8949 §3.4.3). Preferred
// serialization has big numbers only for those.

extension CBORWriter {
    /// Writes an integer of any width, as a big number (tags 2 and 3) only if it fits no head.
    public mutating func write(integer value: some FixedWidthInteger) {
        // The complement of a negative integer n is −1 − n, the argument of major type 1 and tag 3.
        write(argument: value < 0 ? ~value : value, isNegative: value < 0)
    }

    /// Writes the negative integer −1 − n, for an n of any width.
    public mutating func write(negativeInteger n: some FixedWidthInteger & UnsignedInteger) {
        write(argument: n, isNegative: true)
    }

    private mutating func write(argument: some FixedWidthInteger, isNegative: Bool) {
        if let argument = UInt64(exactly: argument) {
            writeHead(major: isNegative ? 1 : 0, argument: argument)
        } else {
            write(tag: isNegative ? .negativeBigNumber : .bigNumber)
            withUnsafeBytes(of: argument.bigEndian) { bytes in
                write(bytes: UnsafeRawBufferPointer(rebasing: bytes.drop { $0 == 0 }))
            }
        }
    }

    /// Writes a tag; its content must be written next.
    public mutating func write(tag: CBORTag) {
        writeTag(tag.rawValue)
    }
}

extension CBORReader {
    /// Reads an integer or a big number (tags 2 and 3), whatever its length is.
    ///
    /// - Throws: `outOfRange` if it does not fit, `wrongType` for anything else.
    public mutating func readInteger<N: FixedWidthInteger>(
        _ type: N.Type
    ) throws(CBORError) -> N {
        let start = position
        let (isNegative, argument) = try readIntegerParts(N.Magnitude.self)
        guard let value = N(exactly: argument), !isNegative || N.isSigned else {
            throw CBORError(
                .outOfRange, at: start, message: "The integer does not fit \(N.self).")
        }
        return isNegative ? ~value : value
    }

    /// Reads an integer or a big number as what its encoding says: n, or −1 − n if it is negative.
    ///
    /// - Throws: `outOfRange` if n does not fit, `wrongType` for anything else.
    public mutating func readIntegerParts<N: FixedWidthInteger & UnsignedInteger>(
        _ type: N.Type
    ) throws(CBORError) -> (isNegative: Bool, argument: N) {
        let start = position
        let head = try peekHead()
        let argument: N?
        switch head.major {
        case 0, 1:
            argument = N(exactly: head.argument)
            complete(at: head.end)
        case 6 where head.argument == 2 || head.argument == 3:
            try enterTag(head)
            var digits = [UInt8](try readLentBytes())[...]
            while digits.first == 0 { digits.removeFirst() }
            let fits = digits.count * 8 <= N.bitWidth
            argument = fits ? digits.reduce(0) { $0 << 8 | N($1) } : nil
        default: throw wrongType("an integer")
        }
        guard let argument else {
            throw CBORError(
                .outOfRange, at: start, message: "The integer does not fit \(N.bitWidth) bits.")
        }
        return (head.major == 1 || head.major == 6 && head.argument == 3, argument)
    }

    /// Reads a tag if it comes next, and says whether it did; its content must be read next then.
    @discardableResult
    public mutating func readTagIfPresent(_ tag: CBORTag) throws(CBORError) -> Bool {
        let head = try peekHead()
        guard head.major == 6, head.argument == tag.rawValue else { return false }
        try enterTag(head)
        return true
    }
}
