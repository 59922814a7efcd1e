// SPDX-License-Identifier: MIT

import Cryptography
import HTTPWire

/// The loop of an `HTTPServer`. One turn:
///
///     wait → read what is ready, hand out requests → late ones → endOfBatch
///          → send, close, watch → advance
///
/// Nothing is sent between the first read and `endOfBatch`. A connection gets a bounded amount
/// of work in a turn, and what is left of it goes on in the next.
final class HTTPLoop {
    /// Bytes that are read from a connection in a turn.
    private static let readBytesMax = 64 * 1024
    /// Bytes that are sent to a connection in a turn.
    static let sendBytesMax = 256 * 1024
    /// Pipelined requests of a connection that are handed out in a turn.
    private static let requestsPerTurnMax = 16

    static let listenerToken = UInt64.max
    private static let wakeupToken = UInt64.max - 1

    let configuration: HTTPServerConfiguration
    let handler: any HTTPHandler
    let poller: Poller
    let rules: HTTPConnectionRules
    let wakeup: Wakeup
    let counts: SocketCounts
    var listener: Listener?
    var acceptsAgainAt: UInt64?
    /// The time of the present turn.
    private(set) var now: UInt64
    var sockets = SocketTable()
    var deadlines = DeadlineHeap()
    /// Connections to settle at the end of the turn.
    private var touched: [HTTPSocket] = []
    /// Connections that go on in the next turn without waiting.
    private var carried: [HTTPSocket] = []
    private var lastExchangeID: UInt64 = 0
    var graceEnd: UInt64?
    private let buffer: UnsafeMutableRawBufferPointer
    /// What the server shows to peers of TLS; without it plain HTTP is spoken.
    let certificate: ServerCertificate?
    /// Where a session puts plaintext: a record.
    let scratch: UnsafeMutableRawBufferPointer

    init(
        configuration: HTTPServerConfiguration, certificate: ServerCertificate?,
        handler: any HTTPHandler, listener: Listener, wakeup: Wakeup, counts: SocketCounts
    ) throws(HTTPServerError) {
        self.certificate = certificate
        self.configuration = configuration
        self.handler = handler
        self.listener = listener
        self.wakeup = wakeup
        self.counts = counts
        rules = HTTPConnectionRules(configuration)
        poller = try Poller()
        now = SocketPlatform.monotonicNanoseconds
        buffer = .allocate(byteCount: HTTPLoop.readBytesMax, alignment: 16)
        scratch = .allocate(byteCount: TLSSession.encryptBytesMax, alignment: 16)
        guard poller.add(listener.socket, token: HTTPLoop.listenerToken, interest: .read),
            poller.add(wakeup.readEnd, token: HTTPLoop.wakeupToken, interest: .read)
        else { throw HTTPServerError(system: "Watching the listening socket") }
    }

    deinit {
        buffer.deallocate()
        scratch.deallocate()
    }

    /// Runs to the end; see `HTTPServer.run`.
    func run() {
        var handlerDeadline: UInt64? = handler.advance(to: now)
        while true {
            let count = poller.wait(timeout: timeout(handlerDeadline))
            now = SocketPlatform.monotonicNanoseconds
            certificate?.follow(at: now)
            for index in 0..<count { take(poller.event(at: index)) }
            serveCarried()
            fireDeadlines()
            handler.endOfBatch()
            settleTouched()
            if let graceEnd, sockets.count == 0 || graceEnd <= now { break }
            handlerDeadline = handler.advance(to: now)
        }
        for socket in sockets.all { close(socket) }
        handler.drained()
    }

    /// Marks a connection for the end of the turn.
    func touch(_ socket: HTTPSocket) {
        if socket.isTouched { return }
        socket.isTouched = true
        touched.append(socket)
    }

    /// Marks a connection for the next turn.
    func carry(_ socket: HTTPSocket) {
        if socket.isCarried { return }
        socket.isCarried = true
        carried.append(socket)
    }

    private func timeout(_ handlerDeadline: UInt64?) -> UInt64? {
        if !touched.isEmpty || !carried.isEmpty { return 0 }
        let next = [handlerDeadline, deadlines.first, acceptsAgainAt, graceEnd].lazy
            .compactMap { $0 }.min()
        guard let next else { return nil }
        let present = SocketPlatform.monotonicNanoseconds
        return next > present ? next - present : 0
    }

