// SPDX-License-Identifier: MIT

import HTTPWire

/// What one connection does, without its socket: bytes and times in, requests and bytes out.
///
///     open ──request or refusal──▶ answering ──answer──▶ open
///      │                               └──last answer──▶ closing ──sent──▶ lingering ──▶ closed
///      │           │
///      │           └──stream──▶ streaming ──end──▶ closing
///      └──idle too long──▶ closed
///
/// One request at a time is out for an answer, so answers leave in the order of the requests.
/// Times are monotonic nanoseconds that never go back.
struct HTTPConnection {
    /// What the connection asks its owner to answer.
    enum Event {
        /// Answer with `respond`, now or later.
        case request(HTTPRequest)
        /// Answer with `respond`; the connection closes after it.
        case rejected(HTTPRejection)
    }

    enum State {
        /// Takes requests.
        case open
        /// A request or refusal waits for its answer.
        case answering
        /// The answer goes on until its sender ends it; nothing else comes on the connection.
        case streaming
        /// Takes nothing more; closes when the output is sent.
        case closing
        /// Sending has ended: what the peer still sends is thrown away, so that the answer is
        /// not lost to a reset.
        case lingering
        /// Nothing is left to do but close the socket.
        case closed
    }

    /// What is needed of the request that waits for its answer.
    private struct Pending {
        var version = HTTPVersion.http11
        var isHead = false
        var isKeepAlive = false
    }

    let rules: HTTPConnectionRules
    private(set) var state = State.open
    private(set) var output = OutputQueue()
    private var parser: HTTPRequestParser
    private var pending = Pending()
    private var phase = HTTPRequestParser.Phase.idle
    private var isPeerDone = false
    private var isStopping = false
    /// Whether bytes may hold a request that `next` has not given out.
    private var mayHoldRequest = false
    /// When the present phase or state began.
    private var since: UInt64
    /// Bytes received since then.
    private var received = 0
    private var sendingSince: UInt64 = 0
    private var sentBytes = 0

    /// A connection that was accepted at `now`.
    init(rules: HTTPConnectionRules, now: UInt64) {
        self.rules = rules
        parser = HTTPRequestParser(limits: rules.limits)
        since = now
    }

    /// Whether the socket should be read. Not while a request is in process, and not while the
    /// peer leaves its answers unread, so a peer cannot fill memory.
    var wantsRead: Bool {
        switch state {
        case .open: !isPeerDone && !mayHoldRequest && output.count <= rules.maxUnsentBytes
        // A peer that leaves its answers unread sends no more questions.
        case .streaming: output.count <= rules.maxUnsentBytes
        case .lingering: true
        case .answering, .closing, .closed: false
        }
    }

    /// Whether `output` waits for the socket.
    var wantsWrite: Bool { !output.isEmpty }

    /// Whether `next` should be called again without waiting for the socket.
    var wantsTurn: Bool {
        state == .open && mayHoldRequest && output.count <= rules.maxUnsentBytes
    }

    /// Whether the connection could be closed without anybody losing an answer.
    var isIdle: Bool {
        state == .open && phase == .idle && !mayHoldRequest && output.isEmpty
    }

