// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One connection of the proxy: two sockets, and a pipe each way between them.
struct ProxyConnection {
    /// What a connection waits for.
    struct Wish {
        var entries: [(descriptor: CInt, events: Int16)]
        var due: Double
    }

    let device: Int
    private let client: CInt
    private let server: CInt
    private var fault: WireFault?
    private var up: ProxyPipe
    private var down: ProxyPipe
    private var isConnecting = true
    private var endedReading = (client: false, server: false)
    private var endedSending = (client: false, server: false)
    private var hasReported = false
    /// After an orderly end by the proxy: when it closes the sockets at the latest.
    private var closesAt: Double?
    private(set) var isOver = false

    /// How long a connection that the proxy has ended stays, for the peers to see that.
    private static let lingerSeconds = 3.0

    init(client: CInt, server: CInt, device: Int, fault: WireFault?) {
        (self.client, self.server, self.device) = (client, server, device)
        (up, down) = (ProxyPipe(), ProxyPipe())
        if let fault { spoil(fault) }
    }

    /// Gives it a fault, which comes after so many bytes from now; it has one at most.
    mutating func spoil(_ fault: WireFault) {
        guard self.fault == nil else { return }
        self.fault = fault
        switch fault.direction {
        case .toServer: up.spoil(fault)
        case .toClient: down.spoil(fault)
        }
    }

    /// The kind of its fault, once, after that came.
    mutating func takeMetFault() -> FaultKind? {
        guard !hasReported, up.hasMetFault || down.hasMetFault else { return nil }
        hasReported = true
        return fault?.kind
    }

    func wish(now: Double, isHealed: Bool) -> Wish {
        var due = closesAt ?? .infinity
        var events: (client: Int16, server: Int16) = (0, 0)
        let (input, output) = (Int16(POLLIN), Int16(POLLOUT))
        if up.wantsMore, !endedReading.client { events.client |= input }
        if down.wantsMore, !endedReading.server { events.server |= input }
        for (pipe, isUp) in [(up, true), (down, false)] {
            guard let next = pipe.due else { continue }
            if isHealed || next <= now {
                if isUp { events.server |= output } else { events.client |= output }
            } else {
                due = min(due, next)
            }
        }
        // The end of what was sent need not be told again.
        if endedSending.server, up.endingNow != nil { events.server &= ~output }
        if endedSending.client, down.endingNow != nil { events.client &= ~output }
        if isConnecting { events = (0, output) }
        return Wish(entries: [(client, events.client), (server, events.server)], due: due)
    }

    /// Does what can be done now.
    mutating func advance(ready: Set<CInt>, now: Double, isHealed: Bool) {
        if isConnecting {
            guard ready.contains(server) else { return }
            guard Loopback.isConnected(server) else { return reset() }
            isConnecting = false
        }
        if ready.contains(client), up.wantsMore, !endedReading.client {
            guard let ended = Self.fill(&up, from: client, now, isHealed) else { return reset() }
            endedReading.client = ended
        }
        if ready.contains(server), down.wantsMore, !endedReading.server {
            guard let ended = Self.fill(&down, from: server, now, isHealed) else { return reset() }
            endedReading.server = ended
        }
        guard Self.empty(&up, into: server, now, isHealed),
            Self.empty(&down, into: client, now, isHealed)
        else { return reset() }
        settle(now)
    }

    /// Returns whether the source has ended; `nil` if it has failed.
    private static func fill(
        _ pipe: inout ProxyPipe, from source: CInt, _ now: Double, _ isHealed: Bool
    ) -> Bool? {
        switch Loopback.receive(source) {
        case .bytes(let bytes): pipe.take(bytes, now: now, isHealed: isHealed)
        case .end:
            pipe.take([], now: now, isHealed: isHealed)
            return true
        case .nothing: break
        case .failure: return nil
        }
        return false
    }

    /// Returns whether the sink still works.
    private static func empty(
        _ pipe: inout ProxyPipe, into sink: CInt, _ now: Double, _ isHealed: Bool
    ) -> Bool {
        while let bytes = pipe.ready(now: now, isHealed: isHealed) {
            guard let count = Loopback.send(bytes, to: sink) else { return false }
            if count == 0 { break }
            pipe.wrote(count)
        }
        return true
    }

    /// Draws the conclusions from what has ended.
    private mutating func settle(_ now: Double) {
        let endings = [up.endingNow, down.endingNow]
        if endings.contains(.reset) { return reset() }
        let isFinished = endings.contains(.finish)
        if up.endingNow != nil || isFinished, !endedSending.server {
            endedSending.server = true
            Loopback.endSending(server)
        }
        if down.endingNow != nil || isFinished, !endedSending.client {
            endedSending.client = true
            Loopback.endSending(client)
        }
        if isFinished, closesAt == nil { closesAt = now + Self.lingerSeconds }
        let hasNothingToCome = endedReading.client && endedReading.server
        // A half of a connection that swallows everything lives as long as the other one.
        let isHalf = up.isBlackHole || down.isBlackHole
        if isHalf, endedReading.client || endedReading.server, closesAt == nil {
            closesAt = now + Self.lingerSeconds
        }
        if endedSending.client && endedSending.server && hasNothingToCome { return close() }
        if hasNothingToCome && isHalf { return close() }
        if let closesAt, closesAt <= now { close() }
    }

    private mutating func close() {
        guard !isOver else { return }
        isOver = true
        Loopback.close(client)
        Loopback.close(server)
    }

    private mutating func reset() {
        guard !isOver else { return }
        isOver = true
        abandon()
    }

    /// Closes the sockets; the peers see a reset.
    func abandon() {
        Loopback.reset(client)
        Loopback.reset(server)
    }
}
