// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire
import RecordLog
import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// Collections in pushes and pulls, and permissions that end while something waits.
@Suite struct AccessChangeTests {
    private let everything = #""db":"*","device":"*""#
    private let some = #""db":"db","device":"b*","collections":{"mine":"rw","log":"r"}"#

    private func push(_ operations: [SyncOperation], device: DeviceID) -> [UInt8] {
        PushRequest(databaseID: "db", deviceID: device, operations: operations).encoded()
    }

    private func pull(
        _ fixture: AccessFixture, token: String, collections: [CollectionName]? = nil,
        wait: UInt64? = nil
    ) -> AccessFixture.Sent {
        let request = PullRequest(
            databaseID: "db", sinceCursor: 0, limit: 10, collections: collections,
            waitMilliseconds: wait)
        return fixture.begin(.post, "/v1/pull", request.encoded(), token: token)
    }

    /// A fixture whose database has an entity `e` in each of three collections.
    private func filled() throws -> AccessFixture {
        let fixture = try AccessFixture()
        let names: [CollectionName] = ["mine", "log", "secret"]
        _ = try fixture.perform(
            .post, "/v1/push",
            push(
                names.enumerated().map { index, name in
                    operation(OperationID(UInt64(index) + 1), "e", base: 0, collection: name)
                }, device: "a"),
            token: AccessFixture.token(everything))
        return fixture
    }

