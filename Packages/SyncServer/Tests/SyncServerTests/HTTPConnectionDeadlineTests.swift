// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

@testable import SyncServer

@Suite struct HTTPConnectionDeadlineTests {
    private static let post =
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16000000\r\n\r\n"

    @Test func closesAnIdleConnectionSilentlyAndNotBeforeItsTime() {
        var peer = ManualConnection()

        peer.now += 75 * ManualConnection.second - 1
        #expect(peer.advance() == nil && peer.state == .open)
        peer.now += 1
        #expect(peer.advance() == nil)
        #expect(peer.state == .closed && !peer.connection.wantsWrite)
    }

    @Test func countsIdleTimeFromTheLastAnswer() {
        var peer = ManualConnection()
        peer.now += 60 * ManualConnection.second
        peer.receive(ManualConnection.get)
        _ = peer.next()
        #expect(peer.secondsLeft == nil)

        peer.now += 500 * ManualConnection.second
        peer.respond()
        peer.now += ManualConnection.second
        peer.flush()

        #expect(peer.secondsLeft == 75)
    }

    @Test func givesTheHeadersTheirTimeFromTheFirstByteHoweverTheyTrickle() {
        var peer = ManualConnection()
        peer.now += 70 * ManualConnection.second
        peer.receive("GET")
        #expect(peer.next() == nil && peer.secondsLeft == 10)

        for _ in 0..<9 {
            peer.now += ManualConnection.second
            peer.receive("T")
            #expect(peer.next() == nil && peer.advance() == nil)
        }
        #expect(peer.secondsLeft == 1)
        peer.now += ManualConnection.second
        #expect(peer.advance() == "408")
        peer.respond(status: 408)
        #expect(peer.flush().contains("Connection: close"))
        #expect(peer.state == .lingering)
    }

    @Test func givesTheBodyItsTimeFromTheEndOfTheHeaders() {
        var peer = ManualConnection()
        peer.receive("POST")
        _ = peer.next()
        peer.now += 9 * ManualConnection.second
        peer.receive(String(Self.post.dropFirst(4)))
        #expect(peer.next() == nil)
        #expect(peer.secondsLeft == 30)

        peer.now += 30 * ManualConnection.second
        #expect(peer.advance() == "408")
    }

    @Test func givesABodyMoreTimeWhileItKeepsTheRate() {
        var peer = ManualConnection()
        peer.receive(Self.post)
        #expect(peer.next() == nil)

        peer.receive(String(repeating: "x", count: 40 * 16 * 1024))
        #expect(peer.next() == nil)
        #expect(peer.secondsLeft == 40)
        peer.now += 39 * ManualConnection.second
        peer.receive(String(repeating: "x", count: 16 * 1024))
        #expect(peer.next() == nil)
        #expect(peer.secondsLeft == 2)
        peer.now += 2 * ManualConnection.second
        #expect(peer.advance() == "408")
    }

    @Test func blamesNoPeerForTheTimeThatItsPreviousRequestTook() {
        var peer = ManualConnection()
        peer.receive(ManualConnection.get + "GET /2")
        _ = peer.next()
        peer.now += 100 * ManualConnection.second
        peer.respond()

        #expect(peer.next() == nil)
        #expect(peer.secondsLeft == 10)
    }

    @Test func closesAPeerThatDoesNotReadItsAnswer() {
        var peer = ManualConnection()
        peer.receive(ManualConnection.get)
        _ = peer.next()
        peer.respond(String(repeating: "x", count: 4 << 20))
        #expect(peer.secondsLeft == 75)

        peer.flush(100 * 16 * 1024)
        #expect(peer.secondsLeft == 100)
        peer.now += 100 * ManualConnection.second
        #expect(peer.advance() == nil)
        #expect(peer.state == .closed)
    }

    @Test func lingersForABoundedTime() {
        var peer = ManualConnection()
        peer.receive("GET / HTTP/1.0\r\n\r\n")
        _ = peer.next()
        peer.respond()
        peer.flush()
        #expect(peer.state == .lingering && peer.secondsLeft == 2)

        peer.now += ManualConnection.second
        peer.receive("more")
        #expect(peer.secondsLeft == 1)
        peer.now += ManualConnection.second
        #expect(peer.advance() == nil)
        #expect(peer.state == .closed)
    }
}
