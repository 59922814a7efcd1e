// SPDX-License-Identifier: MIT

import CBOR

/// A value as JSON text, by the advice of RFC 8949 §6.1. It recurses as deep as the value nests,
/// which decoding has bounded.
struct JSONOutput {
    /// The encoding of byte strings that a tag asks for (RFC 8949 §3.4.5.2).
    private enum Base { case base64URL, base64, base16 }

    private(set) var text = ""
    let indent: Int?

    init(_ value: CBORValue, indent: Int?) {
        self.indent = indent
        write(value, .base64URL, depth: 0)
    }

    private mutating func write(_ value: CBORValue, _ base: Base, depth: Int) {
        switch value {
        case .unsigned, .negative, .bool, .null: text += value.diagnosticNotation
        case .undefined, .simple: text += "null"
        case .float(let number): text += number.isFinite ? number.description : "null"
        case .bytes(let bytes): text += "\"" + Self.encode(bytes, base) + "\""
        case .text(let string): text += string.jsonString
        case .array(let elements):
            write("[", "]", elements, depth) { json, element in
                json.write(element, base, depth: depth + 1)
            }
        case .map(let map):
            write("{", "}", map, depth) { json, entry in
                json.text += Self.name(entry.key, base).jsonString
                json.text += json.indent == nil ? ":" : ": "
                json.write(entry.value, base, depth: depth + 1)
            }
        case .tagged(let number, let content):
            write(tag: number, content, base, depth)
        }
    }

    private mutating func write(
        tag number: UInt64, _ content: CBORValue, _ base: Base, _ depth: Int
    ) {
        switch (number, content) {
        case (2, .bytes(let bytes)): text += "\"" + Self.encode(bytes, .base64URL) + "\""
        case (3, .bytes(let bytes)): text += "\"~" + Self.encode(bytes, .base64URL) + "\""
        case (21, _): write(content, .base64URL, depth: depth)
        case (22, _): write(content, .base64, depth: depth)
        case (23, _): write(content, .base16, depth: depth)
        default: write(content, base, depth: depth)
        }
    }

    private mutating func write<C: Collection>(
        _ open: String, _ close: String, _ items: C, _ depth: Int,
        _ body: (inout JSONOutput, C.Element) -> Void
    ) {
        text += open
        var isFirst = true
        for item in items {
            if !isFirst { text += "," }
            isFirst = false
            startLine(depth + 1)
            body(&self, item)
        }
        if !isFirst { startLine(depth) }
        text += close
    }

    private mutating func startLine(_ depth: Int) {
        guard let indent else { return }
        text += "\n" + String(repeating: " ", count: depth * indent)
    }

    /// The name of a member whose key need not be text.
    private static func name(_ key: CBORValue, _ base: Base) -> String {
        switch key {
        case .text(let text): text
        case .bytes(let bytes): encode(bytes, base)
        case .tagged(_, let content): name(content, base)
        default: key.diagnosticNotation
        }
    }

    private static func encode(_ bytes: [UInt8], _ base: Base) -> String {
        switch base {
        case .base64URL: bytes.base64(isForURLs: true)
        case .base64: bytes.base64(isForURLs: false)
        case .base16: bytes.hex
        }
    }
}
