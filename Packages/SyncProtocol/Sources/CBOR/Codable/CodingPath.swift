// SPDX-License-Identifier: MIT

/// The last key of a coding path, linked to the keys before it. The array that the `Codable`
/// protocols ask for is made only when somebody looks.
final class CodingPathNode {
    let parent: CodingPathNode?
    let key: any CodingKey

    init(_ parent: CodingPathNode?, _ key: any CodingKey) {
        self.parent = parent
        self.key = key
    }

    static func keys(_ last: CodingPathNode?) -> [any CodingKey] {
        var keys: [any CodingKey] = []
        var node = last
        while let current = node {
            keys.append(current.key)
            node = current.parent
        }
        return keys.reversed()
    }
}

/// The key of an array's element, and of what a class encodes for its superclass.
struct PositionKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ index: Int) {
        stringValue = "[\(index)]"
        intValue = index
    }

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        self.init(intValue)
    }

    static let `super` = PositionKey(stringValue: "super")
}

/// Which keys of a map a type uses.
enum KeyRule {
    /// A coding key with an integer is that integer, another one is its text.
    case any
    /// Text even where it looks like an integer: `[String: Value]`.
    case text
    /// Integers: `[Int: Value]`.
    case integer
}

/// Finds out about dictionaries, whose coding keys do not tell "1" from 1.
protocol WithKeyRule {
    static var keyRule: KeyRule { get }
}

extension Dictionary: WithKeyRule {
    static var keyRule: KeyRule {
        Key.self == String.self ? .text : Key.self == Int.self ? .integer : .any
    }
}

/// A coding key as it stands in a map.
enum WireKey: Hashable {
    case integer(Int)
    case text(String)

    init(_ key: some CodingKey, _ rule: KeyRule) {
        let text = key.stringValue
        guard rule != .text, let integer = key.intValue else {
            self = .text(text)
            return
        }
        // A key made of the text "05" claims to be 5 and would come back as "5".
        self = Int(text) == nil || String(integer) == text ? .integer(integer) : .text(text)
    }

    static func == (lhs: WireKey, rhs: WireKey) -> Bool {
        switch (lhs, rhs) {
        case (.integer(let a), .integer(let b)): a == b
        case (.text(let a), .text(let b)): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }

    func hash(into hasher: inout Hasher) {
        switch self {
        case .integer(let value): hasher.combine(value)
        case .text(var text): text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    /// Whether the bytewise order of encoded keys puts this key first (RFC 8949 §4.2.1).
    func precedes(_ other: WireKey) -> Bool {
        switch (self, other) {
        case (.integer(let a), .integer(let b)):
            // Major type 0 comes before 1, and −1 before −2.
            return a >= 0 && b >= 0 ? a < b : a < 0 && b < 0 ? a > b : a >= 0
        case (.integer, .text): return true
        case (.text, .integer): return false
        case (.text(let a), .text(let b)):
            let (aCount, bCount) = (a.utf8.count, b.utf8.count)
            return aCount == bCount
                ? a.utf8.lexicographicallyPrecedes(b.utf8) : aCount < bCount
        }
    }
}
