// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol
import Synchronization
import Testing

@testable import SyncClient

/// How answers become messages or errors.
@Suite struct MessageTransportTests {
    private let page = PullResponse(operations: [], nextCursor: 4, hasMore: false)
    private let request = PullRequest(databaseID: "db", sinceCursor: 3, limit: 5)

    private func transport(_ answer: MessageAnswer) -> InProcessTransport {
        InProcessTransport { _, _ in answer }
    }

    private func error(of answer: MessageAnswer) async -> SyncError? {
        await #expect(throws: SyncError.self) { try await transport(answer).pull(request) }
    }

    @Test func carriesEachRequestToItsPath() async throws {
        let seen = Mutex<[String]>([])
        let transport = InProcessTransport { path, body in
            seen.withLock { $0.append(path) }
            return MessageAnswer(status: 500, body: [])
        }
        _ = try? await transport.handshake(
            HandshakeRequest(
                databaseID: "db", deviceID: "d",
                clientInfo: ClientInfo(platform: "p", appVersion: "1")))
        _ = try? await transport.pull(request)
        _ = try? await transport.push(PushRequest(databaseID: "db", deviceID: "d", operations: []))

        #expect(seen.withLock { $0 } == ["/v1/handshake", "/v1/pull", "/v1/push"])
    }

    @Test func carriesTheMessagesWhole() async throws {
        let page = page, request = request
        let transport = InProcessTransport { _, body in
            let seen = try? PullRequest(decoding: body)
            return MessageAnswer(status: seen == request ? 200 : 400, body: page.encoded())
        }

        #expect(try await transport.pull(request) == page)
    }

    @Test(
        "maps an answer that is no CBOR by its status",
        arguments: [
            (400, .invalidRequest, false), (401, .authenticationFailed, false),
            (403, .authorizationFailed, false), (404, .notSupported, false),
            (405, .invalidRequest, false), (408, .timeout, true), (411, .invalidRequest, false),
            (413, .invalidRequest, false), (415, .invalidRequest, false),
            (426, .versionMismatch, false), (429, .rateLimitExceeded, true),
            (431, .invalidRequest, false), (500, .internalError, true),
            (501, .notSupported, false), (502, .serviceUnavailable, true),
            (503, .serviceUnavailable, true), (504, .timeout, true), (599, .internalError, true),
            (302, .unknown, true), (204, .unknown, true), (0, .unknown, true),
        ] as [(Int, SyncErrorCode, Bool)])
    func mapsAnAnswerThatIsNoCBORByItsStatus(
        _ status: Int, _ code: SyncErrorCode, _ isRetryable: Bool
    ) async throws {
        let answer = MessageAnswer(
            status: status, body: Array("<html>proxy</html>".utf8), retryAfterSeconds: 8)
        let error = try #require(await error(of: answer))

        #expect(error.code == .server(code))
        #expect(error.isRetryable == isRetryable)
        #expect(error.status == status)
        #expect(error.retryAfterSeconds == 8)
        #expect(error.message.contains("\(status)"))
        #expect(!error.message.contains("html"))
    }

    @Test func takesTheErrorThatTheServerDescribes() async throws {
        let body = ErrorResponse(
            code: .invalidCursor, message: "gone",
            details: .init(reason: "compacted", oldestCursor: 9), retryAfterSeconds: 3)
        let answer = MessageAnswer(status: 410, body: body.encoded(), retryAfterSeconds: 8)
        let error = try #require(await error(of: answer))

        #expect(error.code == .server(.invalidCursor))
        #expect(error.message == "gone")
        #expect(error.details.reason == "compacted")
        #expect(error.details.oldestCursor == 9)
        #expect(error.retryAfterSeconds == 8)
        #expect(error.status == 410)
    }

    @Test func waitsForTheLongerOfWhatBodyAndHeaderSay() async throws {
        let body = ErrorResponse(
            code: .serviceUnavailable, message: "busy", retryAfterSeconds: 9
        ).encoded()
        let answer = MessageAnswer(status: 503, body: body, retryAfterSeconds: 8)

        #expect(await error(of: answer)?.retryAfterSeconds == 9)
    }

    @Test func takesTheHeaderWhereTheServerDoesNotSayHowLongToWait() async throws {
        let body = ErrorResponse(code: .serviceUnavailable, message: "busy").encoded()
        let answer = MessageAnswer(status: 503, body: body, retryAfterSeconds: 8)

        #expect(await error(of: answer)?.retryAfterSeconds == 8)
    }

