// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// One check's client, server and other device.
final class ClientWorld {
    static let database: DatabaseID = "db"
    static let collection: CollectionName = "notes"
    static let firstLog = log(1)

    /// The name of a log, from a number.
    static func log(_ number: UInt8) -> LogID {
        guard let log = LogID([UInt8](repeating: number, count: 16)) else {
            preconditionFailure("Sixteen bytes are the name of a log.")
        }
        return log
    }

    let adapter: Adapter
    let server: FaultyServer
    private let folder: String
    private var otherNumber: UInt64 = 0

    init(adapter: Adapter, server: FaultyServer, folder: String) {
        self.adapter = adapter
        self.server = server
        self.folder = folder
    }

    // MARK: The client

    /// Opens it on its directory, which keeps what it knows.
    func open() throws {
        try ask(
            "open",
            [
                ("server", JSONText.quoted("http://127.0.0.1:\(server.port)")),
                ("database", JSONText.quoted(Self.database.rawValue)),
                ("device", JSONText.quoted("phone")), ("data", JSONText.quoted(folder)),
            ])
    }

    /// Ends it in good order and opens it again.
    func restart() throws {
        try ask("close")
        try open()
    }

    /// Commits edits of the app as one transaction: contents by name, nil for a delete.
    func commit(_ edits: (String, String?)...) throws {
        let texts = edits.map { name, text in
            var members = [
                ("collection", JSONText.quoted(Self.collection.rawValue)),
                ("entity", JSONText.quoted(name)),
            ]
            if let text {
                members.append(("content", JSONText.quoted(Self.hex(Self.content(text)))))
            }
            return JSONText.object(members)
        }
        try ask("commit", [("edits", JSONText.array(texts))])
    }

    /// Exchanges once; returns why not, if it did not work.
    @discardableResult
    func sync() throws -> String? {
        let answer = try adapter.ask([("do", JSONText.quoted("sync"))])
        return answer.bool("ok") == true ? nil : answer.text("error") ?? "no reason given"
    }

    /// Exchanges until it works, with time for whatever it was asked to wait for.
    func settle(pausing milliseconds: Int32 = 50) throws {
        var reason: String?
        for _ in 0..<12 {
            reason = try sync()
            if reason == nil { return }
            Platform.pause(milliseconds: milliseconds)
        }
        throw ConformanceFailure("Syncing again and again does not work.")
            .adding("error", reason ?? "")
    }

    /// Begins to exchange, and is killed once the server has seen what it waits for.
    func syncAndDie(when isTime: @escaping @Sendable (SeenRequest) -> Bool) throws {
        let server = server
        let wasKilled = try adapter.ask(
            [("do", JSONText.quoted("sync"))],
            killingWhen: { server.seen.contains(where: isTime) })
        guard wasKilled else {
            throw ConformanceFailure("The sync was over before what it should be killed at.")
        }
        server.heal()
        try open()
    }

    /// Throws unless the client shows exactly these entities.
    func expect(_ entities: [String: String]) throws {
        try expect(entities, in: "list", "entities", "The client shows other entities.")
    }

    /// Throws unless these, and no more, are in the conflict log as what did not stand.
    func expectConflicts(_ entities: [String: String]) throws {
        try expect(entities, in: "conflicts", "conflicts", "The conflict log holds something else.")
    }

    /// Throws unless these edits, and no more, are in quarantine.
    func expectQuarantine(_ entities: [String: String]) throws {
        try expect(entities, in: "quarantine", "edits", "The quarantine holds something else.")
    }

    /// Throws if an edit has not been settled.
    func expectNothingPending() throws {
        let answer = try ask("pending")
        guard answer.unsigned("count") == 0 else {
            throw answer.failure("There are edits that were not settled.")
        }
    }

    private func expect(
        _ entities: [String: String], in action: String, _ member: String, _ message: String
    ) throws {
        let answer = try ask(action)
        guard case .array(let elements) = answer[member] else {
            throw answer.failure("The answer has no \(member).")
        }
        var found: [String: String] = [:]
        for element in elements {
            guard case .map(let map) = element, case .text(let name) = map[key: "entity"],
                map[key: "collection"] == .text(Self.collection.rawValue), found[name] == nil
            else { throw answer.failure("The answer names an entity twice, or not at all.") }
            if case .text(let hex) = map[key: "content"] {
                found[name] = hex.lowercased()
            } else {
                found[name] = ""
            }
        }
        let wanted = entities.mapValues { $0.isEmpty ? "" : Self.hex(Self.content($0)) }
        guard found == wanted else {
            throw answer.failure(message).adding("wanted", Self.shown(entities))
        }
    }

