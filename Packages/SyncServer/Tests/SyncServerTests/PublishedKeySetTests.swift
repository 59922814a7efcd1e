// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol
import Synchronization
import Testing

@testable import SyncServer

/// Key sets that are published at an address.
@Suite(.timeLimit(.minutes(2))) struct PublishedKeySetTests {
    /// What is published, and how often it was asked for.
    private final class Publisher: Sendable {
        let answer: Mutex<HTTPResponse>
        let count = Mutex(0)

        init(_ text: String) {
            answer = Mutex(HTTPResponse(status: 200, body: Array(text.utf8)))
        }

        func set(_ response: HTTPResponse) { answer.withLock { $0 = response } }
    }

    private final class Page: HTTPHandler {
        let publisher: Publisher

        init(_ publisher: Publisher) { self.publisher = publisher }

        func receive(_ exchange: Exchange) {
            publisher.count.withLock { $0 += 1 }
            let isRight = exchange.request.target == "/keys?v=1"
            exchange.respond(
                isRight ? publisher.answer.withLock { $0 } : HTTPResponse(status: 404))
        }
        func endOfBatch() {}
        func advance(to now: UInt64) -> UInt64? { nil }
        func rejection(_ rejection: HTTPRejection) -> HTTPResponse { HTTPResponse(status: 400) }
        func beginStop() {}
        func drained() {}
    }

    private static func set(_ key: String) -> String { #"{"keys":[\#(key)]}"# }

    /// A set without the key `d`.
    private static let older = set(
        #"{"kty":"OKP","crv":"Ed25519","kid":"x","#
            + #""x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#)

    private func serve(_ publisher: Publisher) throws -> RunningServer {
        try RunningServer(handler: { _ in Page(publisher) })
    }

    private func address(_ server: RunningServer) throws -> KeySetAddress {
        try #require(KeySetAddress("http://127.0.0.1:\(server.server.port)/keys?v=1"))
    }

    @Test func whatIsPublishedIsFetched() throws {
        let publisher = Publisher(SignedTokens.keySet)
        let server = try serve(publisher)
        defer { server.stop() }
        let address = try address(server)

        #expect(try KeySetFetch.fetch(address).get() == Array(SignedTokens.keySet.utf8))
        for response in [
            HTTPResponse(status: 302, headers: ["Location": "/keys?v=1"]),
            HTTPResponse(status: 500),
            HTTPResponse(
                status: 200, body: [UInt8](repeating: 0x20, count: JSONWebKeySet.bytesMax + 1)),
        ] {
            publisher.set(response)
            #expect(throws: KeySourceError.self) { try KeySetFetch.fetch(address).get() }
        }
    }

    @Test func nothingThereIsToldAndNotWaitedFor() throws {
        let server = try serve(Publisher(""))
        let address = try address(server)
        server.stop()

        #expect(throws: KeySourceError(description: "Nothing listens there.")) {
            try KeySetFetch.fetch(address).get()
        }
    }

    @Test func aServerWithoutTLSIsNotSpokenTo() throws {
        let server = try serve(Publisher(SignedTokens.keySet))
        defer { server.stop() }
        let secure = KeySetAddress("https://127.0.0.1:\(server.server.port)/keys?v=1")

        let result = KeySetFetch.fetch(try #require(secure))

        #expect(throws: KeySourceError(description: "TLS was not agreed on.")) { try result.get() }
    }

    /// A token by a key that was published after the start is taken after the next fetch.
    @Test func aNewKeyIsFetchedWhenATokenNamesIt() throws {
        let publisher = Publisher(Self.older)
        let server = try serve(publisher)
        defer { server.stop() }
        let text = try address(server).text
        let fixture = try AccessFixture { _ in
            var settings = AccessSettings()
            settings.mode = .jwt
            settings.keySet = text
            return settings
        }
        func status() throws -> Int {
            let request = PullRequest(databaseID: "notes", sinceCursor: 0, limit: 1)
            return try fixture.perform(
                .post, "/v1/pull", request.encoded(), token: SignedTokens.edDSA
            ).status
        }
        publisher.set(HTTPResponse(status: 200, body: Array(SignedTokens.keySet.utf8)))

        // Within the first minute nobody has it fetched again.
        for _ in 0..<58 {
            #expect(try status() == 401)
            fixture.look()
        }
        #expect(publisher.count.withLock { $0 } == 1)
        for _ in 0..<5 {
            _ = try status()
            fixture.look()
        }
        // On another thread; the server's time stands still meanwhile.
        let end = SocketPlatform.monotonicNanoseconds + 20_000_000_000
        while publisher.count.withLock({ $0 }) == 1, SocketPlatform.monotonicNanoseconds < end {}
        #expect(publisher.count.withLock { $0 } == 2)
        while try status() == 401, SocketPlatform.monotonicNanoseconds < end { fixture.look() }

        // There is no such database, and so much is told to those who may know.
        #expect(try status() == 404)
        #expect(publisher.count.withLock { $0 } == 2)
    }

    @Test func aServerStartsWithoutItsKeysAndTakesNoToken() throws {
        let publisher = Publisher("nothing")
        let server = try serve(publisher)
        defer { server.stop() }
        let text = try address(server).text
        let fixture = try AccessFixture { _ in
            var settings = AccessSettings()
            settings.mode = .jwt
            settings.keySet = text
            return settings
        }

        #expect(fixture.told.first?.contains("No token is taken by its keys") ?? false)
        #expect(try fixture.perform(.get, "/v1/stats", token: SignedTokens.edDSA).status == 401)
    }

    @Test(
        arguments: [
            ("https://id.example/jwks", "id.example", 443, "/jwks"),
            ("https://id.example:8443", "id.example", 8_443, "/"),
            ("https://id.example?a=b/c", "id.example", 443, "/?a=b/c"),
            ("http://127.0.0.1:80/k", "127.0.0.1", 80, "/k"),
            ("http://[::1]:8080/k", "::1", 8_080, "/k"), ("https://[::1]/", "::1", 443, "/"),
        ] as [(String, String, UInt16, String)])
    func addressesAreTakenApart(
        text: String, host: String, port: UInt16, target: String
    ) throws {
        let address = try #require(KeySetAddress(text))

        #expect(address.host == host && address.port == port && address.target == target)
        #expect(KeySetAddress.fault(in: text) == nil)
    }

    @Test(arguments: [
        "https://", "https:///x", "https://a@b/", "https://a:b/", "https://a:70000/",
        "https://a b/",
        "https://a/#x", "https://[::1/", "https://::1/", "ftp://a/", "https://a/\r\nX: y",
        "http://id.example/jwks", "http://10.0.0.1/", "http://127.0.0.1.example/",
    ])
    func addressesThatAreNoneAreRefused(text: String) {
        #expect(KeySetAddress.fault(in: text) != nil)
    }
}
