// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport

/// Makes up pushes and pulls that meet every rule now and then: few devices, few entities, bases
/// that are right, stale or nonsense, chains, transactions, retries, reuse of numbers, bad values.
struct RandomPushes {
    static let devices: [DeviceID] = ["a", "b", "B"]
    static let entities: [EntityID] = ["e", "f", "\u{E9}", "e\u{301}"]
    static let collections: [CollectionName] = ["c", "d"]

    var generator: SeededGenerator
    private var nextNumbers: [DeviceID: UInt64] = [:]
    private var sent: [DeviceID: [[SyncOperation]]] = [:]
    private var nextTransaction: UInt64 = 1

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    private mutating func pick<T>(_ list: [T]) -> T {
        list[Int.random(in: 0..<list.count, using: &generator)]
    }

    /// A device and the operations that it pushes, given what the server has.
    mutating func nextPush(_ server: ReferenceServer) -> (DeviceID, [SyncOperation]) {
        let device = pick(Self.devices)
        if chance(15), let earlier = sent[device] {
            var again = pick(earlier)
            if chance(30), !again.isEmpty { again[again.count - 1].entityCBOR = [0x17] }
            if chance(30) { again.append(contentsOf: edits(1, device, server)) }
            return (device, again.ascending)
        }
        let operations = edits(Int.random(in: 0...6, using: &generator), device, server)
        sent[device, default: []].append(operations)
        return (device, operations)
    }

    private mutating func edits(
        _ count: Int, _ device: DeviceID, _ server: ReferenceServer
    ) -> [SyncOperation] {
        var operations: [SyncOperation] = []
        var transaction: TransactionID?
        for _ in 0..<count {
            if chance(40) {
                transaction = chance(60) ? TransactionID(nextTransaction) : nil
                nextTransaction += 1
            }
            let number = nextNumbers[device, default: 1]
            nextNumbers[device] = number + (chance(10) ? 2 : 1)
            var edit = operation(
                OperationID(number), pick(Self.entities), delete: chance(25),
                content: [UInt8(number % 23)], transaction: transaction, device: device,
                collection: pick(Self.collections))
            setBase(&edit, operations, server)
            if chance(4) { edit.entityCBOR = [0xFF] }
            if chance(2) { edit.collection = "_local" }
            if chance(2) { edit.kind = .unknown("x") }
            operations.append(edit)
        }
        return operations
    }

    private mutating func setBase(
        _ edit: inout SyncOperation, _ before: [SyncOperation], _ server: ReferenceServer
    ) {
        let current = server.log.last { [key = edit.key] in $0.key == key }
        let chained = before.last { [key = edit.key] in $0.key == key }
        edit.entityVersion = EntityVersion(UInt64.random(in: 0...6, using: &generator))
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: edit.base = Cursor(UInt64.random(in: 0...30, using: &generator))
        case 1: edit.base = 0
        case 2: edit.baseOperationID = OperationID(UInt64.random(in: 1...30, using: &generator))
        case 3: edit.entityVersion = (current?.entityVersion ?? 0).next
        default:
            if let chained {
                edit.baseOperationID = chained.operationID
            } else {
                edit.base = current?.cursor ?? 0
            }
        }
    }

    /// A pull of what may be there.
    mutating func nextPull(_ server: ReferenceServer) -> PullRequest {
        PullRequest(
            databaseID: "db",
            sinceCursor: Cursor(UInt64.random(in: 0...UInt64(server.log.count), using: &generator)),
            limit: UInt64.random(in: 1...8, using: &generator),
            collections: chance(40) ? Self.collections.filter { _ in chance(50) } : nil,
            deviceID: chance(50) ? pick(Self.devices) : nil,
            includesOwn: chance(30) ? chance(50) : nil,
            maxBytes: chance(30) ? UInt64.random(in: 0...1_000, using: &generator) : nil)
    }
}

extension [SyncOperation] {
    /// The operations as a request may carry them: numbers increasing, transactions unbroken.
    fileprivate var ascending: [SyncOperation] {
        var seen: Set<OperationID> = []
        return sorted { $0.operationID < $1.operationID }
            .filter { seen.insert($0.operationID).inserted }
    }
}
