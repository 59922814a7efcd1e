// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import Testing

@testable import SyncServer

@Suite struct HTTPServerRefusalTests {
    @Test(arguments: ["\u{16}\u{3}\u{1}", "GET / HTTP/1.1\nHost: a\n\n", "x\r\n\r\n"])
    func answersGarbageWith400AndCloses(_ garbage: String) throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        try client.send(garbage)

        let response = try client.response()
        #expect(response.status == 400)
        #expect(response.head.contains("\r\nConnection: close"))
        #expect(try client.rest() == "")
    }

    @Test func answersWhatCameBeforeTheGarbage() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        try client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n")

        #expect(try client.response().text == "/first")
        #expect(try client.response().status == 400)
        #expect(try client.rest() == "")
    }

    @Test func answers413WhileThePeerGoesOnSending() throws {
        var configuration = HTTPServerConfiguration()
        configuration.limits = HTTPLimits(maxBodyBytes: 100_000)
        let running = try RunningServer(configuration)
        defer { running.stop() }
        let client = try running.connect()
        let chunk = "186A0\r\n" + String(repeating: "x", count: 100_000) + "\r\n"

        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<20 { try client.send(chunk) }

        #expect(try client.response().status == 413)
        client.endSending()
        #expect(try client.rest() == "")
    }

    @Test func asksForABodyThatIsHeldBack() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"

        try client.send(head + "Expect: 100-continue\r\n\r\n")
        #expect(try client.response().status == 100)
        try client.send("hi")
        #expect(try client.response().text == "hi")
    }

    @Test func answers408WhenTheHeadersDoNotCome() throws {
        var configuration = HTTPServerConfiguration()
        configuration.headerTimeout = .milliseconds(30)
        let running = try RunningServer(configuration)
        defer { running.stop() }
        let client = try running.connect()

        try client.send("GET / HTTP/1.1\r\nHost:")

        #expect(try client.response().status == 408)
        #expect(try client.rest() == "")
    }

    @Test func answers408WhenTheBodyDoesNotCome() throws {
        var configuration = HTTPServerConfiguration()
        configuration.bodyTimeout = .milliseconds(30)
        let running = try RunningServer(configuration)
        defer { running.stop() }
        let client = try running.connect()

        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhi")

        #expect(try client.response().status == 408)
        #expect(try client.rest() == "")
    }

    @Test func closesAnIdleConnectionWithoutAWord() throws {
        var configuration = HTTPServerConfiguration()
        configuration.idleTimeout = .milliseconds(30)
        let running = try RunningServer(configuration)
        defer { running.stop() }
        let fresh = try running.connect()
        let used = try running.connect()
        try used.get("/x")
        #expect(try used.response().text == "/x")

        #expect(try fresh.rest() == "")
        #expect(try used.rest() == "")
    }

    @Test func answers503OverTheLimitOfConnections() throws {
        var configuration = HTTPServerConfiguration()
        configuration.maxConnections = 2
        let running = try RunningServer(configuration)
        defer { running.stop() }
        let clients = [try running.connect(), try running.connect()]
        for client in clients {
            try client.get("/x")
            _ = try client.response()
        }

        let extra = try running.connect()
        #expect(try extra.response().status == 503)
        #expect(try extra.rest() == "")
        try clients[0].get("/y")
        #expect(try clients[0].response().text == "/y")
    }

    @Test func closesWhenThePeerSaysClose() throws {
        var configuration = HTTPServerConfiguration()
        configuration.lingerTimeout = .seconds(600)
        let running = try RunningServer(configuration)
        defer { running.stop() }
        let client = try running.connect()

        try client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

        let response = try client.response()
        #expect(response.text == "/x" && response.head.contains("\r\nConnection: close"))
        #expect(try client.rest() == "")
        client.endSending()
    }
}

@Suite(.serialized) struct HTTPServerStopTests {
    @Test func finishesWhatIsInProcessAndThenReturns() throws {
        let running = try RunningServer()
        let idle = try running.connect()
        try idle.get("/x")
        _ = try idle.response()
        let waiting = try running.connect()
        try waiting.get("/hold")
        while !running.log.all.contains("held") {
            try idle.get("/x")
            _ = try idle.response()
        }

        running.server.stop()

        let response = try waiting.response()
        #expect(response.text == "held")
        #expect(response.head.contains("\r\nConnection: close"))
        #expect(try waiting.rest() == "")
        #expect(try idle.rest() == "")
        waiting.endSending()
        #expect(running.waitForEnd())
        #expect(running.log.all == ["held", "stopping", "drained"])
        #expect(throws: RawClient.Failure.self) { try running.connect() }
    }

    @Test func givesUpWhatIsNotFinishedWithinTheGrace() throws {
        var configuration = HTTPServerConfiguration()
        configuration.shutdownGrace = .milliseconds(30)
        let running = try RunningServer(configuration)
        let client = try running.connect()
        try client.get("/x")
        _ = try client.response()
        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
        try client.send("hi")

        running.server.stop()

        #expect(running.waitForEnd())
        #expect(running.log.all.last == "drained")
    }

    @Test func stopsBeforeItRunsAndMoreThanOnce() throws {
        let log = HTTPEventLog()
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(), handler: ScriptedHandler(log: log))
        server.stop()
        server.stop()

        server.run()

        #expect(log.all == ["stopping", "drained"])
    }

    @Test func stopsAtSIGTERM() throws {
        let running = try RunningServer()
        running.server.installStopSignals()

        kill(getpid(), SIGTERM)

        #expect(running.waitForEnd())
        #expect(running.log.all == ["stopping", "drained"])
    }
}

@Suite struct HTTPListenerTests {
    @Test(arguments: ["127.0.0.1", "localhost", "::1", "[::1]", "0.0.0.0"])
    func listensOnAFreePort(host: String) throws {
        #expect(try Listener(host: host, port: 0).port > 0)
    }

    @Test(arguments: ["example.org", "", "127.0.0", "[127.0.0.1"])
    func refusesWhatIsNoAddress(host: String) {
        let error = #expect(throws: HTTPServerError.self) { try Listener(host: host, port: 0) }
        #expect(error?.code == .address)
    }

    @Test func saysThatAPortIsTaken() throws {
        let listener = try Listener(host: "127.0.0.1", port: 0)

        let error = #expect(throws: HTTPServerError.self) {
            try Listener(host: "127.0.0.1", port: listener.port)
        }
        #expect(error?.code == .addressInUse)
    }
}
