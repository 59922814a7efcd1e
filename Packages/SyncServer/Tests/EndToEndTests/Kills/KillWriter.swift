// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol
import SyncTestSupport
import Testing

/// One device that pushes batch after batch to whichever server is up, and after a lost answer
/// sends the same batch again.
struct KillWriter {
    static let databaseID: DatabaseID = "killed"

    let device: DeviceID
    let ledger: KillLedger
    private var generator: SeededGenerator
    private var lastOperationID: UInt64 = 0
    private var nextEntity = 0
    /// What the device may base an edit on: its acknowledged entities.
    private var bases: [String: Cursor] = [:]
    /// The batch whose answer is awaited.
    private var pending: [SyncOperation] = []
    /// Batches that were acknowledged, the newest last.
    private var settled: [[SyncOperation]] = []

    init(device: DeviceID, seed: UInt64, ledger: KillLedger) {
        self.device = device
        self.ledger = ledger
        generator = SeededGenerator(seed: seed)
    }

    mutating func run(in arena: KillArena) {
        var generation = 0
        while let (server, isLast) = arena.server(after: generation) {
            generation = server.generation
            // Everything that goes wrong here is the server's death; what it must not do is noted
            // where an answer is checked.
            try? serve(port: server.port, arena, isLast: isLast)
        }
    }

    private mutating func serve(port: UInt16, _ arena: KillArena, isLast: Bool) throws {
        let client = try ProtocolClient(port: port, Self.databaseID, device)
        let hello = try client.handshake()
        ledger.note(logID: hello.logID)
        checkLast(hello.lastOperationID?.rawValue ?? 0)
        for round in 0... {
            if pending.isEmpty {
                if isLast && round > 3 { break }
                // Now and then something is sent again although its answer came.
                if Int.random(in: 0..<8, using: &generator) == 0,
                    let old = settled.randomElement(using: &generator)
                {
                    ledger.note(try client.push(old), to: old)
                }
                pending = makeBatch()
                ledger.noteSent(pending)
            }
            let answer = try client.push(pending)
            ledger.note(answer, to: pending)
            settle(answer)
            arena.noteProgress()
        }
    }

    /// The server's last operation of this device is one that was acknowledged or is pending.
    private func checkLast(_ last: UInt64) {
        let acknowledged = settled.last?.last?.operationID.rawValue ?? 0
        let possible = [acknowledged, pending.last?.operationID.rawValue ?? acknowledged]
        #expect(possible.contains(last), "the server's last operation of \(device) is \(last)")
        if last > acknowledged { ledger.noteLostAnswer() }
    }

    private mutating func settle(_ answer: PushResponse) {
        for operation in pending {
            let cursor = answer.accepted?.lazy.compactMap {
                $0.cursor(of: operation.operationID)
            }.first
            bases[operation.entityID.rawValue] = cursor
        }
        settled = settled.suffix(20) + [pending]
        pending = []
    }

    /// New entities, edits, edits of edits, deletes; with and without transactions.
    private mutating func makeBatch() -> [SyncOperation] {
        var batch: [SyncOperation] = []
        var own: [String: OperationID] = [:]
        let count = Int.random(in: 1...20, using: &generator)
        let sizes = [1, 1, 2, 5]
        while batch.count < count {
            let size = sizes.randomElement(using: &generator) ?? 1
            var transaction: TransactionID?
            for _ in 0..<size {
                var operation = makeOperation(own)
                if size > 1 {
                    transaction = transaction ?? TransactionID(operation.operationID.rawValue)
                    operation.transactionID = transaction
                }
                own[operation.entityID.rawValue] = operation.operationID
                batch.append(operation)
            }
        }
        return batch
    }

    private mutating func makeOperation(_ own: [String: OperationID]) -> SyncOperation {
        // Gaps in a device's numbers are normal.
        lastOperationID += UInt64.random(in: 1...3, using: &generator)
        let isNew = bases.isEmpty || Int.random(in: 0..<3, using: &generator) > 0
        var id = "\(device)-\(nextEntity)"
        if isNew {
            nextEntity += 1
        } else if let known = bases.keys.sorted().randomElement(using: &generator) {
            id = known
        }
        let isDelete = !isNew && Int.random(in: 0..<6, using: &generator) == 0
        let text = String(
            repeating: "x", count: Int.random(in: 0...600, using: &generator))
        var operation = SyncOperation(
            operationID: OperationID(lastOperationID), databaseID: Self.databaseID,
            deviceID: device, collection: "things", entityID: EntityID(id),
            kind: isDelete ? .delete : .upsert, entityVersion: 1,
            entityCBOR: isDelete ? nil : CBORValue.text("\(lastOperationID)\(text)").encoded(),
            timestampMilliseconds: lastOperationID)
        if let earlier = own[id] {
            operation.baseOperationID = earlier
        } else {
            operation.base = bases[id] ?? .start
        }
        return operation
    }
}