    @discardableResult
    private func ask(
        _ action: String, _ members: [(String, String)] = []
    ) throws -> AdapterAnswer {
        let answer = try adapter.ask([("do", JSONText.quoted(action))] + members)
        guard answer.bool("ok") == true else { throw answer.failure("It cannot \(action).") }
        return answer
    }

    // MARK: The other device and the server

    /// Another device's edit is accepted; nil deletes.
    func other(_ name: String, _ text: String?, transaction: UInt64? = nil) {
        otherNumber += 1
        let number = otherNumber
        server.withModel {
            $0.otherEdit(name, text, number: number, transaction: transaction)
        }
    }

    /// Throws unless the server's entities are exactly these.
    func expectServer(_ entities: [String: String]) throws {
        let found = server.withModel { model in
            Dictionary(
                uniqueKeysWithValues: model.live.map { ($0.entityID.rawValue, $0.entityCBOR) })
        }
        guard found == entities.mapValues(Self.content) else {
            let names = found.mapValues { Self.hex($0 ?? []) }
            throw ConformanceFailure("The server has other entities than it should.")
                .adding("wanted", Self.shown(entities)).adding("server", "\(names)")
        }
    }

    /// The operations of a device in the log.
    func logged(by device: DeviceID = "phone") -> [SyncOperation] {
        server.withModel { $0.log.filter { $0.deviceID == device } }
    }

    /// What was pushed, request by request.
    var pushes: [(request: SeenRequest, push: PushRequest)] {
        server.seen.compactMap { seen in seen.push.map { (seen, $0) } }
    }

    /// The operations of all pushes, in their order.
    var pushed: [SyncOperation] { pushes.flatMap(\.push.operations) }

    /// The requests in a line: what, and what became of it.
    var requestsText: String {
        server.seen.suffix(40).map { seen in
            let numbers = seen.push.map { push in
                "[" + push.operations.map { "\($0.operationID)" }.joined(separator: " ") + "]"
            }
            let since = seen.pull.map { "(\($0.sinceCursor))" }
            let fault = seen.fault.map { ": \($0)" }
            return "\(seen.path.split(separator: "/").last ?? "?")"
                + "\(numbers ?? since ?? "") \(seen.wasHeard ? "\(seen.status)" : "lost")"
                + (fault ?? "")
        }.joined(separator: ", ")
    }

    // MARK: Contents

    /// `{"text": …}`, encoded.
    static func content(_ text: String) -> [UInt8] {
        let content: CBORValue = ["text": .text(text)]
        return content.encoded()
    }

    static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    private static func shown(_ entities: [String: String]) -> String {
        entities.sorted { $0.key < $1.key }
            .map { "\($0.key) \"\($0.value)\" \(hex(content($0.value)))" }
            .joined(separator: ", ")
    }
}

extension ServerModel {
    /// The edit of a device called `other`, made on the current revision.
    mutating func otherEdit(
        _ name: String, _ text: String?, number: UInt64, transaction: UInt64? = nil
    ) {
        let head = head(ClientWorld.collection, EntityID(name))
        append(
            SyncOperation(
                operationID: OperationID(number), databaseID: ClientWorld.database,
                deviceID: "other", collection: ClientWorld.collection, entityID: EntityID(name),
                kind: text == nil ? .delete : .upsert,
                entityVersion: EntityVersion((head?.entityVersion.rawValue ?? 0) + 1),
                entityCBOR: text.map(ClientWorld.content),
                timestampMilliseconds: 1_700_000_000_000, base: head?.cursor ?? 0,
                transactionID: transaction.map { TransactionID($0) }))
    }

    /// The entities that are there, as what made them so.
    var live: [SyncOperation] {
        log.filter { $0.kind == .upsert && head($0.collection, $0.entityID)?.cursor == $0.cursor }
    }
}
