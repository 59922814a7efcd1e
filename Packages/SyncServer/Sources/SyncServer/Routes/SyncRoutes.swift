// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import RecordLog
import SyncProtocol

/// The protocol's endpoints over a `SyncService`: path, method, content type, decoding, answers.
final class SyncRoutes<Disk: FileSystem>: HTTPHandler {
    private let service: SyncService<Disk>
    /// The endpoints whose answers go on.
    let live: LiveRoutes<Disk>
    private let configuration: RouteConfiguration
    private let authorizer: Authorizer
    /// Figures for `GET /metrics` that the service does not have.
    private let metricsSources: () -> MetricsSources
    /// Where each path leads. Method and path are compared byte for byte.
    private let routes: [[UInt8]: Route]

    /// The messages that a path takes.
    private enum Route: String {
        case handshake, push, pull, cursor, events, socket, health, ready, version, stats, metrics

        var methods: [HTTPMethod] {
            switch self {
            case .handshake, .push, .pull, .cursor: [.post]
            case .events, .socket: [.get]
            case .health, .ready, .version, .stats, .metrics: [.get, .head]
            }
        }

        /// Whether it is interesting how long its requests take.
        var isTimed: Bool { self == .handshake || self == .push || self == .pull }

        /// Whether anybody may ask.
        var isOpen: Bool {
            switch self {
            case .health, .ready, .version: true
            case .handshake, .push, .pull, .cursor, .events, .socket, .stats, .metrics: false
            }
        }
    }

    init(
        service: SyncService<Disk>, configuration: RouteConfiguration,
        authorizer: Authorizer = Authorizer(),
        metricsSources: @escaping () -> MetricsSources = { MetricsSources() }
    ) {
        self.service = service
        self.configuration = configuration
        self.authorizer = authorizer
        self.metricsSources = metricsSources
        live = LiveRoutes(
            service: service, configuration: configuration, authorizer: authorizer)
        let paths: [(String, Route)] = [
            ("/v1/handshake", .handshake), ("/v1/push", .push), ("/v1/pull", .pull),
            ("/v1/cursor", .cursor), ("/v1/events", .events), ("/v1/ws", .socket),
            ("/health", .health), ("/ready", .ready), ("/v1/version", .version),
            ("/v1/stats", .stats), ("/metrics", .metrics),
        ]
        routes = Dictionary(uniqueKeysWithValues: paths.map { (Array($0.0.utf8), $0.1) })
    }

    func receive(_ exchange: Exchange) {
        let route = routes[Array(exchange.request.path.utf8)]
        let start = service.clock.monotonicNanoseconds()
        exchange.onAnswer = { [self, unowned exchange] response in
            finish(response, of: exchange.request, route, since: start)
        }
        do throws(ServiceFailure) {
            try dispatch(exchange, route)
        } catch {
            respond(exchange, .failure(error))
        }
    }

    func endOfBatch() { service.commit() }

    func advance(to now: UInt64) -> UInt64? {
        let (look, hasChanged) = authorizer.advance(to: now)
        if hasChanged {
            service.refuseWaiting { [authorizer] pull in
                authorizer.standing(
                    of: pull.principal, pull.request.databaseID, pull.request.deviceID)?.failure
            }
            live.review()
        }
        return [look, live.advance(to: now), service.advance(to: now)].compactMap { $0 }.min()
    }

    func beginStop() {
        service.beginStop()
        live.beginStop()
    }

    func drained() { service.close() }

    func rejection(_ rejection: HTTPRejection) -> HTTPResponse {
        let code: SyncErrorCode =
            switch rejection.status {
            case 408, 504: .timeout
            case 500: .internalError
            case 501, 505: .notSupported
            case 503: .serviceUnavailable
            default: .invalidRequest
            }
        let response = ErrorResponse(
            code: code, message: rejection.reason,
            details: details(of: rejection),
            retryAfterSeconds: rejection.status == 503 ? 1 : nil)
        return HTTPResponse(ServiceFailure(rejection.status, response), requestID: nil)
    }

