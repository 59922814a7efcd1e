// SPDX-License-Identifier: MIT

import HTTPWire

// The steps of one exchange: resolve, connect, send, receive. A connection that was used before
// begins at sending.

extension HTTPSocketWorker {
    /// Reads of one socket in a row, so that a peer which sends without end leaves time for others.
    private static let readsMax = 16

    /// Sends a new request over a connection that is there, or gets one.
    func begin(_ exchange: HTTPExchange) {
        if let descriptor = takeIdle(exchange.request.origin) {
            exchange.begin(on: descriptor, isReused: true)
            send(exchange)
        } else {
            resolve(exchange)
        }
    }

    private func resolve(_ exchange: HTTPExchange) {
        let origin = exchange.request.origin
        exchange.phase = .resolving
        // An address needs no resolver, and finding that out does not block.
        if case .success(let found) = HTTPSocketLoop.addresses(of: origin, isNumeric: true) {
            connect(exchange, .success(found))
        } else if lookups.insert(origin).inserted {
            loop.resolve(origin)
        }
    }

    func connect(_ exchange: HTTPExchange, _ found: Result<[SocketAddress], ResolveFailure>) {
        switch found {
        case .success(let addresses):
            exchange.addresses = addresses.reversed()
            connectNext(exchange)
        case .failure(let failure):
            finish(exchange, .failure(.unreachable(failure.message)))
        }
    }

    /// Tries addresses until one connects or is in progress.
    func connectNext(_ exchange: HTTPExchange) {
        exchange.closeConnection()
        while let address = exchange.addresses.popLast() {
            let (descriptor, result) = SocketCalls.connect(to: address)
            exchange.descriptor = descriptor ?? -1
            switch result {
            case .connected:
                exchange.begin(on: exchange.descriptor, isReused: false)
                return send(exchange)
            case .inProgress:
                let until =
                    exchange.addresses.isEmpty
                    ? UInt64.max : now + HTTPSocketWorker.attemptNanoseconds
                exchange.phase = .connecting(until: until)
                return
            case .failed(let message):
                exchange.lastFailure = message
                exchange.closeConnection()
            }
        }
        finish(exchange, .failure(.unreachable(exchange.lastFailure)))
    }

    /// Goes on with an exchange whose socket is ready for something.
    func step(_ exchange: HTTPExchange, _ events: Int16) {
        switch exchange.phase {
        case .resolving: return
        case .connecting:
            if let failure = SocketCalls.connectFailure(exchange.descriptor) {
                exchange.lastFailure = failure
                return connectNext(exchange)
            }
            exchange.begin(on: exchange.descriptor, isReused: false)
            send(exchange)
        case .sending:
            // An answer comes first: it may say why the rest of the request is not wanted.
            if !receive(exchange) { send(exchange) }
        case .receiving:
            _ = receive(exchange)
        }
    }

    private func send(_ exchange: HTTPExchange) {
        while !exchange.isSent {
            let result = exchange.request.bytes.withUnsafeBytes { bytes in
                SocketCalls.send(
                    UnsafeRawBufferPointer(rebasing: bytes[exchange.sentCount...]),
                    to: exchange.descriptor)
            }
            switch result {
            case .moved(let count): exchange.sentCount += count
            case .wouldBlock: return
            case .failed(let message):
                if retryOnFreshConnection(exchange) { return }
                // What the peer said before it stopped reading is still there to be read.
                exchange.phase = .receiving
                if !receive(exchange) { finish(exchange, .failure(.broken(message))) }
                return
            }
        }
        exchange.phase = .receiving
    }

    /// A connection that died unused has cost the request nothing, so it gets another.
    ///
    /// Once anything was sent the server may have acted on it, and whoever asked decides.
    private func retryOnFreshConnection(_ exchange: HTTPExchange) -> Bool {
        guard exchange.isReused, exchange.sentCount == 0 else { return false }
        exchange.closeConnection()
        exchange.isReused = false
        resolve(exchange)
        return true
    }

    /// Reads what there is.
    ///
    /// - Returns: whether the exchange has left this connection.
    private func receive(_ exchange: HTTPExchange) -> Bool {
        for _ in 0..<HTTPSocketWorker.readsMax {
            switch SocketCalls.receive(exchange.descriptor, into: buffer) {
            case .wouldBlock: return false
            case .failed(let message):
                if retryOnFreshConnection(exchange) { return true }
                finish(exchange, .failure(.broken(message)))
                return true
            case .moved(let count):
                // Nothing was asked yet, so this is not the answer.
                if retryOnFreshConnection(exchange) { return true }
                if count == 0 { exchange.parser.receiveEnd() }
                exchange.parser.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            switch exchange.parser.next() {
            case .needMore: continue
            case .failed(let fault):
                finish(exchange, .failure(.answer(fault)))
            case .response(let response):
                settle(exchange, response)
            }
            return true
        }
        return false
    }

    private func settle(_ exchange: HTTPExchange, _ response: HTTPReceivedResponse) {
        let isReusable =
            response.isKeepAlive && exchange.isSent && !exchange.parser.hasUnparsedBytes
        if isReusable {
            finishKeepingConnection(exchange, response)
        } else {
            finish(exchange, .success(response))
        }
    }
}
