// SPDX-License-Identifier: MIT

/// Why a request was refused before anybody saw it.
///
/// After a rejection nothing is known about where the next request would begin, so the
/// connection is answered with `status` and closed.
public struct HTTPRejection: Error, Sendable, Hashable, CustomStringConvertible {
    /// The status to answer with: 400, 408, 411, 413, 417, 431, 501, 503 or 505.
    public var status: Int
    /// A sentence that names the broken rule and what to send instead.
    ///
    /// It never contains bytes of the request, so it is safe to send back and to log.
    public var reason: String
    /// Offset of the byte that broke the rule, counted from the first byte of the request.
    ///
    /// Rules about the head as a whole report the head's end.
    public var position: Int

    /// Creates a rejection.
    public init(status: Int, reason: String, position: Int = 0) {
        self.status = status
        self.reason = reason
        self.position = position
    }

    /// Status, place and reason in one line, for a log.
    public var description: String { "\(status) at byte \(position): \(reason)" }
}
