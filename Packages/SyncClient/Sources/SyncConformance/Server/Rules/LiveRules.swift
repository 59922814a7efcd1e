// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

extension ServerRules {
    /// Section 15: event streams and WebSockets, of servers that announce them.
    static let live: ServerChecks =
        [
            reserved("sse", "live/events", "/v1/events?dbId=d&deviceId=a"),
            reserved("webSocket", "live/socket", "/v1/ws"),
        ] + events + socket + brokenFrames + [
            .init("live/deltas", "16", "Deltas in pushes and pulls.") { _ in
                throw ConformanceSkip("Pushes and pulls of version 1 carry no deltas.")
            }
        ]

    private static func reserved(
        _ capability: String, _ name: String, _ path: String
    ) -> ConformanceSuite<ServerUnderTest>.Entry {
        .init(
            "\(name)/not-served", "15",
            "A server whose capabilities do not name \(capability) answers 404 with error 12."
        ) { server in
            let capabilities = try server.makeDevice().shakeHands().map("capabilities")
            guard capabilities[capability] != true else {
                throw ConformanceSkip("Its capabilities name \(capability).")
            }
            try server.get(path).refusal(12, 404)
        }
    }

    /// A check of a server that announces a capability.
    private static func live(
        _ capability: String, _ name: String, _ section: String, _ expectation: String,
        _ body: @escaping @Sendable (Device) throws -> Void
    ) -> ConformanceSuite<ServerUnderTest>.Entry {
        .init(name, section, expectation) { server in
            let device = try server.makeDevice()
            let capabilities = try device.shakeHands().map("capabilities")
            guard capabilities[capability] == true else {
                throw ConformanceSkip("Its capabilities do not name \(capability).")
            }
            try body(device)
        }
    }

    private static let events: ServerChecks = [
        live(
            "sse", "live/events/connected", "15.1 U2",
            "An event stream says connected at first, with the server's cursor."
        ) {
            try $0.write(1, "n1")
            try EventListener($0).expect("connected", id: nil, "\"cursor\":1")
        },
        live(
            "sse", "live/events/operations", "15.1 U1",
            "What is pushed is announced: which entity and what for, under its cursor."
        ) {
            let listener = try EventListener($0)
            try listener.expect("connected", id: nil, "\"cursor\":0")
            try $0.write(1, "n1")
            try listener.expect(
                "operations", id: 1, "\"cursor\":1", "\"count\":1", "\"opId\":1",
                "\"deviceId\":\"a\"", "\"collection\":\"notes\"", "\"entityId\":\"n1\"",
                "\"opType\":\"upsert\"", "\"entityVersion\":1")
            try $0.push([$0.delete(2, "n1", base: 1)])
            try listener.expect("operations", id: 2, "\"opType\":\"delete\"")
        },
        live(
            "sse", "live/events/filtered", "15.1 U1",
            "What a pull with the same filter would leave out is not announced."
        ) {
            let listener = try EventListener($0, "&deviceId=b&collections=n%6Ftes,x%2Cy")
            try listener.expect("connected", id: nil)
            try $0.write(1, "n1", "", base: 0, ["collection": "x"])
            try $0.other("b").write(1, "n2")
            try $0.write(2, "n3", "", base: 0, ["collection": "x,y"])
            try listener.expect("operations", id: 3, "\"entityId\":\"n3\"", "\"count\":1")
        },
        live(
            "sse", "live/events/resumed", "15.1 U3",
            "With Last-Event-ID, what came since is announced first."
        ) {
            for number in 1...3 as ClosedRange<UInt64> { try $0.write(number, "n\(number)") }
            let listener = try EventListener($0, lastEventID: 1)
            try listener.expect("connected", id: nil, "\"cursor\":3")
            var last: UInt64 = 1
            while last < 3 {
                guard let event = try listener.next() else {
                    throw ConformanceFailure("The stream ended at \(last).")
                }
                guard let id = event.id.flatMap({ UInt64($0) }), id > last, id <= 3 else {
                    throw ConformanceFailure("An announcement behind 1 has an id that is not due.")
                        .adding("id", event.id ?? "none").adding("data", event.data)
                }
                last = id
            }
            try $0.write(4, "n4")
            try listener.expect("operations", id: 4, "\"count\":1")
        },
        live(
            "sse", "live/events/ahead", "15.1 U3",
            "A Last-Event-ID ahead of the server is told error 11, and the stream ends."
        ) {
            let listener = try EventListener($0, lastEventID: 5)
            try listener.expect("error", id: nil, "\"code\":11", "\"reason\":\"ahead\"")
            guard try listener.next() == nil else {
                throw ConformanceFailure("The stream goes on behind the error.")
            }
        },
        live("sse", "live/events/refused", "15.1", "An event stream of no database is error 4.") {
            try $0.server.get("/v1/events?dbId=\($0.server.freshName())").refusal(4, 404)
            try $0.server.get("/v1/events").refusal(1, 400)
        },
    ]

