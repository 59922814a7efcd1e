// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Paths, methods, types and errors, without sockets (protocol, §7 and §9).
@Suite struct RoutesTests {
    /// The routes over a service on a simulated disk.
    private final class Fixture {
        let server: ServiceUnderTest
        let routes: SyncRoutes<SimulatedDisk>
        private var lastID: UInt64 = 0

        init(_ configuration: RouteConfiguration = .init(requestIDPrefix: "run-")) throws {
            server = try ServiceUnderTest()
            routes = SyncRoutes(service: server.service, configuration: configuration)
        }

        /// Takes the answer to one exchange.
        final class Sent {
            var response: HTTPResponse?
        }

        func begin(_ request: HTTPRequest) -> (exchange: Exchange, sent: Sent) {
            lastID += 1
            let sent = Sent()
            let exchange = Exchange(request: request, id: lastID) { sent.response = $0 }
            routes.receive(exchange)
            return (exchange, sent)
        }

        func perform(_ request: HTTPRequest) throws -> HTTPResponse {
            let (_, sent) = begin(request)
            routes.endOfBatch()
            return try #require(sent.response)
        }

        func post(
            _ path: String, _ body: [UInt8], type: String? = "application/cbor",
            headers: HTTPHeaders = HTTPHeaders()
        ) throws -> HTTPResponse {
            var headers = headers
            if let type { headers.append("Content-Type", type) }
            return try perform(
                HTTPRequest(method: .post, target: path, headers: headers, body: body))
        }
    }

    private func error(_ response: HTTPResponse) throws -> ErrorResponse {
        #expect(response.headers["Content-Type"] == "application/cbor")
        return try ErrorResponse(decoding: response.body)
    }

    private let pull = PullRequest(databaseID: "db", sinceCursor: 0, limit: 10)

    @Test func theFourMessagesAreAnswered() throws {
        let fixture = try Fixture()
        let handshake = HandshakeRequest(
            databaseID: "db", deviceID: "a", clientInfo: .init(platform: "t", appVersion: "1"))
        let push = PushRequest(
            databaseID: "db", deviceID: "a", operations: [operation(1, "e", base: 0)])
        let report = CursorReport(databaseID: "db", deviceID: "a", cursor: 1)

        let answers = try [
            fixture.post("/v1/handshake", handshake.encoded()),
            fixture.post("/v1/push", push.encoded()),
            fixture.post("/v1/pull", pull.encoded()),
            fixture.post("/v1/cursor", report.encoded()),
        ]

        for answer in answers {
            #expect(answer.status == 200)
            #expect(answer.headers["Content-Type"] == "application/cbor")
        }
        #expect(try HandshakeResponse(decoding: answers[0].body).serverCursor == 0)
        #expect(try PushResponse(decoding: answers[1].body).cursors == [1: 1])
        #expect(try PullResponse(decoding: answers[2].wholeBody).operations.count == 1)
        #expect(try CursorAnswer(decoding: answers[3].body).cursor == 1)
    }

    @Test func answersAreDeterministicallyEncoded() throws {
        let fixture = try Fixture()
        let push = PushRequest(
            databaseID: "db", deviceID: "a",
            operations: [operation(1, "e", base: 0), operation(2, "e", base: 7)])
        var limits = CBORLimits.default
        limits.requiresDeterministic = true

        for (path, body) in [("/v1/push", push.encoded()), ("/v1/pull", pull.encoded())] {
            let answer = try fixture.post(path, body)
            let item = try CBORReader.read(answer.wholeBody, limits: limits) {
                (reader: inout CBORReader) throws(CBORError) in try reader.readEncodedItem()
            }
            #expect(item == answer.wholeBody)
        }
    }

    @Test func aPushIsAnsweredWhenItsBatchEnds() throws {
        let fixture = try Fixture()
        let push = PushRequest(
            databaseID: "db", deviceID: "a", operations: [operation(1, "e", base: 0)])

        let (_, sent) = fixture.begin(
            HTTPRequest(method: .post, target: "/v1/push", body: push.encoded()))
        #expect(sent.response == nil)
        fixture.routes.endOfBatch()

        #expect(sent.response?.status == 200)
    }

