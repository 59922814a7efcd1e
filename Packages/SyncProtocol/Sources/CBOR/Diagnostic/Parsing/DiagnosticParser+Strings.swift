// SPDX-License-Identifier: MIT

extension DiagnosticParser {
    /// A string of which more parts may come: literals next to each other, or with a plus between
    /// them, are one string (RFC 8610 §G.4).
    struct OpenString {
        /// Where it begins in the text.
        let offset: Int
        /// Where its head is in the output.
        let head: Int
        /// The certain bytes of the output in front of its content.
        let start: Int
        /// What the first part is decides; bytes may follow text, but not text bytes.
        var isText: Bool
        var isPlainAndEmpty = true
    }

    /// Whether a string literal is next: quotes, a prefix and a quote, or `<<`.
    func isStringNext() -> Bool {
        guard let byte = peek() else { return false }
        if byte == UInt8(ascii: "\"") { return true }
        guard !isJSON else { return false }
        if byte == UInt8(ascii: "'") { return true }
        if byte == UInt8(ascii: "<") { return peek(1) == byte }
        guard isWordByte(byte), byte > UInt8(ascii: "9") else { return false }
        var distance = 1
        // Prefixes are short; a long word is none.
        while distance < 32, let next = peek(distance), isWordByte(next) { distance += 1 }
        return peek(distance) == UInt8(ascii: "'")
    }

    /// Parses a string, up to embedded CBOR in it.
    ///
    /// - Returns: Whether the item is complete.
    mutating func beginString() throws(CBORDiagnosticError) -> Bool {
        if take("float'") { return try parseFloatBits() }
        let head = output.open()
        return try parseParts(
            OpenString(
                offset: position, head: head, start: output.count,
                isText: peek() == UInt8(ascii: "\"")))
    }

    /// Parses what follows embedded CBOR, which is a part of `string`.
    mutating func continueString(
        _ string: OpenString
    ) throws(CBORDiagnosticError) -> Bool {
        var string = string
        string.isPlainAndEmpty = false
        return try isPartNext(string) ? parseParts(string) : finish(string)
    }

    private mutating func parseParts(
        _ string: OpenString
    ) throws(CBORDiagnosticError) -> Bool {
        var string = string
        repeat {
            let quote = peek()
            if quote == UInt8(ascii: "\"") {
                guard string.isText else {
                    throw error(.mixedStrings, "Text cannot follow a byte string; begin with \"\".")
                }
                position += 1
                try parseQuoted(UInt8(ascii: "\""))
            } else if quote == UInt8(ascii: "'") {
                position += 1
                try parseQuoted(UInt8(ascii: "'"))
            } else if quote == UInt8(ascii: "<") {
                return try openEmbedded(string)
            } else {
                string.isPlainAndEmpty = false
                try parsePrefixed()
            }
            guard output.count - string.start <= limits.maxStringBytes else {
                throw stringTooLong(string.offset)
            }
        } while try isPartNext(string)
        return try finish(string)
    }

    /// Steps over the space in front of a string's next part, if there is one.
    private mutating func isPartNext(
        _ string: OpenString
    ) throws(CBORDiagnosticError) -> Bool {
        guard !isJSON else { return false }
        let end = position
        try skipSpace()
        if take("+") {
            try skipSpace()
            guard isStringNext() else { throw expected("a string behind the plus") }
            return true
        }
        if isStringNext() {
            // A bit pattern is no string, so it is no part of one.
            let next = position
            guard take("float'") else { return true }
            position = next
        }
        position = end
        return false
    }

    /// Writes the head of a string that is complete.
    private mutating func finish(
        _ string: OpenString
    ) throws(CBORDiagnosticError) -> Bool {
        let count = output.count - string.start
        guard count <= limits.maxStringBytes else { throw stringTooLong(string.offset) }
        let indicatorStart = position
        let indicator = try parseIndicator(allowsIndefinite: true)
        let major: UInt8 = string.isText ? 3 : 2
        if case .stream = stack.last?.kind {
            try addChunk(major, count, string.offset)
        }
        if indicator == 31 {
            var isChunk = false
            if case .stream = stack.last?.kind { isChunk = true }
            guard count == 0, string.isPlainAndEmpty, !isChunk else {
                throw error(
                    .invalidIndicator,
                    "Only '' and \"\" can have the indicator _; chunks are written (_ …, …).",
                    at: indicatorStart)
            }
            output.set(string.head, to: major << 5 | 31)
            output.append(breakByte)
        } else {
            try fill(string.head, major, UInt64(count), indicator, at: string.offset)
        }
        return true
    }

