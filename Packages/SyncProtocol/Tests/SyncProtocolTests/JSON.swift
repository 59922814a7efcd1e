// SPDX-License-Identifier: MIT

/// What the `value` of a vector can be: JSON without fractions. Bytes are an object with the one
/// key `hex`.
enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(UInt64)
    case negative(Int64)
    case text(String)
    case array([JSON])
    /// Entries in the order of their keys' bytes.
    case object([(key: String, value: JSON)])

    /// An object of the entries that have a value.
    static func object(_ entries: KeyValuePairs<String, JSON?>) -> JSON {
        object(sorting: entries.compactMap { key, value in value.map { (key, $0) } })
    }

    static func object(sorting entries: [(key: String, value: JSON)]) -> JSON {
        .object(entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
    }

    static func bytes(_ bytes: [UInt8]) -> JSON { .object(["hex": .text(hexText(bytes))]) }
}

extension JSON: Equatable {
    /// Texts are compared by their bytes, as they are on the wire.
    static func == (lhs: JSON, rhs: JSON) -> Bool {
        switch (lhs, rhs) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)): a == b
        case (.negative(let a), .negative(let b)): a == b
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)):
            a.elementsEqual(b) { $0.key.utf8.elementsEqual($1.key.utf8) && $0.value == $1.value }
        default: false
        }
    }
}

extension JSON: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(UInt64.self) {
            self = .number(number)
        } else if let number = try? container.decode(Int64.self) {
            self = .negative(number)
        } else if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let elements = try? container.decode([JSON].self) {
            self = .array(elements)
        } else {
            let entries = try container.decode([String: JSON].self)
            self = .object(sorting: entries.map { (key: $0.key, value: $0.value) })
        }
    }
}

/// Lower-case hexadecimal digits.
func hexText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