    /// The limit that was passed: there is one for each of these statuses.
    private func details(of rejection: HTTPRejection) -> ErrorResponse.Details {
        switch rejection.status {
        case 413: .init(limit: "maxBodyBytes", maximum: UInt64(configuration.maxBodyBytes))
        case 503: .init(limit: "maxConnections", maximum: UInt64(configuration.maxConnections))
        default: .init()
        }
    }
}

// From a request to its message.
extension SyncRoutes {
    /// Gives an answer the form that was asked for, and counts it.
    private func finish(
        _ response: HTTPResponse, of request: HTTPRequest, _ route: Route?, since start: UInt64
    ) -> HTTPResponse {
        service.metrics.noteRequest(
            route?.rawValue ?? "other", status: response.status,
            nanoseconds: service.clock.monotonicNanoseconds() - start,
            isTimed: route?.isTimed ?? false)
        var response = response
        configuration.origins.apply(to: &response, of: request)
        return ContentCoding.coded(response, for: request)
    }

    private func dispatch(_ exchange: Exchange, _ route: Route?) throws(ServiceFailure) {
        let request = exchange.request
        guard let route else { throw .unknownPath }
        if let answer = configuration.origins.preflight(request) { return exchange.respond(answer) }
        guard route.methods.contains(request.method) else {
            return exchange.respond(methodNotAllowed(route, exchange))
        }
        if !route.isOpen, configuration.origins.refuses(request) { throw .foreignOrigin }
        let principal = route.isOpen ? .anyone : try authorizer.authenticate(request)
        switch route {
        case .handshake:
            let message: HandshakeRequest = try decode(request)
            try authorizer.check(principal, message.databaseID, message.deviceID, request)
            let answer = try service.handshake(message, for: principal)
            respond(exchange, .message(answer.encoded()))
        case .push: try push(exchange, principal)
        case .pull: try pull(try decode(request), exchange, principal)
        case .cursor:
            let message: CursorReport = try decode(request)
            try authorizer.check(principal, message.databaseID, message.deviceID, request)
            respond(exchange, .message(try service.noteApplied(message).encoded()))
        case .events: try live.events(exchange, principal, id: requestID(exchange))
        case .socket: try live.socket(exchange, principal, id: requestID(exchange))
        case .health: exchange.respond(StatusPage.health)
        case .ready: exchange.respond(StatusPage.ready(service.status))
        case .version: exchange.respond(StatusPage.version)
        case .stats:
            try authorizer.checkReadsEverything(principal, request)
            exchange.respond(StatusPage.stats(service.statistics))
        case .metrics:
            try authorizer.checkReadsEverything(principal, request)
            exchange.respond(StatusPage.metrics(service.metricsPage(metricsSources())))
        }
    }

    private func push(_ exchange: Exchange, _ principal: Principal) throws(ServiceFailure) {
        let body = try content(of: exchange.request)
        var failure: ServiceFailure?
        do throws(CBORError) {
            failure = try PushRequestView.read(
                body, maxDepth: configuration.maxMessageDepth
            ) { push throws(CBORError) in
                do throws(ServiceFailure) {
                    try authorizer.check(
                        principal, push.databaseID, push.deviceID, exchange.request)
                    try service.push(push, for: principal) { [self] answer in
                        respond(exchange, answer)
                    }
                    return nil
                } catch { return error }
            }
        } catch {
            throw .unreadable(error)
        }
        if let failure { throw failure }
    }

    private func pull(
        _ request: PullRequest, _ exchange: Exchange, _ principal: Principal
    ) throws(ServiceFailure) {
        var request = request
        if ContentCoding.acceptsGzip(exchange.request) {
            request.maxBytes = min(request.maxBytes ?? .max, ContentCoding.pageBytesMax)
        }
        try authorizer.check(principal, request.databaseID, request.deviceID, exchange.request)
        let ticket = try service.pull(request, for: principal) { [self] answer in
            respond(exchange, answer)
        }
        guard let ticket else { return }
        exchange.onAbandon = { [service] in service.cancel(ticket) }
    }