    private static let socket: ServerChecks = [
        live("webSocket", "live/socket/handshake", "15.2", "The key is answered (RFC 6455 §4.2.2).")
        {
            let speaker = try SocketSpeaker($0)
            guard speaker.head.contains(SocketSpeaker.accept) else {
                throw ConformanceFailure("Sec-WebSocket-Accept is not \(SocketSpeaker.accept).")
                    .adding("head", speaker.head)
            }
        },
        live(
            "webSocket", "live/socket/messages", "15.2 U7",
            "Handshake, push and pull are answered under their numbers."
        ) {
            let speaker = try SocketSpeaker($0)
            try speaker.send("handshake", 7, $0.handshakeRequest())
            try speaker.expect("handshake", 7).expect("serverCursor", 0)
            try speaker.send("push", 8, $0.pushRequest([$0.operation(1, "n1")]))
            try speaker.expect("push", 8).expect("acknowledgedUpToOpId", 1)
            try speaker.send("pull", 9, $0.pullRequest())
            try speaker.expect("pull", 9).expect("nextCursor", 1)
        },
        live(
            "webSocket", "live/socket/subscribed", "15.2 U9",
            "A subscriber gets what it lacks, and then what comes, once and in order."
        ) {
            for number in 1...3 as ClosedRange<UInt64> { try $0.write(number, "n\(number)") }
            let speaker = try SocketSpeaker($0)
            try speaker.send("subscribe", 4, $0.pullRequest(since: 1))
            try $0.write(4, "n4")
            var (seen, next): ([UInt64], UInt64) = ([], 0)
            while next < 4 {
                let body = try speaker.expect("operations", 4)
                for operation in try body.maps("ops") { seen.append(try operation.uint("cursor")) }
                next = try body.uint("nextCursor")
                try body.expect("logId", .bytes($0.logID))
            }
            guard seen == [2, 3, 4] else {
                throw ConformanceFailure("The cursors are \(seen) and not 2, 3, 4.")
            }
        },
        live(
            "webSocket", "live/socket/first-message", "15.2 U9",
            "A subscriber is told at once where it is, also if there is nothing."
        ) {
            let speaker = try SocketSpeaker($0)
            try speaker.send("subscribe", 1, $0.pullRequest())
            let body = try speaker.expect("operations", 1)
            try body.expect("ops", [])
            try body.expect("nextCursor", 0)
        },
        live(
            "webSocket", "live/socket/errors", "15.2 U8",
            "What is wrong with a message is answered under its number, and the socket stays."
        ) {
            let speaker = try SocketSpeaker($0)
            try speaker.send("no-such-message", 3, [:])
            try speaker.expect("error", 3).expect("code", 12)
            try speaker.send("pull", 4, [:])
            try speaker.expect("error", 4).expect("code", 1)
            try speaker.send("subscribe", 5, $0.pullRequest(since: 9))
            try speaker.expect("error", 5).expect("code", 11)
            try speaker.send(WebSocketFrame(.ping, [1, 2, 3]))
            guard try speaker.next() == .pong([1, 2, 3]) else {
                throw ConformanceFailure("A ping is not answered with the same in a pong.")
            }
        },
    ]

    /// Frames that a server must not take, and the codes that it closes with.
    private static let brokenFrames: ServerChecks =
        ([
            ("unmasked", [0x82, 0x00], 1002), ("reserved-bit", [0xC2, 0x80, 0, 0, 0, 0], 1002),
            ("unknown-opcode", [0x83, 0x80, 0, 0, 0, 0], 1002),
            ("ping-in-fragments", [0x09, 0x80, 0, 0, 0, 0], 1002),
            ("long-ping", [0x89, 0xFE, 0, 126, 0, 0, 0, 0], 1002),
            ("long-length", [0x82, 0xFE, 0, 1, 0, 0, 0, 0, 0], 1002),
            ("lone-continuation", [0x80, 0x80, 0, 0, 0, 0], 1002),
            ("text", [0x81, 0x80, 0, 0, 0, 0], 1003),
            ("bad-text", [0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),
            ("too-long", [0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
        ] as [(String, [UInt8], UInt16)]).map { name, bytes, code in
            live(
                "webSocket", "live/socket/frames/\(name)", "15.2 U14",
                "It is closed with \(code)."
            ) {
                let speaker = try SocketSpeaker($0)
                try speaker.send(bytes)
                try speaker.expectClose(code, name)
            }
        }
}
