// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@testable import SyncServer

/// A connection without a socket, and a clock that is set by hand.
struct ManualConnection {
    static let second: UInt64 = 1_000_000_000
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    private(set) var connection: HTTPConnection
    var now: UInt64 = 1_000 * second

    init(_ configuration: HTTPServerConfiguration = HTTPServerConfiguration()) {
        connection = HTTPConnection(rules: HTTPConnectionRules(configuration), now: now)
    }

    var state: HTTPConnection.State { connection.state }

    /// Seconds from now to the deadline.
    var secondsLeft: Double? {
        connection.deadline.map { (Double($0) - Double(now)) / Double(Self.second) }
    }

    mutating func receive(_ text: String) {
        Array(text.utf8).withUnsafeBytes { connection.receive($0, now: now) }
    }

    mutating func receiveEnd() { connection.receiveEnd(now: now) }

    /// The path of the next request, or the status of a refusal.
    mutating func next() -> String? { ManualConnection.name(connection.next(now: now)) }

    /// What is due now, named as `next` does.
    mutating func advance() -> String? { ManualConnection.name(connection.advance(to: now)) }

    mutating func respond(_ body: String = "", status: Int = 200) {
        connection.respond(HTTPResponse(status: status, body: Array(body.utf8)), now: now)
    }

    /// Lets the socket take at most `limit` bytes of the output and returns them.
    @discardableResult
    mutating func flush(_ limit: Int = .max) -> String {
        var taken: [UInt8] = []
        while connection.wantsWrite && taken.count < limit {
            let part = connection.output.withFirst { bytes, _ in
                Array(bytes.prefix(limit - taken.count))
            }
            connection.sent(part.count, now: now)
            taken += part
        }
        return String(decoding: taken, as: UTF8.self)
    }

    mutating func beginStop() { connection.beginStop(now: now) }

    private static func name(_ event: HTTPConnection.Event?) -> String? {
        switch event {
        case .request(let request): request.target
        case .rejected(let rejection): String(rejection.status)
        case nil: nil
        }
    }
}

@Suite struct HTTPConnectionTests {
    @Test func handsOutTheNextRequestOnlyAfterThePreviousWasAnswered() {
        var peer = ManualConnection()
        peer.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")

        #expect(peer.next() == "/1")
        #expect(peer.next() == nil)
        peer.respond("one")
        #expect(peer.next() == "/2")
        peer.respond("two")

        let sent = peer.flush()
        #expect(sent.hasSuffix("one" + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo"))
    }

    @Test func readsNothingWhileARequestIsInProcess() {
        var peer = ManualConnection()
        #expect(peer.connection.wantsRead)
        peer.receive(ManualConnection.get)
        #expect(peer.next() == "/")
        #expect(!peer.connection.wantsRead)

        peer.respond()
        #expect(peer.next() == nil)
        #expect(peer.connection.wantsRead)
    }

    @Test func readsNothingWhileRequestsWaitToBeHandedOut() {
        var peer = ManualConnection()
        peer.receive(ManualConnection.get + ManualConnection.get)

        #expect(peer.next() == "/")
        peer.respond()

        #expect(!peer.connection.wantsRead)
        #expect(peer.connection.wantsTurn)
    }

    @Test func takesNoFurtherRequestWhileThePeerLeavesItsAnswersUnread() {
        var configuration = HTTPServerConfiguration()
        configuration.maxUnsentBytes = 100
        var peer = ManualConnection(configuration)
        peer.receive(ManualConnection.get + ManualConnection.get)
        _ = peer.next()
        peer.respond(String(repeating: "x", count: 200))

        #expect(peer.next() == nil)
        #expect(!peer.connection.wantsRead && !peer.connection.wantsTurn)
        peer.flush(peer.connection.output.count - 100)
        #expect(peer.next() == "/")
    }

    @Test func closesAfterTheAnswerWhenThePeerSaysClose() {
        var peer = ManualConnection()
        peer.receive(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + ManualConnection.get)
        _ = peer.next()
        peer.respond()

        #expect(peer.next() == nil)
        #expect(peer.state == .closing)
        #expect(peer.flush().contains("\r\nConnection: close\r\n"))
        #expect(peer.state == .lingering && peer.connection.wantsRead)
        peer.receiveEnd()
        #expect(peer.state == .closed)
    }

