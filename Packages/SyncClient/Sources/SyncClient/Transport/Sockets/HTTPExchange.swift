// SPDX-License-Identifier: MIT

import HTTPWire
import Synchronization

/// Where requests go: connections to the same origin serve one another's requests.
struct HTTPOrigin: Sendable, Hashable {
    /// A name or an address, without brackets.
    var host: String
    var port: UInt16
}

/// One request to be carried over a socket.
struct HTTPSocketRequest: Sendable {
    var origin: HTTPOrigin
    /// Head and body.
    var bytes: [UInt8]
    /// When it fails, on `SocketCalls.monotonicNanoseconds`.
    var deadline: UInt64
    var limits: HTTPLimits
}

/// Why a request has no answer.
enum HTTPSocketFailure: Error, Equatable {
    case cancelled
    case timeout
    /// The name stands for no address, or no address takes connections.
    case unreachable(String)
    /// The connection broke under the request, which the server may have seen.
    case broken(String)
    /// The peer does not answer in HTTP as this project reads it.
    case answer(HTTPResponseFault)
    /// The device is out of threads or descriptors.
    case resources
}

/// The side of a request that its task holds: how it is cancelled, and where the answer goes.
struct HTTPExchangeTicket: Sendable {
    typealias Answer = Result<HTTPReceivedResponse, HTTPSocketFailure>

    /// Set before the loop is told, so that it is known even to a request that comes later.
    final class Cancellation: Sendable {
        private let isSet = Atomic(false)

        var isCancelled: Bool { isSet.load(ordering: .acquiring) }

        func cancel() { isSet.store(true, ordering: .releasing) }
    }

    var request: HTTPSocketRequest
    var cancellation: Cancellation
    var continuation: CheckedContinuation<Answer, Never>
}

/// A request under way. Lives on the loop's thread alone.
final class HTTPExchange {
    enum Phase {
        /// Waits for the addresses of its host.
        case resolving
        /// Waits for a connection until `until`, then tries the next address.
        case connecting(until: UInt64)
        /// Has bytes to send; an answer may come before they are sent.
        case sending
        /// Waits for the answer and can send nothing more.
        case receiving
    }

    let ticket: HTTPExchangeTicket
    var phase = Phase.resolving
    /// The connection, -1 for none; owned.
    var descriptor: CInt = -1
    /// Addresses that were not tried yet, the next one last.
    var addresses: [SocketAddress] = []
    var lastFailure = "it has no address"
    var sentCount = 0
    /// Whether the connection served another request before.
    var isReused = false
    var parser: HTTPResponseParser

    var request: HTTPSocketRequest { ticket.request }
    var isSent: Bool { sentCount == request.bytes.count }

    init(_ ticket: HTTPExchangeTicket) {
        self.ticket = ticket
        parser = HTTPResponseParser(limits: ticket.request.limits)
    }

    deinit { closeConnection() }

    func closeConnection() {
        if descriptor >= 0 { SocketCalls.close(descriptor) }
        descriptor = -1
    }

    /// Takes a connection, and with it begins to send from the first byte.
    func begin(on descriptor: CInt, isReused: Bool) {
        self.descriptor = descriptor
        self.isReused = isReused
        sentCount = 0
        phase = .sending
    }
}
