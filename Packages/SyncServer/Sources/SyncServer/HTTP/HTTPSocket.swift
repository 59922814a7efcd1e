// SPDX-License-Identifier: MIT

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
    /// The request that waits for its answer; owned by the handler.
    weak var exchange: Exchange?
    /// The id of that exchange, 0 if none waits.
    var exchangeID: UInt64 = 0
    /// What the poller watches the socket for.
    var interest: PollInterest = .read
    var isOpen = true
    /// Whether it is in the list of those to settle at the end of the turn.
    var isTouched = false
    /// Whether it is in the list of those that go on in the next turn.
    var isCarried = false
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
        if connection.wantsRead { interest.insert(.read) }
        if connection.wantsWrite { interest.insert(.write) }
        return interest
    }
}