    @Test func answersARefusalThenClosesAndThrowsAwayTheRest() {
        var configuration = HTTPServerConfiguration()
        configuration.maxLingerBytes = 1_000
        var peer = ManualConnection(configuration)
        peer.receive("nonsense\r\n")

        #expect(peer.next() == "400")
        peer.respond(status: 400)
        #expect(peer.flush().hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        peer.receive(String(repeating: "x", count: 1_000))
        #expect(peer.state == .lingering)
        peer.receive("x")
        #expect(peer.state == .closed)
    }

    @Test func answersAPeerThatHasEndedItsSending() {
        var peer = ManualConnection()
        peer.receive(ManualConnection.get + ManualConnection.get)
        #expect(peer.next() == "/")
        peer.receiveEnd()
        peer.respond("one")
        #expect(peer.next() == "/")
        peer.respond("two")

        #expect(peer.next() == nil)
        #expect(peer.flush().hasSuffix("two"))
        #expect(peer.state == .closed)
    }

    @Test func closesWhenThePeerEndsWithinARequest() {
        var peer = ManualConnection()
        peer.receive("GET / HTTP/1.1\r\n")
        #expect(peer.next() == nil)
        peer.receiveEnd()

        #expect(peer.next() == nil)
        #expect(peer.state == .closed)
    }

    @Test func answersHEADWithoutABody() {
        var peer = ManualConnection()
        peer.receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = peer.next()
        peer.respond("hello")

        #expect(peer.flush() == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    }

    @Test func asksForABodyThatThePeerHoldsBack() {
        var peer = ManualConnection()
        peer.receive(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")

        #expect(peer.next() == nil)
        #expect(peer.flush() == "HTTP/1.1 100 Continue\r\n\r\n")
        peer.receive("x")
        #expect(peer.next() == "/")
    }

    @Test func sendsALargeBodyBehindItsHeadUnchanged() {
        var peer = ManualConnection()
        let body = String(repeating: "0123456789", count: 20_000)
        peer.receive(ManualConnection.get)
        _ = peer.next()
        peer.respond(body)

        #expect(peer.flush() == "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + body)
    }

    @Test func endsKeepAliveWhenStopping() {
        var idle = ManualConnection()
        idle.beginStop()
        #expect(idle.state == .closed)

        var busy = ManualConnection()
        busy.receive(ManualConnection.get)
        _ = busy.next()
        busy.beginStop()
        #expect(busy.state == .answering)
        busy.respond()
        #expect(busy.flush().contains("\r\nConnection: close\r\n"))
        #expect(busy.state == .lingering)
    }

    @Test func closesAStoppingConnectionThatProvesToHoldNoFurtherRequest() {
        var peer = ManualConnection()
        // An empty line between requests is skipped.
        peer.receive(ManualConnection.get + "\r\n")
        _ = peer.next()
        peer.respond()
        peer.flush()
        peer.beginStop()

        #expect(peer.next() == nil)
        #expect(peer.state == .lingering)
    }

    @Test func isReadOnAtOnceAfterAnAnswerIfNothingMoreHasCome() {
        var peer = ManualConnection()
        peer.receive(ManualConnection.get)
        _ = peer.next()
        peer.respond()
        #expect(peer.connection.wantsRead && !peer.connection.wantsTurn)

        peer.receive(ManualConnection.get + "G")
        _ = peer.next()
        peer.respond()
        #expect(!peer.connection.wantsRead && peer.connection.wantsTurn)
    }

    @Test func finishesARequestThatWasComingWhenItStopped() {
        var peer = ManualConnection()
        peer.receive("GET / HTTP/1.1\r\n")
        _ = peer.next()
        peer.beginStop()
        #expect(peer.state == .open)

        peer.receive("Host: a\r\n\r\n")
        #expect(peer.next() == "/")
    }
}
