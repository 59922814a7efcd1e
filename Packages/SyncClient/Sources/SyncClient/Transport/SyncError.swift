// SPDX-License-Identifier: MIT

public import SyncProtocol

/// Why something about sync did not work.
///
/// `isRetryable` is the one question that the engine asks: whether the same may succeed later
/// without anyone doing something about it.
public struct SyncError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    public enum Code: Sendable, Equatable {
        /// The server answered with an error of the protocol.
        case server(SyncErrorCode)
        /// The server could not be reached, or the connection broke.
        case network
        /// There was no answer in time.
        case timeout
        /// The answer is not one of the protocol.
        case invalidAnswer
        /// The answer is larger than the transport takes. What it says is not known.
        case answerTooLarge
        /// The server goes on refusing edits that were changed as it asked.
        case noProgress
        /// No token could be had, or none that the server takes.
        case authentication
        /// The device's own files could not be read or written.
        case storage
        /// The configuration does not fit: the store belongs to another database, for example.
        case configuration
        /// The task was cancelled.
        case cancelled
    }

    /// What kind of failure it is.
    public var code: Code
    /// What went wrong and what to do about it.
    public var message: String
    /// How long the server asked to be left alone, in seconds.
    public var retryAfterSeconds: UInt64?
    /// The HTTP status of the answer, if there was one.
    public var status: Int?
    /// What the server said in detail.
    public var details: ErrorResponse.Details
    /// Whether the answer had no error message of the protocol, as one of a proxy.
    var lacksMessage = false

    /// Creates an error.
    public init(
        _ code: Code, _ message: String, retryAfterSeconds: UInt64? = nil, status: Int? = nil,
        details: ErrorResponse.Details = ErrorResponse.Details()
    ) {
        self.code = code
        self.message = message
        self.retryAfterSeconds = retryAfterSeconds
        self.status = status
        self.details = details
    }

    /// Whether the same request may succeed later.
    public var isRetryable: Bool {
        switch code {
        case .server(let code): code.isRetryable
        case .network, .timeout, .invalidAnswer: true
        case .answerTooLarge, .noProgress, .authentication, .storage, .configuration,
            .cancelled:
            false
        }
    }

    /// Whether the answer to a push says that the server has stored nothing of it.
    var saysNothingWasStored: Bool {
        guard case .server(let code) = code else { return false }
        return status == 413 || (!lacksMessage && !code.isRetryable)
    }

    public var description: String {
        switch code {
        case .server(let code): "\(code): \(message)"
        default: message
        }
    }

    /// The error for a task that was cancelled.
    static let cancelled = SyncError(.cancelled, "The sync was cancelled.")
}
