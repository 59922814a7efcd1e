// SPDX-License-Identifier: MIT

/// What kind of item comes next, as far as its first byte tells.
public enum CBORType: Sendable, Hashable {
    /// An integer from 0 to 2^64 − 1.
    case unsigned
    /// An integer from −2^64 to −1.
    case negative
    case bytes
    case text
    case array
    case map
    case tag
    case bool
    case null
    case undefined
    /// A simple value other than the four with a name.
    case simple
    case float
}

extension CBORType {
    /// The type of an item with this first byte; 28 to 31 are sorted by their major type.
    @inlinable
    init(initialByte byte: UInt8) {
        switch byte >> 5 {
        case 0: self = .unsigned
        case 1: self = .negative
        case 2: self = .bytes
        case 3: self = .text
        case 4: self = .array
        case 5: self = .map
        case 6: self = .tag
        default:
            switch byte & 0x1F {
            case 20, 21: self = .bool
            case 22: self = .null
            case 23: self = .undefined
            case 25, 26, 27: self = .float
            default: self = .simple
            }
        }
    }

    /// The noun for messages.
    var name: String {
        switch self {
        case .unsigned: "an unsigned integer"
        case .negative: "a negative integer"
        case .bytes: "a byte string"
        case .text: "a text string"
        case .array: "an array"
        case .map: "a map"
        case .tag: "a tag"
        case .bool: "a boolean"
        case .null: "null"
        case .undefined: "undefined"
        case .simple: "a simple value"
        case .float: "a float"
        }
    }
}