    @Test(
        "refuses an answer that cannot be read",
        arguments: [[], [0xA0], Array("<html>".utf8), [0xBF]] as [[UInt8]])
    func refusesAnAnswerThatCannotBeRead(_ body: [UInt8]) async throws {
        let error = try #require(await error(of: MessageAnswer(status: 200, body: body)))

        #expect(error.code == .invalidAnswer)
        #expect(error.isRetryable)
    }

    @Test func carriesNothingForACancelledTask() async throws {
        let calls = Mutex(0)
        let transport = InProcessTransport { _, _ in
            calls.withLock { $0 += 1 }
            return MessageAnswer(status: 200, body: [])
        }
        let request = request
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await transport.pull(request)
        }

        let error = await #expect(throws: SyncError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(calls.withLock { $0 } == 0)
    }

    @Test func tellsWhatMayBeTriedAgain() {
        let codes: [(SyncError.Code, Bool)] = [
            (.network, true), (.timeout, true), (.invalidAnswer, true), (.authentication, false),
            (.answerTooLarge, false), (.noProgress, false), (.storage, false),
            (.configuration, false), (.cancelled, false),
            (.server(.internalError), true), (.server(.invalidCursor), false),
        ]
        for (code, isRetryable) in codes {
            #expect(SyncError(code, "").isRetryable == isRetryable, "\(code)")
        }
    }
}

/// What the HTTP transport does before it sends anything.
@Suite struct HTTPTransportTokenTests {
    private struct NoToken: Error {}

    private func error(
        _ token: @escaping HTTPTransport.TokenProvider
    ) async throws -> SyncError? {
        let transport = HTTPTransport(
            server: try #require(URL(string: "http://127.0.0.1:1")), token: token)
        return await #expect(throws: SyncError.self) {
            try await transport.exchange([], path: "/v1/pull", waitMilliseconds: 0)
        }
    }

    /// Answers with one status after another, and keeps the tokens that came.
    private final class ScriptedCarrier: HTTPCarrier {
        let tokens = Mutex<[String]>([])
        private let statuses: Mutex<[Int]>

        init(_ statuses: [Int]) { self.statuses = Mutex(statuses) }

        func carry(
            _ body: [UInt8], to url: URL, headers: [(name: String, value: String)], limit: Duration
        ) async throws(SyncError) -> MessageAnswer {
            let token = headers.first { $0.name == "Authorization" }?.value ?? "none"
            tokens.withLock { $0.append(token) }
            return MessageAnswer(status: statuses.withLock { $0.removeFirst() }, body: [])
        }
    }

    @Test(
        "asks for a token once more if the server does not take it",
        arguments: [([200], 1), ([401, 200], 2), ([401, 401], 2), ([403], 1)] as [([Int], Int)])
    func asksForATokenOnceMore(_ statuses: [Int], _ count: Int) async throws {
        let carrier = ScriptedCarrier(statuses)
        let asked = Mutex(0)
        let transport = HTTPTransport(
            server: try #require(URL(string: "http://127.0.0.1:1")), timeout: .seconds(1),
            token: {
                asked.withLock { $0 += 1 }
                return "t\(asked.withLock { $0 })"
            }, carrier: carrier)
        let answer = try await transport.exchange([], path: "/v1/push", waitMilliseconds: 0)

        #expect(answer.status == statuses.last)
        #expect(
            carrier.tokens.withLock { $0 } == ["Bearer t1", "Bearer t2"].prefix(count).map { $0 })
    }

    @Test func withoutATokenTheRequestIsNotRepeated() async throws {
        let carrier = ScriptedCarrier([401])
        let transport = HTTPTransport(
            server: try #require(URL(string: "http://127.0.0.1:1")), timeout: .seconds(1),
            token: nil, carrier: carrier)
        let answer = try await transport.exchange([], path: "/v1/push", waitMilliseconds: 0)

        #expect(answer.status == 401)
    }

    @Test func failsWithoutAToken() async throws {
        let error = try await error { throw NoToken() }

        #expect(error?.code == .authentication)
        #expect(error?.isRetryable == false)
        #expect(error?.message.contains("NoToken") == true)
    }

    @Test func takesACancelledTokenProviderAsCancellation() async throws {
        #expect(try await error { throw CancellationError() }?.code == .cancelled)
    }

    @Test func asksForATokenBeforeEachRequest() async throws {
        let asked = Mutex(0)
        for _ in 0..<2 {
            _ = try await error {
                asked.withLock { $0 += 1 }
                throw NoToken()
            }
        }

        #expect(asked.withLock { $0 } == 2)
    }
}