    private func take(_ event: PollEvent) {
        switch event.token {
        case HTTPLoop.listenerToken: acceptWaiting()
        case HTTPLoop.wakeupToken: beginStop()
        default:
            guard let socket = sockets.socket(token: event.token) else { return }
            if event.isReadable || (event.isBroken && socket.interest.contains(.read)) {
                read(socket)
            } else if event.isBroken {
                close(socket)
            }
            if event.isWritable { touch(socket) }
        }
    }

    private func serveCarried() {
        let turn = carried
        carried = []
        for socket in turn {
            socket.isCarried = false
            serve(socket)
        }
    }

    private func settleTouched() {
        let turn = touched
        touched.removeAll(keepingCapacity: true)
        for socket in turn {
            socket.isTouched = false
            settle(socket)
        }
    }

    private func fireDeadlines() {
        if let time = acceptsAgainAt, time <= now { resumeAccepting() }
        while let slot = deadlines.popDue(at: now) {
            guard let socket = sockets.socket(slot: slot) else { continue }
            touch(socket)
            if let time = socket.handshakeDeadline, time <= now {
                close(socket)
                continue
            }
            if let event = socket.connection.advance(to: now) { handOut(event, of: socket) }
            // Its request may still be in process: the answer must find nobody, not a connection
            // that is past answering.
            if socket.connection.state == .closed { close(socket) }
        }
    }
}

// Requests.
extension HTTPLoop {
    /// Reads once; what is left in the socket is reported again.
    func read(_ socket: HTTPSocket) {
        switch SocketPlatform.receive(socket.descriptor, into: buffer) {
        case .moved(0):
            if socket.handshakeDeadline != nil {
                close(socket)
                return
            }
            socket.connection.receiveEnd(now: now)
        case .moved(let count):
            counts.receivedBytes += UInt64(count)
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            let wasStreaming = socket.connection.state == .streaming
            if let session = socket.session, socket.connection.state != .lingering {
                guard receive(bytes, by: session, of: socket) else { return }
            } else {
                deliver(bytes, to: socket)
            }
            if wasStreaming { return }
        case .wouldBlock:
            return
        case .failed:
            close(socket)
            return
        }
        serve(socket)
    }

    /// Gives a connection, or its stream, what came for it.
    func deliver(_ bytes: UnsafeRawBufferPointer, to socket: HTTPSocket) {
        if let stream = socket.stream, socket.connection.state == .streaming {
            touch(socket)
            stream.receive(bytes)
        } else {
            socket.connection.receive(bytes, now: now)
        }
    }

    /// Hands out requests until one is not answered at once, none is left or the turn's share
    /// is used up.
    private func serve(_ socket: HTTPSocket) {
        guard socket.isOpen else { return }
        touch(socket)
        if let stream = socket.stream {
            let remainder = socket.remainder
            socket.remainder = []
            if socket.connection.state == .streaming { stream.receive(remainder) }
            return
        }
        for _ in 0..<HTTPLoop.requestsPerTurnMax {
            guard let event = socket.connection.next(now: now) else { return }
            handOut(event, of: socket)
        }
    }

    private func handOut(_ event: HTTPConnection.Event, of socket: HTTPSocket) {
        switch event {
        case .rejected(let rejection):
            socket.connection.respond(handler.rejection(rejection), now: now)
        case .request(let request):
            lastExchangeID += 1
            let id = lastExchangeID
            let exchange = Exchange(
                request: request, id: id,
                openStream: { [self] in openStream(id, of: socket, head: $0, $1) }
            ) { [self] response in
                answer(id, of: socket, response)
            }
            socket.exchange = exchange
            socket.exchangeID = id
            handler.receive(exchange)
        }
    }

    private func answer(_ id: UInt64, of socket: HTTPSocket, _ response: HTTPResponse?) {
        guard socket.isOpen, socket.exchangeID == id else { return }
        socket.exchangeID = 0
        socket.exchange = nil
        let answer =
            response
            ?? handler.rejection(
                HTTPRejection(status: 500, reason: "The request was not answered."))
        socket.connection.respond(answer, now: now)
        touch(socket)
    }

    private func openStream(
        _ id: UInt64, of socket: HTTPSocket, head: [UInt8], _ receiver: any StreamReceiver
    ) -> ResponseStream? {
        guard socket.isOpen, socket.exchangeID == id else { return nil }
        socket.exchangeID = 0
        socket.exchange = nil
        socket.loop = self
        let stream = ResponseStream(carrier: socket, receiver: receiver)
        socket.stream = stream
        socket.remainder = socket.connection.beginStream(head: head, now: now)
        if !socket.remainder.isEmpty { carry(socket) }
        touch(socket)
        return stream
    }
}
