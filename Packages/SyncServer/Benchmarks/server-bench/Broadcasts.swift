// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

// What is measured by fan-out. What ours tells of is on disk; Redis's publications and NATS's are
// told and forgotten.

extension OwnServer {
    /// The ways in which our server tells.
    enum Telling: String {
        case events = "event stream"
        case messages = "WebSocket"
    }

    /// Our server in one of them.
    struct Telephone: Broadcast {
        let server: OwnServer
        let telling: Telling
        let place: String

        var name: String { "EntitySync, \(telling.rawValue)" }
        var process: ServerProcess? { server.process }

        func subscribe(_ number: Int) throws -> Connection {
            let connection = try server.connect(framing: HeadFraming(behind: telling))
            switch telling {
            case .events:
                try connection.exchange(
                    Array("GET /v1/events?dbId=\(place) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
            case .messages:
                let message = PullRequest(
                    databaseID: DatabaseID(place), sinceCursor: 1, limit: 1_000)
                var writer = CBORWriter()
                writer.writeArrayHeader(count: 3)
                writer.write(text: "subscribe")
                writer.write(uint: 1)
                writer.writeEncodedItem(message.encoded())
                // A mask of zeros leaves the payload as it is; nobody foresees what is no secret.
                let frame = [0x82, 0x80 | UInt8(writer.byteCount), 0, 0, 0, 0] + writer.bytes
                try connection.exchange(
                    Array(
                        """
                        GET /v1/ws HTTP/1.1\r
                        Host: a\r
                        Upgrade: websocket\r
                        Connection: Upgrade\r
                        Sec-WebSocket-Version: 13\r
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
                        \r\n
                        """.utf8) + frame)
            }
            return connection
        }

        func publisher() throws -> Connection {
            try server.shakeHands(place)
            return try server.connect(framing: HTTPFraming())
        }

        func publication(_ number: Int, mark: String) -> [UInt8] {
            let workload = Workload(clients: 1, database: place)
            var operation = workload.operation(number, client: 0)
            operation.entityID = EntityID(mark)
            operation.base = 0
            let message = PushRequest(
                databaseID: workload.database, deviceID: Workload.device(0),
                operations: [operation])
            return OwnServer.request("/v1/push", message.encoded())
        }
    }
}

/// The head of an answer that goes on, and the first of what it says.
struct HeadFraming: Framing {
    private let first: StaticString

    init(behind telling: OwnServer.Telling) {
        first = telling == .events ? "subscriptionId" : "nextCursor"
    }

    mutating func begin() {}

    mutating func accept(_ bytes: UnsafeRawBufferPointer) throws -> Bool {
        bytes.end(of: first) != nil
    }
}

/// Redis's PUBLISH.
struct RedisBroadcast: Broadcast {
    let server: RedisServer
    let place: String

    var name: String { "Redis, pub/sub" }
    var process: ServerProcess? { server.process }

    func subscribe(_ number: Int) throws -> Connection {
        let connection = try server.connect(answers: 1)
        try connection.exchange(RedisServer.command("SUBSCRIBE", place))
        return connection
    }

    func publisher() throws -> Connection { try server.connect(answers: 1) }

    func publication(_ number: Int, mark: String) -> [UInt8] {
        RedisServer.command("PUBLISH", place, payload(mark))
    }
}

/// NATS without JetStream.
struct NATSBroadcast: Broadcast {
    let server: NATSServer
    let place: String

    var name: String { "NATS" }
    var process: ServerProcess? { server.process }

    func subscribe(_ number: Int) throws -> Connection {
        try server.connect("fan.\(place)", messages: 1)
    }

    func publisher() throws -> Connection { try server.connect("fan.\(place)", messages: 1) }

    func publication(_ number: Int, mark: String) -> [UInt8] {
        let payload = payload(mark)
        return Array("PUB fan.\(place) \(payload.utf8.count)\r\n\(payload)\r\n".utf8)
    }
}

/// As many bytes as ours tells of an operation.
private func payload(_ mark: String) -> String {
    mark + String(repeating: "x", count: 200)
}
