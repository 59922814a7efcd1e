// SPDX-License-Identifier: MIT

import HTTPWire

// How connections begin, and how the loop comes to its end.

extension HTTPLoop {
    /// Connections that are accepted in a turn.
    private static let acceptsPerTurnMax = 64
    /// Connections beyond `maxConnections` that are told so; further ones are just closed.
    private static let turnedAwayMax = 128
    /// How long accepting rests when descriptors have run out.
    private static let acceptPause: UInt64 = 100_000_000

    /// Takes in what waits at the listener, up to a turn's share.
    func acceptWaiting() {
        guard let listener else { return }
        for _ in 0..<HTTPLoop.acceptsPerTurnMax {
            switch listener.accept() {
            case .accepted(let descriptor):
                counts.accepted += 1
                begin(descriptor)
                counts.open = sockets.count
            case .retry: continue
            case .none: return
            case .exhausted:
                // The listener stays readable: to watch it on would be to spin.
                poller.change(
                    listener.socket, token: HTTPLoop.listenerToken, from: .read, to: [])
                acceptsAgainAt = now + HTTPLoop.acceptPause
                return
            }
        }
    }

    /// Watches the listener again after a rest.
    func resumeAccepting() {
        acceptsAgainAt = nil
        guard let listener else { return }
        poller.change(listener.socket, token: HTTPLoop.listenerToken, from: [], to: .read)
    }

    private func begin(_ descriptor: CInt) {
        let isAdmitted = sockets.admittedCount < configuration.maxConnections
        let turnedAwayCount = sockets.count - sockets.admittedCount
        guard isAdmitted || turnedAwayCount < HTTPLoop.turnedAwayMax else {
            SocketPlatform.close(descriptor)
            return
        }
        let socket = sockets.add(
            descriptor: descriptor, isAdmitted: isAdmitted,
            connection: HTTPConnection(rules: rules, now: now))
        if let certificate { beginSession(of: socket, with: certificate) }
        guard poller.add(descriptor, token: socket.token, interest: socket.interest) else {
            sockets.remove(socket)
            SocketPlatform.close(descriptor)
            return
        }
        touch(socket)
        guard !isAdmitted else { return }
        let rejection = HTTPRejection(
            status: 503,
            reason: "The server has \(configuration.maxConnections) connections; come back later.")
        socket.connection.turnAway(with: handler.rejection(rejection), now: now)
    }

    /// Takes no more connections and ends keep-alive on those there are.
    func beginStop() {
        wakeup.clear()
        guard graceEnd == nil else { return }
        graceEnd = now + configuration.shutdownGrace.monotonicNanoseconds
        if let listener {
            poller.remove(listener.socket, interest: acceptsAgainAt == nil ? .read : [])
        }
        listener = nil
        acceptsAgainAt = nil
        for socket in sockets.all {
            // A request that has come already counts as in process.
            if socket.connection.isIdle { read(socket) }
            guard socket.isOpen else { continue }
            socket.connection.beginStop(now: now)
            touch(socket)
        }
        // Last, so that the answers given now say that the connection closes.
        handler.beginStop()
    }
}
