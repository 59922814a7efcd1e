// SPDX-License-Identifier: MIT

extension DiagnosticParser {
    /// The longest number that is read, in digits. What is larger takes quadratic time.
    static let digitsMax = 4096

    /// What a number's literal stands for.
    enum Number {
        case integer(isNegative: Bool, magnitude: BigNumber)
        case float(Double)
    }

    /// Parses a number, or the tag that begins with it.
    mutating func parseNumber() throws(CBORDiagnosticError) -> Bool {
        let start = position
        if take("-Infinity") {
            guard !isJSON else { throw error(.unknownWord, "JSON has no infinity.", at: start) }
            try appendNamed(-.infinity, at: start)
            return true
        }
        let number = try scanNumber()
        let indicator = try parseIndicator(allowsIndefinite: false)
        switch number {
        case .float(let value):
            try append(value, indicator, at: start)
        case .integer(let isNegative, let magnitude):
            if !isJSON, peek() == UInt8(ascii: "(") {
                let isPlain = !isNegative && text[start] != UInt8(ascii: "+")
                guard isPlain, let tag = magnitude.small else {
                    throw error(.outOfRange, "A tag is 0 to 2^64 − 1.", at: start)
                }
                try openTag(tag, indicator, at: start)
                return false
            }
            try append(isNegative: isNegative, magnitude, indicator, at: start)
        }
        return true
    }

    private mutating func openTag(
        _ number: UInt64, _ indicator: UInt8?, at start: Int
    ) throws(CBORDiagnosticError) {
        let head = output.open()
        try push(Frame(kind: .tag, offset: start, head: head))
        try fill(head, 6, number, indicator, at: start)
        position += 1
    }

    private mutating func append(
        isNegative: Bool, _ magnitude: BigNumber, _ indicator: UInt8?, at start: Int
    ) throws(CBORDiagnosticError) {
        // Major type 1 and tag 3 mean −1 − n.
        var argument = magnitude
        let isBelowZero = isNegative && !magnitude.isZero
        if isBelowZero { argument.decrement() }
        if let small = argument.small {
            let head = output.open()
            try fill(head, isBelowZero ? 1 : 0, small, indicator, at: start)
            return
        }
        guard indicator == nil else {
            throw error(
                .invalidIndicator, "A number beyond 64 bits is a tag and a string; write these.",
                at: start)
        }
        guard depth < limits.maxDepth else {
            throw error(
                .depthExceeded, "Items nest deeper than \(limits.maxDepth) levels.", at: start)
        }
        // A tag and its content.
        try countItem(at: start)
        let bytes = argument.bigEndianBytes
        guard bytes.count <= limits.maxStringBytes else { throw stringTooLong(start) }
        output.append(isBelowZero ? 0xC3 : 0xC2)
        let info = NotationOutput.info(of: UInt64(bytes.count))
        output.appendHead(major: 2, info: info, argument: UInt64(bytes.count))
        output.append(bytes)
    }

    /// Appends NaN or an infinity, whose word has been read.
    mutating func appendNamed(_ value: Double, at start: Int) throws(CBORDiagnosticError) {
        try append(value, try parseIndicator(allowsIndefinite: false), at: start)
    }

    private mutating func append(
        _ value: Double, _ indicator: UInt8?, at start: Int
    ) throws(CBORDiagnosticError) {
        let single = Float(value)
        let isSingle = value.isNaN || Double(single) == value
        let half = value.isNaN ? 0x7E00 : isSingle ? halfBits(of: single) : nil
        switch indicator {
        case nil where half != nil, 25 where half != nil:
            output.appendHead(major: 7, info: 25, argument: UInt64(half ?? 0))
        case nil where isSingle, 26 where isSingle:
            let bits = value.isNaN ? 0x7FC0_0000 : single.bitPattern
            output.appendHead(major: 7, info: 26, argument: UInt64(bits))
        case nil, 27:
            let bits = value.isNaN ? 0x7FF8_0000_0000_0000 : value.bitPattern
            output.appendHead(major: 7, info: 27, argument: bits)
        default:
            throw error(
                .invalidIndicator,
                "The float does not have this value in the size that the indicator asks for.",
                at: start)
        }
    }
}

