// SPDX-License-Identifier: MIT

/// A JSON value (RFC 8259) to be written; members keep their order.
indirect enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case number(UInt64)
    case text(String)
    case array([JSONValue])
    case object([Member])

    /// A member of an object.
    struct Member: Equatable {
        var name: String
        var value: JSONValue

        init(_ name: String, _ value: JSONValue) { (self.name, self.value) = (name, value) }
    }

    static func number(_ count: Int) -> JSONValue { .number(UInt64(max(count, 0))) }

    /// The value on one line, without spaces.
    var line: String {
        var output = ""
        write(to: &output)
        return output
    }

    private func write(to output: inout String) {
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .number(let value): output += String(value)
        case .text(let text): Self.write(text, to: &output)
        case .array(let values):
            output += "["
            for (index, value) in values.enumerated() {
                if index > 0 { output += "," }
                value.write(to: &output)
            }
            output += "]"
        case .object(let members):
            output += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { output += "," }
                Self.write(member.name, to: &output)
                output += ":"
                member.value.write(to: &output)
            }
            output += "}"
        }
    }

    private static func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case _ where scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value:
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}

extension Optional<JSONValue> {
    /// The value, or `null`.
    var orNull: JSONValue { self ?? .null }
}
