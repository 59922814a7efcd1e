// SPDX-License-Identifier: MIT

import HTTPWire

/// Answers one request; kept by the handler until it answers, now or later.
///
/// Confined to the thread that runs the server. One that is let go unanswered is answered 500,
/// so that no peer waits for ever.
final class Exchange {
    /// The request to answer.
    let request: HTTPRequest
    /// Distinguishes the exchanges of one server; counts up from 1.
    let id: UInt64
    /// Called once if the peer goes away before the answer; never after it.
    var onAbandon: (() -> Void)?
    /// Called with the answer, if the peer has not gone before it.
    var onAnswer: ((HTTPResponse) -> Void)?

    private var send: ((HTTPResponse?) -> Void)?
    private var state = State.waiting

    private enum State { case waiting, answered, abandoned }

    /// Creates an exchange that hands its answer to `send`: nil if it was let go unanswered.
    init(request: HTTPRequest, id: UInt64, send: @escaping (HTTPResponse?) -> Void) {
        self.request = request
        self.id = id
        self.send = send
    }

    deinit {
        if state == .waiting { send?(nil) }
    }

    /// Whether an answer can still reach the peer, as far as is known.
    ///
    /// A peer that only ended its own sending counts as alive.
    var isAlive: Bool { state != .abandoned }

    /// Hands over the answer, which leaves after the handler's next `endOfBatch`.
    ///
    /// Without effect if the peer has gone.
    ///
    /// - Precondition: nothing was answered before.
    func respond(_ response: HTTPResponse) {
        precondition(state != .answered, "A request is answered once")
        guard state == .waiting else { return }
        state = .answered
        onAbandon = nil
        let send = self.send
        self.send = nil
        onAnswer?(response)
        onAnswer = nil
        send?(response)
    }

    /// Notes that no answer can reach the peer any more. Without effect after the answer.
    func abandon() {
        guard state == .waiting else { return }
        state = .abandoned
        send = nil
        let onAbandon = self.onAbandon
        self.onAbandon = nil
        onAbandon?()
    }
}
