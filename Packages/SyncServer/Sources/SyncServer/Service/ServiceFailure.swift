// SPDX-License-Identifier: MIT

import SyncProtocol

/// A request that is answered with an error: its status and body (protocol, §7).
struct ServiceFailure: Error, Equatable {
    /// The HTTP status.
    var status: Int
    /// The body.
    var response: ErrorResponse
    /// What goes out as `WWW-Authenticate`, with a 401.
    var challenge: String?

    init(_ status: Int, _ response: ErrorResponse) {
        self.status = status
        self.response = response
    }

    static func invalidRequest(_ message: String) -> ServiceFailure {
        ServiceFailure(400, ErrorResponse(code: .invalidRequest, message: message))
    }

    /// A limit of `maximum` with this name was passed.
    static func tooMany(_ limit: String, _ maximum: UInt64, _ message: String) -> ServiceFailure {
        ServiceFailure(
            413,
            ErrorResponse(
                code: .invalidRequest, message: message,
                details: .init(limit: limit, maximum: maximum)))
    }

    static let databaseNotFound = ServiceFailure(
        404,
        ErrorResponse(
            code: .databaseNotFound,
            message: "There is no such database. A handshake makes it; shake hands first."))

    static func versionMismatch(_ version: UInt64) -> ServiceFailure {
        ServiceFailure(
            426,
            ErrorResponse(
                code: .versionMismatch,
                message: "The device speaks protocol version \(version), and this server version "
                    + "\(syncProtocolVersion) only. Update the older of the two."))
    }

    /// The device's log or cursor is not this server's.
    static func invalidCursor(
        _ reason: String, _ message: String, status: Int = 409, oldestCursor: Cursor = .start,
        serverCursor: Cursor, logID: LogID?
    ) -> ServiceFailure {
        ServiceFailure(
            status,
            ErrorResponse(
                code: .invalidCursor, message: message,
                details: .init(
                    reason: reason, oldestCursor: oldestCursor, serverCursor: serverCursor,
                    logID: logID)))
    }

    static func unavailable(_ message: String, retryAfterSeconds: UInt64) -> ServiceFailure {
        ServiceFailure(
            503,
            ErrorResponse(
                code: .serviceUnavailable, message: message, retryAfterSeconds: retryAfterSeconds))
    }

    static func tooManyDevices(_ maximum: Int) -> ServiceFailure {
        ServiceFailure(
            429,
            ErrorResponse(
                code: .rateLimitExceeded,
                message: "The database has its \(maximum) devices (maxDevices). The operator can "
                    + "raise the limit.",
                details: .init(limit: "maxDevices", maximum: UInt64(maximum)),
                retryAfterSeconds: 3_600))
    }

    static func tooManyDatabases(_ maximum: Int) -> ServiceFailure {
        ServiceFailure(
            503,
            ErrorResponse(
                code: .serviceUnavailable,
                message: "The server has its \(maximum) databases (maxDatabases). The operator can "
                    + "raise the limit.",
                details: .init(limit: "maxDatabases", maximum: UInt64(maximum)),
                retryAfterSeconds: 3_600))
    }

    /// What a device is told of a fault of the log or the disk.
    init(_ error: OpLogError) {
        self = .unavailable(
            error.publicMessage, retryAfterSeconds: error.code == .io ? 5 : 60)
    }
}

/// What a request is answered with.
enum ServiceAnswer: Equatable {
    /// Status 200 and this encoded message.
    case message([UInt8])
    /// Status 200 and this encoded page.
    case page(ByteChain)
    /// An error.
    case failure(ServiceFailure)
}
