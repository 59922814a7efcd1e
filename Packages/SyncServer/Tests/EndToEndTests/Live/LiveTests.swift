// SPDX-License-Identifier: MIT

import HTTPWire
import SyncProtocol
import SyncTestSupport
import Testing

/// Event streams and WebSockets of a real server over real sockets (protocol, §15).
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct LiveTests {
    private func pull(since cursor: Cursor) -> PullRequest {
        PullRequest(databaseID: "db", sinceCursor: cursor, limit: 1_000)
    }

    /// Pushes operations one by one and returns the number of the last.
    private func push(
        _ client: ProtocolClient, _ numbers: ClosedRange<UInt64>, text: String = "x"
    ) throws {
        for number in numbers {
            _ = try client.push([client.upsert(number, "e\(number)", text)])
        }
    }

    @Test func everyOperationComesOnceThoughTheServerIsKilled() throws {
        let bench = try Bench()
        defer { bench.end() }
        var (toldOf, handedOn): ([Cursor], [Cursor]) = ([], [])
        var lastID: String?
        var number: UInt64 = 0
        for round in 0..<4 as Range<UInt64> {
            let server = try bench.serve()
            let client = try ProtocolClient(port: server.port, "db", "a")
            try client.handshake()
            let events = try EventConnection(
                port: server.port, query: "dbId=db", lastEventID: lastID)
            lastID = try events.next("connected")?.id
            let socket = try SocketConnection(port: server.port)
            try socket.send("subscribe", 1, pull(since: handedOn.last ?? 0))
            // Some are there before anybody has read, and a number differs from round to round.
            let last = number + 5 + round
            try push(client, (number + 1)...last)
            number = last
            // The last round reads everything; the others are killed in the midst of it.
            let goal = Cursor(round == 3 ? last : last - 2)
            while toldOf.last ?? 0 < goal, let event = try events.next("operations") {
                lastID = event.id
                let to = try #require(event.id.flatMap { UInt64($0) })
                toldOf += ((toldOf.last?.rawValue ?? 0) + 1...to).map { Cursor($0) }
            }
            while handedOn.last ?? 0 < goal, let operations = try socket.operations() {
                handedOn += operations.compactMap(\.cursor)
            }
            server.kill()
        }
        #expect(toldOf == (1...number).map { Cursor($0) })
        #expect(handedOn == (1...number).map { Cursor($0) })
    }

    @Test func aReaderThatReadsNothingIsDroppedAndTheOthersAreNotHarmed() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve("server", ["--max-unsent-bytes", "100000"])
        let client = try ProtocolClient(port: server.port, "db", "a")
        try client.handshake()
        // These two never read again.
        let slow = try EventConnection(port: server.port, query: "dbId=db")
        let stuck = try SocketConnection(port: server.port)
        try stuck.send("subscribe", 1, pull(since: 0))
        let events = try EventConnection(port: server.port, query: "dbId=db")
        let socket = try SocketConnection(port: server.port)
        try socket.send("subscribe", 1, pull(since: 0))
        _ = (try slow.next(), try stuck.operations(), try events.next(), try socket.operations())
        let before = server.residentBytes ?? 0

        // Long names, so that it is more than all that sockets buffer.
        let name = String(repeating: "n", count: 200)
        for round in 0..<40 as Range<UInt64> {
            let numbers = (round * 1_000 + 1)...(round * 1_000 + 1_000)
            _ = try client.push(numbers.map { client.upsert($0, "\(name)\($0)", "") })
            var seen = 0
            while seen < 1_000, let operations = try socket.operations() {
                seen += operations.count
            }
            while let event = try events.next("operations") {
                if event.id.flatMap({ UInt64($0) }) == numbers.upperBound { break }
            }
        }
        // What is kept for those two does not grow with what they leave unread.
        if let after = server.residentBytes { #expect(after - before < 24 << 20) }
        var last: ServerSentEvent?
        while let event = try slow.next() { last = event }
        #expect(last?.name == "overflow")
        server.kill()
    }

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func garbageBehindAHandshakeHarmsNobody(seed: UInt64) throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let client = try ProtocolClient(port: server.port, "db", "a")
        try client.handshake()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<60 {
            let socket = try SocketConnection(port: server.port)
            var bytes = (0..<Int.random(in: 1...400, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if seed % 2 == 0 {
                // Well-formed frames around garbage.
                bytes = WebSocketFrame(.binary, bytes).serialized(mask: WebSocketMask(1))
            }
            try? socket.socket.send(bytes)
            socket.socket.endSending()
            while let outcome = try? socket.next() { _ = outcome }
        }
        try push(client, 1...1)
        #expect(try client.pullAll().count == 1)
        server.kill()
    }

    @Test func comingAndGoingLeavesNothingBehind() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let client = try ProtocolClient(port: server.port, "db", "a")
        try client.handshake()
        func churn(_ count: Int) throws {
            for index in 0..<count {
                let events = try EventConnection(port: server.port, query: "dbId=db")
                _ = try events.next()
                if index % 2 == 0 { events.socket.reset() } else { events.socket.close() }
                let socket = try SocketConnection(port: server.port)
                try socket.send("subscribe", 1, pull(since: 0))
                _ = try socket.operations()
                if index % 3 == 0 { socket.socket.reset() } else { socket.socket.close() }
            }
        }
        try churn(200)
        let before = server.residentBytes ?? 0
        try churn(1_000)
        let after = server.residentBytes ?? 0
        #expect(after - before < 2 << 20, "\(before) bytes became \(after)")
        try push(client, 1...1)
        server.kill()
    }

    @Test func aServerThatStopsSaysSo() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let client = try ProtocolClient(port: server.port, "db", "a")
        try client.handshake()
        let events = try EventConnection(port: server.port, query: "dbId=db")
        let socket = try SocketConnection(port: server.port)
        try socket.send("subscribe", 1, pull(since: 0))
        _ = (try events.next("connected"), try socket.operations())

        #expect(try server.stop().exit == .status(0))

        #expect(try events.next()?.name == "error")
        #expect(try events.next() == nil)
        let word = try #require(try socket.body(of: "error"))
        #expect(try ErrorResponse(decoding: word).code == .serviceUnavailable)
        #expect(try socket.next() == .close(.goingAway, reason: ""))
        #expect(try socket.next() == nil)
    }
}
