// SPDX-License-Identifier: MIT

import HTTPWire
import Synchronization

/// Carries requests over plain sockets on a thread of its own, so that no thread of Swift's
/// concurrency ever waits for a socket.
///
/// The thread is started by the first request and lives as long as the loop is used, which for
/// `shared` is as long as the process.
final class HTTPSocketLoop: Sendable {
    enum Message: Sendable {
        case start(HTTPExchangeTicket)
        /// A request was cancelled; its ticket says so.
        case cancelled
        case resolved(HTTPOrigin, Result<[SocketAddress], ResolveFailure>)
    }

    private struct Inbox {
        var messages: [Message] = []
        /// The running thread's, nil before the first request.
        var wakeup: SocketWakeup?
    }

    /// Finds the addresses of a host that is a name; it may block.
    typealias Lookup = @Sendable (HTTPOrigin) -> Result<[SocketAddress], ResolveFailure>

    /// The loop of all transports: their requests to one server share its connections.
    static let shared = HTTPSocketLoop()

    private let inbox = Mutex(Inbox())
    private let lookup: Lookup

    /// How long an unused connection is kept. The standard is shorter than servers keep theirs, so
    /// that a request seldom meets one which the server is just closing.
    let idleNanoseconds: UInt64

    /// Creates a loop that asks the system's resolver unless told otherwise.
    init(
        idleNanoseconds: UInt64 = 30_000_000_000,
        lookup: @escaping Lookup = { HTTPSocketLoop.addresses(of: $0, isNumeric: false) }
    ) {
        self.idleNanoseconds = idleNanoseconds
        self.lookup = lookup
    }

    /// Carries one request.
    ///
    /// Honours cancellation at once, in every phase.
    func carry(
        _ request: HTTPSocketRequest
    ) async throws(HTTPSocketFailure) -> HTTPReceivedResponse {
        let cancellation = HTTPExchangeTicket.Cancellation()
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isTaken = post(
                    .start(
                        HTTPExchangeTicket(
                            request: request, cancellation: cancellation,
                            continuation: continuation)))
                if !isTaken { continuation.resume(returning: .failure(.resources)) }
            }
        } onCancel: {
            cancellation.cancel()
            wake()
        }
        return try answer.get()
    }

    /// Hands a message to the thread, which is started if there is none.
    ///
    /// - Returns: false, and the message is dropped, if the system has no thread or pipe to give.
    @discardableResult
    func post(_ message: Message) -> Bool {
        let wakeup = inbox.withLock { inbox -> SocketWakeup? in
            if inbox.wakeup == nil { inbox.wakeup = start() }
            guard let wakeup = inbox.wakeup else { return nil }
            inbox.messages.append(message)
            // One signal wakes it for all messages that lie there when it looks.
            return wakeup
        }
        wakeup?.signal()
        return wakeup != nil
    }

    /// Lets the thread look for requests that were cancelled; one that is not running has none.
    private func wake() {
        let wakeup = inbox.withLock { inbox -> SocketWakeup? in
            if inbox.wakeup != nil { inbox.messages.append(.cancelled) }
            return inbox.wakeup
        }
        wakeup?.signal()
    }

    /// What was posted since the last call.
    func takeMessages() -> [Message] {
        inbox.withLock { inbox in
            let messages = inbox.messages
            inbox.messages = []
            return messages
        }
    }

    private func start() -> SocketWakeup? {
        guard let wakeup = SocketWakeup() else { return nil }
        let isStarted = SocketCalls.startThread {
            HTTPSocketWorker(loop: self, wakeup: wakeup).run()
        }
        return isStarted ? wakeup : nil
    }

    /// Looks up a host on a thread of its own, because the system's resolver blocks.
    func resolve(_ origin: HTTPOrigin) {
        let isStarted = SocketCalls.startThread {
            self.post(.resolved(origin, self.lookup(origin)))
        }
        if !isStarted {
            post(.resolved(origin, .failure(ResolveFailure(message: "no thread can be had"))))
        }
    }

    static func addresses(
        of origin: HTTPOrigin, isNumeric: Bool
    ) -> Result<[SocketAddress], ResolveFailure> {
        Result { () throws(ResolveFailure) in
            try SocketCalls.addresses(of: origin.host, port: origin.port, isNumeric: isNumeric)
        }
    }
}
