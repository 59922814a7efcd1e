// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import Testing

@testable import SyncClient

/// What the transport makes of the bytes that a server sends, over real sockets.
@Suite(.timeLimit(.minutes(10))) struct HTTPTransportAnswerTests {
    private typealias Fixture = HTTPTransportFixture

    private static let chunked =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        + "Retry-After: 7\r\n\r\n5;x\r\nhello\r\n2\r\nok\r\n0\r\nTrailer: y\r\n\r\n"

    enum Cut: CaseIterable { case close, reset, endSending }

    @Test("ends in an error wherever the answer is cut", arguments: Cut.allCases)
    func endsInAnErrorWhereverTheAnswerIsCut(_ cut: Cut) async throws {
        let bytes = Array(Self.chunked.utf8)
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send(bytes[..<connection.number])
            switch cut {
            case .close: connection.close()
            case .reset: connection.reset()
            case .endSending:
                connection.endSending()
                connection.waitForEnd()
            }
        }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        for count in bytes.indices {
            let error = await fixture.error()
            #expect(error?.code == .network, "cut at \(count): \(String(describing: error))")
        }
        // The server may have acted on each request, so none was sent twice.
        #expect(server.acceptedCount == bytes.count)
    }

    @Test("reads an answer that comes byte by byte", arguments: [chunked, Fixture.answer])
    func readsAnAnswerThatComesByteByByte(_ text: String) async throws {
        let server = try LoopbackServer { connection in
            while connection.request() != nil {
                for byte in text.utf8 { connection.send(CollectionOfOne(byte)) }
            }
        }
        defer { server.stop() }
        let fixture = try Fixture(port: server.port)

        #expect(try await fixture.text() == (text == Self.chunked ? "hellook" : "ok"))
        #expect(
            try await fixture.exchange().retryAfterSeconds == (text == Self.chunked ? 7 : nil))
    }

    @Test func readsABodyUntilTheServerEndsItsSending() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.0 503 Busy\r\n\r\nlater")
            connection.endSending()
            connection.waitForEnd()
        }
        defer { server.stop() }

        let answer = try await Fixture(port: server.port).exchange()

        #expect(answer.status == 503)
        #expect(answer.body == Array("later".utf8))
    }

    @Test func takesAResetInsideABodyWithoutALengthForNoAnswer() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\n\r\nhalf")
            connection.reset()
        }
        defer { server.stop() }

        #expect(try await Fixture(port: server.port).error()?.code == .network)
    }

    @Test func takesAnAnswerThatComesBeforeTheRequestIsSent() async throws {
        let done = DispatchSemaphore(value: 0)
        defer { done.signal() }
        let server = try LoopbackServer { connection in
            connection.send("HTTP/1.1 413 \r\nContent-Length: 2\r\n\r\nno")
            done.wait()
        }
        defer { server.stop() }

        let answer = try await Fixture(port: server.port).exchange(Fixture.largeBody)

        #expect(answer.status == 413)
    }

    @Test(
        "refuses an answer over the limit",
        arguments: [
            "Content-Length: 101\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n65\r\n",
            "\r\n" + String(repeating: "x", count: 101),
            "X: " + String(repeating: "x", count: 401),
        ])
    func refusesAnAnswerOverTheLimit(_ rest: String) async throws {
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\n" + rest)
            connection.waitForEnd()
        }
        defer { server.stop() }
        let limits = HTTPLimits(maxHeadBytes: 400, maxBodyBytes: 100)

        let error = try await Fixture(port: server.port, limits: limits).error()

        #expect(error?.code == .answerTooLarge)
        #expect(error?.message.contains("larger than") == true)
    }

    @Test(
        "refuses what is no answer",
        arguments: [
            "\u{15}\u{3}\u{1}\0\u{2}\u{2}\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n",
            "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        ])
    func refusesWhatIsNoAnswer(_ text: String) async throws {
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send(text)
            connection.waitForEnd()
        }
        defer { server.stop() }

        let error = try await Fixture(port: server.port).error()

        #expect(error?.code == .invalidAnswer)
        #expect(error?.message.contains("HTTP/1.1") == true)
    }

    @Test func failsWhenTheServerIsSilentForTheWholeTimeout() async throws {
        let server = try LoopbackServer { connection in
            _ = connection.request()
            connection.send("HTTP/1.1 200 OK\r\n")
            connection.waitForEnd()
        }
        defer { server.stop() }

        let error = try await Fixture(port: server.port, timeout: .milliseconds(50)).error()

        #expect(error?.code == .timeout)
    }
}
