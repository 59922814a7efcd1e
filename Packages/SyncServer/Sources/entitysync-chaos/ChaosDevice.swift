// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncClient
import SyncTestSupport

/// What the hidden subcommand `device` was told.
struct DeviceSettings {
    var name = ""
    var data = ""
    var ledger = ""
    var port: UInt16 = 0
    var resolver = "server"
    /// The length of the store's log at which it writes a checkpoint.
    var checkpointBytes: UInt64 = 0

    static let database: DatabaseID = "chaos"

    init(_ words: [String]) throws {
        guard words.count == 6, let port = UInt16(words[3]), let bytes = UInt64(words[5]) else {
            throw SyncError(.configuration, "device takes NAME DATA LEDGER PORT RESOLVER BYTES")
        }
        (name, data, ledger, resolver) = (words[0], words[1], words[2], words[4])
        self.port = port
        checkpointBytes = bytes
    }
}

/// A device as an app has it: a store in a directory and an engine to a server. It is opened again
/// when the disk has made it read-only, as the documentation asks for.
actor ChaosDevice {
    private let settings: DeviceSettings
    private var opened: (store: EntityStore, engine: SyncEngine)?
    private let ledger: Ledger
    /// The sync that is under way, unless the engine does it by itself.
    private var current: Task<SyncReport, any Error>?

    init(_ settings: DeviceSettings) throws {
        self.settings = settings
        ledger = try Ledger(path: settings.ledger)
    }

    /// The store and its engine, opened if they are not.
    func open() throws -> (store: EntityStore, engine: SyncEngine) {
        if let opened { return opened }
        var storing = StoreConfiguration()
        storing.segmentCountMax = 3
        storing.checkpointLogBytes = settings.checkpointBytes
        let store = try EntityStore(directory: settings.data, configuration: storing)
        var configuration = SyncConfiguration(
            databaseID: DeviceSettings.database, deviceID: DeviceID(settings.name))
        configuration.retryPolicy = RetryPolicy(
            base: .milliseconds(10), cap: .milliseconds(200), attemptsMax: 3)
        configuration.pollInterval = .milliseconds(20)
        configuration.waitForOthers = .milliseconds(500)
        configuration.pullLimit = 40
        do {
            let engine = try SyncEngine(
                store: store, configuration: configuration,
                transport: Self.transport(settings.port),
                resolver: Self.resolver(settings.resolver))
            opened = (store, engine)
            return (store, engine)
        } catch {
            store.close()
            throw error
        }
    }

    static func transport(_ port: UInt16) -> HTTPTransport {
        HTTPTransport(server: URL(string: "http://127.0.0.1:\(port)")!, timeout: .seconds(2))
    }

    /// Gives the store back, so that the next use opens it anew. Until that is done the store is
    /// still locked, so there is never a second engine.
    func reopen() async {
        guard let (store, engine) = opened else { return }
        opened = nil
        _ = await current?.result
        await engine.stop()
        store.close()
    }

    /// Exchanges everything once.
    func sync() async throws -> SyncReport {
        let (_, engine) = try open()
        let task = Task<SyncReport, any Error> { try await engine.sync() }
        current = task
        defer { current = nil }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Makes one transaction of the workload, with the ledger's entries around it.
    func edit(_ workload: inout Workload) throws {
        let (store, _) = try open()
        var isIntended = false
        do {
            try store.transaction { transaction in
                let writes = try workload.next(ledger.lastNumber + 1) { name in
                    try transaction.get(Sheet.self, in: name.collection, id: name.id)
                }
                try ledger.intend(writes.map(\.edit))
                isIntended = true
                for write in writes {
                    let (collection, id) = (write.key.collection, write.key.id)
                    if let sheet = write.sheet {
                        try transaction.put(sheet, in: collection, id: id)
                    } else {
                        try transaction.delete(in: collection, id: id)
                    }
                }
            }
        } catch let error as StoreError where error.code == .outOfSpace {
            // "Nothing was changed": it is held to that.
            if isIntended { try ledger.settle(.refused) }
            throw error
        }
        try ledger.settle(.committed)
    }

    /// Whether the halves of all pairs are alike, as they are after every transaction.
    func tornPair() throws -> String? {
        let (store, _) = try open()
        // Reads within a transaction are of one instant.
        return try store.transaction { transaction in
            for number in 0..<Workload.pairCount {
                let left = try transaction.get(Sheet.self, in: "left", id: "pair\(number)")
                let right = try transaction.get(Sheet.self, in: "right", id: "pair\(number)")
                if left?.tokens != right?.tokens {
                    return "pair\(number): \(left?.tokens ?? []) and \(right?.tokens ?? [])"
                }
            }
            return nil
        }
    }

    /// Everything it holds.
    func dump() async throws -> DeviceDump {
        let (store, engine) = try open()
        var entities: [String: DumpedEntity] = [:]
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                entities[collection + "/" + entity.id] = try dumped(entity.content)
            }
        }
        var kept: [KeptContent] = []
        for record in try await engine.conflicts() {
            let key = record.conflict.key
            for content in [record.conflict.local, record.conflict.remote] {
                guard let content else { continue }
                kept.append(
                    KeptContent(
                        key: "\(key.collection)/\(key.entityID)",
                        tokens: try dumped(content).tokens, reason: "conflict"))
            }
        }
        for entry in try await engine.quarantinedOperations() {
            guard let content = entry.operation.entityCBOR else { continue }
            kept.append(
                KeptContent(
                    key: "\(entry.operation.collection)/\(entry.operation.entityID)",
                    tokens: try dumped(content).tokens, reason: "quarantine \(entry.message)"))
        }
        let pending = try await engine.pendingCount()
        // The next open, often after a kill, finds segments and not the log alone.
        try store.checkpoint()
        return DeviceDump(
            device: settings.name, entities: entities, kept: kept, pending: pending)
    }

    private static func resolver(_ name: String) -> any ConflictResolver {
        switch name {
        case "client": .clientWins
        case "last": .lastWriteWins
        case "merge":
            .custom { conflict in
                let sides = [conflict.local, conflict.remote].map { content in
                    content.flatMap { try? CBORDecoder().decode(Sheet.self, from: $0).tokens }
                }
                let sheet = Sheet(tokens: mergedTokens(sides[0], sides[1]))
                guard let content = try? CBOREncoder().encode(sheet) else { return .keepRemote }
                return .merge(content)
            }
        default: .serverWins
        }
    }
}

/// An encoded entity as a dump shows it.
func dumped(_ content: [UInt8]) throws -> DumpedEntity {
    let sheet = try CBORDecoder().decode(Sheet.self, from: content)
    return DumpedEntity(tokens: sheet.tokens, digest: digest(content))
}
