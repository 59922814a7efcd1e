// SPDX-License-Identifier: MIT

extension CBORValue {
    /// An item with a tag in front.
    public static func tagged(_ tag: CBORTag, _ content: CBORValue) -> CBORValue {
        .tagged(tag.rawValue, content)
    }

    /// What a tag is in front of, or `nil` if another tag or none comes first.
    public func content(of tag: CBORTag) -> CBORValue? {
        if case .tagged(tag.rawValue, let content) = self { content } else { nil }
    }

    /// The item behind all tags 55799 in front of it, which say nothing (RFC 8949 §3.4.6).
    public var withoutSelfDescribedTag: CBORValue {
        var value = self
        while let content = value.content(of: .selfDescribed) { value = content }
        return value
    }
}

// Integers of any width (RFC 8949 §3.4.3).
extension CBORValue {
    /// An integer of any width: a big number only if it fits no integer of CBOR.
    public init<N: FixedWidthInteger>(integer value: N) {
        // The complement of a negative integer n is −1 − n.
        let argument = value < 0 ? ~value : value
        self = withUnsafeBytes(of: argument.bigEndian) { bytes in
            Self.bigNumber([UInt8](bytes), isNegative: value < 0)
        }
    }

    /// The number n in some bytes, or −1 − n, in preferred serialization: as an integer if it is
    /// one, and otherwise as a big number without zeros in front.
    ///
    /// - Parameter bytes: The first is the most significant.
    public static func bigNumber(_ bytes: [UInt8], isNegative: Bool) -> CBORValue {
        let digits = bytes.drop { $0 == 0 }
        guard digits.count > 8 else {
            let argument = digits.reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            return isNegative ? .negative(argument) : .unsigned(argument)
        }
        return .tagged(isNegative ? .negativeBigNumber : .bigNumber, .bytes(Array(digits)))
    }

    /// An integer or a big number in preferred serialization, and other items as they are.
    public var preferredInteger: CBORValue {
        guard case .tagged(let number, .bytes(let bytes)) = self, number == 2 || number == 3 else {
            return self
        }
        return Self.bigNumber(bytes, isNegative: number == 3)
    }

    /// The number, or `nil` for what is no integer and no big number, or does not fit.
    public func integer<N: FixedWidthInteger>(as type: N.Type = N.self) -> N? {
        let isNegative: Bool
        let argument: N?
        switch self {
        case .unsigned(let value): (isNegative, argument) = (false, N(exactly: value))
        case .negative(let n): (isNegative, argument) = (true, N(exactly: n))
        case .tagged(let number, .bytes(let bytes)) where number == 2 || number == 3:
            let digits = bytes.drop { $0 == 0 }
            isNegative = number == 3
            let fits = digits.count * 8 <= N.bitWidth
            let magnitude =
                fits ? digits.reduce(0 as N.Magnitude) { $0 << 8 | N.Magnitude($1) } : nil
            argument = magnitude.flatMap { N(exactly: $0) }
        default: return nil
        }
        guard let argument, !isNegative || N.isSigned else { return nil }
        return isNegative ? ~argument : argument
    }
}

// What the tags of RFC 8949 mean. Each is `nil` unless the item has the tag and its content is
// what the tag is for.
extension CBORValue {
    /// The moment of tag 0 or 1. A float is rounded to nanoseconds.
    public var timestamp: CBORTimestamp? {
        if case .text(let text)? = content(of: .dateText) { return CBORTimestamp(rfc3339: text) }
        guard let seconds = content(of: .epochSeconds) else { return nil }
        guard case .float(let value) = seconds else {
            return seconds.integer(as: Int64.self).map { CBORTimestamp(seconds: $0) }
        }
        // Finite, and so small that integers hold it.
        guard abs(value) < 0x1p62 else { return nil }
        let whole = value.rounded(.down)
        let nanoseconds = Int32(((value - whole) * 1e9).rounded())
        return nanoseconds < 1_000_000_000
            ? CBORTimestamp(seconds: Int64(whole), nanoseconds: nanoseconds)
            : CBORTimestamp(seconds: Int64(whole) + 1)
    }

    /// The exponent e and the integer m of m × 10^e, tag 4. The integer may be a big number.
    public var decimalFraction: (exponent: Int64, mantissa: CBORValue)? {
        guard case .array(let parts)? = content(of: .decimalFraction), parts.count == 2,
            let exponent = parts[0].integer(as: Int64.self)
        else { return nil }
        switch parts[1].preferredInteger {
        case .unsigned, .negative: return (exponent, parts[1].preferredInteger)
        case .tagged(2, .bytes), .tagged(3, .bytes):
            return (exponent, parts[1].preferredInteger)
        default: return nil
        }
    }

    /// The bytes of the item in tag 24, which nobody has looked at.
    public var embeddedBytes: [UInt8]? {
        if case .bytes(let bytes)? = content(of: .embedded) { bytes } else { nil }
    }

    /// The item in tag 24.
    ///
    /// - Throws: `CBORError` for bytes that are not one item; offsets count from their start.
    public func embedded(limits: CBORLimits = .default) throws(CBORError) -> CBORValue? {
        guard let bytes = embeddedBytes else { return nil }
        return try CBORValue(decoding: bytes, limits: limits)
    }

    /// The text of tag 32, which nobody has looked at.
    public var uri: String? {
        if case .text(let text)? = content(of: .uri) { text } else { nil }
    }

    /// The 16 bytes of tag 37.
    public var uuidBytes: [UInt8]? {
        if case .bytes(let bytes)? = content(of: .uuid), bytes.count == 16 { bytes } else { nil }
    }

    /// What byte strings inside tags 21 to 23 become in formats that have none.
    public var expectedConversion: (tag: CBORTag, content: CBORValue)? {
        for tag in [CBORTag.expectsBase64URL, .expectsBase64, .expectsBase16] {
            if let content = content(of: tag) { return (tag, content) }
        }
        return nil
    }
}
