// SPDX-License-Identifier: MIT

import CBOR
import HTTPWire

/// Speaks for one device of one database, over a connection that it keeps. It knows nothing but
/// what it is told: every number is the check's.
final class Device {
    let server: ServerUnderTest
    let database: String
    let name: String
    /// From the last handshake.
    private(set) var logID: [UInt8] = []
    private var connection: Connection?

    init(_ server: ServerUnderTest, database: String, name: String, logID: [UInt8] = []) {
        self.server = server
        self.database = database
        self.name = name
        self.logID = logID
    }

    /// Another device of the same database.
    func other(_ name: String) -> Device {
        Device(server, database: database, name: name, logID: logID)
    }

    // MARK: Messages

    func handshakeRequest(_ changes: [String: CBORValue?] = [:]) -> CBORValue {
        .message(
            [
                "dbId": .text(database), "deviceId": .text(name), "protocolVersion": 1,
                "clientInfo": ["platform": "conformance", "appVersion": "1"],
            ], changes)
    }

    func pushRequest(
        _ operations: [CBORValue], _ changes: [String: CBORValue?] = [:]
    ) -> CBORValue {
        .message(
            [
                "dbId": .text(database), "deviceId": .text(name), "logId": .bytes(logID),
                "ops": .array(operations),
            ], changes)
    }

    func pullRequest(
        since cursor: UInt64 = 0, limit: UInt64 = 1_000, _ changes: [String: CBORValue?] = [:]
    ) -> CBORValue {
        .message(
            [
                "dbId": .text(database), "logId": .bytes(logID), "sinceCursor": .unsigned(cursor),
                "limit": .unsigned(limit),
            ], changes)
    }

    func cursorRequest(_ cursor: UInt64) -> CBORValue {
        ["dbId": .text(database), "deviceId": .text(name), "cursor": .unsigned(cursor)]
    }

    /// An operation of this device: an upsert of a note on no revision, unless `changes` say
    /// otherwise.
    func operation(
        _ opID: UInt64, _ entityID: String, _ content: String = "",
        _ changes: [String: CBORValue?] = [:]
    ) -> CBORValue {
        .message(
            [
                "opId": .unsigned(opID), "dbId": .text(database), "deviceId": .text(name),
                "collection": "notes", "entityId": .text(entityID), "opType": "upsert",
                "entityVersion": 1, "timestampMs": 1_700_000_000_000, "base": 0,
                "entityCbor": .bytes(Self.note(content)),
            ], changes)
    }

    /// The content of a note.
    static func note(_ text: String) -> [UInt8] {
        CBORValue.message(["text": .text(text)]).encoded()
    }

    /// A delete by this device.
    func delete(
        _ opID: UInt64, _ entityID: String, base: UInt64, _ changes: [String: CBORValue?] = [:]
    ) -> CBORValue {
        operation(opID, entityID).changed(
            [
                "opType": "delete", "entityCbor": nil, "base": .unsigned(base),
                "entityVersion": 2,
            ] as [String: CBORValue?]
        ).changed(changes)
    }

    // MARK: Exchanges

    /// The request with a message as its body.
    func request(_ path: String, _ message: CBORValue) -> Request {
        Request(method: "POST", path: path, body: message.encoded())
    }

    /// Sends a message and returns the answer, whatever it is.
    func post(_ path: String, _ message: CBORValue) throws(ConformanceFailure) -> Answer {
        try post(path, body: message.encoded())
    }

    /// Sends a body and returns the answer, whatever it is.
    func post(_ path: String, body: [UInt8]) throws(ConformanceFailure) -> Answer {
        let request = Request(method: "POST", path: path, body: body)
        let connection = try connected()
        do throws(ConformanceFailure) {
            let answer = try server.exchange(
                request, as: server.bytes(of: request), on: connection)
            if !answer.response.isKeepAlive { disconnect() }
            return answer
        } catch {
            disconnect()
            throw error
        }
    }

    /// The connection that is kept, made anew if the server has ended it.
    func connected() throws(ConformanceFailure) -> Connection {
        if let connection, !connection.hasNews { return connection }
        let fresh = try server.connect()
        connection = fresh
        return fresh
    }

    /// Gives the connection up.
    func disconnect() {
        connection?.close()
        connection = nil
    }

    /// Shakes hands and keeps the log's name.
    @discardableResult
    func shakeHands(_ changes: [String: CBORValue?] = [:]) throws(ConformanceFailure) -> Fields {
        let fields = try post("/v1/handshake", handshakeRequest(changes)).success()
        logID = try fields.bytes("logId")
        return fields
    }

    /// Pushes, and returns what became of each operation.
    @discardableResult
    func push(
        _ operations: [CBORValue], _ changes: [String: CBORValue?] = [:]
    ) throws(ConformanceFailure) -> Settlement {
        try Settlement(post("/v1/push", pushRequest(operations, changes)))
    }

    /// Pulls one page.
    @discardableResult
    func pull(
        since cursor: UInt64 = 0, limit: UInt64 = 1_000, _ changes: [String: CBORValue?] = [:]
    ) throws(ConformanceFailure) -> Page {
        try Page(post("/v1/pull", pullRequest(since: cursor, limit: limit, changes)))
    }

    /// Pulls all pages from the beginning.
    func pullAll(
        limit: UInt64 = 1_000, _ changes: [String: CBORValue?] = [:]
    ) throws(ConformanceFailure) -> [Fields] {
        var operations: [Fields] = []
        var cursor: UInt64 = 0
        while true {
            let page = try pull(since: cursor, limit: limit, changes)
            operations += page.operations
            guard page.hasMore else { return operations }
            try page.answer.expect(
                page.nextCursor > cursor,
                "hasMore is true, and nextCursor has not moved on from \(cursor).")
            cursor = page.nextCursor
        }
    }

    /// Reports a cursor, and returns the one that the server keeps.
    func report(_ cursor: UInt64) throws(ConformanceFailure) -> UInt64 {
        try post("/v1/cursor", cursorRequest(cursor)).success().uint("cursor")
    }
}

extension CBORValue {
    /// A map with text keys; a change to nil takes a key out.
    static func message(
        _ entries: [String: CBORValue], _ changes: [String: CBORValue?] = [:]
    ) -> CBORValue {
        var map = CBORMap()
        for (key, value) in entries { map[key: .text(key)] = value }
        for (key, value) in changes { map[key: .text(key)] = value }
        return .map(map)
    }

    /// The entries of a map with text keys.
    var entries: [String: CBORValue] {
        guard case .map(let map) = self else { return [:] }
        var entries: [String: CBORValue] = [:]
        for case (.text(let key), let value) in map { entries[key] = value }
        return entries
    }

    /// The same map with other entries; a change to nil takes a key out.
    func changed(_ changes: [String: CBORValue?]) -> CBORValue {
        .message(entries, changes)
    }
}
