// SPDX-License-Identifier: MIT

/// A JSON value (RFC 8259) that came from somebody else: a token, a key set, a line of a file.
///
/// Read strictly, as two readers of a token must never understand it differently: no name twice in
/// an object, valid UTF-8 and paired surrogates only, nothing behind the value.
enum ParsedJSON {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case array([ParsedJSON])
    case object([(name: String, value: ParsedJSON)])

    /// How deep values nest at most, the outermost counting as 1.
    static let depthMax = 16

    /// Reads a value that is the whole of `bytes`.
    ///
    /// Uses no more memory than a small multiple of the bytes; the caller bounds those.
    init(_ bytes: [UInt8]) throws(ParsedJSONError) {
        var reader = JSONReader(bytes: bytes)
        self = try reader.readDocument()
    }

    /// The value of an object's member; `nil` if there is none. Names are compared by their bytes.
    subscript(name: String) -> ParsedJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    var number: Double? {
        guard case .number(let number) = self else { return nil }
        return number
    }

    /// Whether it is this text, byte for byte.
    func isText(_ text: String) -> Bool { self.text?.utf8.elementsEqual(text.utf8) ?? false }

    /// Whether an object's member is this text.
    func has(_ name: String, _ text: String) -> Bool { self[name]?.isText(text) ?? false }

    var isObject: Bool {
        guard case .object = self else { return false }
        return true
    }
}

/// Why bytes are not the JSON that is taken.
struct ParsedJSONError: Error, Equatable, CustomStringConvertible {
    /// Where it was noticed.
    var offset: Int
    /// What is wrong, without a word of the content.
    var fault: String

    var description: String { "\(fault) (byte \(offset))" }
}

/// Reads one document. Recursion is bounded by `ParsedJSON.depthMax`.
private struct JSONReader {
    let bytes: [UInt8]
    private var index = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func readDocument() throws(ParsedJSONError) -> ParsedJSON {
        let value = try readValue(depth: 1)
        skipBlanks()
        guard index == bytes.count else { throw fault("Something stands behind the value") }
        return value
    }

    private func fault(_ text: String) -> ParsedJSONError {
        ParsedJSONError(offset: index, fault: text)
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func skipBlanks() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
    }

    /// Takes `byte` if it comes next, behind blanks.
    private mutating func take(_ byte: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: byte) else { return false }
        index += 1
        return true
    }

    private mutating func readValue(depth: Int) throws(ParsedJSONError) -> ParsedJSON {
        guard depth <= ParsedJSON.depthMax else { throw fault("It nests too deep") }
        skipBlanks()
        switch next {
        case UInt8(ascii: "{"): return try readObject(depth: depth)
        case UInt8(ascii: "["): return try readArray(depth: depth)
        case UInt8(ascii: "\""): return .text(try readText())
        case UInt8(ascii: "t"): return try readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", .null)
        default: return .number(try readNumber())
        }
    }

    private mutating func readWord(
        _ word: String, _ value: ParsedJSON
    ) throws(ParsedJSONError) -> ParsedJSON {
        guard bytes[index...].starts(with: word.utf8) else { throw fault("No value begins so") }
        index += word.utf8.count
        return value
    }

    private mutating func readArray(depth: Int) throws(ParsedJSONError) -> ParsedJSON {
        index += 1
        var values: [ParsedJSON] = []
        if take("]") { return .array(values) }
        repeat { values.append(try readValue(depth: depth + 1)) } while take(",")
        guard take("]") else { throw fault("An array does not end as it must") }
        return .array(values)
    }

    private mutating func readObject(depth: Int) throws(ParsedJSONError) -> ParsedJSON {
        index += 1
        var members: [(name: String, value: ParsedJSON)] = []
        var names: Set<[UInt8]> = []
        if take("}") { return .object(members) }
        repeat {
            skipBlanks()
            guard next == UInt8(ascii: "\"") else { throw fault("A member has no name") }
            let name = try readText()
            guard names.insert(Array(name.utf8)).inserted else {
                throw fault("A name comes twice in an object")
            }
            guard take(":") else { throw fault("A member has no value") }
            members.append((name, try readValue(depth: depth + 1)))
        } while take(",")
        guard take("}") else { throw fault("An object does not end as it must") }
        return .object(members)
    }

    private mutating func readNumber() throws(ParsedJSONError) -> Double {
        let start = index
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { 0x30...0x39 ~= $0 } ?? false }
        if next == UInt8(ascii: "-") { index += 1 }
        let digits = index
        guard isDigit(next) else { throw fault("No value begins so") }
        while isDigit(next) { index += 1 }
        if bytes[digits] == UInt8(ascii: "0"), index - digits > 1 {
            throw fault("A number begins with a zero too many")
        }
        if next == UInt8(ascii: ".") {
            index += 1
            guard isDigit(next) else { throw fault("A number ends too early") }
            while isDigit(next) { index += 1 }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            index += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { index += 1 }
            guard isDigit(next) else { throw fault("A number ends too early") }
            while isDigit(next) { index += 1 }
        }
        guard let value = Double(String(decoding: bytes[start..<index], as: UTF8.self)),
            value.isFinite
        else { throw fault("A number is too large") }
        return value
    }
}

// Texts.
extension JSONReader {
    private mutating func readText() throws(ParsedJSONError) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = next {
            index += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw fault("A text is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): text += try readEscape()
            case 0..<0x20: throw fault("A text holds a control character")
            default: text.append(byte)
            }
        }
        throw fault("A text does not end")
    }

    private mutating func readEscape() throws(ParsedJSONError) -> [UInt8] {
        guard let byte = next else { throw fault("A text does not end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): break
        default: throw fault("A text holds an escape that there is not")
        }
        var value = UInt32(try readHex())
        if 0xD800...0xDBFF ~= value, next == UInt8(ascii: "\\") {
            index += 1
            guard next == UInt8(ascii: "u") else { throw fault("A surrogate stands alone") }
            index += 1
            let low = UInt32(try readHex())
            guard 0xDC00...0xDFFF ~= low else { throw fault("A surrogate stands alone") }
            value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw fault("A surrogate stands alone") }
        return Array(String(scalar).utf8)
    }

    private mutating func readHex() throws(ParsedJSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = next.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw fault("An escape is not four digits")
            }
            value = value << 4 | UInt16(digit)
            index += 1
        }
        return value
    }
}
