// SPDX-License-Identifier: MIT

import Foundation
import HTTPWire
import Synchronization
import Testing

@testable import SyncServer

@Suite struct HTTPServerTests {
    @Test func answersManyRequestsOnOneConnection() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        for index in 0..<200 {
            try client.get("/\(index)")
            let response = try client.response()
            #expect(response.status == 200 && response.text == "/\(index)")
        }
    }

    @Test func answersPipelinedRequestsInOrder() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        // More than a turn's share, some answered at once and some at the end of the batch.
        let paths = (0..<100).map { $0 % 3 == 0 ? "/batched" : "/\($0)" }
        try client.send(paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())

        for path in paths {
            let expected = path == "/batched" ? "batched" : path
            #expect(try client.response().text == expected)
        }
    }

    @Test func sendsNothingBeforeTheEndOfTheBatch() throws {
        let descriptor = Atomic<CInt>(-1)
        let running = try RunningServer { log in
            BatchWitness(log: log) {
                RawClient.hasBytes(descriptor.load(ordering: .sequentiallyConsistent))
            }
        }
        defer { running.stop() }
        let client = try running.connect()
        descriptor.store(client.descriptor, ordering: .sequentiallyConsistent)

        for _ in 0..<3 {
            try client.get("/")
            #expect(try client.response().status == 200)
        }

        #expect(running.log.all == Array(repeating: "not yet sent", count: 3))
    }

    @Test func takesARequestByteByByte() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        for byte in "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".utf8 {
            try client.send([byte])
        }

        #expect(try client.response().text == "hello")
    }

    @Test func joinsTheChunksOfABody() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        try client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in ["5\r\nhel", "lo\r\n", "1\r\n!\r\n0", "\r\nX: y\r\n\r\n"] {
            try client.send(piece)
        }

        #expect(try client.response().text == "hello!")
    }

    @Test func answersAPeerThatHasEndedItsSending() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        try client.get("/one")
        try client.get("/batched")
        client.endSending()

        #expect(try client.response().text == "/one")
        #expect(try client.response().text == "batched")
        #expect(try client.rest() == "")
    }

    @Test func keepsARequestUntilItIsAnsweredWhileOthersAreServed() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let waiting = try running.connect()
        let other = try running.connect()

        try waiting.get("/hold")
        while !running.log.all.contains("held") {
            try other.get("/x")
            #expect(try other.response().text == "/x")
        }
        try other.get("/release")

        #expect(try other.response().status == 200)
        #expect(try waiting.response().text == "held")
    }

    @Test func answersWhatTheHandlerFiresAtItsDeadline() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        try client.get("/due")

        #expect(try client.response().text == "due")
    }

    @Test func answers500ForARequestThatTheHandlerLetsGo() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let client = try running.connect()

        try client.get("/drop")
        try client.get("/next")

        #expect(try client.response().status == 500)
        #expect(try client.response().text == "/next")
    }

    @Test func tellsTheHandlerThatAPeerHasGone() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let other = try running.connect()
        do {
            let client = try running.connect()
            client.resetOnClose()
            try client.get("/hold")
            while !running.log.all.contains("held") {
                try other.get("/x")
                _ = try other.response()
            }
        }

        try other.get("/abandoned")

        #expect(try other.response().status == 200)
    }

    @Test func sendsALargeAnswerToASlowReaderWhileOthersAreServed() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let slow = try RawClient(port: running.server.port, receiveBufferBytes: 4_096)
        let other = try running.connect()

        try slow.get("/large?6000000")
        try other.get("/x")
        #expect(try other.response().text == "/x")

        let body = try slow.response(pieceBytes: 20_000).body
        #expect(body.count == 6_000_000)
        #expect(body == ScriptedHandler.largeBody(6_000_000))
    }

    @Test func answersHundredsOfConnectionsAtATime() throws {
        let running = try RunningServer()
        defer { running.stop() }
        let clients = try (0..<300).map { _ in try running.connect() }

        for (index, client) in clients.enumerated() { try client.get("/\(index)") }

        for (index, client) in clients.enumerated() {
            #expect(try client.response().text == "/\(index)")
        }
    }
}