    /// Takes bytes that the socket had.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) {
        received += bytes.count
        switch state {
        case .open, .answering:
            parser.append(bytes)
            mayHoldRequest = true
        case .lingering:
            if received > rules.maxLingerBytes { close() }
        case .streaming, .closing, .closed:
            break
        }
    }

    /// Notes that the peer has ended its sending. What it asked before is still answered, but a
    /// stream has nobody to go on for.
    mutating func receiveEnd(now: UInt64) {
        isPeerDone = true
        mayHoldRequest = true
        if state == .lingering || state == .streaming { close() }
    }

    /// Returns the next request or refusal, or nil if there is none to answer at present.
    mutating func next(now: UInt64) -> Event? {
        while wantsTurn {
            switch parser.next() {
            case .needMore:
                mayHoldRequest = false
                note(parser.phase, now: now)
                if isPeerDone || (isStopping && phase == .idle) { finish(now: now) }
            case .expectContinue:
                send(HTTPResponse.continueBytes[...], now: now)
            case .request(let request):
                note(.idle, now: now)
                mayHoldRequest = parser.hasUnparsedBytes || isPeerDone
                state = .answering
                pending = Pending(
                    version: request.version, isHead: request.method == .head,
                    isKeepAlive: request.isKeepAlive)
                return .request(request)
            case .reject(let rejection):
                return refuse(rejection, now: now)
            }
        }
        return nil
    }

    /// Answers what `next` or `advance` returned last.
    ///
    /// - Precondition: the state is `answering`.
    mutating func respond(_ response: HTTPResponse, now: UInt64) {
        precondition(state == .answering, "Only a request that was given out can be answered")
        let isKeepAlive = pending.isKeepAlive && !isStopping
        var head = response.serializedHead(keepAlive: isKeepAlive, version: pending.version)
        let hasBody = response.hasBody && !pending.isHead
        if hasBody && response.body.count <= HTTPConnection.joinedBodyBytesMax {
            head.append(contentsOf: response.body)
            send(head[...], now: now)
        } else {
            send(head[...], now: now)
            if hasBody { send(response.body[...], now: now) }
        }
        if hasBody { for part in response.bodyParts { send(part, now: now) } }
        state = .open
        since = now
        if !isKeepAlive { finish(now: now) }
    }

    /// Refuses the connection as a whole, before anything was read from it.
    mutating func turnAway(with response: HTTPResponse, now: UInt64) {
        state = .answering
        pending = Pending()
        respond(response, now: now)
    }

    /// Notes that the socket took the first `count` bytes of the output.
    mutating func sent(_ count: Int, now: UInt64) {
        output.removeFirst(count)
        sentBytes += count
        guard output.isEmpty else { return }
        if state == .open && phase == .idle { since = now }
        if state == .closing { finish(now: now) }
    }

    /// Ends keep-alive: what is in process is still answered, an idle connection is closed.
    mutating func beginStop(now: UInt64) {
        isStopping = true
        if isIdle { close() }
        if state == .open && phase == .idle && !mayHoldRequest { finish(now: now) }
    }

    /// Gives up at once; nothing more is sent.
    mutating func close() {
        state = .closed
        release()
        output = OutputQueue()
    }

    /// Bodies up to this size are copied behind their head to leave with it in one call.
    private static let joinedBodyBytesMax = 16 * 1024

    private mutating func refuse(_ rejection: HTTPRejection, now: UInt64) -> Event {
        state = .answering
        pending = Pending()
        return .rejected(rejection)
    }

    private mutating func send(_ bytes: ArraySlice<UInt8>, now: UInt64) {
        if output.isEmpty {
            sendingSince = now
            sentBytes = 0
        }
        output.append(bytes)
    }

    /// Takes nothing more; goes on to the next state as far as the output allows.
    private mutating func finish(now: UInt64) {
        state = .closing
        release()
        guard output.isEmpty else { return }
        state = isPeerDone ? .closed : .lingering
        since = now
        received = 0
    }

    private mutating func release() {
        parser = HTTPRequestParser(limits: rules.limits)
        mayHoldRequest = false
    }

    private mutating func note(_ newPhase: HTTPRequestParser.Phase, now: UInt64) {
        guard phase != newPhase else { return }
        phase = newPhase
        since = now
        received = 0
    }
}

// Streams.
extension HTTPConnection {
    /// Answers what `next` returned last with a head, which `stream` sends more behind.
    ///
    /// - Returns: The bytes that have come behind the request.
    /// - Precondition: the state is `answering`.
    mutating func beginStream(head: [UInt8], now: UInt64) -> [UInt8] {
        precondition(state == .answering, "Only a request that was given out can be answered")
        state = .streaming
        since = now
        let remainder = parser.takeRemainder()
        release()
        send(head[...], now: now)
        if isPeerDone { close() }
        return remainder
    }

    /// Sends more of a stream. Without effect when it has ended.
    mutating func stream(_ bytes: ArraySlice<UInt8>, now: UInt64) {
        if state == .streaming { send(bytes, now: now) }
    }

    /// Ends a stream: what is unsent still leaves, as far as the peer reads it.
    mutating func endStream(now: UInt64) {
        if state == .streaming { finish(now: now) }
    }
}

// Deadlines.
extension HTTPConnection {
    /// When `advance` must be called at the latest, or nil if nothing is waited for.
    var deadline: UInt64? {
        switch state {
        case .open:
            if phase == .idle && output.isEmpty { return since + rules.idleTimeout }
            if phase == .idle { return sendDeadline }
            return min(requestDeadline, sendDeadline ?? .max)
        case .answering, .streaming, .closing: return sendDeadline
        case .lingering: return since + rules.lingerTimeout
        case .closed: return nil
        }
    }

    /// Does what is due at `now`: a late request is refused with 408, all else closes silently.
    mutating func advance(to now: UInt64) -> Event? {
        guard let deadline, deadline <= now else { return nil }
        let isSendLate = sendDeadline.map { $0 <= now } ?? false
        guard state == .open, phase != .idle, !isSendLate else {
            close()
            return nil
        }
        let part = phase == .head ? "headers" : "body"
        release()
        return refuse(
            HTTPRejection(
                status: 408, reason: "The request's \(part) did not arrive in time; send again."),
            now: now)
    }

    private var requestDeadline: UInt64 {
        switch phase {
        case .idle: since + rules.idleTimeout
        case .head: since + rules.headerTimeout
        // While the rate is kept the moment at which it would fall short moves on.
        case .body: since + max(rules.bodyTimeout, rules.time(for: received))
        }
    }

    private var sendDeadline: UInt64? {
        output.isEmpty
            ? nil : sendingSince + max(rules.idleTimeout, rules.time(for: sentBytes))
    }
}
