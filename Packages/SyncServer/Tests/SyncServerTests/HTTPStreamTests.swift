// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@testable import SyncServer

/// Answers that go on: the connection's part in them.
@Suite struct HTTPStreamTests {
    private static let second: UInt64 = 1_000_000_000
    private static let head = Array("HTTP/1.1 200 OK\r\n\r\n".utf8)

    private func connection(
        _ text: String = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    ) -> HTTPConnection {
        var connection = HTTPConnection(
            rules: HTTPConnectionRules(HTTPServerConfiguration()), now: 0)
        Array(text.utf8).withUnsafeBytes { connection.receive($0, now: 0) }
        guard case .request? = connection.next(now: 0) else {
            Issue.record("There is no request")
            return connection
        }
        return connection
    }

    /// Takes all output, as a peer does that reads.
    private func take(_ connection: inout HTTPConnection, now: UInt64 = 0) -> String {
        var bytes: [UInt8] = []
        while connection.wantsWrite {
            let part = connection.output.withFirst { part, _ in [UInt8](part) }
            connection.sent(part.count, now: now)
            bytes += part
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func goesOnUntilItsSenderEndsIt() {
        var connection = connection()
        #expect(connection.beginStream(head: Self.head, now: 0) == [])
        connection.stream(Array("one".utf8)[...], now: 0)
        #expect(take(&connection) == "HTTP/1.1 200 OK\r\n\r\none")
        #expect(connection.state == .streaming && connection.deadline == nil)

        connection.stream(Array("two".utf8)[...], now: 0)
        connection.endStream(now: 0)
        connection.stream(Array("three".utf8)[...], now: 0)
        #expect(connection.state == .closing)
        #expect(take(&connection) == "two")
        #expect(connection.state == .lingering)
    }

    @Test func handsOnWhatCameBehindTheRequest() {
        var connection = connection("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /second")
        #expect(connection.beginStream(head: Self.head, now: 0) == Array("GET /second".utf8))
        #expect(connection.next(now: 0) == nil)
    }

    @Test func endsWithThePeer() {
        var connection = connection()
        _ = connection.beginStream(head: Self.head, now: 0)
        connection.receiveEnd(now: 0)
        #expect(connection.state == .closed && !connection.wantsWrite)
    }

    @Test func doesNotBeginForAPeerThatHasEnded() {
        var connection = connection()
        connection.receiveEnd(now: 0)
        _ = connection.beginStream(head: Self.head, now: 0)
        #expect(connection.state == .closed)
    }

    @Test func isGivenUpWhenThePeerReadsNothing() {
        var connection = connection()
        _ = connection.beginStream(head: Self.head, now: 0)
        _ = take(&connection)
        connection.stream(Array("unread".utf8)[...], now: 5 * Self.second)
        let deadline = 80 * Self.second
        #expect(connection.deadline == deadline)
        #expect(connection.advance(to: deadline - 1) == nil && connection.state == .streaming)
        #expect(connection.advance(to: deadline) == nil && connection.state == .closed)
    }

    @Test func isNotReadWhileItsAnswersAreUnread() {
        var connection = connection()
        _ = connection.beginStream(head: [], now: 0)
        connection.stream([UInt8](repeating: 0, count: 1 << 20)[...], now: 0)
        #expect(connection.wantsRead)
        connection.stream([0], now: 0)
        #expect(!connection.wantsRead)
    }

    @Test func isNoIdleConnectionForAServerThatStops() {
        var connection = connection()
        _ = connection.beginStream(head: Self.head, now: 0)
        _ = take(&connection)
        connection.beginStop(now: 0)
        #expect(connection.state == .streaming)
    }

    /// What a receiver hears.
    private final class Ear: StreamReceiver {
        var heard: [String] = []
        func received(_ bytes: UnsafeRawBufferPointer) {
            heard.append(String(decoding: bytes, as: UTF8.self))
        }
        func drained() { heard.append("drained") }
        func abandoned() { heard.append("abandoned") }
    }

    /// A carrier that only counts.
    private final class Carrier: StreamCarrier {
        var unsentCount = 0
        var hasEnded = false
        func write(_ bytes: ArraySlice<UInt8>) { unsentCount += bytes.count }
        func endStream() { hasEnded = true }
    }

    @Test func tellsItsReceiverWhatHappensAndNothingAfterTheEnd() {
        let (ear, carrier) = (Ear(), Carrier())
        let stream = ResponseStream(carrier: carrier, receiver: ear)
        stream.noteDrained()
        stream.receive(Array("a".utf8))
        stream.receive([])
        stream.waitForRoom()
        stream.noteDrained()
        stream.noteDrained()
        #expect(ear.heard == ["a", "drained"])

        stream.end()
        stream.receive(Array("b".utf8))
        stream.write([1])
        stream.abandon()
        #expect(ear.heard == ["a", "drained"])
        #expect(carrier.hasEnded && carrier.unsentCount == 0)
    }

    @Test func tellsItsReceiverOnceThatThePeerHasGone() {
        let (ear, carrier) = (Ear(), Carrier())
        let stream = ResponseStream(carrier: carrier, receiver: ear)
        stream.abandon()
        stream.abandon()
        stream.end()
        #expect(ear.heard == ["abandoned"] && !carrier.hasEnded)
    }

    @Test func anExchangeIsAnsweredByAStreamOnce() {
        var heads: [[UInt8]] = []
        var answers = 0
        let carrier = Carrier()
        let opening: Exchange.StreamOpening = { head, receiver in
            heads.append(head)
            return ResponseStream(carrier: carrier, receiver: receiver)
        }
        do {
            let exchange = Exchange(
                request: HTTPRequest(method: .get, target: "/"), id: 1, openStream: opening
            ) { _ in answers += 1 }
            #expect(exchange.startStream(head: [7], Ear()) != nil)
        }
        do {
            let gone = Exchange(
                request: HTTPRequest(method: .get, target: "/"), id: 2, openStream: opening
            ) { _ in answers += 1 }
            gone.abandon()
            #expect(gone.startStream(head: [8], Ear()) == nil)
        }
        #expect(heads == [[7]] && answers == 0)
    }
}
