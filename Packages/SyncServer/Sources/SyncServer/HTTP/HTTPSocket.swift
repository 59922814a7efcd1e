// SPDX-License-Identifier: MIT

import Cryptography

/// A connection of the loop: a state machine, its descriptor, and what the loop notes about it.
final class HTTPSocket {
    let descriptor: CInt
    /// The place in the loop's table, and in its deadlines.
    let slot: Int
    /// Slot and generation, so that an event of a closed socket finds nobody.
    let token: UInt64
    /// Whether it counts as one of the connections that were let in.
    let isAdmitted: Bool

    var connection: HTTPConnection
    /// What stands between descriptor and connection if TLS is spoken.
    var session: TLSSession?
    /// When the handshake must be complete, until it is.
    var handshakeDeadline: UInt64?
    /// How many bytes of the connection's output stand encrypted in the session. They stay in the
    /// output until these have left, so that the connection's deadlines hold for them.
    var encryptedCount = 0
    var hasReceived = false
    /// The request that waits for its answer; owned by the handler.
    weak var exchange: Exchange?
    /// The id of that exchange, 0 if none waits.
    var exchangeID: UInt64 = 0
    /// The answer that goes on, if there is one.
    var stream: ResponseStream?
    /// Bytes for that one which came behind its request.
    var remainder: [UInt8] = []
    /// The loop, once there is a stream that writes.
    weak var loop: HTTPLoop?
    /// What the poller watches the socket for.
    var interest: PollInterest = .read
    var isOpen = true
    /// Whether it is in the list of those to settle at the end of the turn.
    var isTouched = false
    /// Whether it is in the list of those that go on in the next turn.
    var isCarried = false
    var hasEndedSession = false
    var hasEndedSending = false

    init(
        descriptor: CInt, slot: Int, token: UInt64, isAdmitted: Bool, connection: HTTPConnection
    ) {
        self.descriptor = descriptor
        self.slot = slot
        self.token = token
        self.isAdmitted = isAdmitted
        self.connection = connection
    }

    /// What the connection's state asks the poller to watch for.
    var wantedInterest: PollInterest {
        var interest: PollInterest = []
        guard let session, !hasEndedSending else {
            if connection.wantsRead { interest.insert(.read) }
            if connection.wantsWrite { interest.insert(.write) }
            return interest
        }
        // Before the handshake is complete only the peer can go on, whatever waits to be sent.
        let isShakingHands = handshakeDeadline != nil
        if !session.isCongested && (isShakingHands || connection.wantsRead) {
            interest.insert(.read)
        }
        if session.unsentCount > 0 || (!isShakingHands && connection.wantsWrite) {
            interest.insert(.write)
        }
        return interest
    }

    /// When the loop must look at it at the latest.
    var deadline: UInt64? {
        guard let handshakeDeadline else { return connection.deadline }
        return min(handshakeDeadline, connection.deadline ?? .max)
    }
}

extension HTTPSocket: StreamCarrier {
    var unsentCount: Int { connection.output.count }

    func write(_ bytes: ArraySlice<UInt8>) {
        guard isOpen, let loop else { return }
        connection.stream(bytes, now: loop.now)
        loop.touch(self)
    }

    func endStream() {
        guard isOpen, let loop else { return }
        connection.endStream(now: loop.now)
        loop.touch(self)
    }
}
