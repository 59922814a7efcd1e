// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol
import SyncTestSupport
import Testing

@testable @_spi(Simulation) import SyncServer

/// Seeded stories: pushes, readers that pause, and connections that break and come back.
@Suite struct LiveStoryTests {
    /// A listener that comes back after each break, and notes what it is told.
    private struct Listener {
        let target: String
        var connection: Int?
        var lastID: String?
        var parser = ServerSentEventParser(maxEventBytes: 1 << 20)
        var told: [Cursor] = []
        var breaks = 0

        mutating func read(_ server: LiveServer) {
            guard let connection else {
                let header = lastID.map { "Last-Event-ID: \($0)\r\n" } ?? ""
                self.connection = server.open(target, headers: header)
                // The head is a line without meaning to this parser, as it ends with a blank one.
                parser = ServerSentEventParser(maxEventBytes: 1 << 20)
                return
            }
            let (bytes, isClosed) = server.core.takeOutput(of: connection)
            parser.append(bytes)
            while case .event(let event) = parser.next() {
                if let id = event.id { lastID = id }
                if event.name == "operations" { take(event) }
            }
            if isClosed { self.connection = nil }
        }

        /// Notes the cursors that an event speaks of. Nothing is left out here, so they are the
        /// last ones up to its own.
        private mutating func take(_ event: ServerSentEvent) {
            let number = { (key: String) -> UInt64 in
                guard let range = event.data.firstRange(of: "\"\(key)\":") else { return 0 }
                return UInt64(event.data[range.upperBound...].prefix { $0.isNumber }) ?? 0
            }
            let (cursor, count) = (number("cursor"), number("count"))
            told += ((cursor - count + 1)...cursor).map { Cursor($0) }
        }

        mutating func cut(_ server: LiveServer, loses: Bool) {
            guard let connection else { return }
            // What was on its way is lost, or the listener reads it before it notices.
            if !loses { read(server) }
            server.core.abort(connection)
            self.connection = nil
            breaks += 1
        }
    }

    @Test(arguments: 1...30 as ClosedRange<UInt64>)
    func aListenerIsToldOfEveryOperationOnceHoweverOftenItComesBack(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let server = try LiveServer()
        var listeners = (0..<4).map { _ in Listener(target: "/v1/events?dbId=db") }
        // A listener has to hear once where it is.
        for index in listeners.indices {
            listeners[index].read(server)
            listeners[index].read(server)
        }
        var number: UInt64 = 0
        for _ in 0..<120 {
            let index = Int.random(in: 0..<listeners.count, using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0...4:
                let count = UInt64.random(in: 1...(seed % 3 == 0 ? 400 : 3), using: &generator)
                server.push(
                    (1...count).map {
                        operation(OperationID(number + $0), EntityID("\(number + $0)"), base: 0)
                    })
                number += count
            case 5: listeners[index].cut(server, loses: Bool.random(using: &generator))
            case 6: server.advance(seconds: UInt64.random(in: 0...16, using: &generator))
            default: listeners[index].read(server)
            }
        }
        for index in listeners.indices {
            // Twice the time that it takes to come back, read and get the rest.
            for _ in 0..<200 {
                listeners[index].read(server)
                _ = server.core.advance()
            }
            #expect(
                listeners[index].told == (1...max(number, 1)).map { Cursor($0) },
                "seed \(seed), listener \(index), \(listeners[index].breaks) breaks")
        }
    }

    @Test func whatIsNoLongerKeptIsNotGoneOnFrom() throws {
        let server = try ServiceUnderTest(CompactionTests.configuration())
        try server.push([operation(1, "e", base: 0)])
        try server.push([operation(2, "e", base: 1, delete: true)])
        try server.push([operation(3, "f", base: 0)])
        let (events, operations) = (LiveEar(), LiveEar())
        let filter = PullFilter(PullRequest(databaseID: "db", sinceCursor: 0, limit: 1))
        events.isSlow = true
        let behind = try server.service.subscribe(
            toEventsOf: "db", filter, after: 1, receiver: events)
        _ = try server.pull(since: 3, device: "a")

        try server.compact()

        #expect(try server.handshake().oldestCursor == 2)
        #expect(throws: ServiceFailure.self) {
            try server.service.subscribe(
                toEventsOf: "db", filter, after: 1, receiver: operations)
        }
        // One that has begun and was left behind by the compaction is ended.
        behind.cursor = 1
        behind.phase = .behind(owedBytes: 0)
        server.service.resume(behind)
        while server.service.feedSubscribers() {}
        #expect(events.failure?.response.code == .invalidCursor)
        #expect(events.failure?.response.details.reason == "compacted")
        // From 0 everything that is left is told.
        let all = try server.service.subscribe(
            PullRequest(databaseID: "db", sinceCursor: 0, limit: 10), receiver: operations)
        while server.service.feedSubscribers() {}
        #expect(operations.handedOn == [3] && all.phase == .live)
    }
}
