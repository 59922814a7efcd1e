// SPDX-License-Identifier: MIT

/// The loop's connections by slot. A slot is used again, under another token.
struct SocketTable {
    private var sockets: [HTTPSocket?] = []
    private var freeSlots: [Int] = []
    private var generation: UInt64 = 0
    /// Number of connections.
    private(set) var count = 0
    /// Number of connections that were let in, as opposed to turned away.
    private(set) var admittedCount = 0

    /// Adds a connection.
    mutating func add(
        descriptor: CInt, isAdmitted: Bool, connection: HTTPConnection
    ) -> HTTPSocket {
        let slot = freeSlots.popLast() ?? sockets.count
        if slot == sockets.count { sockets.append(nil) }
        // 31 bits, so that no token is one of those that the loop keeps for itself.
        generation = (generation + 1) & 0x7FFF_FFFF
        let socket = HTTPSocket(
            descriptor: descriptor, slot: slot, token: generation << 32 | UInt64(slot),
            isAdmitted: isAdmitted, connection: connection)
        sockets[slot] = socket
        count += 1
        if isAdmitted { admittedCount += 1 }
        return socket
    }

    /// Removes a connection that was added.
    mutating func remove(_ socket: HTTPSocket) {
        sockets[socket.slot] = nil
        freeSlots.append(socket.slot)
        count -= 1
        if socket.isAdmitted { admittedCount -= 1 }
    }

    /// The connection that `token` was given to, or nil if it is closed.
    func socket(token: UInt64) -> HTTPSocket? {
        let slot = Int(token & 0xFFFF_FFFF)
        guard slot < sockets.count, let socket = sockets[slot], socket.token == token
        else { return nil }
        return socket
    }

    /// The connection at `slot`, if there is one.
    func socket(slot: Int) -> HTTPSocket? { sockets[slot] }

    /// All connections, in no order. O(n).
    var all: [HTTPSocket] { sockets.compactMap { $0 } }
}
