// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable @_spi(Simulation) import SyncServer

/// `GET /v1/events`, whole but for the sockets.
@Suite struct EventStreamTests {
    private func body(_ text: String) -> String {
        guard let end = text.firstRange(of: "\r\n\r\n") else { return "no head: \(text)" }
        return String(text[end.upperBound...])
    }

    private let connected =
        "event: connected\nid: 0\ndata: {\"cursor\":0,\"subscriptionId\":\"2\"}\n\n"

    @Test func connectsAndTellsWhatIsPushed() throws {
        let server = try LiveServer()
        let stream = server.open("/v1/events?dbId=db&deviceId=b&collections=c,%64")
        let (head, _) = server.text(stream)
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"))
        #expect(head.contains("\r\nCache-Control: no-store\r\n"))
        #expect(head.contains("\r\nConnection: close\r\n"))
        #expect(!head.contains("Content-Length") && !head.contains("Transfer-Encoding"))
        #expect(body(head) == connected)

        server.push([operation(1, "e", base: 0), operation(2, "f", base: 0, collection: "x")])
        server.push([operation(3, "g", base: 0, collection: "d")])
        server.push([operation(1, "h", base: 0, device: "b")], device: "b")

        let (text, isClosed) = server.text(stream)
        #expect(text.split(separator: "\n").filter { $0.hasPrefix("id") } == ["id: 1", "id: 3"])
        #expect(!isClosed)
    }

    @Test func tellsAnHTTP10PeerTheSame() throws {
        let server = try LiveServer()
        let connection = server.core.accept()
        server.core.receive(Array("GET /v1/events?dbId=db HTTP/1.0\r\n\r\n".utf8), on: connection)
        #expect(body(server.text(connection).text) == connected)
    }

    @Test func pingsEveryFifteenSeconds() throws {
        let server = try LiveServer()
        let stream = server.open("/v1/events?dbId=db")
        _ = server.text(stream)
        server.push([operation(1, "e", base: 0)])
        _ = server.text(stream)
        server.advance(seconds: 14)
        #expect(server.text(stream).text == "")
        server.advance(seconds: 1)
        #expect(server.text(stream).text == "event: ping\nid: 1\ndata: {}\n\n")
        server.advance(seconds: 15)
        #expect(server.text(stream).text == "event: ping\nid: 1\ndata: {}\n\n")
        // Idle connections end after 75 s; this is none.
        for _ in 0..<20 {
            server.advance(seconds: 15)
            #expect(!server.text(stream).text.isEmpty)
        }
    }

    @Test func pingsNobodyWhoDoesNotRead() throws {
        let server = try LiveServer()
        let stream = server.open("/v1/events?dbId=db")
        server.advance(seconds: 15)
        server.advance(seconds: 15)
        #expect(body(server.text(stream).text) == connected)
    }

    @Test func goesOnFromTheLastID() throws {
        let server = try LiveServer()
        for number in 1...3 as ClosedRange<UInt64> {
            server.push([operation(OperationID(number), EntityID("e\(number)"), base: 0)])
        }
        let stream = server.open("/v1/events?dbId=db", headers: "Last-Event-ID: 1\r\n")
        _ = server.core.advance()
        let lines = body(server.text(stream).text).split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("id") } == ["id: 1", "id: 3"])
        #expect(lines[2].hasPrefix(#"data: {"cursor":3,"#))
        #expect(lines[5].contains(#""count":2"#))
    }

    @Test func tellsWhoeverComesFromAnotherHistorySo() throws {
        let server = try LiveServer()
        let stream = server.open("/v1/events?dbId=db", headers: "Last-Event-ID: 7\r\n")
        let (text, isClosed) = server.text(stream)
        #expect(body(text).hasPrefix("event: error\ndata: {\"code\":11,"))
        #expect(text.contains(#""reason":"ahead""#))
        #expect(isClosed)
    }

    @Test(arguments: [
        ("/v1/events", "", 400), ("/v1/events?dbId=", "", 400), ("/v1/events?dbId=a/b", "", 400),
        ("/v1/events?dbId=db&dbId=db", "", 400), ("/v1/events?dbId=db&deviceId=%FF", "", 400),
        ("/v1/events?dbId=db&deviceId=~server", "", 400),
        ("/v1/events?dbId=db&collections=a,%2", "", 400), ("/v1/events?dbId=none", "", 404),
        ("/v1/events?dbId=db", "Last-Event-ID: x\r\n", 400),
        ("/v1/events?dbId=db", "Last-Event-ID: +1\r\n", 400),
        ("/v1/events?dbId=db", "Last-Event-ID: 9223372036854775808\r\n", 400),
    ])
    func refusesWhatItCannotRead(target: String, headers: String, status: Int) throws {
        let server = try LiveServer()
        let text = server.text(server.open(target, headers: headers)).text
        #expect(text.hasPrefix("HTTP/1.1 \(status) "), "\(target)")
    }

    @Test func saysAWordWhenTheServerStops() throws {
        let server = try LiveServer()
        let stream = server.open("/v1/events?dbId=db")
        _ = server.text(stream)
        server.core.close()
        let (text, isClosed) = server.text(stream)
        #expect(text.hasPrefix("event: error\ndata: {\"code\":9,") && isClosed)
    }

    @Test func endsAtTheTimeThatIsSetForIt() throws {
        let server = try LiveServer()
        let limited = server.open("/v1/events?dbId=db")
        let streams = server.core.streams
        _ = server.text(limited)
        streams.limit(try #require(streams.all.first), to: server.now + 5_000_000_000)

        server.advance(seconds: 4)
        #expect(server.text(limited).text == "")
        server.advance(seconds: 1)
        let (text, isClosed) = server.text(limited)
        #expect(text.hasPrefix("event: error\ndata: {\"code\":2,") && isClosed)
        #expect(streams.all.isEmpty)
    }

    @Test func forgetsWhoeverGoes() throws {
        let server = try LiveServer()
        let (gone, ended) = (
            server.open("/v1/events?dbId=db"), server.open("/v1/events?dbId=db")
        )
        #expect(server.core.service.live.count == 2)
        server.core.abort(gone)
        server.core.receiveEnd(on: ended)
        #expect(server.core.service.live.count == 0 && server.core.streams.all.isEmpty)
    }

    @Test func takesNoNoticeOfWhatAListenerSends() throws {
        let server = try LiveServer()
        let stream = server.open("/v1/events?dbId=db", behind: Array("GET / HTTP/1.1\r\n".utf8))
        server.core.receive([UInt8](repeating: 0xFF, count: 10_000), on: stream)
        #expect(body(server.text(stream).text) == connected)
    }

    @Test func aReaderThatIsTooSlowIsToldSo() throws {
        let server = try LiveServer()
        let (slow, quick) = (
            server.open("/v1/events?dbId=db"), server.open("/v1/events?dbId=db")
        )
        var (number, read) = (0 as UInt64, "")
        while server.core.service.live.count == 2, number < 100_000 {
            server.push(
                (1...500).map {
                    operation(OperationID(number + $0), .init("\(number + $0)"), base: 0)
                })
            number += 500
            read += server.text(quick).text
        }
        let (text, isClosed) = server.text(slow)
        #expect(isClosed && text.contains("event: overflow\ndata: {\"cursor\":"))
        #expect(text.hasSuffix("}\n\n"))
        // What was kept for it is far less than what it was owed.
        #expect(text.utf8.count < 300_000 && read.utf8.count > 1 << 20)
        #expect(read.contains("\nid: \(number)\n"))
    }
}
