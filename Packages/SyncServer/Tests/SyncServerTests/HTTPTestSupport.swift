// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import HTTPWire
import Synchronization

@testable import SyncServer

/// What a handler noted, readable from any thread.
final class HTTPEventLog: Sendable {
    private let entries = Mutex<[String]>([])

    func note(_ entry: String) { entries.withLock { $0.append(entry) } }
    var all: [String] { entries.withLock { $0 } }
}

/// A server that runs in a thread of its own until `stop()`.
final class RunningServer {
    let server: HTTPServer
    let log: HTTPEventLog
    private let done = DispatchSemaphore(value: 0)

    init(
        _ configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        certificate: ServerCertificate? = nil,
        handler: (HTTPEventLog) -> any HTTPHandler = ScriptedHandler.init
    ) throws {
        let log = HTTPEventLog()
        let server = try HTTPServer(
            configuration: configuration, certificate: certificate, handler: handler(log))
        self.server = server
        self.log = log
        let done = self.done
        Thread { @Sendable in
            server.run()
            done.signal()
        }.start()
    }

    /// Stops and waits for `run()` to return.
    func stop() {
        server.stop()
        waitForEnd()
    }

    /// Waits for `run()` to return; false after ten seconds.
    @discardableResult
    func waitForEnd() -> Bool { done.wait(timeout: .now() + 10) == .success }

    func connect() throws -> RawClient { try RawClient(port: server.port) }
}

/// Answers by path: what a test needs to see, without a clock.
final class ScriptedHandler: HTTPHandler {
    private let log: HTTPEventLog
    private var held: [Exchange] = []
    private var batched: [Exchange] = []
    private var waitingForAbandon: [Exchange] = []
    private var abandonedCount = 0
    private var dueAt: UInt64?
    private var due: Exchange?

    init(log: HTTPEventLog) { self.log = log }

    func receive(_ exchange: Exchange) {
        let request = exchange.request
        switch request.path {
        case "/echo": respond(exchange, request.body)
        // Answered by a later request, or by stopping.
        case "/hold":
            held.append(exchange)
            exchange.onAbandon = { [weak self] in self?.noteAbandoned() }
            log.note("held")
        case "/release":
            releaseHeld()
            respond(exchange, [])
        // Answered when a held request has lost its peer.
        case "/abandoned":
            if abandonedCount > 0 {
                respond(exchange, [])
            } else {
                waitingForAbandon.append(exchange)
            }
        case "/batched": batched.append(exchange)
        case "/due": due = exchange
        case "/drop": break
        case "/large":
            let count = request.query.flatMap { Int($0) } ?? 0
            respond(exchange, ScriptedHandler.largeBody(count))
        default: respond(exchange, Array(request.target.utf8))
        }
    }

    func endOfBatch() {
        for exchange in batched { respond(exchange, Array("batched".utf8)) }
        batched = []
    }

    func advance(to now: UInt64) -> UInt64? {
        if let due {
            guard let dueAt else {
                self.dueAt = now + 20_000_000
                return now + 20_000_000
            }
            guard dueAt <= now else { return dueAt }
            respond(due, Array("due".utf8))
            self.due = nil
            self.dueAt = nil
        }
        return nil
    }

    func rejection(_ rejection: HTTPRejection) -> HTTPResponse {
        HTTPResponse(status: rejection.status, body: Array(rejection.reason.utf8))
    }

    func beginStop() {
        log.note("stopping")
        releaseHeld()
    }

    func drained() { log.note("drained") }

    /// `count` bytes in which a piece that is lost or out of place shows.
    static func largeBody(_ count: Int) -> [UInt8] {
        let block = (0..<4_099).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
        var body: [UInt8] = []
        while body.count < count { body += block.prefix(count - body.count) }
        return body
    }

    private func respond(_ exchange: Exchange, _ body: [UInt8]) {
        exchange.respond(HTTPResponse(status: 200, body: body))
    }

    private func releaseHeld() {
        for exchange in held { respond(exchange, Array("held".utf8)) }
        held = []
    }

    private func noteAbandoned() {
        abandonedCount += 1
        log.note("abandoned")
        for exchange in waitingForAbandon { respond(exchange, []) }
        waitingForAbandon = []
    }
}

/// Answers at once, and looks at the end of the batch whether the peer has the answer already.
final class BatchWitness: HTTPHandler {
    private let log: HTTPEventLog
    private let hasAnswer: () -> Bool
    private var isAnswered = false

    init(log: HTTPEventLog, hasAnswer: @escaping () -> Bool) {
        self.log = log
        self.hasAnswer = hasAnswer
    }

    func receive(_ exchange: Exchange) {
        exchange.respond(HTTPResponse(status: 200))
        isAnswered = true
    }

    func endOfBatch() {
        guard isAnswered else { return }
        isAnswered = false
        log.note(hasAnswer() ? "sent too early" : "not yet sent")
    }

    func advance(to now: UInt64) -> UInt64? { nil }
    func rejection(_ rejection: HTTPRejection) -> HTTPResponse {
        HTTPResponse(status: rejection.status)
    }
    func beginStop() {}
    func drained() {}
}
