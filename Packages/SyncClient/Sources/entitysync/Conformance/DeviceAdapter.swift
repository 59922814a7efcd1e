// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncClient
import SyncConformance
import SyncProtocol

/// A device as an app has it, told what to do by the requests of `conformance client`.
actor DeviceAdapter {
    private typealias Members = [(name: String, value: String)]

    private var opened: (store: EntityStore, engine: SyncEngine)?

    /// What a request is answered with, besides its number.
    func answer(to request: CBORMap) async -> [(name: String, value: String)] {
        do {
            return [("ok", "true")] + (try await members(for: request))
        } catch {
            return [("ok", "false"), ("error", "\(error)".jsonString)]
        }
    }

    private func members(for request: CBORMap) async throws -> Members {
        switch request.text("do") {
        case "hello": return [("name", "EntitySync".jsonString)]
        case "open": try open(request)
        case "close": try await close()
        case "commit": try commit(request)
        case "sync": _ = try await device().engine.sync()
        case "list": return [("entities", try entities())]
        case "pending": return [("count", "\(try await device().engine.pendingCount())")]
        case "conflicts":
            let records = try await device().engine.conflicts()
            return [
                (
                    "conflicts",
                    JSONText.array(
                        records.map { record in
                            let key = record.conflict.key
                            return Self.edit(
                                key.collection.rawValue, key.entityID.rawValue, record.lostContent)
                        })
                )
            ]
        case "quarantine":
            let operations = try await device().engine.quarantinedOperations().map(\.operation)
            return [
                (
                    "edits",
                    JSONText.array(
                        operations.map {
                            Self.edit($0.collection.rawValue, $0.entityID.rawValue, $0.entityCBOR)
                        })
                )
            ]
        default: throw CommandError("this adapter does not know what to do")
        }
        return []
    }

    private func device() throws -> (store: EntityStore, engine: SyncEngine) {
        guard let opened else { throw CommandError("the device is not open") }
        return opened
    }

    private func open(_ request: CBORMap) throws {
        guard opened == nil, let data = request.text("data"), let name = request.text("device"),
            let database = request.text("database"),
            let server = request.text("server").flatMap(URL.init(string:))
        else { throw CommandError("open takes server, database, device and data, once") }
        try FileManager.default.createDirectory(
            atPath: data, withIntermediateDirectories: true)
        let store = try EntityStore(directory: data + "/store")
        var configuration = SyncConfiguration(
            databaseID: DatabaseID(database), deviceID: DeviceID(name))
        // An app waits longer; here many failures are on purpose.
        configuration.retryPolicy = RetryPolicy(
            base: .milliseconds(20), cap: .milliseconds(200), attemptsMax: 4)
        do {
            let engine = try SyncEngine(
                store: store, configuration: configuration,
                transport: HTTPTransport(server: server), resolver: .serverWins)
            opened = (store, engine)
        } catch {
            store.close()
            throw error
        }
    }

    private func close() async throws {
        let (store, engine) = try device()
        opened = nil
        await engine.stop()
        store.close()
    }

    private func commit(_ request: CBORMap) throws {
        guard case .array(let edits) = request[key: "edits"] else {
            throw CommandError("commit takes edits")
        }
        try device().store.transaction { transaction in
            for edit in edits {
                guard case .map(let edit) = edit, let collection = edit.text("collection"),
                    let entity = edit.text("entity")
                else { throw CommandError("an edit takes collection and entity") }
                if let content = edit.bytes("content") {
                    try transaction.putRaw(content, in: collection, id: entity)
                } else {
                    try transaction.delete(in: collection, id: entity)
                }
            }
        }
    }

    private func entities() throws -> String {
        let store = try device().store
        var edits: [String] = []
        for collection in store.collections where collection.utf8.first != UInt8(ascii: "_") {
            for entity in store.rawEntities(in: collection) {
                edits.append(Self.edit(collection, entity.id, entity.content))
            }
        }
        return JSONText.array(edits)
    }

    private static func edit(_ collection: String, _ entity: String, _ content: [UInt8]?) -> String
    {
        var members = [
            ("collection", collection.jsonString), ("entity", entity.jsonString),
        ]
        if let content { members.append(("content", content.hex.jsonString)) }
        return JSONText.object(members)
    }
}
