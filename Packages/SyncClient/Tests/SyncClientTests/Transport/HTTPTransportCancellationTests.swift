// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import Testing

@testable import SyncClient

/// That a cancelled request ends at once, whatever it is waiting for; its own timeout is an hour.
@Suite(.timeLimit(.minutes(10))) struct HTTPTransportCancellationTests {
    private typealias Fixture = HTTPTransportFixture

    @Test func endsBeforeAnythingIsSent() async throws {
        let server = try LoopbackServer { $0.waitForEnd() }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await fixture.exchange()
        }

        #expect(await #expect(throws: SyncError.self) { try await task.value }?.code == .cancelled)
        #expect(server.acceptedCount == 0)
    }

    @Test func endsWhileANameIsLookedUp() async throws {
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let release = DispatchSemaphore(value: 0)
        defer { release.signal() }
        let loop = HTTPSocketLoop { _ in
            ask.yield()
            release.wait()
            return .success([])
        }

        let error = try await Fixture(port: 80, host: "slow.test", loop: loop)
            .errorOfCancelling(at: asked)

        #expect(error?.code == .cancelled)
    }

    @Test func endsWhileItConnects() async throws {
        let listener = try LoopbackServer.makeListener(backlog: 0)
        defer { SocketCalls.close(listener) }
        let port = LoopbackServer.port(of: listener)
        // Nobody accepts, so that the queue is full and what comes now waits.
        var held: [CInt] = []
        defer { held.forEach(SocketCalls.close) }
        for _ in 0..<4 {
            if let descriptor = SocketCalls.connect(to: LoopbackServer.loopback(port)).descriptor {
                held.append(descriptor)
            }
        }
        let (asked, ask) = AsyncStream<Void>.makeStream()
        let loop = HTTPSocketLoop { origin in
            ask.yield()
            return .success([LoopbackServer.loopback(origin.port)])
        }

        let error = try await Fixture(port: port, host: "full.test", loop: loop)
            .errorOfCancelling(at: asked)

        #expect(error?.code == .cancelled)
    }

    @Test func endsWhileItSends() async throws {
        let (accepted, accept) = AsyncStream<Void>.makeStream()
        let stop = DispatchSemaphore(value: 0)
        defer { stop.signal() }
        let server = try LoopbackServer { _ in
            accept.yield()
            stop.wait()
        }
        defer { server.stop() }

        let error = try await Fixture(port: server.port)
            .errorOfCancelling(Fixture.largeBody, at: accepted)

        #expect(error?.code == .cancelled)
    }

    @Test(
        "ends while it receives", arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"])
    func endsWhileItReceives(_ part: String) async throws {
        let (sent, send) = AsyncStream<Void>.makeStream()
        let (closed, close) = AsyncStream<Void>.makeStream()
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send(part)
            send.yield()
            connection.waitForEnd()
            close.finish()
        }
        defer { server.stop() }

        let error = try await Fixture(port: server.port).errorOfCancelling(at: sent)

        #expect(error?.code == .cancelled)
        // The server is not left waiting either.
        for await _ in closed {}
    }

    @Test func leavesOtherRequestsAlone() async throws {
        let (seen, see) = AsyncStream<Void>.makeStream()
        let server = try LoopbackServer { connection in
            while let request = connection.request() {
                if request.body.isEmpty {
                    see.yield()
                } else {
                    connection.send(Fixture.answer)
                }
            }
        }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        async let error = fixture.errorOfCancelling([], at: seen)
        for _ in 0..<20 { #expect(try await fixture.text() == "ok") }

        #expect(await error?.code == .cancelled)
    }
}
