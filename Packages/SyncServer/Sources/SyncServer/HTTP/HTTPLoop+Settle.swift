// SPDX-License-Identifier: MIT

import Cryptography

// The end of a turn: what was answered leaves, and each connection is watched for what it
// waits for next.

extension HTTPLoop {
    /// Sends what can be sent and brings poller and deadlines up to date.
    func settle(_ socket: HTTPSocket) {
        guard socket.isOpen else { return }
        guard send(socket), socket.connection.state != .closed else {
            close(socket)
            return
        }
        if socket.connection.output.isEmpty { socket.stream?.noteDrained() }
        if socket.connection.state == .lingering && !socket.hasEndedSending {
            guard endSession(of: socket) else {
                close(socket)
                return
            }
            if socket.session?.unsentCount ?? 0 == 0 {
                socket.hasEndedSending = true
                SocketPlatform.endSending(socket.descriptor)
            }
        }
        if socket.connection.wantsTurn { carry(socket) }
        watch(socket)
    }

    /// Closes the descriptor; an answer that is still out has nobody to go to.
    func close(_ socket: HTTPSocket) {
        guard socket.isOpen else { return }
        socket.isOpen = false
        _ = endSession(of: socket)
        socket.session = nil
        socket.connection.close()
        poller.remove(socket.descriptor, interest: socket.interest)
        deadlines.remove(socket.slot)
        sockets.remove(socket)
        counts.open = sockets.count
        SocketPlatform.close(socket.descriptor)
        socket.exchangeID = 0
        socket.exchange?.abandon()
        let stream = socket.stream
        socket.stream = nil
        stream?.abandon()
    }

    /// Returns false if the connection is broken.
    private func send(_ socket: HTTPSocket) -> Bool {
        if let session = socket.session { return send(socket, by: session) }
        var budget = HTTPLoop.sendBytesMax
        while socket.connection.wantsWrite && budget > 0 {
            let result = socket.connection.output.withFirst { bytes, hasMore in
                SocketPlatform.send(
                    UnsafeRawBufferPointer(rebasing: bytes.prefix(budget)),
                    to: socket.descriptor, hasMore: hasMore)
            }
            switch result {
            case .moved(let count):
                counts.sentBytes += UInt64(count)
                socket.connection.sent(count, now: now)
                budget -= count
            case .wouldBlock: return true
            case .failed: return false
            }
        }
        return true
    }

    private func watch(_ socket: HTTPSocket) {
        let interest = socket.wantedInterest
        if interest != socket.interest {
            poller.change(
                socket.descriptor, token: socket.token, from: socket.interest, to: interest)
            socket.interest = interest
        }
        // A later deadline than the one that is set is left until that one fires, so that a
        // busy connection does not move in the heap with each request.
        guard let deadline = socket.deadline else { return }
        if let time = deadlines.time(of: socket.slot), time <= deadline { return }
        deadlines.set(deadline, for: socket.slot)
    }
}