    @Test(arguments: [
        (HTTPMethod.get, "/health", 200), (.get, "/ready", 200), (.get, "/v1/version", 200),
        (.head, "/health", 200), (.head, "/v1/version", 200), (.get, "/health?x=1", 200),
        (.post, "/health", 405), (.get, "/v1/push", 405), (.delete, "/v1/pull", 405),
        (.head, "/v1/handshake", 405), (.get, "/", 404), (.get, "/v1/push/", 404),
        (.post, "/V1/push", 404), (.post, "/v1/%70ush", 404), (.options, "*", 404),
        (.get, "/v1/events", 400), (.get, "/v1/ws", 400),
    ])
    func pathsAndMethodsAreComparedByteForByte(
        method: HTTPMethod, target: String, status: Int
    ) throws {
        let answer = try Fixture().perform(HTTPRequest(method: method, target: target))

        #expect(answer.status == status)
        if status == 404 { #expect(try error(answer).code == .notSupported) }
        if status == 405 {
            #expect(try error(answer).code == .invalidRequest)
            #expect(answer.headers["Allow"] == (target == "/health" ? "GET, HEAD" : "POST"))
        }
    }

    @Test func theStatusPagesAreJSON() throws {
        let fixture = try Fixture()
        func text(_ path: String) throws -> String {
            let answer = try fixture.perform(HTTPRequest(method: .get, target: path))
            #expect(answer.headers["Content-Type"] == "application/json")
            return String(decoding: answer.body, as: UTF8.self)
        }

        #expect(try text("/health") == "{\"status\":\"ok\"}\n")
        #expect(
            try text("/v1/version")
                == "{\"version\":1,\"minSupported\":1,\"server\":\"entitysync-server/0.1.0\"}\n")
        #expect(
            try text("/ready") == "{\"ready\":true,\"databases\":1,\"damaged\":0,\"readOnly\":0}\n")
    }

    @Test func isNotReadyOnceALogTakesNothingMore() throws {
        let fixture = try Fixture()
        _ = try fixture.server.stage([operation(1, "e", base: 0)])
        fixture.server.disk.failNextCall(errorNumber: FileSystemError.Number.outOfSpace)
        fixture.routes.endOfBatch()

        let answer = try fixture.perform(HTTPRequest(method: .get, target: "/ready"))

        #expect(answer.status == 503)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("\"readOnly\":1"))
    }

    @Test(
        arguments: [
            ("application/cbor", 200), ("Application/CBOR", 200), ("application/cbor; v=1", 200),
            (" application/cbor ;charset=x", 200), (nil, 200), ("application/json", 415),
            ("application/cborx", 415), ("", 415), ("text/plain; application/cbor", 415),
        ] as [(String?, Int)])
    func onlyCBORIsTaken(type: String?, status: Int) throws {
        let answer = try Fixture().post("/v1/pull", pull.encoded(), type: type)

        #expect(answer.status == status)
        if status == 415 { #expect(try error(answer).code == .invalidRequest) }
    }

    @Test(arguments: [("identity", 200), ("deflate", 415), ("br", 415)])
    func contentOfOtherCodingsIsNotTaken(coding: String, status: Int) throws {
        let answer = try Fixture().post(
            "/v1/pull", pull.encoded(), headers: ["Content-Encoding": coding])

        #expect(answer.status == status)
    }

    @Test func aFaultInAMessageNamesKeyPathAndOffset() throws {
        let fixture = try Fixture()
        // {"dbId": "db", "deviceId": "a", "ops": [{"opId": "1"}]}
        let body: [UInt8] =
            [0xA3, 0x64] + Array("dbId".utf8) + [0x62] + Array("db".utf8) + [0x68]
            + Array("deviceId".utf8) + [0x61, 0x61, 0x63] + Array("ops".utf8) + [0x81, 0xA1, 0x64]
            + Array("opId".utf8) + [0x61, 0x31]

        let answer = try fixture.post("/v1/push", body)

        #expect(answer.status == 400)
        let response = try error(answer)
        #expect(response.code == .invalidRequest)
        #expect(response.message.contains("ops[0].opId"))
        #expect(response.message.contains("byte \(body.count - 2)"))
        #expect(response.requestID == "run-1")
    }

    static let shapeFaults: [(String, [SyncOperation])] = [
        ("numbers that do not increase", [operation(2, "e"), operation(2, "f")]),
        ("a number of 0", [operation(0, "e")]),
        ("another database inside", [operation(1, "e", database: "other")]),
        ("another device inside", [operation(1, "e", device: "b")]),
        (
            "a transaction that comes again",
            [
                operation(1, "e", transaction: 1), operation(2, "f"),
                operation(3, "g", transaction: 1),
            ]
        ),
    ]

    @Test(arguments: shapeFaults)
    func aPushOfTheWrongShapeIsRefusedWhole(name: String, operations: [SyncOperation]) throws {
        let fixture = try Fixture()
        let push = PushRequest(databaseID: "db", deviceID: "a", operations: operations)

        let answer = try fixture.post("/v1/push", push.encoded())

        #expect(answer.status == 400, "\(name)")
        #expect(try error(answer).code == .invalidRequest)
        #expect(try fixture.server.wholeLog().isEmpty)
    }

    @Test(arguments: ["~server", "", "a b", ".."])
    func namesThatBreakTheirRuleAreRefused(name: String) throws {
        let push = PushRequest(databaseID: "db", deviceID: DeviceID(name), operations: [])

        #expect(try Fixture().post("/v1/push", push.encoded()).status == 400)
    }

    @Test func aMessageThatNestsDeeperThanTheLimitIsRefused() throws {
        func body(depth: Int) -> [UInt8] {
            let request = pull.encoded()
            // One more key, which nobody knows, at the end of the map.
            return [request[0] + 1] + request.dropFirst() + [0x61, 0x7A]
                + [UInt8](repeating: 0x81, count: depth - 2) + [0x80]
        }
        let fixture = try Fixture()

        #expect(try fixture.post("/v1/pull", body(depth: 16)).status == 200)
        #expect(try fixture.post("/v1/pull", body(depth: 17)).status == 400)
        let strict = try Fixture(RouteConfiguration(maxMessageDepth: 8))
        #expect(try strict.post("/v1/pull", body(depth: 9)).status == 400)
    }

    @Test func failuresOfTheServiceCarryTheirDetails() throws {
        let fixture = try Fixture()
        let ahead = PullRequest(databaseID: "db", sinceCursor: 5, limit: 1)
        let unknown = PullRequest(databaseID: "nowhere", sinceCursor: 0, limit: 1)

        let conflict = try fixture.post("/v1/pull", ahead.encoded())
        let missing = try fixture.post("/v1/pull", unknown.encoded())

        #expect(conflict.status == 409)
        #expect(try error(conflict).details.reason == "ahead")
        #expect(missing.status == 404)
        #expect(try error(missing).code == .databaseNotFound)
    }

    @Test func aRetryLaterIsAlsoAHeader() throws {
        let response = HTTPResponse(.tooManyDevices(3), requestID: "x")

        #expect(response.status == 429)
        #expect(response.headers["Retry-After"] == "3600")
        #expect(try error(response).requestID == "x")
    }

    @Test(arguments: [
        (400, SyncErrorCode.invalidRequest), (405, .invalidRequest), (408, .timeout),
        (411, .invalidRequest), (413, .invalidRequest), (417, .invalidRequest),
        (431, .invalidRequest), (500, .internalError), (501, .notSupported),
        (503, .serviceUnavailable), (505, .notSupported),
    ])
    func whatNeverBecameARequestIsAnsweredInCBORToo(status: Int, code: SyncErrorCode) throws {
        let fixture = try Fixture(RouteConfiguration(maxBodyBytes: 77))

        let answer = fixture.routes.rejection(HTTPRejection(status: status, reason: "Why."))

        #expect(answer.status == status)
        let response = try error(answer)
        #expect(response.code == code)
        #expect(response.message == "Why.")
        #expect(response.details.maximum == [413: 77, 503: 10_000][status])
        #expect(response.details.limit == [413: "maxBodyBytes", 503: "maxConnections"][status])
        #expect((answer.headers["Retry-After"] != nil) == (status == 503))
    }

    @Test func aWaitingPullIsForgottenWhenItsPeerGoes() throws {
        let fixture = try Fixture()
        var waiting = pull
        waiting.waitMilliseconds = 1_000
        let request = HTTPRequest(method: .post, target: "/v1/pull", body: waiting.encoded())
        let (gone, goneSent) = fixture.begin(request)
        let (_, sent) = fixture.begin(request)

        gone.abandon()
        _ = try fixture.server.stage([operation(1, "e", base: 0)])
        fixture.routes.endOfBatch()

        #expect(goneSent.response == nil)
        #expect(sent.response?.status == 200)
    }

    @Test func stoppingAnswersWhatWaitsAndDrainingGivesTheDirectoryUp() throws {
        let fixture = try Fixture()
        var waiting = pull
        waiting.waitMilliseconds = 1_000
        let (_, sent) = fixture.begin(
            HTTPRequest(method: .post, target: "/v1/pull", body: waiting.encoded()))
        #expect(fixture.routes.advance(to: fixture.server.time.nanoseconds) != nil)

        fixture.routes.beginStop()
        #expect(sent.response?.status == 200)
        fixture.routes.drained()

        _ = try ServiceUnderTest(disk: fixture.server.disk)
    }

    @Test func aMessageNeverRepeatsAPayload() throws {
        let fixture = try Fixture()
        let secret: [UInt8] = [0x66] + Array("secret".utf8)
        let push = PushRequest(
            databaseID: "db", deviceID: "a",
            operations: [operation(1, "e", base: 0, content: secret + [0])])

        let answer = try PushResponse(decoding: fixture.post("/v1/push", push.encoded()).body)

        #expect(answer.rejectionCodes == [1: .malformed])
        #expect(!answer.rejected[0].message.contains("secret"))
    }
}
