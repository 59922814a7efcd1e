// SPDX-License-Identifier: MIT

import Cryptography
import HTTPWire

// What is between descriptors and connections where TLS is spoken.

extension HTTPLoop {
    /// Plaintext that is encrypted before it is sent, at most: four records.
    private static let encryptedBytesMax = 4 * TLSSession.encryptBytesMax

    /// Has a new connection begin with a handshake, for which it has as long as for headers.
    func beginSession(of socket: HTTPSocket, with certificate: ServerCertificate) {
        guard let session = TLSSession(certificate.context) else {
            socket.connection.close()
            return
        }
        socket.session = session
        socket.handshakeDeadline = now + configuration.headerTimeout.monotonicNanoseconds
    }

    /// Gives the connection the plaintext of what was received; returns false if nothing comes
    /// of it.
    func receive(
        _ bytes: UnsafeRawBufferPointer, by session: TLSSession, of socket: HTTPSocket
    ) -> Bool {
        touch(socket)
        if !socket.hasReceived, let first = bytes.first,
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(first)
        {
            refusePlain(socket)
            return false
        }
        socket.hasReceived = true
        let outcome = session.receive(bytes, scratch: scratch) { deliver($0, to: socket) }
        if session.isEstablished { socket.handshakeDeadline = nil }
        switch outcome {
        case .open: return true
        case .ended:
            socket.connection.receiveEnd(now: now)
            return true
        case .failed:
            // With the alert, as far as the socket takes it.
            close(socket)
            return false
        }
    }

    /// Answers a peer that speaks plain HTTP, whose methods begin with a letter. No record of TLS
    /// does.
    private func refusePlain(_ socket: HTTPSocket) {
        socket.session = nil
        socket.handshakeDeadline = nil
        // One that was turned away has its answer.
        guard socket.connection.state == .open else { return }
        let rejection = HTTPRejection(
            status: 400, reason: "This port speaks TLS; ask again with https://.")
        socket.connection.turnAway(with: handler.rejection(rejection), now: now)
    }

    /// Encrypts and sends what can be sent; returns false if the connection is broken.
    func send(_ socket: HTTPSocket, by session: TLSSession) -> Bool {
        var budget = HTTPLoop.sendBytesMax
        while budget > 0 {
            if session.unsentCount == 0 {
                guard socket.connection.wantsWrite, session.isEstablished else { return true }
                guard encrypt(socket, by: session) else { return false }
            }
            let hasMore = socket.connection.output.count > socket.encryptedCount
            let result = session.withUnsent {
                SocketPlatform.send($0, to: socket.descriptor, hasMore: hasMore)
            }
            switch result {
            case .moved(let count):
                counts.sentBytes += UInt64(count)
                budget -= count
                session.removeSent(count)
                if session.unsentCount == 0 && socket.encryptedCount > 0 {
                    socket.connection.sent(socket.encryptedCount, now: now)
                    socket.encryptedCount = 0
                }
            case .wouldBlock: return true
            case .failed: return false
            }
        }
        return true
    }

    private func encrypt(_ socket: HTTPSocket, by session: TLSSession) -> Bool {
        socket.connection.output.withFirst { bytes, _ in
            let rest = bytes.prefix(HTTPLoop.encryptedBytesMax)
            while socket.encryptedCount < rest.count {
                let record = rest.dropFirst(socket.encryptedCount)
                    .prefix(TLSSession.encryptBytesMax)
                guard session.encrypt(UnsafeRawBufferPointer(rebasing: record)) else {
                    return false
                }
                socket.encryptedCount += record.count
            }
            return true
        }
    }

    /// Tells the peer, once, that nothing more is sent; returns false if the connection is broken.
    func endSession(of socket: HTTPSocket) -> Bool {
        guard let session = socket.session, !socket.hasEndedSession else { return true }
        socket.hasEndedSession = true
        session.endSending()
        guard session.unsentCount > 0 else { return true }
        let result = session.withUnsent {
            SocketPlatform.send($0, to: socket.descriptor, hasMore: false)
        }
        switch result {
        case .moved(let count):
            counts.sentBytes += UInt64(count)
            session.removeSent(count)
            return true
        case .wouldBlock: return true
        case .failed: return false
        }
    }
}
