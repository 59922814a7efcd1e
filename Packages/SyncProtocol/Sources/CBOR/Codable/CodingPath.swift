// SPDX-License-Identifier: MIT

/// The key of an array's element, and of what a class encodes for its superclass.
enum PositionKey: CodingKey {
    case index(Int)
    case named(String)

    init(stringValue: String) { self = .named(stringValue) }
    init(intValue: Int) { self = .index(intValue) }

    var stringValue: String {
        switch self {
        case .index(let index): "[\(index)]"
        case .named(let name): name
        }
    }

    var intValue: Int? {
        if case .index(let index) = self { index } else { nil }
    }

    static let `super` = PositionKey.named("super")
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
        if rule != .text, let integer = key.intValue, Self.means(integer, text) {
            self = .integer(integer)
        } else {
            self = .text(text)
        }
    }

    /// Whether a coding key with this integer and this text stands for the integer. A key made of
    /// the text "05" claims to be 5, and would come back as "5".
    @inline(never)
    static func means(_ integer: Int, _ text: String) -> Bool {
        Int(text) == nil || String(integer) == text
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
}
