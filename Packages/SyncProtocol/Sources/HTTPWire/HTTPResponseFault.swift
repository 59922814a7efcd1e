// SPDX-License-Identifier: MIT

/// Why no answer could be read from a connection, which is of no further use.
public struct HTTPResponseFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of fault it is.
    public struct Code: Sendable, Hashable {
        private let rawValue: UInt8

        /// The bytes break a rule of RFC 9112, or could be read in two ways.
        public static let malformed = Code(rawValue: 1)
        /// The head or the body exceeds its limit.
        public static let tooLarge = Code(rawValue: 2)
        /// The answer uses what this parser does not speak: another version or transfer coding.
        public static let unsupported = Code(rawValue: 3)
        /// The peer ended its sending before the answer was whole.
        public static let truncated = Code(rawValue: 4)
    }

    /// What kind of fault it is.
    public var code: Code
    /// A sentence that names the broken rule. It never contains bytes of the answer.
    public var message: String
    /// Offset of the byte that broke the rule, counted from the first byte of the answer.
    ///
    /// Rules about the head as a whole report the head's end; a truncated answer, where it ended.
    public var position: Int

    /// Creates a fault.
    public init(_ code: Code, _ message: String, position: Int = 0) {
        self.code = code
        self.message = message
        self.position = position
    }

    /// The fault of a message that breaks a rule that requests have too.
    init(_ rejection: HTTPRejection) {
        let code: Code =
            switch rejection.status {
            case 413, 431: .tooLarge
            case 501, 505: .unsupported
            default: .malformed
            }
        self.init(code, rejection.reason, position: rejection.position)
    }

    /// Whether the connection ended inside the answer, which may then be whole another time.
    public var isTruncated: Bool { code == .truncated }

    /// Place and message in one line, for a log.
    public var description: String { "at byte \(position) of the answer: \(message)" }
}
