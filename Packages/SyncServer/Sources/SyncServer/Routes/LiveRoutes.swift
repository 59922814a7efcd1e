// SPDX-License-Identifier: MIT

import Cryptography
import HTTPWire
import RecordLog
import SyncProtocol

/// The endpoints whose answers go on: `GET /v1/events` and `GET /v1/ws`.
///
/// A stream ends with the token that it was opened with, and with what that permits.
final class LiveRoutes<Disk: FileSystem> {
    let streams: LiveStreams
    private let service: SyncService<Disk>
    private let authorizer: Authorizer
    private let limits: SocketLimits
    private let origins: OriginRules
    private var isStopping = false

    init(
        service: SyncService<Disk>, configuration: RouteConfiguration, authorizer: Authorizer
    ) {
        self.service = service
        self.authorizer = authorizer
        origins = configuration.origins
        limits = SocketLimits(
            maxBodyBytes: configuration.maxBodyBytes,
            maxMessageDepth: configuration.maxMessageDepth,
            maxUnsentBytes: service.configuration.maxUnsentBytes)
        streams = LiveStreams(now: service.clock.monotonicNanoseconds)
    }

    /// `GET /v1/events`.
    func events(
        _ exchange: Exchange, _ principal: Principal, id: String
    ) throws(ServiceFailure) {
        if isStopping { throw ServiceFailure(503, .stopping) }
        let query = try EventQuery(exchange.request)
        try authorizer.check(principal, query.databaseID, query.deviceID, exchange.request)
        let lastEventID = try Self.lastEventID(of: exchange.request)
        let head = try service.position(of: query.databaseID).head
        var response = HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": "text/event-stream", "Cache-Control": "no-store",
                // What nginx understands: pass each event on as it comes.
                "X-Accel-Buffering": "no",
            ])
        origins.apply(to: &response, of: exchange.request)
        let stream = EventStream(
            service: service, query, principal: principal, now: streams.now())
        if begin(stream, exchange, response.serializedStreamHead()) {
            stream.begin(head: head, lastEventID: lastEventID, id: id)
        }
    }

    /// `GET /v1/ws`.
    func socket(
        _ exchange: Exchange, _ principal: Principal, id: String
    ) throws(ServiceFailure) {
        if isStopping { throw ServiceFailure(503, .stopping) }
        switch WebSocketHandshake.read(exchange.request) {
        case .refused(let reason): throw .invalidRequest(reason)
        case .otherVersion: exchange.respond(Self.otherVersion(id))
        case .key(let key):
            let stream = SocketStream(
                service: service, authorizer: authorizer, limits: limits, principal: principal,
                now: streams.now())
            _ = begin(
                stream, exchange,
                WebSocketHandshake.acceptance(ofKey: key, sha1: SHA1.digest))
        }
    }

    /// Answers with a stream, which ends with its principal's token at the latest.
    ///
    /// - Returns: Whether there is still somebody to answer.
    private func begin(_ stream: LiveStream, _ exchange: Exchange, _ head: [UInt8]) -> Bool {
        stream.stream = exchange.startStream(head: head, stream)
        guard stream.stream != nil else { return false }
        streams.insert(stream)
        let end = stream.principal.expiresAtMilliseconds
        if end != .max {
            let now = service.clock.wallMilliseconds()
            let rest = (end > now ? end - now : 0).multipliedReportingOverflow(by: 1_000_000)
            let time = streams.now().addingReportingOverflow(rest.partialValue)
            if !rest.overflow, !time.overflow { streams.limit(stream, to: time.partialValue) }
        }
        return true
    }

    /// Ends what is permitted no more.
    func review() {
        for stream in streams.all { stream.review(authorizer) }
    }

    /// Does what is due for the streams; returns when to call next.
    func advance(to now: UInt64) -> UInt64? { streams.advance(to: now) }

    /// Ends all streams with a word; from here on none begins.
    func beginStop() {
        isStopping = true
        streams.close(.stopping)
    }

    private static func lastEventID(of request: HTTPRequest) throws(ServiceFailure) -> Cursor? {
        guard let text = request.headers["Last-Event-ID"], !text.isEmpty else { return nil }
        guard let number = UInt64(text), number <= wireIntegerMax,
            text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 })
        else {
            throw .invalidRequest("Last-Event-ID must be the id of an event: a cursor.")
        }
        return Cursor(number)
    }

    private static func otherVersion(_ id: String) -> HTTPResponse {
        let version = WebSocketHandshake.version
        var response = HTTPResponse(
            ServiceFailure(
                426,
                ErrorResponse(
                    code: .versionMismatch,
                    message: "The WebSocket version must be \(version): send "
                        + "Sec-WebSocket-Version: \(version).")), requestID: id)
        response.headers.append("Sec-WebSocket-Version", version)
        response.headers.append("Upgrade", "websocket")
        return response
    }
}
