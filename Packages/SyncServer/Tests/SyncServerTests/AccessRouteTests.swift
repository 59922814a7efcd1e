// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol
import Testing

@testable import SyncServer

/// Each endpoint with each kind of principal: status, code, what is stored and what is told.
@Suite struct AccessRouteTests {
    private static let all = #""db":["db","new"],"device":"a","collections":{"c":"rw"}"#
    private static let readOnly = #""db":"db","device":"a","collections":{"c":"r"}"#

    /// An endpoint with a message of device `a` to it.
    enum Endpoint: String, CaseIterable {
        case handshake, push, pull, cursor, stats, metrics

        var path: String { self == .metrics ? "/metrics" : "/v1/\(rawValue)" }
        var method: HTTPMethod { self == .stats || self == .metrics ? .get : .post }

        func body(database: DatabaseID = "db", device: DeviceID = "a") -> [UInt8] {
            switch self {
            case .handshake:
                HandshakeRequest(
                    databaseID: database, deviceID: device,
                    clientInfo: .init(platform: "t", appVersion: "1")
                ).encoded()
            case .push:
                PushRequest(
                    databaseID: database, deviceID: device,
                    operations: [
                        operation(
                            1, "e", base: 0, content: [0x61, 0x53], device: device,
                            database: database)
                    ]
                ).encoded()
            case .pull:
                PullRequest(databaseID: database, sinceCursor: 0, limit: 10, deviceID: device)
                    .encoded()
            case .cursor:
                CursorReport(databaseID: database, deviceID: device, cursor: 0).encoded()
            case .stats, .metrics: []
            }
        }
    }

    /// Expects a refusal that stores nothing and tells nothing.
    private func expectRefusal(
        _ fixture: AccessFixture, _ response: HTTPResponse, _ status: Int, _ code: SyncErrorCode,
        _ message: String, token: String?, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let error = try ErrorResponse(decoding: response.wholeBody)
        #expect(response.status == status, sourceLocation: sourceLocation)
        #expect(error.code == code, sourceLocation: sourceLocation)
        #expect(error.message == message, sourceLocation: sourceLocation)
        #expect(error.details == .init(), sourceLocation: sourceLocation)
        let challenge = response.headers["WWW-Authenticate"]
        #expect((challenge != nil) == (status == 401), sourceLocation: sourceLocation)
        #expect(fixture.server.service.databases.count == 1, sourceLocation: sourceLocation)
        #expect(try fixture.server.wholeLog().isEmpty, sourceLocation: sourceLocation)
        let line = fixture.told.last ?? ""
        #expect(line.contains("with \(status)"), sourceLocation: sourceLocation)
        for part in (token ?? "").split(separator: ".") {
            #expect(!fixture.told.contains { $0.contains(part) }, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: Endpoint.allCases)
    func withoutATokenNothingIsAnswered(endpoint: Endpoint) throws {
        let fixture = try AccessFixture()

        let answer = try fixture.perform(
            endpoint.method, endpoint.path, endpoint.body(), token: nil)

        try expectRefusal(
            fixture, answer, 401, .authenticationFailed,
            "This server asks for a token: Authorization: Bearer TOKEN.", token: nil)
        #expect(answer.headers["WWW-Authenticate"] == "Bearer realm=\"entitysync\"")
    }

    @Test(arguments: Endpoint.allCases)
    func anExpiredTokenIsToldSo(endpoint: Endpoint) throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(Self.all, exp: AccessFixture.now - 60)

        let answer = try fixture.perform(
            endpoint.method, endpoint.path, endpoint.body(), token: token)

        try expectRefusal(
            fixture, answer, 401, .authenticationFailed, "The token has expired. Get a new one.",
            token: token)
        #expect(
            answer.headers["WWW-Authenticate"]
                == "Bearer realm=\"entitysync\", error=\"invalid_token\"")
    }

