// SPDX-License-Identifier: MIT

extension DiagnosticPrinter {
    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { output.append(contentsOf: $0) }
    }

    /// Appends a number in decimal.
    mutating func append(_ value: UInt64) {
        guard value >= 10 else {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value))
            return
        }
        let start = output.count
        var rest = value
        while rest > 0 {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        output[start...].reverse()
    }

    /// Appends the number −1 − n.
    mutating func append(negative n: UInt64) {
        guard n < .max else {
            append("-18446744073709551616")
            return
        }
        output.append(UInt8(ascii: "-"))
        append(n + 1)
    }

    /// Appends the indicator of a head that is not the preferred one, if it is to be shown.
    ///
    /// - Returns: Whether there is one.
    @discardableResult
    mutating func appendIndicator(of head: CBORHead) -> Bool {
        guard let indicator = indicator(of: head) else { return false }
        append(indicator: indicator)
        return true
    }

    /// The additional information of a head that is not the preferred one, if it is to be shown.
    func indicator(of head: CBORHead) -> UInt8? {
        guard options.showsEncoding, head.info >= 24 else { return nil }
        guard !head.isIndefinite, headSize(argument: head.argument) == headSize(info: head.info)
        else { return head.info }
        return nil
    }

    mutating func append(indicator info: UInt8) {
        output.append(UInt8(ascii: "_"))
        if info < 28 { output.append(UInt8(ascii: "0") + info - 24) }
    }

    mutating func startLine(depth: Int) {
        output.append(UInt8(ascii: "\n"))
        let count = Swift.max(0, depth * (options.indent ?? 0))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: count))
    }

    mutating func append(hex bytes: UnsafeRawBufferPointer) {
        for byte in bytes {
            output.append(hexDigit(byte >> 4))
            output.append(hexDigit(byte & 15))
        }
    }
}

func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}

extension DiagnosticPrinter {
    /// Prints an item of major type 7.
    mutating func printSimpleOrFloat(_ head: CBORHead) {
        switch head.info {
        case 20: append("false")
        case 21: append("true")
        case 22: append("null")
        case 23: append("undefined")
        case 25, 26, 27: printFloat(head)
        default:
            append("simple(")
            append(head.argument)
            append(")")
        }
    }

    private mutating func printFloat(_ head: CBORHead) {
        guard let value = head.doubleValue else { return }
        guard !value.isNaN else {
            printNaN(head)
            return
        }
        append(decimalOf: value)
        let isShortest =
            switch head.info {
            case 25: true
            case 26: halfBits(of: Float(value)) == nil
            default: Double(Float(value)) != value
            }
        if !isShortest, options.showsEncoding { append(indicator: head.info) }
    }

    /// The quiet NaN of each width has a name; others are their bits.
    private mutating func printNaN(_ head: CBORHead) {
        let quiet: UInt64
        switch head.info {
        case 25: quiet = 0x7E00
        case 26: quiet = 0x7FC0_0000
        default: quiet = 0x7FF8_0000_0000_0000
        }
        guard options.showsEncoding, head.argument != quiet else {
            append("NaN")
            if options.showsEncoding, head.info > 25 { append(indicator: head.info) }
            return
        }
        append("float'")
        withUnsafeBytes(of: head.argument.bigEndian) { bits in
            append(hex: UnsafeRawBufferPointer(rebasing: bits.suffix(1 << Int(head.info - 24))))
        }
        append("'")
    }

    /// Appends the shortest decimal with this value in the form of RFC 8949 appendix A, which is
    /// JavaScript's with a point: 0.00001, 1.0e-7, 100000.0, 1.0e+21.
    mutating func append(decimalOf value: Double) {
        if value.sign == .minus { output.append(UInt8(ascii: "-")) }
        guard value.isFinite else {
            append("Infinity")
            return
        }
        // The value is 0.DIGITS × 10^point.
        var digits: [UInt8] = []
        var point = 0
        (digits, point) = decimal(of: value.magnitude)
        let zero = UInt8(ascii: "0")
        switch point {
        case ...(-6), 22...:
            output.append(digits[0])
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: digits.count > 1 ? digits[1...] : [zero])
            output.append(UInt8(ascii: "e"))
            output.append(UInt8(ascii: point > 0 ? "+" : "-"))
            append(UInt64((point - 1).magnitude))
        case ...0:
            append("0.")
            output.append(contentsOf: repeatElement(zero, count: -point))
            output.append(contentsOf: digits)
        default:
            output.append(contentsOf: digits.prefix(point))
            output.append(contentsOf: repeatElement(zero, count: max(0, point - digits.count)))
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: digits.count > point ? digits[point...] : [zero])
        }
    }

    /// The shortest digits of a finite number that is not negative, without zeros around them, and
    /// where the point is. Zero is one digit.
    private func decimal(of value: Double) -> (digits: [UInt8], point: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var text = value.description.utf8[...]
        while let byte = text.popFirst() {
            switch byte {
            case UInt8(ascii: "."): point = digits.count
            case UInt8(ascii: "e"):
                exponent = Int(Substring(text)) ?? 0
                text = text[text.endIndex...]
            default: digits.append(byte)
            }
        }
        var position = (point ?? digits.count) + exponent
        let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
        guard leading < digits.count else { return ([UInt8(ascii: "0")], 1) }
        digits.removeFirst(leading)
        position -= leading
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (digits, position)
    }
}

extension DiagnosticPrinter {
    /// Up to this length a big number is printed in decimal, which takes quadratic time.
    static let bigNumberBytesMax = 128

    /// Prints tag 2 or 3 with the string that its number has in preferred encoding (RFC 8949
    /// §3.4.3) as the number. Any other content does not come back from a number.
    mutating func printBigNumber(
        _ base: UnsafeRawPointer, _ tag: CBORHead
    ) throws(CBORError) -> Bool {
        guard tag.initialByte == 0xC2 || tag.initialByte == 0xC3, itemsLeft > 0, tag.end < end,
            base.load(fromByteOffset: tag.end, as: UInt8.self) >> 5 == 2
        else { return false }
        let head = try CBORHead.read(base, count: end, at: tag.end, isStrict: false)
        guard !head.isIndefinite, headSize(argument: head.argument) == head.end - tag.end,
            (9...UInt64(Self.bigNumberBytesMax)).contains(head.argument),
            head.argument <= UInt64(limits.maxStringBytes), head.argument <= UInt64(end - head.end),
            base.load(fromByteOffset: head.end, as: UInt8.self) != 0
        else { return false }
        let length = Int(head.argument)
        var number = BigNumber(
            bigEndian: UnsafeRawBufferPointer(start: base + head.end, count: length))
        if tag.initialByte == 0xC3 {
            number.multiply(by: 1, adding: 1)
            output.append(UInt8(ascii: "-"))
        }
        output.append(contentsOf: number.decimalDigits())
        itemsLeft -= 1
        position = head.end + length
        return true
    }
}
