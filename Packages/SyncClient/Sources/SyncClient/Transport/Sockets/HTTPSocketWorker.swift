// SPDX-License-Identifier: MIT

import HTTPWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the loop's thread does: it polls all sockets at once and never waits for one of them.
///
/// Made and used on that thread alone.
final class HTTPSocketWorker {
    /// A connection between requests.
    struct Idle {
        var origin: HTTPOrigin
        var descriptor: CInt
        /// When it is closed if nobody has used it.
        var deadline: UInt64
    }

    /// How many unused connections to one origin are kept.
    static let idleConnectionsMax = 8
    /// How long one of several addresses may take before the next is tried.
    static let attemptNanoseconds: UInt64 = 5_000_000_000

    let loop: HTTPSocketLoop
    private let wakeup: SocketWakeup
    var exchanges: [HTTPExchange] = []
    var idle: [Idle] = []
    /// Hosts that are being looked up.
    var lookups: Set<HTTPOrigin> = []
    var now: UInt64 = 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    private var polls: [pollfd] = []

    init(loop: HTTPSocketLoop, wakeup: SocketWakeup) {
        self.loop = loop
        self.wakeup = wakeup
    }

    deinit { buffer.deallocate() }

    /// Runs as long as the process.
    func run() {
        while true {
            wait()
            now = SocketCalls.monotonicNanoseconds
            // A step may end its exchange or begin another: each round goes over what was polled.
            let polled = exchanges
            let kept = idle
            for (exchange, poll) in zip(polled, polls[1...]) where poll.revents != 0 {
                step(exchange, poll.revents)
            }
            // Whatever an unused connection has to say, it is not to be used again.
            for (connection, poll) in zip(kept, polls[(1 + polled.count)...])
            where poll.revents != 0 {
                dropIdle(connection.descriptor)
            }
            if polls[0].revents != 0 {
                wakeup.clear()
                for message in loop.takeMessages() { receive(message) }
            }
            expire()
        }
    }

    private func wait() {
        polls.removeAll(keepingCapacity: true)
        polls.append(pollfd(fd: wakeup.readEnd, events: Int16(POLLIN), revents: 0))
        var next = UInt64.max
        for exchange in exchanges {
            next = min(next, exchange.request.deadline)
            let events: Int32
            switch exchange.phase {
            case .resolving: events = 0
            case .connecting(let until):
                next = min(next, until)
                events = Int32(POLLOUT)
            case .sending: events = Int32(POLLIN) | Int32(POLLOUT)
            case .receiving: events = Int32(POLLIN)
            }
            // A descriptor of -1 is passed over by poll.
            polls.append(pollfd(fd: exchange.descriptor, events: Int16(events), revents: 0))
        }
        for connection in idle {
            next = min(next, connection.deadline)
            polls.append(pollfd(fd: connection.descriptor, events: Int16(POLLIN), revents: 0))
        }
        var milliseconds: CInt = -1
        if next != .max {
            let time = SocketCalls.monotonicNanoseconds
            // Rounded up: waking too early would only lead to another wait.
            let rest = next > time ? (next - time + 999_999) / 1_000_000 : 0
            milliseconds = CInt(min(rest, UInt64(Int32.max)))
        }
        SocketCalls.wait(&polls, milliseconds: milliseconds)
    }

    private func receive(_ message: HTTPSocketLoop.Message) {
        switch message {
        case .start(let ticket):
            let exchange = HTTPExchange(ticket)
            exchanges.append(exchange)
            if ticket.cancellation.isCancelled {
                finish(exchange, .failure(.cancelled))
            } else {
                begin(exchange)
            }
        case .cancelled:
            for exchange in exchanges where exchange.ticket.cancellation.isCancelled {
                finish(exchange, .failure(.cancelled))
            }
        case .resolved(let origin, let addresses):
            lookups.remove(origin)
            for exchange in exchanges where exchange.request.origin == origin {
                if case .resolving = exchange.phase { connect(exchange, addresses) }
            }
        }
    }

    private func expire() {
        for exchange in exchanges {
            if exchange.request.deadline <= now {
                finish(exchange, .failure(.timeout))
            } else if case .connecting(let until) = exchange.phase, until <= now {
                exchange.lastFailure = "no answer in time"
                connectNext(exchange)
            }
        }
        for connection in idle where connection.deadline <= now {
            dropIdle(connection.descriptor)
        }
    }

    /// Answers the task and lets go of the exchange and its connection.
    func finish(_ exchange: HTTPExchange, _ answer: HTTPExchangeTicket.Answer) {
        guard let index = exchanges.firstIndex(where: { $0 === exchange }) else { return }
        exchanges.remove(at: index)
        exchange.closeConnection()
        exchange.ticket.continuation.resume(returning: answer)
    }

    /// Answers the task and keeps the connection for the next request.
    func finishKeepingConnection(_ exchange: HTTPExchange, _ response: HTTPReceivedResponse) {
        let others = idle.filter { $0.origin == exchange.request.origin }
        if others.count >= HTTPSocketWorker.idleConnectionsMax { dropIdle(others[0].descriptor) }
        idle.append(
            Idle(
                origin: exchange.request.origin, descriptor: exchange.descriptor,
                deadline: now + loop.idleNanoseconds))
        exchange.descriptor = -1
        finish(exchange, .success(response))
    }

    private func dropIdle(_ descriptor: CInt) {
        guard let index = idle.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        idle.remove(at: index)
        SocketCalls.close(descriptor)
    }

    /// A connection to `origin` that is open as far as anyone can tell, the one used last.
    func takeIdle(_ origin: HTTPOrigin) -> CInt? {
        while let index = idle.lastIndex(where: { $0.origin == origin }) {
            let descriptor = idle.remove(at: index).descriptor
            if SocketCalls.isUsable(descriptor) { return descriptor }
            SocketCalls.close(descriptor)
        }
        return nil
    }
}
