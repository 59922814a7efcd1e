// SPDX-License-Identifier: MIT

/// What is wrong with a piece of CBOR, where it is, and under which key.
///
/// Compare `code` to decide what to do; `message` is for people and may change.
public struct CBORError: Error, Sendable, Equatable {
    /// The rule that was broken.
    public let code: Code

    /// The position in bytes, from the start of the input, of the head of the item at fault. For
    /// `truncated` it is the length of the input, where the next byte was expected.
    public let offset: Int

    /// The way from the outermost item to the item at fault: map keys as they are, array elements
    /// as `[3]`. Empty for an error in the outermost item and inside items that were only skipped.
    public var path: [String]

    /// One or two sentences that say what was found and what was expected.
    public let message: String

    /// Makes an error about the item whose head is at `offset` bytes.
    public init(_ code: Code, at offset: Int, path: [String] = [], message: String) {
        self.code = code
        self.offset = offset
        self.path = path
        self.message = message
    }

    /// The family of the code.
    public var family: Family { code.family }

    /// The same error at another position.
    func moved(to offset: Int) -> CBORError {
        CBORError(code, at: offset, path: path, message: message)
    }

    /// The same error, seen from one item further out.
    public func prefixed(with component: String) -> CBORError {
        var error = self
        error.path.insert(component, at: 0)
        return error
    }
}

extension CBORError {
    /// How bad the bytes are, worst first.
    public enum Family: Sendable, Hashable {
        /// The bytes are not CBOR (RFC 8949 §5.3.1, Appendix F): a bug or damage.
        case notWellFormed
        /// The bytes are CBOR, but not in Core Deterministic Encoding (RFC 8949 §4.2.1). Only a
        /// reader that requires it reports this.
        case notDeterministic
        /// The bytes are well-formed CBOR, but not valid, beyond a limit, or not what was asked
        /// for.
        case wrongShape
    }

    /// A rule's name, the same one as in the test vectors. Other codes may be added.
    public struct Code: RawRepresentable, Hashable, Sendable {
        /// The name in the test vectors.
        public let rawValue: String

        /// Makes a code of the caller's own, in the family `wrongShape`.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }
    }
}

extension CBORError.Code {
    // Not well-formed.

    /// The input ends inside an item.
    public static let truncated = Self(rawValue: "truncated")
    /// There are bytes after the item.
    public static let trailingBytes = Self(rawValue: "trailingBytes")
    /// A head has additional information 28, 29 or 30, or 31 where no indefinite length exists.
    public static let reservedInfo = Self(rawValue: "reservedInfo")
    /// A break stands where an item must be: outside indefinite lengths, or after a map key.
    public static let unexpectedBreak = Self(rawValue: "unexpectedBreak")
    /// A piece of an indefinite-length string is not a definite-length string of its type.
    public static let invalidChunk = Self(rawValue: "invalidChunk")
    /// A simple value below 32 is written in two bytes (RFC 8949 §3.3).
    public static let invalidSimple = Self(rawValue: "invalidSimple")

    // Not deterministic.

    /// An argument or a float is longer than its value needs.
    public static let nonShortest = Self(rawValue: "nonShortest")
    /// A NaN other than `f97e00`.
    public static let nonCanonicalNaN = Self(rawValue: "nonCanonicalNaN")
    /// A string, array or map has an indefinite length.
    public static let indefiniteLength = Self(rawValue: "indefiniteLength")
    /// A map key comes before its predecessor in the bytewise order of encoded keys.
    public static let unsortedKeys = Self(rawValue: "unsortedKeys")

    // Well-formed, but not valid (RFC 8949 §5.3.1). Such bytes can be stepped over, so these
    // belong with the wrong shapes and not with damage.

    /// A text string is not UTF-8.
    public static let invalidUTF8 = Self(rawValue: "invalidUTF8")
    /// A map has the same key twice; the offset is that of the second.
    public static let duplicateKey = Self(rawValue: "duplicateKey")

    /// The content of a tag is not what the tag asks for; the offset is that of the tag. Only a
    /// reader that validates tags reports this.
    public static let invalidTag = Self(rawValue: "invalidTag")

    // Beyond a limit of the reader.

    /// Arrays, maps and tags nest deeper than the reader allows.
    public static let depthExceeded = Self(rawValue: "depthExceeded")
    /// There are more items or bytes than the reader allows.
    public static let limitExceeded = Self(rawValue: "limitExceeded")

    // Not what was asked for.

    /// An item is of another type.
    public static let wrongType = Self(rawValue: "wrongType")
    /// A map lacks a required key.
    public static let missingKey = Self(rawValue: "missingKey")
    /// A number does not fit the type that was asked for.
    public static let outOfRange = Self(rawValue: "outOfRange")
    /// An item is of the right type, but its value has no meaning here.
    public static let invalidValue = Self(rawValue: "invalidValue")

    /// The family; unknown codes are wrong shapes, because only callers add codes.
    public var family: CBORError.Family {
        switch self {
        case .truncated, .trailingBytes, .reservedInfo, .unexpectedBreak, .invalidChunk,
            .invalidSimple:
            .notWellFormed
        case .nonShortest, .nonCanonicalNaN, .indefiniteLength, .unsortedKeys:
            .notDeterministic
        default:
            .wrongShape
        }
    }
}

extension CBORError: CustomStringConvertible {
    /// For example `wrongType at byte 14, ops[0].opId: Expected …`.
    public var description: String {
        var text = "\(code.rawValue) at byte \(offset)"
        var separator = ", "
        for component in path {
            text += component.utf8.first == UInt8(ascii: "[") ? component : separator + component
            separator = "."
        }
        return "\(text): \(message)"
    }
}
