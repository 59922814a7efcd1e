// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import Synchronization
import SyncProtocol
import SyncTestSupport

@testable @_spi(Simulation) import SyncServer

/// A subscriber that keeps what it is told, and whose reading the test decides.
final class LiveEar: LiveReceiver {
    var unsentCount = 0
    var events: [ServerSentEvent] = []
    var messages: [(cursors: [Cursor], nextCursor: Cursor)] = []
    /// Where the bytes of the last events lie.
    var address: UnsafeRawPointer?
    var waits = 0
    var hasOverflown = false
    var failure: ServiceFailure?
    /// Whether what comes stays unread.
    var isSlow = false

    func waitForRoom() { waits += 1 }

    func deliver(_ events: [UInt8], to subscription: LiveSubscription) {
        if isSlow { unsentCount += events.count }
        address = events.withUnsafeBytes { $0.baseAddress }
        var parser = ServerSentEventParser(maxEventBytes: .max)
        parser.append(events)
        while case .event(let event) = parser.next() { self.events.append(event) }
    }

    func deliver(_ body: ByteChain, to subscription: LiveSubscription) {
        if isSlow { unsentCount += body.count }
        let message = OperationsMessage(body.joined)
        messages.append((message.operations.compactMap(\.cursor), message.nextCursor))
    }

    func overflow(_ subscription: LiveSubscription) { hasOverflown = true }

    func fail(_ subscription: LiveSubscription, _ failure: ServiceFailure) {
        self.failure = failure
    }

    /// The cursors of the announcements, in order.
    var cursors: [Cursor] { events.compactMap { $0.id.flatMap { UInt64($0) } }.map { Cursor($0) } }
    /// The cursors of all operations that came in messages, in order.
    var handedOn: [Cursor] { messages.flatMap(\.cursors) }
}

/// The body of an `operations` message.
struct OperationsMessage {
    var operations: [SyncOperation] = []
    var nextCursor = Cursor.start
    var logID: LogID?

    /// Reads a body, which must be deterministic.
    init(_ bytes: [UInt8]) {
        var limits = CBORLimits.default
        limits.requiresDeterministic = true
        var (operations, next, log): ([SyncOperation], Cursor, LogID?) = ([], .start, nil)
        try? CBORReader.read(bytes, limits: limits) { reader throws(CBORError) in
            try reader.readMap { reader, key throws(CBORError) in
                switch key {
                case "ops":
                    try reader.readArray { reader, _ throws(CBORError) in
                        operations.append(try SyncOperation(from: &reader))
                    }
                case "nextCursor": next = Cursor(try reader.readUInt())
                case "logId": log = LogID(try reader.readBytes())
                default: try reader.skip()
                }
            }
        }
        (self.operations, nextCursor, logID) = (operations, next, log)
    }
}

/// A whole server without sockets, at a time that the test sets.
final class LiveServer {
    let core: ServerCore<SimulatedDisk>

    init(_ settings: ServerCoreSettings = .init()) throws {
        let clock = Clock()
        self.clock = clock
        core = try ServerCore(
            directory: "/server", disk: SimulatedDisk(), settings: settings,
            wallMilliseconds: { clock.now.load(ordering: .relaxed) / 1_000_000 },
            monotonicNanoseconds: { clock.now.load(ordering: .relaxed) },
            generator: SeededGenerator(seed: 1), tell: { _ in })
        let connection = core.accept()
        let handshake = HandshakeRequest(
            databaseID: "db", deviceID: "a", clientInfo: .init(platform: "t", appVersion: "1"))
        post("/v1/handshake", handshake.encoded(), on: connection)
        _ = core.takeOutput(of: connection)
    }

    private final class Clock: Sendable { let now = Atomic<UInt64>(1_000_000_000) }
    private let clock: Clock

    var now: UInt64 { clock.now.load(ordering: .relaxed) }

    /// Moves time on and does what is due.
    func advance(seconds: UInt64) {
        clock.now.store(now + seconds * 1_000_000_000, ordering: .relaxed)
        _ = core.advance()
    }

    func post(_ path: String, _ body: [UInt8], on connection: Int) {
        let head = "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n"
        core.receive(Array(head.utf8) + body, on: connection)
        core.endTurn()
        _ = core.advance()
    }

    /// Sends a request whose answer goes on.
    func open(_ target: String, headers: String = "", behind: [UInt8] = []) -> Int {
        let connection = core.accept()
        core.receive(
            Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\(headers)\r\n".utf8) + behind,
            on: connection)
        core.endTurn()
        _ = core.advance()
        return connection
    }

    func push(_ operations: [SyncOperation], device: DeviceID = "a") {
        let connection = core.accept()
        let push = PushRequest(databaseID: "db", deviceID: device, operations: operations)
        post("/v1/push", push.encoded(), on: connection)
        core.abort(connection)
    }

    /// The text that came on a connection, and whether the server ended it.
    func text(_ connection: Int) -> (text: String, isClosed: Bool) {
        let (bytes, isClosed) = core.takeOutput(of: connection)
        return (String(decoding: bytes, as: UTF8.self), isClosed)
    }
}
