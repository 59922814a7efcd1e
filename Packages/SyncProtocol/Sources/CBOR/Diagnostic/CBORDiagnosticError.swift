// SPDX-License-Identifier: MIT

/// What is wrong with a text in diagnostic notation or JSON, and where.
///
/// Compare `code` to decide what to do; `message` is for people and may change.
public struct CBORDiagnosticError: Error, Sendable, Equatable {
    /// The rule that was broken.
    public let code: Code

    /// The position in bytes of UTF-8, from the start of the text: of the first byte that cannot be
    /// right, or of the literal that is wrong as a whole. At the end of the text, its length.
    public let offset: Int

    /// The line that `offset` is in; the first is 1.
    public let line: Int

    /// The position in its line, counted in characters (Unicode scalars); the first is 1.
    public let column: Int

    /// One or two sentences that say what was found and what was expected.
    public let message: String

    /// A rule's name. Other codes may be added.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The name.
        public let rawValue: String

        /// Makes a code.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }
    }

    init(_ code: Code, at offset: Int, in text: UnsafeBufferPointer<UInt8>, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
        let before = text[..<Swift.min(offset, text.count)]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        column = 1 + before[lineStart...].count { $0 & 0xC0 != 0x80 }
    }
}

extension CBORDiagnosticError.Code {
    /// The text ends where something must follow.
    public static let unexpectedEnd = Self(rawValue: "unexpectedEnd")
    /// A character stands where another one must be.
    public static let unexpectedCharacter = Self(rawValue: "unexpectedCharacter")
    /// There is more text after the item.
    public static let trailingText = Self(rawValue: "trailingText")
    /// A number is written as none can be.
    public static let invalidNumber = Self(rawValue: "invalidNumber")
    /// A number is beyond what its literal, tag or simple value can have.
    public static let outOfRange = Self(rawValue: "outOfRange")
    /// A string has an escape that does not exist, or half of a surrogate pair.
    public static let invalidEscape = Self(rawValue: "invalidEscape")
    /// A string has a control character that is not escaped.
    public static let controlCharacter = Self(rawValue: "controlCharacter")
    /// The digits between the quotes are not what the prefix announces.
    public static let invalidDigits = Self(rawValue: "invalidDigits")
    /// A word, or a prefix of a string, means nothing.
    public static let unknownWord = Self(rawValue: "unknownWord")
    /// An encoding indicator does not exist, or does not fit its value.
    public static let invalidIndicator = Self(rawValue: "invalidIndicator")
    /// Text and byte strings are mixed in `(_ …)`, or text follows bytes in a concatenation.
    public static let mixedStrings = Self(rawValue: "mixedStrings")
    /// Arrays, maps, tags and embedded CBOR nest deeper than the limit.
    public static let depthExceeded = Self(rawValue: "depthExceeded")
    /// There are more items, bytes or digits than the limit.
    public static let limitExceeded = Self(rawValue: "limitExceeded")
    /// The notation is right, but the item is not valid: a key that is there twice, or text that is
    /// not UTF-8.
    public static let invalidItem = Self(rawValue: "invalidItem")
}

extension CBORDiagnosticError: CustomStringConvertible {
    /// For example `unexpectedCharacter at line 2, column 7: Expected …`.
    public var description: String {
        "\(code.rawValue) at line \(line), column \(column): \(message)"
    }
}