    @Test(arguments: Endpoint.allCases)
    func aForgedTokenIsToldNothing(endpoint: Endpoint) throws {
        let fixture = try AccessFixture()
        let token = String(AccessFixture.token(Self.all).dropLast(2)) + "AA"

        let answer = try fixture.perform(
            endpoint.method, endpoint.path, endpoint.body(), token: token)

        try expectRefusal(
            fixture, answer, 401, .authenticationFailed, "The token is not valid here.",
            token: token)
    }

    /// Whether there is such a database is not told either.
    @Test(arguments: [Endpoint.handshake, .push, .pull, .cursor], ["db", "unknown"])
    func anotherDatabaseIsForbidden(endpoint: Endpoint, database: String) throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(#""db":["mine"],"device":"*""#)

        let answer = try fixture.perform(
            endpoint.method, endpoint.path, endpoint.body(database: DatabaseID(database)),
            token: token)

        try expectRefusal(
            fixture, answer, 403, .authorizationFailed,
            "The token does not permit this database.", token: token)
    }

    @Test(arguments: [Endpoint.handshake, .push, .pull, .cursor])
    func anotherDeviceIsForbidden(endpoint: Endpoint) throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(#""db":"*","device":"a""#)
        let devices = fixture.server.service.statistics

        let answer = try fixture.perform(
            endpoint.method, endpoint.path, endpoint.body(device: "a1"), token: token)

        try expectRefusal(
            fixture, answer, 403, .authorizationFailed, "The token does not permit this device.",
            token: token)
        #expect(fixture.server.service.statistics == devices)
    }

