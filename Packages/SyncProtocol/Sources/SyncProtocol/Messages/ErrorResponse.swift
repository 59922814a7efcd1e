// SPDX-License-Identifier: MIT

public import CBOR

/// The number of an error on the wire. One that this version does not know keeps its number.
public struct SyncErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let unknown = SyncErrorCode(rawValue: 0)
    public static let invalidRequest = SyncErrorCode(rawValue: 1)
    public static let authenticationFailed = SyncErrorCode(rawValue: 2)
    public static let authorizationFailed = SyncErrorCode(rawValue: 3)
    public static let databaseNotFound = SyncErrorCode(rawValue: 4)
    public static let versionMismatch = SyncErrorCode(rawValue: 5)
    /// Older peers' answer to a conflict; this project's server never sends it.
    public static let conflict = SyncErrorCode(rawValue: 6)
    public static let rateLimitExceeded = SyncErrorCode(rawValue: 7)
    public static let internalError = SyncErrorCode(rawValue: 8)
    public static let serviceUnavailable = SyncErrorCode(rawValue: 9)
    public static let timeout = SyncErrorCode(rawValue: 10)
    public static let invalidCursor = SyncErrorCode(rawValue: 11)
    public static let notSupported = SyncErrorCode(rawValue: 12)

    private static let names = [
        "unknown", "invalidRequest", "authenticationFailed", "authorizationFailed",
        "databaseNotFound", "versionMismatch", "conflict", "rateLimitExceeded", "internalError",
        "serviceUnavailable", "timeout", "invalidCursor", "notSupported",
    ]

    /// The protocol's name for the code, or its number.
    public var description: String {
        rawValue < UInt64(Self.names.count) ? Self.names[Int(rawValue)] : "code \(rawValue)"
    }

    /// Whether the same request may succeed later; `false` for a code that this version does not
    /// know.
    public var isRetryable: Bool {
        switch self {
        case .unknown, .rateLimitExceeded, .internalError, .serviceUnavailable, .timeout: true
        default: false
        }
    }
}

/// The body of every answer that is not a success.
public struct ErrorResponse: WireValue, Hashable {
    /// What went wrong.
    public var code: SyncErrorCode
    /// What went wrong and what to do, for people; never a payload or a token.
    public var message: String
    /// Facts that a program acts on.
    public var details: Details
    /// How long to wait before trying again.
    public var retryAfterSeconds: UInt64?
    /// The server's name for the request, to find it in its logs.
    public var requestID: String?

    /// Facts about an error. Keys that this version does not know are skipped.
    public struct Details: Hashable, Sendable {
        /// For `invalidCursor`: `otherLog`, `ahead` or `compacted`. Else what the code leaves open.
        public var reason: String?
        /// For `invalidCursor`: the highest cursor of a dropped tombstone.
        public var oldestCursor: Cursor?
        /// For `invalidCursor`: the server's highest cursor.
        public var serverCursor: Cursor?
        /// For `invalidCursor`: the server's log.
        public var logID: LogID?
        /// For a limit that was passed: its name.
        public var limit: String?
        /// For a limit that was passed: its value.
        public var maximum: UInt64?
        /// An older peer's details, which are text.
        public var text: String?

        /// Creates details; everything may be absent.
        public init(
            reason: String? = nil, oldestCursor: Cursor? = nil, serverCursor: Cursor? = nil,
            logID: LogID? = nil, limit: String? = nil, maximum: UInt64? = nil, text: String? = nil
        ) {
            self.reason = reason
            self.oldestCursor = oldestCursor
            self.serverCursor = serverCursor
            self.logID = logID
            self.limit = limit
            self.maximum = maximum
            self.text = text
        }

        /// Whether there are none.
        public var isEmpty: Bool { self == Details() }
    }

    /// Creates an error body.
    public init(
        code: SyncErrorCode, message: String, details: Details = Details(),
        retryAfterSeconds: UInt64? = nil, requestID: String? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.retryAfterSeconds = retryAfterSeconds
        self.requestID = requestID
    }

    public func encode(to writer: inout CBORWriter) {
        let optional = [!details.isEmpty, requestID != nil, retryAfterSeconds != nil]
        writer.writeMapHeader(count: 2 + optional.count { $0 })
        writer.field("code", code.rawValue)
        if !details.isEmpty {
            writer.key("details")
            details.encode(to: &writer)
        }
        writer.field("message", message)
        writer.field("requestId", requestID)
        writer.field("retryAfterSeconds", retryAfterSeconds)
    }

    public init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var number: UInt64?, text: String?, facts = Details(), wait: UInt64?, request: String?
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "code": number = try reader.readWireInteger()
            case "message": text = try reader.readText()
            case "details": facts = try Details(from: &reader)
            case "retryAfterSeconds":
                if try !reader.readNullIfPresent() { wait = try reader.readWireInteger() }
            case "requestId": request = try reader.readTextOrNull()
            default: try reader.skip()
            }
        }
        code = SyncErrorCode(rawValue: try require(number, "code", at: start))
        message = try require(text, "message", at: start)
        details = facts
        retryAfterSeconds = wait
        requestID = request
    }
}

extension ErrorResponse.Details {
    fileprivate func encode(to writer: inout CBORWriter) {
        if let text { return writer.write(text: text) }
        let present = [
            reason != nil, oldestCursor != nil, serverCursor != nil, logID != nil, limit != nil,
            maximum != nil,
        ]
        writer.writeMapHeader(count: present.count { $0 })
        writer.field("limit", limit)
        writer.field("logId", logID)
        writer.field("reason", reason)
        writer.field("maximum", maximum)
        writer.field("oldestCursor", oldestCursor)
        writer.field("serverCursor", serverCursor)
    }

    fileprivate init(from reader: inout CBORReader) throws(CBORError) {
        self.init()
        switch try reader.peekType() {
        case .map: break
        case .text:
            text = try reader.readText()
            return
        default:
            try reader.skip()
            return
        }
        var facts = ErrorResponse.Details()
        try reader.readMap { reader, key throws(CBORError) in
            switch key {
            case "reason": facts.reason = try reader.readTextOrNull()
            case "oldestCursor": facts.oldestCursor = try reader.readNumberIfPresent()
            case "serverCursor": facts.serverCursor = try reader.readNumberIfPresent()
            case "logId":
                if try !reader.readNullIfPresent() { facts.logID = try reader.readLogID() }
            case "limit": facts.limit = try reader.readTextOrNull()
            case "maximum":
                if try !reader.readNullIfPresent() { facts.maximum = try reader.readWireInteger() }
            default: try reader.skip()
            }
        }
        self = facts
    }
}
