// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// The operations that all systems are given: upserts of entities in ten collections, round and
/// round over a client's share of all entities, each made on the client's operation before.
struct Workload {
    /// How many clients share the entities.
    let clients: Int
    let database: DatabaseID
    private let entitiesPerClient: Int
    private let payload: [UInt8]

    static let entities = 100_000
    static let collections = (0..<10).map { CollectionName("collection-\($0)") }

    init(clients: Int, database: String) {
        self.clients = clients
        self.database = DatabaseID(database)
        entitiesPerClient = Self.entities / clients
        var writer = CBORWriter()
        // A text of a length that makes an operation 250 bytes, give or take a number's length.
        writer.write(text: String(repeating: "a line of text ", count: 5).prefix(69).description)
        payload = writer.bytes
    }

    static func device(_ client: Int) -> DeviceID { DeviceID("device-\(client)") }

    /// Which collection an operation is in, from 0: one in ten is in each.
    func collection(_ number: Int) -> Int { (number - 1) % entitiesPerClient % 10 }

    /// A client's operation with the number `number`, which counts from 1.
    func operation(_ number: Int, client: Int) -> SyncOperation {
        let round = (number - 1) / entitiesPerClient
        let entity = (number - 1) % entitiesPerClient
        return SyncOperation(
            operationID: OperationID(UInt64(number)), databaseID: database,
            deviceID: Self.device(client), collection: Self.collections[collection(number)],
            entityID: EntityID("entity-\(client)-\(entity)"), kind: .upsert,
            entityVersion: EntityVersion(UInt64(round + 1)), entityCBOR: payload,
            timestampMilliseconds: 1_700_000_000_000, base: round == 0 ? 0 : nil,
            baseOperationID: round == 0
                ? nil : OperationID(UInt64(number - entitiesPerClient)))
    }
}

/// What a row pushes.
struct PushShape: Hashable {
    var clients: Int
    /// Operations in a batch.
    var batch: Int
    /// Batches of each client at most.
    var batches: Int

    init(clients: Int, batch: Int, operationsMax: Int) {
        self.clients = clients
        self.batch = batch
        batches = max(operationsMax / clients / batch, 1)
    }

    var name: String { "push-\(batch)-\(clients)" }
    var operations: Int { clients * batch * batches }
}