    /// Reads the message in a request's body.
    private func decode<Message: WireValue>(
        _ request: HTTPRequest
    ) throws(ServiceFailure) -> Message {
        let body = try content(of: request)
        do throws(CBORError) {
            return try CBORReader.read(
                body, limits: .depthOnly(configuration.maxMessageDepth)
            ) { reader throws(CBORError) in try Message(from: &reader) }
        } catch {
            throw .unreadable(error)
        }
    }

    /// What a request carries. One without `Content-Type` is taken, as these paths take one type
    /// only; any other type than `application/cbor` is 415.
    private func content(of request: HTTPRequest) throws(ServiceFailure) -> [UInt8] {
        if let type = request.headers["Content-Type"], !MediaType.isCBOR(type) {
            throw .unsupportedMediaType("The body must be application/cbor.")
        }
        return try ContentCoding.content(of: request, maxBytes: configuration.maxBodyBytes)
    }

    private func respond(_ exchange: Exchange, _ answer: ServiceAnswer) {
        switch answer {
        case .message(let bytes):
            exchange.respond(
                HTTPResponse(
                    status: 200, headers: ["Content-Type": "application/cbor"], body: bytes))
        case .page(let chain):
            var response = HTTPResponse(
                status: 200, headers: ["Content-Type": "application/cbor"])
            response.bodyParts = chain.parts
            exchange.respond(response)
        case .failure(let failure):
            exchange.respond(HTTPResponse(failure, requestID: requestID(exchange)))
        }
    }

    private func methodNotAllowed(_ route: Route, _ exchange: Exchange) -> HTTPResponse {
        let allowed = route.methods.map(\.rawValue).joined(separator: ", ")
        let failure = ServiceFailure(
            405,
            ErrorResponse(code: .invalidRequest, message: "This path takes \(allowed) only."))
        var response = HTTPResponse(failure, requestID: requestID(exchange))
        response.headers.append("Allow", allowed)
        return response
    }

    private func requestID(_ exchange: Exchange) -> String {
        configuration.requestIDPrefix + String(exchange.id)
    }
}

/// What the routes need to know beside the service.
struct RouteConfiguration: Sendable {
    /// Nesting of a message.
    var maxMessageDepth = SyncProtocol.messageMaxDepth
    /// Bytes of a request's body; the HTTP layer enforces it, and the routes quote it.
    var maxBodyBytes = 16 << 20
    /// Connections at a time; likewise.
    var maxConnections = 10_000
    /// Which web pages may speak to the server.
    var origins = OriginRules()
    /// What stands before a request's number in `requestId`, so that two runs of the server do not
    /// give the same.
    var requestIDPrefix = ""
}

extension ServiceFailure {
    fileprivate static let unknownPath = ServiceFailure(
        404,
        ErrorResponse(
            code: .notSupported,
            message: "There is nothing at this path. The endpoints are /v1/handshake, /v1/push, "
                + "/v1/pull, /v1/cursor, /v1/events, /v1/ws, /v1/version, /v1/stats, /metrics, "
                + "/health and /ready."))

    fileprivate static let foreignOrigin = ServiceFailure(
        403,
        ErrorResponse(
            code: .authorizationFailed,
            message: "A web page of another origin may not speak to this server. Whoever runs it "
                + "can let the page in with --cors-origin."))

    /// A message that is not as the protocol has it.
    static func unreadable(_ error: CBORError) -> ServiceFailure {
        .invalidRequest("The message cannot be read: \(error)")
    }

    static func unsupportedMediaType(_ message: String) -> ServiceFailure {
        ServiceFailure(415, ErrorResponse(code: .invalidRequest, message: message))
    }
}

extension HTTPResponse {
    /// The answer to a request that failed.
    init(_ failure: ServiceFailure, requestID: String?) {
        var body = failure.response
        body.requestID = requestID
        var headers: HTTPHeaders = ["Content-Type": "application/cbor"]
        if let seconds = body.retryAfterSeconds { headers.append("Retry-After", "\(seconds)") }
        if let challenge = failure.challenge { headers.append("WWW-Authenticate", challenge) }
        self.init(status: failure.status, headers: headers, body: body.encoded())
    }
}
