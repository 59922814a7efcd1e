// SPDX-License-Identifier: MIT

extension CBORValue: CustomStringConvertible {
    /// The diagnostic notation.
    public var description: String { diagnosticNotation }

    /// The value in diagnostic notation (RFC 8949 §8), on one line: `{"id": 1, "data": h'00ff'}`.
    ///
    /// It says nothing about lengths of heads and indefinite lengths, which a value does not keep.
    public var diagnosticNotation: String {
        var text = ""
        describe(into: &text)
        return text
    }

    private func describe(into text: inout String) {
        switch self {
        case .unsigned(let value): text += String(value)
        case .negative(let n):
            // n + 1 does not fit for the last one.
            text += n == .max ? "-18446744073709551616" : "-\(n + 1)"
        case .bytes(let bytes):
            text += "h'"
            for byte in bytes { Self.append(hex: UInt32(byte), digits: 2, to: &text) }
            text += "'"
        case .text(let value): Self.append(quoted: value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += ", " }
                element.describe(into: &text)
            }
            text += "]"
        case .map(let map):
            text += "{"
            for (index, entry) in map.enumerated() {
                if index > 0 { text += ", " }
                entry.key.describe(into: &text)
                text += ": "
                entry.value.describe(into: &text)
            }
            text += "}"
        case .tagged(let number, let content):
            text += "\(number)("
            content.describe(into: &text)
            text += ")"
        case .bool(let value): text += value ? "true" : "false"
        case .null: text += "null"
        case .undefined: text += "undefined"
        case .simple(let value): text += "simple(\(value))"
        case .float(let value): text += Self.notation(of: value)
        }
    }

    /// A float always has a point, so that it cannot be taken for an integer.
    private static func notation(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        let digits = value.description
        guard !digits.utf8.contains(UInt8(ascii: ".")) else { return digits }
        let parts = digits.split(separator: "e", maxSplits: 1)
        return parts.count == 2 ? "\(parts[0]).0e\(parts[1])" : digits + ".0"
    }

    /// Quotes text as JSON does.
    private static func append(quoted value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\0"..<" ", "\u{7F}":
                text += "\\u"
                append(hex: scalar.value, digits: 4, to: &text)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }

    private static func append(hex value: UInt32, digits: Int, to text: inout String) {
        let hex = String(value, radix: 16)
        text += String(repeating: "0", count: digits - hex.utf8.count) + hex
    }
}
