// SPDX-License-Identifier: MIT

import Foundation
import Synchronization

/// A TCP proxy on this machine that does to each connection what its plan says. Its own threads
/// carry the bytes; `end()` ends them.
///
/// Faults are resets. An orderly end within the head of an answer is left out: it makes
/// FoundationNetworking end the process.
final class FaultyProxy: Sendable {
    /// What becomes of a connection.
    enum Fault: Sendable {
        /// Everything passes.
        case none
        /// The connection ends, with a reset, after so many bytes from the device.
        case cutRequest(after: Int)
        /// The connection ends, with a reset, after so many bytes from the server.
        case cutAnswer(after: Int)
        /// The request that holds this text reaches the server, and its answer reaches nobody.
        case loseAnswer(to: String)
    }

    private struct State {
        var target: UInt16
        var connections: [Socket] = []
        var count = 0
        var faultCount = 0
        var isEnded = false
    }

    let port: UInt16
    private let listener: Socket
    private let plan: @Sendable (Int) -> Fault
    private let state: Mutex<State>

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - target: The server's port.
    ///   - plan: Called with each connection's number, from 0.
    init(to target: UInt16, plan: @escaping @Sendable (Int) -> Fault) throws {
        (listener, port) = try Socket.listen()
        self.plan = plan
        state = Mutex(State(target: target))
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// Where new connections lead from now on.
    func redirect(to target: UInt16) { state.withLock { $0.target = target } }

    /// How many connections met their fault.
    var faultCount: Int { state.withLock { $0.faultCount } }

    /// Ends all connections and takes no more.
    func end() {
        let connections = state.withLock { state in
            state.isEnded = true
            return state.connections
        }
        for connection in connections { connection.endAll() }
        // Wakes the thread that waits for connections.
        _ = try? Socket(port: port)
    }

    private func acceptAll() {
        while let device = listener.accepted() {
            let begun = state.withLock { state -> (target: UInt16, number: Int)? in
                if state.isEnded { return nil }
                state.count += 1
                return (state.target, state.count - 1)
            }
            guard let begun else { return }
            guard let server = try? Socket(port: begun.target) else {
                device.reset()
                continue
            }
            state.withLock { $0.connections += [device, server] }
            let relay = Relay(device: device, server: server, fault: plan(begun.number))
            Thread.detachNewThread { [self] in finish(relay) }
        }
    }
}

extension FaultyProxy {
    private func finish(_ connection: Relay) {
        var relay = connection
        let metFault = relay.run()
        state.withLock { state in
            state.faultCount += metFault ? 1 : 0
            state.connections.removeAll { $0 === relay.device || $0 === relay.server }
        }
        for socket in [relay.device, relay.server] {
            if metFault { socket.reset() } else { socket.close() }
        }
    }
}

/// One connection of a proxy.
private struct Relay {
    let device: Socket
    let server: Socket
    let fault: FaultyProxy.Fault
    private var fromDevice = 0
    private var fromServer = 0
    /// The end of what the device has sent, to find a text across two reads.
    private var tail: [UInt8] = []
    private var losesAnswer = false

    init(device: Socket, server: Socket, fault: FaultyProxy.Fault) {
        self.device = device
        self.server = server
        self.fault = fault
    }

    /// Carries bytes until one side ends or the fault comes; says whether it came.
    mutating func run() -> Bool {
        let ends = [device.descriptor, server.descriptor]
        while true {
            Platform.waitReadable(ends, milliseconds: -1)
            do {
                if Platform.isReadable(device.descriptor), let met = try carryRequest() {
                    return met
                }
                if Platform.isReadable(server.descriptor), let met = try carryAnswer() {
                    return met
                }
            } catch {
                return false
            }
        }
    }

    /// Returns whether the fault came, if the connection is over.
    private mutating func carryRequest() throws -> Bool? {
        var bytes = try device.receive()
        if bytes.isEmpty { return false }
        if case .cutRequest(let limit) = fault, fromDevice + bytes.count >= limit {
            bytes = Array(bytes[..<max(0, limit - fromDevice)])
            try server.send(bytes)
            return true
        }
        if case .loseAnswer(let text) = fault {
            tail = Array((tail + bytes).suffix(bytes.count + text.utf8.count))
            losesAnswer = losesAnswer || !tail.ranges(of: Array(text.utf8)).isEmpty
        }
        fromDevice += bytes.count
        try server.send(bytes)
        return nil
    }

    private mutating func carryAnswer() throws -> Bool? {
        var bytes = try server.receive()
        if bytes.isEmpty { return false }
        // The first byte of an answer says that the request is done with.
        if losesAnswer { return true }
        if case .cutAnswer(let limit) = fault, fromServer + bytes.count >= limit {
            bytes = Array(bytes[..<max(0, limit - fromServer)])
            try device.send(bytes)
            return true
        }
        fromServer += bytes.count
        try device.send(bytes)
        return nil
    }
}
