// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol

/// One `GET /v1/ws`: messages of the protocol in the frames of a WebSocket.
final class SocketStream<Disk: FileSystem>: LiveStream, LiveReceiver {
    /// What a socket may have going on at a time: subscriptions, and pulls that wait.
    private static var waitingMax: Int { 64 }
    /// From the first byte of a message to its last, unless it comes at `bytesPerSecondMin`.
    private static var messageTimeout: UInt64 { 30_000_000_000 }
    private static var bytesPerSecondMin: UInt64 { 16 << 10 }

    let service: SyncService<Disk>
    let authorizer: Authorizer
    let limits: SocketLimits
    private var parser: WebSocketParser
    /// Whether messages wait until what was answered before is read.
    private var isPaused = false
    private var nextPing: UInt64
    /// When a pong is to have come, if one is waited for.
    private var pongBy: UInt64?
    /// When the message that is on its way began, and how much of it has come.
    private var message: (since: UInt64, bytes: UInt64)?
    /// By the number that their messages bear.
    var subscriptions: [UInt64: LiveSubscription] = [:]
    var waiting: [UInt64: WaitingPulls.Ticket] = [:]
    var lastWaiting: UInt64 = 0

    init(
        service: SyncService<Disk>, authorizer: Authorizer, limits: SocketLimits,
        principal: Principal, now: UInt64
    ) {
        self.service = service
        self.authorizer = authorizer
        self.limits = limits
        parser = WebSocketParser(role: .server, maxMessageBytes: limits.maxBodyBytes)
        nextPing = now + LiveStreams.socketPing
        super.init(principal: principal)
    }

    /// Whether nothing more may begin to wait.
    var isFull: Bool { subscriptions.count + waiting.count >= Self.waitingMax }

    override var deadline: UInt64 {
        var deadline = min(pongBy ?? nextPing, closesAt)
        if let message {
            let atRate = message.bytes / Self.bytesPerSecondMin * 1_000_000_000
            deadline = min(deadline, message.since + max(Self.messageTimeout, atRate))
        }
        return deadline
    }

    override func advance(to now: UInt64) {
        if pongBy ?? .max <= now {
            guard unsentCount == 0 else {
                // The ping may not have left. A peer that reads nothing is found by that.
                pongBy = now + LiveStreams.pongTimeout
                return
            }
            return fail(.policyViolation, "No pong came in time.")
        }
        if pongBy == nil, nextPing <= now {
            write(WebSocketFrame(.ping))
            nextPing = now + LiveStreams.socketPing
            pongBy = now + LiveStreams.pongTimeout
            return
        }
        if message != nil { fail(.policyViolation, "A message did not come in time.") }
    }

    override func review(_ authorizer: Authorizer) {
        // No database has this name: what is asked for is whether the principal is still one.
        switch authorizer.standing(of: principal, "", nil) {
        case .expired?: return close(AccessRefusal.expired.failure.response)
        case .withdrawn?: return close(AccessRefusal.withdrawn.failure.response)
        default: break
        }
        for (_, subscription) in subscriptions.sorted(by: { $0.key < $1.key }) {
            let refusal = authorizer.standing(
                of: principal, subscription.databaseID, subscription.deviceID)
            guard let refusal else { continue }
            service.unsubscribe(subscription)
            fail(subscription, refusal.failure)
        }
    }

    override func close(_ reason: ErrorResponse) {
        send("error", 0, reason.encoded())
        fail(reason.code == .serviceUnavailable ? .goingAway : .policyViolation, "")
    }

    override func released() {
        for subscription in subscriptions.values { service.unsubscribe(subscription) }
        for ticket in waiting.values { service.cancel(ticket) }
        subscriptions = [:]
        waiting = [:]
    }

    override func received(_ bytes: UnsafeRawBufferPointer) {
        guard let now = owner?.now() else { return }
        // Whatever comes shows that the peer is alive, but a ping still wants its pong.
        if pongBy != nil { pongBy = now + LiveStreams.pongTimeout }
        parser.append(bytes)
        takeMessages()
        guard stream != nil else { return }
        if parser.isInMessage, !isPaused {
            message = (message?.since ?? now, (message?.bytes ?? 0) + UInt64(bytes.count))
        } else {
            message = nil
        }
        owner?.reschedule(self)
    }

    override func drained() {
        if isPaused {
            isPaused = false
            takeMessages()
        }
        // In an order that does not differ from process to process.
        for (_, subscription) in subscriptions.sorted(by: { $0.key < $1.key }) {
            service.resume(subscription)
        }
    }

    /// Takes what is whole, as long as the peer reads its answers.
    private func takeMessages() {
        while stream != nil {
            guard unsentCount <= limits.maxUnsentBytes else {
                isPaused = true
                return waitForRoom()
            }
            switch parser.next() {
            case .needMore: return
            case .binary(let bytes):
                message = nil
                take(bytes)
            case .text: fail(.unsupportedData, "Messages are binary: CBOR in binary frames.")
            case .ping(let payload): write(WebSocketFrame(.pong, payload))
            case .pong: pongBy = nil
            case .close(let code, _):
                write(code.map { .close($0) } ?? WebSocketFrame(.close))
                end()
            case .failed(let fault): fail(fault.code, fault.reason)
            }
        }
    }

    /// Closes with a code and a reason.
    func fail(_ code: WebSocketCloseCode, _ reason: String) {
        write(.close(code, reason: reason))
        end()
    }

    func waitForRoom() { stream?.waitForRoom() }

    func deliver(_ events: [UInt8], to subscription: LiveSubscription) {
        preconditionFailure("A socket is told in messages")
    }

    func deliver(_ body: ByteChain, to subscription: LiveSubscription) {
        guard let number = number(of: subscription) else { return }
        send("operations", number, body)
    }

    func overflow(_ subscription: LiveSubscription) {
        let word = ErrorResponse.overflow(limits.maxUnsentBytes)
        if let number = number(of: subscription) { send("error", number, word.encoded()) }
        fail(.tryAgainLater, "Too much is unread.")
    }

    func fail(_ subscription: LiveSubscription, _ failure: ServiceFailure) {
        guard let number = number(of: subscription) else { return }
        subscriptions[number] = nil
        send("error", number, failure.response.encoded())
    }

    private func number(of subscription: LiveSubscription) -> UInt64? {
        subscriptions.first { $0.value === subscription }?.key
    }

    /// Sends a message whose body lies ready in one piece.
    func send(_ type: String, _ requestID: UInt64, _ body: [UInt8]) {
        send(type, requestID, ByteChain(body))
    }

    /// Sends a message whose body lies ready in parts, which are not copied if they are large.
    func send(_ type: String, _ requestID: UInt64, _ body: ByteChain) {
        let head = LiveMessage.head(type, requestID)
        var bytes: [UInt8] = []
        WebSocketFrame.writeHead(.binary, payloadBytes: head.count + body.count, to: &bytes)
        bytes += head
        stream?.write(bytes[...])
        for part in body.parts { stream?.write(part) }
    }

    private func write(_ frame: WebSocketFrame) { stream?.write(frame.serialized()[...]) }
}

/// What a socket needs to know of the server's limits.
struct SocketLimits {
    /// Bytes of a message.
    var maxBodyBytes = 16 << 20
    /// Nesting of a message.
    var maxMessageDepth = SyncProtocol.messageMaxDepth
    /// Bytes that may be unread before no further message is taken.
    var maxUnsentBytes = 1 << 20
}
