// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import Synchronization
import Testing

@testable import SyncClient

/// How the transport gets, keeps and loses connections.
@Suite(.timeLimit(.minutes(10))) struct HTTPTransportConnectionTests {
    private typealias Fixture = HTTPTransportFixture

    @Test func sendsTheRequestAsTheServerExpectsIt() async throws {
        let seen = Mutex<HTTPRequest?>(nil)
        let server = try LoopbackServer { connection in
            let request = connection.request()
            seen.withLock { $0 = request }
            connection.send(Fixture.answer)
        }
        defer { server.stop() }
        let url = try #require(URL(string: "HTTP://127.0.0.1:\(server.port)/a%20b/?q=%20"))

        let transport = HTTPTransport(server: url) { "secret\r\nX: y" }
        _ = try await transport.exchange([1, 2], path: "/v1/push", waitMilliseconds: 0)

        let request = try #require(seen.withLock { $0 })
        #expect(request.method == .post)
        #expect(request.target == "/a%20b/v1/push?q=%20")
        #expect(request.body == [1, 2])
        #expect(request.headers["Host"] == "127.0.0.1:\(server.port)")
        #expect(request.headers["Content-Type"] == "application/cbor")
        #expect(request.headers["Accept"] == "application/cbor")
        #expect(request.headers["Authorization"] == "Bearer secret  X: y")
        #expect(!request.headers.contains("X"))
    }

    @Test func usesOneConnectionForOneRequestAfterAnother() async throws {
        let server = try LoopbackServer { connection in
            while connection.request() != nil { connection.send(Fixture.answer) }
        }
        defer { server.stop() }
        // However slow the machine is, no connection is unused for an hour.
        let loop = HTTPSocketLoop(idleNanoseconds: 3_600_000_000_000)
        let fixture = try Fixture(port: server.port, loop: loop)

        for _ in 0..<20 { #expect(try await fixture.text() == "ok") }

        #expect(server.acceptedCount == 1)
    }

    @Test(
        "uses no connection again that is not clean",
        arguments: [
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
        ])
    func usesNoConnectionAgainThatIsNotClean(_ answer: String) async throws {
        let server = try LoopbackServer { connection in
            while connection.request() != nil { connection.send(answer) }
        }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        for _ in 0..<3 { #expect(try await fixture.text() == "ok") }

        #expect(server.acceptedCount == 3)
    }

    enum Farewell: CaseIterable { case close, reset, answerNobodyAskedFor }

    @Test("gets another connection when the kept one has died", arguments: Farewell.allCases)
    func getsAnotherConnectionWhenTheKeptOneHasDied(_ farewell: Farewell) async throws {
        let (ended, end) = AsyncStream<Void>.makeStream()
        let (answered, answer) = AsyncStream<Void>.makeStream()
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send(Fixture.answer)
            guard connection.number == 0 else { return connection.waitForEnd() }
            // Only a client that has its answer can have kept the connection.
            Self.wait(for: answered)
            switch farewell {
            case .close: connection.close()
            case .reset: connection.reset()
            case .answerNobodyAskedFor:
                connection.send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
            }
            end.finish()
            if farewell == .answerNobodyAskedFor { connection.waitForEnd() }
        }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        #expect(try await fixture.text() == "ok")
        answer.finish()
        for await _ in ended {}
        #expect(try await fixture.text() == "ok")

        #expect(server.acceptedCount == 2)
    }

    /// Blocks the thread of a script until the stream ends.
    private static func wait(for stream: AsyncStream<Void>) {
        let done = DispatchSemaphore(value: 0)
        Task {
            for await _ in stream {}
            done.signal()
        }
        done.wait()
    }

    @Test func carriesFiftyRequestsAtOnce() async throws {
        let server = try LoopbackServer { connection in
            while let request = connection.request() {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(request.body.count)\r\n\r\n")
                connection.send(request.body)
            }
        }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<50 {
                group.addTask {
                    let body = [UInt8](repeating: UInt8(index), count: 1 + index * 1_000)
                    for _ in 0..<4 {
                        let answer = try await fixture.exchange(body)
                        #expect(answer.body == body)
                    }
                }
            }
            try await group.waitForAll()
        }

        #expect(server.acceptedCount <= 200)
    }

    @Test func saysThatNobodyListens() async throws {
        let listener = try LoopbackServer.makeListener(backlog: 1)
        let port = LoopbackServer.port(of: listener)
        SocketCalls.close(listener)

        let error = try await Fixture(port: port).error()

        #expect(error?.code == .network)
        #expect(error?.message.contains("Is the server running there?") == true)
    }

    @Test func saysThatANameStandsForNoAddress() async throws {
        // No resolver is asked about a label of more than 63 bytes (RFC 1035 §2.3.4).
        let host = String(repeating: "x", count: 64) + ".invalid"

        let error = try await Fixture(port: 80, host: host).error()

        #expect(error?.code == .network)
        #expect(error?.message.contains("cannot be reached") == true)
    }

    @Test func findsAServerByItsName() async throws {
        let server = try LoopbackServer { connection in
            while connection.request() != nil { connection.send(Fixture.answer) }
        }
        defer { server.stop() }

        #expect(try await Fixture(port: server.port, host: "localhost").text() == "ok")
    }

    @Test func triesTheNextAddressWhenOneTakesNoConnection() async throws {
        let listener = try LoopbackServer.makeListener(backlog: 1)
        let deaf = LoopbackServer.loopback(LoopbackServer.port(of: listener))
        SocketCalls.close(listener)
        let server = try LoopbackServer { connection in
            while connection.request() != nil { connection.send(Fixture.answer) }
        }
        defer { server.stop() }
        let address = server.address
        let loop = HTTPSocketLoop { _ in .success([deaf, address]) }

        #expect(try await Fixture(port: server.port, host: "two.test", loop: loop).text() == "ok")
    }

    @Test(
        "refuses an address that no request can be sent to",
        arguments: ["http:/v1", "http://127.0.0.1:99999"])
    func refusesAnAddressThatNoRequestCanBeSentTo(_ text: String) async throws {
        let transport = HTTPTransport(server: try #require(URL(string: text)))

        let error = await #expect(throws: SyncError.self) {
            try await transport.exchange([], path: "/v1/pull", waitMilliseconds: 0)
        }

        #expect(error?.code == .configuration)
    }
}
