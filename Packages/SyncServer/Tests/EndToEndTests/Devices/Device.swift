// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncClient
import Testing

/// What the devices of these tests keep.
struct Card: Codable, Equatable {
    var text: String
    var count = 0
}

/// A device as an app has it: a store in a directory, and an engine to a server.
struct Device {
    static let databaseID: DatabaseID = "cards"

    let store: EntityStore
    let engine: SyncEngine

    /// Opens the device called `name`, whose store is in `bench`.
    init(
        _ name: String, on bench: Bench, port: UInt16,
        resolver: any ConflictResolver = .serverWins,
        configure: (inout SyncConfiguration) -> Void = { _ in },
        transport: (any SyncTransport) -> any SyncTransport = { $0 }
    ) throws {
        store = try EntityStore(directory: bench.path(name))
        var configuration = SyncConfiguration(databaseID: Self.databaseID, deviceID: DeviceID(name))
        configuration.retryPolicy = RetryPolicy(
            base: .milliseconds(1), cap: .milliseconds(20), attemptsMax: 2)
        configure(&configuration)
        engine = try SyncEngine(
            store: store, configuration: configuration,
            transport: transport(
                HTTPTransport(server: URL(string: "http://127.0.0.1:\(port)")!)),
            resolver: resolver)
    }

    func put(_ text: String, _ id: String) throws {
        try store.put(Card(text: text), in: "cards", id: id)
    }

    func text(_ id: String) throws -> String? {
        try store.get(Card.self, in: "cards", id: id)?.text
    }

    /// Everything the store holds, by collection and id.
    var content: [String: [UInt8]] {
        var content: [String: [UInt8]] = [:]
        for collection in store.collections {
            for entity in store.rawEntities(in: collection) {
                content["\(collection)/\(entity.id)"] = entity.content
            }
        }
        return content
    }

    /// Releases the store's lock, so that the same device can be opened again.
    func close() { store.close() }
}

/// What a server holds, as anybody can pull it.
struct ServerLog {
    let operations: [SyncOperation]

    init(port: UInt16, _ databaseID: DatabaseID = Device.databaseID) throws {
        operations = try ProtocolClient(port: port, databaseID, "observer").pullAll()
    }

    /// The current content of every entity, by collection and id.
    var content: [String: [UInt8]] {
        var content: [String: [UInt8]] = [:]
        for operation in operations {
            content["\(operation.collection)/\(operation.entityID)"] = operation.entityCBOR
        }
        return content
    }

    /// Checks what is true of every log: cursors without gaps, each operation once, transactions
    /// unbroken.
    func checkLaws(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            operations.compactMap { $0.cursor?.rawValue } == Array(1...UInt64(operations.count)),
            "cursors have a gap", sourceLocation: sourceLocation)
        let names = operations.map { "\($0.deviceID) \($0.operationID)" }
        #expect(
            Set(names).count == names.count, "an operation is there twice",
            sourceLocation: sourceLocation)
        var closed: Set<String> = []
        var open = ""
        for operation in operations {
            let transaction = operation.transactionID.map { "\(operation.deviceID) \($0)" } ?? ""
            if transaction == open { continue }
            closed.insert(open)
            open = transaction
            #expect(
                transaction.isEmpty || !closed.contains(transaction),
                "transaction \(transaction) is broken", sourceLocation: sourceLocation)
        }
    }
}