    @Test func pullsLeaveOutWhatMayNotBeRead() throws {
        let fixture = try filled()
        let token = AccessFixture.token(some)
        for (asked, seen) in [
            (nil, ["mine", "log"]), (["secret"], []), (["secret", "log"], ["log"]), ([], []),
            (["mine"], ["mine"]),
        ] as [([CollectionName]?, [CollectionName])] {
            let sent = pull(fixture, token: token, collections: asked)
            let page = try PullResponse(decoding: try #require(sent.response).wholeBody)

            #expect(page.operations.map(\.collection) == seen)
            #expect(page.nextCursor == 3 && !page.hasMore)
        }
    }

    /// What is refused for its collection shows nothing of what is there.
    @Test func pushesAreRejectedOneByOneAndShowNothing() throws {
        let fixture = try filled()
        func mine(_ number: OperationID, _ collection: CollectionName, _ base: Cursor?)
            -> SyncOperation
        {
            operation(number, "e", base: base, device: "b1", collection: collection)
        }
        let operations = [
            mine(1, "secret", 0), mine(2, "mine", 1), mine(3, "log", 2), mine(4, "secret", 3),
            mine(5, "mine", 0),
        ]

        let answer = try fixture.perform(
            .post, "/v1/push", push(operations, device: "b1"), token: AccessFixture.token(some))

        let response = try PushResponse(decoding: answer.wholeBody)
        #expect(response.rejectionCodes == [1: .forbidden, 3: .forbidden, 4: .forbidden])
        #expect(response.cursors == [2: 4])
        #expect(response.conflicting == [5])
        #expect(response.conflicts.allSatisfy { $0.clientOperation.collection == "mine" })
        #expect(try fixture.server.wholeLog().count == 4)
    }

    @Test func aTransactionWithAForbiddenMemberIsRejectedWhole() throws {
        let fixture = try filled()
        let operations = [
            operation(1, "x", base: 0, transaction: 9, device: "b1", collection: "mine"),
            operation(2, "y", base: 0, transaction: 9, device: "b1", collection: "secret"),
        ]

        let answer = try fixture.perform(
            .post, "/v1/push", push(operations, device: "b1"), token: AccessFixture.token(some))

        let response = try PushResponse(decoding: answer.wholeBody)
        #expect(response.rejectionCodes == [1: .transactionAborted, 2: .forbidden])
        #expect(try fixture.server.wholeLog().count == 3)
    }

    @Test func aHandshakeNamesNoCollectionThatMayNotBeRead() throws {
        var configuration = ServiceConfiguration()
        configuration.policies.byCollection = ["mine": .merge, "secret": .serverWins]
        let fixture = try AccessFixture(configuration)
        let request = HandshakeRequest(
            databaseID: "db", deviceID: "b1", clientInfo: .init(platform: "t", appVersion: "1"))

        let answer = try fixture.perform(
            .post, "/v1/handshake", request.encoded(), token: AccessFixture.token(some))

        let policy = try HandshakeResponse(decoding: answer.body).conflictPolicy
        #expect(policy?.byCollection == ["mine": "merge"])
    }

    @Test func aWaitingPullEndsWithItsToken() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(everything, exp: AccessFixture.now - 50)
        let sent = pull(fixture, token: token, wait: 30_000)
        #expect(sent.response == nil)

        fixture.server.time.advance(milliseconds: 9_999)
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)
        #expect(sent.response == nil)
        fixture.server.time.advance(milliseconds: 1)
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)

        let answer = try #require(sent.response)
        #expect(answer.status == 401)
        #expect(try ErrorResponse(decoding: answer.body).code == .authenticationFailed)
    }

    @Test func aWaitingPullOfALongerTokenWaitsAsItAsked() throws {
        let fixture = try AccessFixture()
        let sent = pull(fixture, token: AccessFixture.token(everything), wait: 2_000)

        fixture.server.time.advance(milliseconds: 2_000)
        _ = fixture.routes.advance(to: fixture.server.time.nanoseconds)

        #expect(sent.response?.status == 200)
    }

    /// What comes in the very moment goes to nobody whose token has just ended.
    @Test func newsDoesNotReachAPullWhoseTokenHasEnded() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(everything, exp: AccessFixture.now - 50)
        let sent = pull(fixture, token: token, wait: 30_000)
        fixture.server.time.advance(milliseconds: 10_000)

        _ = try fixture.perform(
            .post, "/v1/push", push([operation(1, "e", base: 0)], device: "a"),
            token: AccessFixture.token(everything))

        #expect(sent.response?.status == 401)
    }

    @Test func aWaitingPullDoesNotSeeWhatMayNotBeRead() throws {
        let fixture = try AccessFixture()
        let sent = pull(fixture, token: AccessFixture.token(some), wait: 30_000)
        func perform(_ collection: CollectionName, _ number: OperationID) throws {
            _ = try fixture.perform(
                .post, "/v1/push",
                push([operation(number, "e", base: 0, collection: collection)], device: "a"),
                token: AccessFixture.token(everything))
        }

        try perform("secret", 1)
        #expect(sent.response == nil)
        try perform("log", 2)

        let page = try PullResponse(decoding: try #require(sent.response).wholeBody)
        #expect(page.operations.map(\.collection) == ["log"])
    }

    @Test func aWaitingPullEndsWhenItsDeviceIsRevoked() throws {
        let fixture = try AccessFixture()
        let sent = pull(
            fixture, token: AccessFixture.token(#""db":"db","device":"b1""#), wait: 30_000)
        let other = pull(fixture, token: AccessFixture.token(everything), wait: 30_000)
        try fixture.revoke("b*")

        fixture.look()

        #expect(sent.response?.status == 403)
        #expect(other.response == nil)
    }

    @Test func anotherSecretEndsWhatTheOldOneLetIn() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(everything)
        let sent = pull(fixture, token: token, wait: 30_000)

        try AtomicFile.replace(
            fixture.directory + "/secret", [UInt8](repeating: 7, count: 32), on: POSIXFileSystem())
        fixture.look()

        #expect(sent.response?.status == 401)
        #expect(try fixture.perform(.get, "/v1/stats", token: token).status == 401)
    }

    @Test func keysThatCannotBeReadLeaveTheOldOnesInForce() throws {
        let fixture = try AccessFixture()
        let token = AccessFixture.token(everything)

        try AtomicFile.replace(fixture.directory + "/secret", [1, 2, 3], on: POSIXFileSystem())
        fixture.look()
        fixture.look()

        #expect(fixture.told.filter { $0.contains("stays in force") }.count == 1)
        #expect(try fixture.perform(.get, "/v1/stats", token: token).status == 200)
    }

    @Test func tokensComeAndGoWithTheirLines() throws {
        var generator = SeededGenerator(seed: 5)
        let (token, line) = TokenFile.issue(
            .init(name: "ci", grants: .all), using: &generator)
        let fixture = try AccessFixture { directory in
            try AtomicFile.replace(directory + "/tokens", [], on: POSIXFileSystem())
            var settings = AccessSettings()
            settings.mode = .token
            settings.tokenFile = directory + "/tokens"
            return settings
        }
        func status() throws -> Int {
            try fixture.perform(.get, "/v1/stats", token: token).status
        }
        #expect(try status() == 401)

        let path = fixture.directory + "/tokens"
        try AtomicFile.replace(path, Array(line.utf8), on: POSIXFileSystem())
        fixture.look()
        #expect(try status() == 200)
        let sent = pull(fixture, token: token, wait: 30_000)

        try AtomicFile.replace(path, [], on: POSIXFileSystem())
        fixture.look()
        #expect(try status() == 401)
        #expect(sent.response?.status == 401)
    }

    @Test func refusalsAreLoggedWithoutEndInSightAndNotWithoutEnd() throws {
        let fixture = try AccessFixture()
        for _ in 0..<100 { _ = try fixture.perform(.get, "/v1/stats", token: "x") }

        #expect(fixture.told.count == AccessAudit.linesMax)
        fixture.look()

        #expect(fixture.told.last == "refused 80 more requests")
    }

    @Test func aSubjectCannotEndALine() {
        let principal = Principal(
            subject: "jwt:a\nb\u{1B}é" + String(repeating: "x", count: 100), grants: .all,
            expiresAtMilliseconds: .max, credential: .none)

        #expect(principal.subject.hasPrefix("jwt:a?b???x"))
        #expect(principal.subject.utf8.count == 80)
    }
}
