// SPDX-License-Identifier: MIT

import HTTPWire
public import RecordLog
public import SyncProtocol

/// The whole server except its sockets: connections that are handed bytes and times, on any disk.
///
/// A turn is what it is in the socket loop: `receive` what has come, `endTurn`, then `takeOutput`
/// of each connection; answers leave after the commit that `endTurn` makes, never before.
///
/// Synchronous and single-threaded; what it does follows from its calls, its clocks and its
/// generator alone.
@_spi(Simulation)
public final class ServerCore<Disk: FileSystem> {
    /// A connection that was accepted.
    public typealias Connection = Int

    let service: SyncService<Disk>
    private let routes: SyncRoutes<Disk>
    private let rules: HTTPConnectionRules
    private let monotonicNanoseconds: @Sendable () -> UInt64
    private var peers: [Connection: Peer] = [:]
    private var lastConnection = 0
    private var lastExchangeID: UInt64 = 0

    /// Opens a data directory.
    ///
    /// - Throws: `ServerCoreError` if the directory cannot be used.
    public init(
        directory: String, disk: Disk, settings: ServerCoreSettings,
        wallMilliseconds: @escaping @Sendable () -> UInt64,
        monotonicNanoseconds: @escaping @Sendable () -> UInt64,
        generator: any RandomNumberGenerator, tell: @escaping (String) -> Void
    ) throws(ServerCoreError) {
        var configuration = HTTPServerConfiguration()
        configuration.limits.maxBodyBytes = Int(clamping: settings.limits.maxBodyBytes)
        rules = HTTPConnectionRules(configuration)
        self.monotonicNanoseconds = monotonicNanoseconds
        do throws(ServiceStartError) {
            service = try SyncService(
                directory: directory, disk: disk, configuration: settings.serviceConfiguration,
                clock: ServiceClock(
                    wallMilliseconds: wallMilliseconds, monotonicNanoseconds: monotonicNanoseconds),
                generator: generator, tell: tell)
        } catch {
            throw ServerCoreError(description: error.description)
        }
        var routing = RouteConfiguration()
        routing.maxBodyBytes = Int(clamping: settings.limits.maxBodyBytes)
        routes = SyncRoutes(service: service, configuration: routing)
    }

    private var now: UInt64 { monotonicNanoseconds() }

    /// The connections whose answers go on.
    var streams: LiveStreams { routes.live.streams }

    /// Accepts a connection.
    public func accept() -> Connection {
        lastConnection += 1
        peers[lastConnection] = Peer(HTTPConnection(rules: rules, now: now))
        return lastConnection
    }

    /// Takes bytes that came on a connection, and the requests that they complete.
    ///
    /// Bytes for a connection that is closed are dropped.
    public func receive(_ bytes: [UInt8], on connection: Connection) {
        guard let peer = peers[connection] else { return }
        bytes.withUnsafeBytes { bytes in
            if let stream = peer.stream, peer.connection.state == .streaming {
                stream.receive(bytes)
            } else {
                peer.connection.receive(bytes, now: now)
            }
        }
        serve(peer)
    }

    /// Notes that the peer has ended its sending.
    public func receiveEnd(on connection: Connection) {
        guard let peer = peers[connection] else { return }
        peer.connection.receiveEnd(now: now)
        if peer.stream != nil, peer.connection.state == .closed { return abort(connection) }
        serve(peer)
    }

    /// Notes that a connection is broken: nobody is there to read its answers.
    public func abort(_ connection: Connection) {
        guard let peer = peers.removeValue(forKey: connection) else { return }
        peer.connection.close()
        peer.exchangeID = 0
        peer.exchange?.abandon()
        peer.stream?.abandon()
        peer.stream = nil
    }

    /// Ends a turn: what was pushed in it is committed and answered.
    public func endTurn() { routes.endOfBatch() }

    /// The bytes that a connection has to send; with `isClosed` the server has ended its sending
    /// behind them.
    public func takeOutput(of connection: Connection) -> (bytes: [UInt8], isClosed: Bool) {
        guard let peer = peers[connection] else { return ([], true) }
        var bytes: [UInt8] = []
        while peer.connection.wantsWrite {
            let part = peer.connection.output.withFirst { part, _ in [UInt8](part) }
            peer.connection.sent(part.count, now: now)
            bytes += part
        }
        peer.stream?.noteDrained()
        serve(peer)
        switch peer.connection.state {
        case .lingering, .closed:
            abort(connection)
            return (bytes, true)
        case .open, .answering, .streaming, .closing: return (bytes, false)
        }
    }

    /// Does what is due by now.
    ///
    /// - Returns: When to call next, in monotonic nanoseconds; `nil` if nothing is due.
    public func advance() -> UInt64? {
        for connection in peers.keys.sorted() {
            guard let peer = peers[connection] else { continue }
            if let event = peer.connection.advance(to: now) { handOut(event, of: peer) }
            if peer.connection.state == .closed { abort(connection) }
        }
        let next = routes.advance(to: now)
        return peers.values.reduce(next) { next, peer in
            peer.connection.deadline.map { min($0, next ?? $0) } ?? next
        }
    }

