// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import SyncTestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A TCP proxy on this machine with a port for each device, which spoils connections while it is
/// told to. One thread of its own carries all bytes.
final class Proxy: Sendable {
    /// A connection of a device that met its fault.
    struct Meeting: Equatable, Sendable {
        var kind: FaultKind
        var device: Int
    }

    private struct State {
        var target: UInt16 = 0
        /// The kinds that are on, for each device; a kind that is on twice is listed twice.
        var armed: [[FaultKind]]
        /// Kinds that were just armed and also come to connections that are there already.
        var news: [Meeting] = []
        var isHealed = true
        var isEnded = false
        var meetings: [Meeting] = []
        var generator = SeededGenerator(seed: 0)
    }

    let ports: [UInt16]
    private let listeners: [CInt]
    private let state: Mutex<State>
    private let wakeup: (read: CInt, write: CInt)

    init(deviceCount: Int) throws {
        let made = try (0..<deviceCount).map { _ in try Loopback.listen() }
        listeners = made.map(\.descriptor)
        ports = made.map(\.port)
        state = Mutex(State(armed: Array(repeating: [], count: deviceCount)))
        wakeup = try Platform.makePipe()
        Thread.detachNewThread { [self] in carry() }
    }

    /// Where new connections lead from now on.
    func redirect(to port: UInt16) { state.withLock { $0.target = port } }

    /// Begins a round: from now on what is armed goes wrong.
    func begin(seed: UInt64) {
        state.withLock { state in
            state.isHealed = false
            state.generator = SeededGenerator(seed: seed)
        }
    }

    /// From now on connections of the device go wrong, those that are there and new ones.
    func arm(_ kind: FaultKind, device: Int) {
        state.withLock { state in
            state.armed[device].append(kind)
            state.news.append(Meeting(kind: kind, device: device))
        }
        Platform.writeAll([0], to: wakeup.write)
    }

    func disarm(_ kind: FaultKind, device: Int) {
        state.withLock { state in
            guard let index = state.armed[device].firstIndex(of: kind) else { return }
            state.armed[device].remove(at: index)
        }
    }

    /// From now on everything passes, at once. What was lost stays lost.
    func heal() {
        state.withLock { state in
            state.isHealed = true
            state.armed = state.armed.map { _ in [] }
            state.news = []
        }
        Platform.writeAll([0], to: wakeup.write)
    }

    /// The connections that met a fault since the last call.
    func takeMeetings() -> [Meeting] {
        state.withLock { state in
            defer { state.meetings = [] }
            return state.meetings
        }
    }

    /// Ends the thread, and with it all connections.
    func end() {
        state.withLock { $0.isEnded = true }
        Platform.writeAll([0], to: wakeup.write)
    }

    // MARK: The thread

    private func carry() {
        var connections: [ProxyConnection] = []
        while true {
            let (isEnded, isHealed) = state.withLock { ($0.isEnded, $0.isHealed) }
            if isEnded { break }
            let ready = wait(connections, isHealed)
            for (device, listener) in listeners.enumerated() where ready.contains(listener) {
                if let connection = accept(on: listener, device) { connections.append(connection) }
            }
            spoil(&connections)
            let now = Platform.seconds
            for index in connections.indices {
                connections[index].advance(ready: ready, now: now, isHealed: isHealed)
                note(&connections[index])
            }
            connections.removeAll(where: \.isOver)
        }
        for connection in connections { connection.abandon() }
        for listener in listeners { Loopback.close(listener) }
    }

    private func accept(on listener: CInt, _ device: Int) -> ProxyConnection? {
        guard let client = Loopback.accepted(by: listener) else { return nil }
        let (target, fault) = state.withLock { state -> (UInt16, WireFault?) in
            let armed = state.armed[device]
            // Some connections pass, so that there is progress to be broken off.
            guard !armed.isEmpty, Int.random(in: 0..<4, using: &state.generator) > 0,
                let kind = armed.randomElement(using: &state.generator)
            else { return (state.target, nil) }
            return (state.target, WireFault.make(kind, using: &state.generator))
        }
        if fault?.kind == .refusal {
            state.withLock { $0.meetings.append(Meeting(kind: .refusal, device: device)) }
        } else if let server = Loopback.beginConnecting(to: target) {
            return ProxyConnection(client: client, server: server, device: device, fault: fault)
        }
        Loopback.reset(client)
        return nil
    }

    /// Gives connections that are there the faults that were just armed.
    private func spoil(_ connections: inout [ProxyConnection]) {
        state.withLock { state in
            for news in state.news {
                for index in connections.indices where connections[index].device == news.device {
                    let fault = WireFault.make(news.kind, using: &state.generator)
                    connections[index].spoil(fault)
                }
            }
            state.news = []
        }
    }

    private func note(_ connection: inout ProxyConnection) {
        guard let kind = connection.takeMetFault() else { return }
        let meeting = Meeting(kind: kind, device: connection.device)
        state.withLock { $0.meetings.append(meeting) }
    }

    /// Waits until something can be done, and returns the descriptors with news.
    private func wait(_ connections: [ProxyConnection], _ isHealed: Bool) -> Set<CInt> {
        var entries = (listeners + [wakeup.read]).map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        var due = Platform.seconds + 1
        for connection in connections {
            let wish = connection.wish(now: Platform.seconds, isHealed: isHealed)
            entries += wish.entries.filter { $0.events != 0 }.map {
                pollfd(fd: $0.descriptor, events: $0.events, revents: 0)
            }
            due = min(due, wish.due)
        }
        let milliseconds = max(0, min(1_000, ((due - Platform.seconds) * 1_000).rounded(.up)))
        poll(&entries, nfds_t(entries.count), CInt(milliseconds))
        if entries[listeners.count].revents != 0 {
            var byte: UInt8 = 0
            _ = read(wakeup.read, &byte, 1)
        }
        return Set(entries.filter { $0.revents != 0 }.map(\.fd))
    }
}