    /// Notes a chunk in the innermost stream.
    private mutating func addChunk(
        _ major: UInt8, _ count: Int, _ offset: Int
    ) throws(CBORDiagnosticError) {
        let top = stack.count - 1
        let head = major << 5 | 31
        if stack[top].items == 0 {
            stack[top].indicator = head
            output.set(stack[top].head, to: head)
        }
        guard stack[top].indicator == head else {
            throw error(.mixedStrings, "All chunks are text, or all are byte strings.", at: offset)
        }
        stack[top].streamBytes += count
        guard stack[top].streamBytes <= limits.maxStringBytes else {
            throw stringTooLong(stack[top].offset)
        }
    }

    func stringTooLong(_ offset: Int) -> CBORDiagnosticError {
        error(
            .limitExceeded, "The string is longer than \(limits.maxStringBytes) bytes.", at: offset)
    }

    mutating func openStream() throws(CBORDiagnosticError) -> Bool {
        let start = position
        position += 2
        if let byte = peek(), isWordByte(byte) || byte == UInt8(ascii: "_") {
            throw error(.invalidIndicator, "A string in chunks begins with (_ and a space.")
        }
        // Chunks are no level of nesting.
        stack.append(Frame(kind: .stream, offset: start, head: output.open()))
        return false
    }

    private mutating func openEmbedded(
        _ string: OpenString
    ) throws(CBORDiagnosticError) -> Bool {
        var string = string
        string.isPlainAndEmpty = false
        try push(Frame(kind: .embedded(string), offset: position, head: string.head))
        embedded += 1
        position += 2
        try skipSpace()
        guard take(">>") else { return false }
        stack.removeLast()
        depth -= 1
        embedded -= 1
        return try continueString(string)
    }
}

extension DiagnosticParser {
    /// Appends what stands between here and the closing quote.
    private mutating func parseQuoted(_ quote: UInt8) throws(CBORDiagnosticError) {
        let start = position - 1
        while true {
            let run = position
            while let byte = peek(), byte >= 0x20, byte != 0x7F, byte != quote,
                byte != UInt8(ascii: "\\")
            { position += 1 }
            output.append(text[run..<position])
            switch peek() {
            case nil: throw error(.unexpectedEnd, "The string does not end.", at: start)
            case quote:
                position += 1
                return
            case UInt8(ascii: "\\"): try parseEscape(quote)
            case 0x0A where !isJSON, 0x7F where isJSON:
                output.append(text[position])
                position += 1
            default:
                throw error(
                    .controlCharacter, "Control characters in a string are written as escapes.")
            }
        }
    }

    private mutating func parseEscape(_ quote: UInt8) throws(CBORDiagnosticError) {
        let start = position
        position += 2
        guard position <= text.count else {
            throw error(.unexpectedEnd, "The text ends in an escape.", at: text.count)
        }
        switch text[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            output.append(text[start + 1])
        case UInt8(ascii: "'") where !isJSON: output.append(UInt8(ascii: "'"))
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"): try parseUnicodeEscape(start)
        default:
            throw error(
                .invalidEscape, "Escapes are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u.", at: start)
        }
    }

    /// Parses what stands behind `\u`: four hex digits, two such escapes, or digits in braces.
    private mutating func parseUnicodeEscape(_ start: Int) throws(CBORDiagnosticError) {
        let value: UInt32?
        if !isJSON, peek() == UInt8(ascii: "{") {
            position += 1
            let length = text[position...].prefix(9).firstIndex(of: UInt8(ascii: "}"))
            value = length.flatMap { hexValue(position..<$0) }
            position = length.map { $0 + 1 } ?? position
        } else {
            var unit = takeFourDigits()
            if let high = unit, 0xD800..<0xDC00 ~= high {
                let low = take("\\u") ? takeFourDigits() : nil
                unit = low.flatMap {
                    0xDC00..<0xE000 ~= $0 ? 0x1_0000 + (high - 0xD800) << 10 + ($0 - 0xDC00) : nil
                }
            }
            value = unit
        }
        guard let scalar = value.flatMap(Unicode.Scalar.init) else {
            throw error(
                .invalidEscape,
                "A \\u escape is four hex digits, or two such escapes for a surrogate pair"
                    + (isJSON ? "." : ", or the hex number of a character in braces."), at: start)
        }
        output.append(UTF8.encode(scalar).map { Array($0) } ?? [])
    }

    private mutating func takeFourDigits() -> UInt32? {
        guard text.count - position >= 4, let value = hexValue(position..<position + 4) else {
            return nil
        }
        position += 4
        return value
    }

    /// The value of one to eight hex digits.
    private func hexValue(_ range: Range<Int>) -> UInt32? {
        guard !range.isEmpty, range.count <= 8 else { return nil }
        var value: UInt32 = 0
        for byte in text[range] {
            guard let digit = digitValue(byte) else { return nil }
            value = value << 4 | digit
        }
        return value
    }
}