    /// Stops as on SIGTERM: commits what is staged, writes what is left, gives the directory up.
    public func close() {
        routes.beginStop()
        routes.drained()
    }

    private func serve(_ peer: Peer) {
        while let event = peer.connection.next(now: now) { handOut(event, of: peer) }
        let remainder = peer.remainder
        peer.remainder = []
        if peer.connection.state == .streaming { peer.stream?.receive(remainder) }
    }

    private func handOut(_ event: HTTPConnection.Event, of peer: Peer) {
        switch event {
        case .rejected(let rejection):
            peer.connection.respond(routes.rejection(rejection), now: now)
        case .request(let request):
            lastExchangeID += 1
            let id = lastExchangeID
            let exchange = Exchange(
                request: request, id: id,
                openStream: { [self] in openStream(id, of: peer, head: $0, $1) }
            ) { [self] response in
                answer(id, of: peer, response)
            }
            peer.exchange = exchange
            peer.exchangeID = id
            routes.receive(exchange)
        }
    }

    private func answer(_ id: UInt64, of peer: Peer, _ response: HTTPResponse?) {
        guard peer.exchangeID == id else { return }
        peer.exchangeID = 0
        peer.exchange = nil
        let unanswered = HTTPRejection(status: 500, reason: "The request was not answered.")
        peer.connection.respond(response ?? routes.rejection(unanswered), now: now)
    }

    private func openStream(
        _ id: UInt64, of peer: Peer, head: [UInt8], _ receiver: any StreamReceiver
    ) -> ResponseStream? {
        guard peer.exchangeID == id else { return nil }
        peer.exchangeID = 0
        peer.exchange = nil
        peer.now = monotonicNanoseconds
        let stream = ResponseStream(carrier: peer, receiver: receiver)
        peer.stream = stream
        peer.remainder = peer.connection.beginStream(head: head, now: now)
        return stream
    }
}

/// The limits of a `ServerCore`.
@_spi(Simulation)
public struct ServerCoreSettings: Sendable {
    /// The limits that the handshake announces.
    public var limits = SyncLimits.standard
    /// A segment of the log is not added to once it is this long.
    public var segmentBytesMax: UInt64 = 64 << 20
    /// Bytes of operations in a frame of the log, if there is a choice.
    public var frameBytesTarget = 64 << 10
    /// Bytes of zeros that are kept in the log's file ahead of what is written.
    public var zeroFillBytes = 0
    /// Bytes of operations after which a checkpoint is written.
    public var checkpointBytes = 64 << 20
    /// Bytes of operations from which on closing writes one.
    public var checkpointAtCloseBytes = 1 << 20
    /// How long superseded operations, tombstones and silent devices are kept, in milliseconds.
    public var retention: (compactAfter: UInt64, retention: UInt64, stale: UInt64) = (
        86_400_000, 30 * 86_400_000, 90 * 86_400_000
    )
    /// How often databases are looked over for segments to compact, in nanoseconds.
    public var compactionInterval: UInt64 = 600_000_000_000
    /// What the server does about conflicts; a policy that it does not know is `detect`.
    public var conflictPolicy = ConflictPolicy.detect

    public init() {}

    var serviceConfiguration: ServiceConfiguration {
        var configuration = ServiceConfiguration()
        configuration.limits = limits
        configuration.segmentBytesMax = segmentBytesMax
        configuration.frameBytesTarget = frameBytesTarget
        configuration.zeroFillBytes = zeroFillBytes
        configuration.checkpointBytes = checkpointBytes
        configuration.checkpointAtCloseBytes = checkpointAtCloseBytes
        configuration.retention.compactAfterMilliseconds = retention.compactAfter
        configuration.retention.retentionMilliseconds = retention.retention
        configuration.retention.staleMilliseconds = retention.stale
        configuration.compactionIntervalNanoseconds = compactionInterval
        configuration.policies = ServerPolicies(conflictPolicy)
        return configuration
    }
}

/// Why a server could not start, in words.
@_spi(Simulation)
public struct ServerCoreError: Error, CustomStringConvertible {
    public var description: String
}

/// A connection of a `ServerCore`, with the exchange that goes on there.
private final class Peer {
    var connection: HTTPConnection
    weak var exchange: Exchange?
    /// The exchange that waits for its answer, 0 if none does.
    var exchangeID: UInt64 = 0
    /// The answer that goes on, if there is one, and what came for it behind its request.
    var stream: ResponseStream?
    var remainder: [UInt8] = []
    var now: () -> UInt64 = { 0 }

    init(_ connection: HTTPConnection) { self.connection = connection }
}

extension Peer: StreamCarrier {
    var unsentCount: Int { connection.output.count }

    func write(_ bytes: ArraySlice<UInt8>) { connection.stream(bytes, now: now()) }

    func endStream() { connection.endStream(now: now()) }
}
