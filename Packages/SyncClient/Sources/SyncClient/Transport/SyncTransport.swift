// SPDX-License-Identifier: MIT

public import SyncProtocol

/// Carries requests to a server and its answers back.
///
/// A transport keeps no state of the protocol and does not retry: an error says whether trying
/// again makes sense, and the engine decides. Every call honours cancellation.
public protocol SyncTransport: Sendable {
    /// How large an answer may be that the transport takes, in bytes; 64 MiB unless it says
    /// otherwise. Pages are asked for that fit.
    var answerBytesMax: UInt64 { get }
    /// Shakes hands.
    func handshake(_ request: HandshakeRequest) async throws(SyncError) -> HandshakeResponse
    /// Pulls a page. With `waitMilliseconds` the answer may take that long.
    func pull(_ request: PullRequest) async throws(SyncError) -> PullResponse
    /// Pushes operations. After an error nobody knows whether the server has them.
    func push(_ request: PushRequest) async throws(SyncError) -> PushResponse
}

extension SyncTransport {
    public var answerBytesMax: UInt64 { 64 << 20 }
}

/// A transport that exchanges encoded messages: everything but the carrying itself.
public protocol MessageTransport: SyncTransport {
    /// Sends the body of a request to a path of the server.
    ///
    /// - Parameter waitMilliseconds: How much longer than usual the answer may take.
    func exchange(
        _ body: [UInt8], path: String, waitMilliseconds: UInt64
    ) async throws(SyncError) -> MessageAnswer
}

/// An answer as it came: status and body.
public struct MessageAnswer: Sendable, Hashable {
    /// The HTTP status.
    public var status: Int
    /// The body.
    public var body: [UInt8]
    /// The `Retry-After` header, in seconds.
    public var retryAfterSeconds: UInt64?

    /// Creates an answer.
    public init(status: Int, body: [UInt8], retryAfterSeconds: UInt64? = nil) {
        self.status = status
        self.body = body
        self.retryAfterSeconds = retryAfterSeconds
    }
}

extension MessageTransport {
    public func handshake(
        _ request: HandshakeRequest
    ) async throws(SyncError) -> HandshakeResponse {
        try await exchange(request.encoded(), path: "/v1/handshake", waitMilliseconds: 0).message()
    }

    public func pull(_ request: PullRequest) async throws(SyncError) -> PullResponse {
        try await exchange(
            request.encoded(), path: "/v1/pull", waitMilliseconds: request.waitMilliseconds ?? 0
        ).message()
    }

    public func push(_ request: PushRequest) async throws(SyncError) -> PushResponse {
        try await exchange(request.encoded(), path: "/v1/push", waitMilliseconds: 0).message()
    }
}

extension MessageAnswer {
    /// The message in the body.
    ///
    /// - Throws: `SyncError`: what the server said if the status is not 200, and `invalidAnswer` if
    ///   the body is not the message.
    func message<Response: WireValue>() throws(SyncError) -> Response {
        guard status == 200 else { throw error }
        do {
            return try Response(decoding: body)
        } catch {
            throw SyncError(
                .invalidAnswer, "The server's answer cannot be read: \(error)", status: status)
        }
    }

    private var error: SyncError {
        guard let response = try? ErrorResponse(decoding: body) else {
            // A proxy's page, or nothing: the status is all there is to go by.
            var error = SyncError(
                .server(Self.code(ofStatus: status)),
                "The server answered with status \(status) and no error of the protocol.",
                retryAfterSeconds: retryAfterSeconds, status: status)
            error.lacksMessage = true
            return error
        }
        let waits = [response.retryAfterSeconds, retryAfterSeconds].compactMap { $0 }
        return SyncError(
            .server(response.code), response.message,
            retryAfterSeconds: waits.max(),
            status: status, details: response.details)
    }

    private static func code(ofStatus status: Int) -> SyncErrorCode {
        switch status {
        case 400, 405, 411, 413, 415, 431: .invalidRequest
        case 401: .authenticationFailed
        case 403: .authorizationFailed
        case 426: .versionMismatch
        case 404, 501: .notSupported
        case 408, 504: .timeout
        case 429: .rateLimitExceeded
        case 502, 503: .serviceUnavailable
        case 500...599: .internalError
        default: .unknown
        }
    }
}

/// A transport to a server in the same process, for tests: every message is encoded and decoded as
/// on a socket.
public struct InProcessTransport: MessageTransport {
    private let handler: @Sendable (_ path: String, _ body: [UInt8]) async -> MessageAnswer

    /// Creates a transport to whatever `handler` answers.
    public init(
        handler: @escaping @Sendable (_ path: String, _ body: [UInt8]) async -> MessageAnswer
    ) {
        self.handler = handler
    }

    public func exchange(
        _ body: [UInt8], path: String, waitMilliseconds: UInt64
    ) async throws(SyncError) -> MessageAnswer {
        if Task.isCancelled { throw .cancelled }
        return await handler(path, body)
    }
}
