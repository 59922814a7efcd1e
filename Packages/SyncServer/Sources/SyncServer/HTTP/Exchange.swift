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
    /// Called with the answer, if the peer has not gone before it; what it returns is sent.
    var onAnswer: ((HTTPResponse) -> HTTPResponse)?

    private var send: ((HTTPResponse?) -> Void)?
    private var openStream: StreamOpening?
    private var state = State.waiting

    private enum State { case waiting, answered, abandoned }

    /// Makes the answer a stream behind a head; nil if the peer has gone.
    typealias StreamOpening = (_ head: [UInt8], any StreamReceiver) -> ResponseStream?

    /// Creates an exchange that hands its answer to `send`: nil if it was let go unanswered.
    init(
        request: HTTPRequest, id: UInt64, openStream: StreamOpening? = nil,
        send: @escaping (HTTPResponse?) -> Void
    ) {
        self.request = request
        self.id = id
        self.openStream = openStream
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
        release()
        let onAnswer = self.onAnswer
        self.onAnswer = nil
        send?(onAnswer?(response) ?? response)
    }

    /// Answers with a head, and returns what sends the rest: bytes of a body without an end, or of
    /// another protocol. What the peer sends from now on goes to `receiver`.
    ///
    /// - Returns: nil if the peer has gone; `receiver` hears nothing then.
    /// - Precondition: nothing was answered before.
    func startStream(head: [UInt8], _ receiver: any StreamReceiver) -> ResponseStream? {
        precondition(state != .answered, "A request is answered once")
        guard state == .waiting else { return nil }
        state = .answered
        onAbandon = nil
        let openStream = self.openStream
        release()
        onAnswer = nil
        return openStream?(head, receiver)
    }

    private func release() {
        send = nil
        openStream = nil
    }

    /// Notes that no answer can reach the peer any more. Without effect after the answer.
    func abandon() {
        guard state == .waiting else { return }
        state = .abandoned
        release()
        let onAbandon = self.onAbandon
        self.onAbandon = nil
        onAbandon?()
    }
}
