// SPDX-License-Identifier: MIT

import HTTPWire
import Testing

/// Event streams, by the rules and examples of the HTML standard, §9.2.6.
@Suite struct ServerSentEventTests {
    private func parse(
        _ text: String, limit: Int = 1_000
    ) -> (events: [ServerSentEvent], parser: ServerSentEventParser) {
        let whole = feed([Array(text.utf8)], limit)
        let bytewise = feed(text.utf8.map { [$0] }, limit)
        #expect(bytewise.events == whole.events)
        #expect(bytewise.parser.lastEventID == whole.parser.lastEventID)
        return whole
    }

    private func feed(
        _ pieces: [[UInt8]], _ limit: Int
    ) -> (events: [ServerSentEvent], parser: ServerSentEventParser) {
        var parser = ServerSentEventParser(maxEventBytes: limit)
        var events: [ServerSentEvent] = []
        for piece in pieces {
            parser.append(piece)
            while case .event(let event) = parser.next() { events.append(event) }
        }
        return (events, parser)
    }

    @Test func writesOneEvent() {
        let event = ServerSentEvent("operations", id: "7", data: "{\n}")
        #expect(
            String(decoding: event.serialized(), as: UTF8.self)
                == "event: operations\nid: 7\ndata: {\ndata: }\n\n")
    }

    @Test func readsWhatItWrites() {
        for event in [
            ServerSentEvent("ping", data: ""), ServerSentEvent("a", id: "", data: "\n"),
            ServerSentEvent("operations", id: "9223372036854775807", data: " é:\n\nb"),
        ] {
            #expect(parse(String(decoding: event.serialized(), as: UTF8.self)).events == [event])
        }
    }

    @Test(arguments: ["\n", "\r", "\r\n"])
    func aLineEndsInThreeWays(end: String) {
        let text = ["data: YHOO", "data: +2", "data:10", "", ": c", "data: 3", "", ""]
        let found = parse(text.joined(separator: end)).events.map(\.data)
        #expect(found == ["YHOO\n+2\n10", "3"])
    }

    @Test func keepsIDsAsTheStandardSays() {
        let (events, parser) = parse(
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n"
        )
        #expect(events.map(\.data) == ["first event", "second event", " third"])
        #expect(events.map(\.id) == ["1", "", nil])
        #expect(parser.lastEventID == "")
    }

    @Test func anIDCountsWithoutDataAndNotBeforeItsEventEnds() {
        #expect(parse("id: 4\n\nid: 5\ndata: x\n").parser.lastEventID == "4")
        #expect(parse("id: 4\n\nid: 5\u{0}\n\n").parser.lastEventID == "4")
    }

    @Test func skipsWhatItDoesNotKnow() {
        let (events, parser) = parse("\u{FEFF}data\n\nfoo: bar\ndatax: 1\nretry: 50\nretry: x\n\n")
        #expect(events == [ServerSentEvent("message", data: "")])
        #expect(parser.retryMilliseconds == 50)
    }

    @Test func anEventThatDoesNotEndIsNone() {
        #expect(parse("event: operations\ndata: 1\n").events.isEmpty)
    }

    @Test func stopsAtAnEventAboveTheLimit() {
        for text in [
            "data: " + String(repeating: "x", count: 101),
            String(repeating: "data: 0123456789\n", count: 12) + "\n",
            "event: " + String(repeating: "x", count: 101) + "\n\n",
        ] {
            var parser = ServerSentEventParser(maxEventBytes: 100)
            parser.append(Array(text.utf8))
            #expect(parser.next() == .tooLong)
            parser.append(Array("data: 1\n\n".utf8))
            #expect(parser.next() == .tooLong)
        }
    }
}
