// SPDX-License-Identifier: MIT

// Looking at the text, and the space between what means something.

extension DiagnosticParser {
    /// The byte `distance` behind the position.
    @inline(__always)
    func peek(_ distance: Int = 0) -> UInt8? {
        let index = position + distance
        return index < text.count ? text[index] : nil
    }

    /// Steps over a word if it is next.
    mutating func take(_ word: StaticString) -> Bool {
        let isNext = word.withUTF8Buffer { word in
            word.count <= text.count - position
                && text[position..<position + word.count].elementsEqual(word)
        }
        if isNext { position += word.utf8CodeUnitCount }
        return isNext
    }

    func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    func error(
        _ code: CBORDiagnosticError.Code, _ message: String, at offset: Int? = nil
    ) -> CBORDiagnosticError {
        CBORDiagnosticError(code, at: offset ?? position, in: text, message)
    }

    /// The error for a text that does not go on with `what`; `end` is where that could have begun,
    /// before the space in front of the position.
    func expected(_ what: String, at end: Int? = nil) -> CBORDiagnosticError {
        guard position < text.count else {
            return error(.unexpectedEnd, "The text ends; expected \(what).")
        }
        var index = position + 1
        while index < text.count, text[index] & 0xC0 == 0x80 { index += 1 }
        let found = String(decoding: text[position..<index], as: UTF8.self)
        var message = "Found \(found.unicodeScalars.map(Self.name).joined()); expected \(what)."
        if end != nil, isStringNext() || isWordByte(text[position]) {
            message += " Items are separated by commas."
        }
        return error(.unexpectedCharacter, message)
    }

    private static func name(of scalar: Unicode.Scalar) -> String {
        scalar.value < 0x20 || scalar.value == 0x7F || isConfusing(scalar.value)
            ? "U+" + String(scalar.value, radix: 16, uppercase: true) : "“\(scalar)”"
    }

    /// Steps over blanks and comments (RFC 8610 §G.6): `/ … /` and `# …` to the end of the line,
    /// and also `// …` and `/* … */`, which would be an empty comment and none.
    mutating func skipSpace() throws(CBORDiagnosticError) {
        while let byte = peek() {
            switch byte {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            case UInt8(ascii: "#") where !isJSON: skipLine()
            case UInt8(ascii: "/") where !isJSON: try skipComment(upTo: text.count)
            default: return
            }
        }
    }

    mutating func skipLine() {
        while let byte = peek(), byte != 0x0A { position += 1 }
    }

    /// Steps over a comment that begins with a slash and must end before `end`.
    mutating func skipComment(upTo end: Int) throws(CBORDiagnosticError) {
        let start = position
        switch peek(1) {
        case UInt8(ascii: "/"):
            while position < end, text[position] != 0x0A { position += 1 }
            return
        case UInt8(ascii: "*"):
            position += 2
            while position + 1 < end {
                if text[position] == UInt8(ascii: "*"), text[position + 1] == UInt8(ascii: "/") {
                    position += 2
                    return
                }
                position += 1
            }
        default:
            position += 1
            while position < end {
                position += 1
                if text[position - 1] == UInt8(ascii: "/") { return }
            }
        }
        throw error(.unexpectedEnd, "The comment does not end.", at: start)
    }

    /// Parses `true`, `simple(…)` and the like.
    mutating func parseWord() throws(CBORDiagnosticError) -> Bool {
        let start = position
        while let byte = peek(), isWordByte(byte) { position += 1 }
        let word = text[start..<position]
        guard !word.isEmpty else { throw expected("an item") }
        func isWord(_ name: StaticString) -> Bool {
            name.withUTF8Buffer { word.elementsEqual($0) }
        }
        if isWord("false") {
            output.append(0xF4)
        } else if isWord("true") {
            output.append(0xF5)
        } else if isWord("null") {
            output.append(0xF6)
        } else if isJSON {
            throw unknownWord(start)
        } else if isWord("undefined") {
            output.append(0xF7)
        } else if isWord("simple"), peek() == UInt8(ascii: "(") {
            try parseSimple(start)
        } else if isWord("NaN") {
            try appendNamed(.nan, at: start)
        } else if isWord("Infinity") {
            try appendNamed(.infinity, at: start)
        } else {
            throw unknownWord(start)
        }
        return true
    }

    private func unknownWord(_ start: Int) -> CBORDiagnosticError {
        let word = String(decoding: text[start..<min(position, start + 24)], as: UTF8.self)
        let known = "false, true, null" + (isJSON ? "" : ", undefined, NaN, Infinity, simple(…)")
        return error(.unknownWord, "“\(word)” means nothing; words are \(known).", at: start)
    }

    /// Parses what follows `simple`.
    private mutating func parseSimple(_ start: Int) throws(CBORDiagnosticError) {
        position += 1
        try skipSpace()
        let numberStart = position
        guard let byte = peek(), isWordByte(byte) else { throw expected("a simple value") }
        guard case .integer(false, let magnitude) = try scanNumber(), let value = magnitude.small,
            value < 24 || 32...255 ~= value
        else {
            throw error(
                .outOfRange, "A simple value is 0 to 23 or 32 to 255.", at: numberStart)
        }
        try skipSpace()
        guard take(")") else { throw expected("the parenthesis that ends the simple value") }
        output.appendHead(major: 7, info: value < 24 ? UInt8(value) : 24, argument: value)
    }
}
