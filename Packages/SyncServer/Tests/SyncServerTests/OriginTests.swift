// SPDX-License-Identifier: MIT

import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Web pages of other origins (CORS).
@Suite struct OriginTests {
    private func answer(
        _ method: HTTPMethod, _ path: String, _ headers: HTTPHeaders, _ origins: [String],
        body: [UInt8] = [], _ server: ServiceUnderTest? = nil
    ) throws -> HTTPResponse {
        var configuration = RouteConfiguration()
        configuration.origins.origins = Set(origins.filter { $0 != "*" })
        configuration.origins.allowsAll = origins.contains("*")
        let routes = SyncRoutes(
            service: try (server ?? ServiceUnderTest()).service, configuration: configuration)
        var answer: HTTPResponse?
        routes.receive(
            Exchange(
                request: HTTPRequest(method: method, target: path, headers: headers, body: body),
                id: 1
            ) { answer = $0 })
        routes.endOfBatch()
        return try #require(answer)
    }

    private static let app = "https://app.example"
    private static let question: HTTPHeaders = [
        "Origin": app, "Access-Control-Request-Method": "POST", "Host": "sync.example",
    ]

    @Test(arguments: [[app], ["https://other.example", app], ["*"]])
    func aPageThatMayIsToldSo(origins: [String]) throws {
        let answer = try answer(.options, "/v1/push", Self.question, origins)
        #expect(answer.status == 204)
        #expect(answer.headers["Access-Control-Allow-Origin"] == Self.app)
        #expect(answer.headers["Access-Control-Allow-Methods"]?.contains("POST") == true)
        #expect(answer.headers["Access-Control-Allow-Headers"]?.contains("Authorization") == true)
        #expect(answer.headers["Access-Control-Allow-Credentials"] == nil)
        #expect(answer.headers["Vary"] == "Origin")
    }

    @Test(arguments: [[], ["https://other.example"], ["https://app.example:444"]])
    func aPageThatMayNotIsToldNothing(origins: [String]) throws {
        let answer = try answer(.options, "/v1/push", Self.question, origins)
        #expect(answer.status == 405)
        #expect(answer.headers["Access-Control-Allow-Origin"] == nil)
    }

    @Test func theAnswerSaysWhoMayReadIt() throws {
        let headers: HTTPHeaders = ["Origin": Self.app]
        let allowed = try answer(.get, "/v1/version", headers, [Self.app])
        #expect(allowed.headers["Access-Control-Allow-Origin"] == Self.app)
        let other = try answer(.get, "/v1/version", headers, ["https://other.example"])
        #expect(other.headers["Access-Control-Allow-Origin"] == nil)
        #expect(other.headers["Vary"] == "Origin")
        let off = try answer(.get, "/v1/version", headers, [])
        #expect(off.headers["Vary"] == nil)
    }

    /// Browsers send some requests without asking first, and open WebSockets without asking.
    @Test(
        arguments: [
            ("https://evil.example", "127.0.0.1:8080", 403), ("null", "127.0.0.1:8080", 403),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", 200),
            ("http://127.0.0.1:80", "127.0.0.1:8080", 403), ("https://app.example", "x", 200),
        ] as [(String, String, Int)])
    func aPageThatMayNotStoresAndReadsNothing(origin: String, host: String, status: Int) throws {
        let server = try ServiceUnderTest()
        let push = PushRequest(
            databaseID: "db", deviceID: "a", operations: [operation(1, "e", base: 0)])
        let headers: HTTPHeaders = ["Origin": origin, "Host": host]
        let pushed = try answer(
            .post, "/v1/push", headers, [Self.app], body: push.encoded(), server)
        #expect(pushed.status == status)
        #expect(server.database.head == (status == 200 ? 1 : 0))
        let socket = try answer(.get, "/v1/ws", headers, [Self.app], server)
        #expect((socket.status == 403) == (status == 403))
        if status == 403 {
            #expect(try ErrorResponse(decoding: pushed.body).code == .authorizationFailed)
        }
    }

    @Test(
        arguments: [
            ("*", true), ("https://a.example", true), ("http://localhost:3000", true),
            ("https://a.example/", false), ("a.example", false), ("ftp://a", false), ("", false),
            ("https://a,https://b", false), ("https://", false), ("null", false),
        ] as [(String, Bool)]) func anOriginIsWhatBrowsersSend(origin: String, isOne: Bool)
    {
        #expect((OriginRules.fault(in: origin) == nil) == isOne)
    }
}