    @Test(arguments: [Endpoint.handshake, .push, .pull, .cursor])
    func aRevokedDeviceIsForbiddenAtTheNextLook(endpoint: Endpoint) throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(Self.all)
        #expect(
            try fixture.perform(.post, Endpoint.cursor.path, Endpoint.cursor.body(), token: token)
                .status == 200)
        try fixture.revoke("a")
        fixture.look()

        let answer = try fixture.perform(
            endpoint.method, endpoint.path, endpoint.body(), token: token)

        try expectRefusal(
            fixture, answer, 403, .authorizationFailed, "The device was revoked.", token: token)
    }

    @Test func aRevokedDeviceIsForbiddenWhateverItsToken() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(#""db":"*","device":"*""#)
        try fixture.revoke("a")
        try fixture.revoke("tab*")
        fixture.look()
        func status(_ device: DeviceID, _ database: DatabaseID = "db") throws -> Int {
            let body = Endpoint.handshake.body(database: database, device: device)
            return try fixture.perform(.post, "/v1/handshake", body, token: token).status
        }

        #expect(try status("a") == 403 && status("tablet") == 403)
        #expect(try status("b") == 200 && status("a", "other") == 200)
    }

    /// A token that was checked once is not checked again, except for its end.
    @Test func aTokenEndsWhileItIsInUse() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(#""db":"*","device":"*""#, exp: AccessFixture.now - 59)
        #expect(try fixture.perform(.get, "/v1/stats", token: token).status == 200)

        fixture.server.time.advance(milliseconds: 1_000)

        #expect(try fixture.perform(.get, "/v1/stats", token: token).status == 401)
    }

    /// A pull need not name its device; the token does.
    @Test(arguments: ["a", "a*", "*"])
    func aRevokedDeviceDoesNotPullWithoutItsName(revoked: String) throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(Self.all)
        let pull = PullRequest(databaseID: "db", sinceCursor: 0, limit: 10).encoded()
        #expect(try fixture.perform(.post, "/v1/pull", pull, token: token).status == 200)
        try fixture.revoke(revoked)
        fixture.look()

        #expect(try fixture.perform(.post, "/v1/pull", pull, token: token).status == 403)
    }

    @Test func aTokenThatPermitsAllIsServedEverywhere() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(#""db":"*","device":"*""#)

        for endpoint in Endpoint.allCases {
            let answer = try fixture.perform(
                endpoint.method, endpoint.path, endpoint.body(), token: token)
            #expect(answer.status == 200, "\(endpoint)")
        }
        #expect(fixture.told.isEmpty)
    }

    @Test(arguments: [Endpoint.stats, .metrics])
    func figuresOfAllDatabasesAreForThoseWhoMaySeeAll(endpoint: Endpoint) throws {
        let fixture = try AccessFixture()
        for claims in [
            Self.all, #""db":"*","device":"a*""#, #""db":"*","device":"*","collections":{"c":"r"}"#,
            #""db":["db"],"device":"*""#,
        ] {
            let token = AccessFixture.token(claims)
            let answer = try fixture.perform(.get, endpoint.path, token: token)
            try expectRefusal(
                fixture, answer, 403, .authorizationFailed,
                "The token does not permit all databases, devices and collections.", token: token)
        }
    }

    @Test(arguments: ["/health", "/ready", "/v1/version"])
    func statusPagesAreForEverybody(path: String) throws {
        let fixture = try AccessFixture()

        #expect(try fixture.perform(.get, path, token: nil).status == 200)
        #expect(try fixture.perform(.get, path, token: "x").status == 200)
    }

    @Test func pathsAndMethodsAreNoSecret() throws {
        let fixture = try AccessFixture()

        #expect(try fixture.perform(.get, "/v1/push", token: nil).status == 405)
        #expect(try fixture.perform(.get, "/nothing", token: nil).status == 404)
    }

    @Test func whoMayOnlyReadPushesNothing() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(Self.readOnly)

        let answer = try fixture.perform(
            .post, "/v1/push", Endpoint.push.body(), token: token)

        let response = try PushResponse(decoding: answer.wholeBody)
        #expect(response.rejectionCodes == [1: .forbidden])
        #expect(response.acknowledgedUpTo == 0 && response.conflicts.isEmpty)
        #expect(try fixture.server.wholeLog().isEmpty)
        for endpoint in [Endpoint.handshake, .pull, .cursor] {
            let answer = try fixture.perform(.post, endpoint.path, endpoint.body(), token: token)
            #expect(answer.status == 200)
        }
    }

    /// A handshake makes a database for those who can put something into it.
    @Test func whoMayOnlyReadMakesNoDatabase() throws {
        let fixture = try AccessFixture()
        let reader = AccessFixture.token(#""db":"*","device":"*","collections":{"*":"r"}"#)
        let writer = AccessFixture.token(#""db":"*","device":"*","collections":{"*":"r","c":"rw"}"#)
        let body = Endpoint.handshake.body(database: "new")

        let refused = try fixture.perform(.post, "/v1/handshake", body, token: reader)
        #expect(refused.status == 404)
        #expect(try ErrorResponse(decoding: refused.body).code == .databaseNotFound)
        #expect(fixture.server.service.databases.count == 1)
        #expect(try fixture.perform(.post, "/v1/handshake", body, token: writer).status == 200)
        #expect(try fixture.perform(.post, "/v1/handshake", body, token: reader).status == 200)
    }

    @Test(arguments: [
        "Basic YTpi", "Bearer", "Bearer ", "Token x", "bearerx y", "", "Bearer\u{A0}x",
    ])
    func otherCredentialsAreNone(value: String) throws {
        let fixture = try AccessFixture()
        let request = HTTPRequest(
            method: .get, target: "/v1/stats", headers: ["Authorization": value])

        #expect(throws: AccessRefusal.self) { try Authorizer.token(of: request) }
        let two: HTTPHeaders = ["Authorization": "Bearer a", "authorization": "Bearer a"]
        #expect(throws: AccessRefusal.self) {
            try Authorizer.token(of: HTTPRequest(method: .get, target: "/", headers: two))
        }
        let lower: HTTPHeaders = ["authorization": "bEARER  abc"]
        let token = try Authorizer.token(
            of: HTTPRequest(method: .get, target: "/", headers: lower))
        #expect(token.elementsEqual("abc".utf8))
        #expect(fixture.told.isEmpty)
    }
}