extension DiagnosticParser {
    /// Reads a number's literal: JSON's, with hexadecimal, octal and binary integers, hexadecimal
    /// floats, a plus, leading zeros, and a point at either end besides.
    mutating func scanNumber() throws(CBORDiagnosticError) -> Number {
        let start = position
        let isNegative = peek() == UInt8(ascii: "-")
        if isNegative || !isJSON && peek() == UInt8(ascii: "+") { position += 1 }
        var radix: UInt32 = 10
        if peek() == UInt8(ascii: "0"), let letter = peek(1), !isJSON {
            switch letter | 0x20 {
            case UInt8(ascii: "x"): radix = 16
            case UInt8(ascii: "o"): radix = 8
            case UInt8(ascii: "b"): radix = 2
            default: break
            }
        }
        if radix != 10 { position += 2 }
        let digitsStart = position
        let whole = skipDigits(radix)
        let digits = digitsStart..<position
        var isFloat = false
        var fraction = 0
        if radix == 10 || radix == 16 {
            if peek() == UInt8(ascii: ".") {
                position += 1
                isFloat = true
                fraction = skipDigits(radix)
            }
            try skipExponent(radix, start, &isFloat, isNeeded: isFloat)
        }
        var isGood = whole + fraction > 0
        if isJSON {
            let hasLeadingZero = whole > 1 && text[digitsStart] == UInt8(ascii: "0")
            let hasBarePoint = isFloat && fraction == 0 && text[digits.upperBound...].first == 0x2E
            isGood = isGood && whole > 0 && !hasLeadingZero && !hasBarePoint
        }
        if let next = peek(), isWordByte(next) || next == UInt8(ascii: ".") { isGood = false }
        guard isGood else {
            throw error(.invalidNumber, "This is no number.", at: start)
        }
        guard position - start <= Self.digitsMax else {
            throw error(
                .limitExceeded, "A number has at most \(Self.digitsMax) digits.", at: start)
        }
        if isFloat { return .float(try double(start)) }
        return .integer(isNegative: isNegative, magnitude: integer(digits, radix))
    }

    /// Steps over digits and says how many.
    private mutating func skipDigits(_ radix: UInt32) -> Int {
        let start = position
        while let byte = peek(), let value = digitValue(byte), value < radix { position += 1 }
        return position - start
    }

    /// Steps over an exponent; a hexadecimal float must have one.
    private mutating func skipExponent(
        _ radix: UInt32, _ start: Int, _ isFloat: inout Bool, isNeeded: Bool
    ) throws(CBORDiagnosticError) {
        guard let byte = peek(), byte | 0x20 == UInt8(ascii: radix == 16 ? "p" : "e") else {
            guard radix == 10 || !isNeeded else {
                throw error(
                    .invalidNumber, "A hexadecimal float needs an exponent, such as p0.", at: start)
            }
            return
        }
        position += 1
        isFloat = true
        if peek() == UInt8(ascii: "-") || peek() == UInt8(ascii: "+") { position += 1 }
        guard skipDigits(10) > 0 else {
            throw error(.invalidNumber, "The exponent has no digits.", at: start)
        }
    }

    private func double(_ start: Int) throws(CBORDiagnosticError) -> Double {
        var literal = String(decoding: text[start..<position], as: UTF8.self)
        if literal.utf8.first == UInt8(ascii: "+") { literal.removeFirst() }
        guard let value = Double(literal) else {
            throw error(.invalidNumber, "This is no number.", at: start)
        }
        guard value.isFinite else {
            throw error(
                .outOfRange, "The number is beyond what a float of 64 bits holds.", at: start)
        }
        return value
    }

    private func integer(_ digits: Range<Int>, _ radix: UInt32) -> BigNumber {
        var number = BigNumber()
        var factor: UInt32 = 1
        var part: UInt32 = 0
        for byte in text[digits] {
            part = part * radix + (digitValue(byte) ?? 0)
            factor *= radix
            if factor >= 1 << 24 {
                number.multiply(by: factor, adding: part)
                (factor, part) = (1, 0)
            }
        }
        number.multiply(by: factor, adding: part)
        return number
    }
}

/// The value of a digit up to base 16.
func digitValue(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
}
