// SPDX-License-Identifier: MIT

import SyncProtocol

/// What an offline queue holds: a value that changes only by `QueueChange`s, so that replaying the
/// changes from the queue's file gives the same state again.
///
/// Rules that `checkInvariants()` states: numbers increase; the first edit of an entity names a
/// revision (`base`), each later one the edit before it (`baseOperationID`); a transaction is an
/// unbroken run. An operation whose number is not above `unansweredThrough` may be on the server:
/// it is frozen, and goes out again exactly as it is until an answer settles it.
struct QueueState: Sendable, Hashable {
    /// The operations, oldest first.
    private(set) var operations: [SyncOperation] = []
    /// The number that the next operation takes. It never goes back.
    private(set) var nextOperationID: OperationID = 1
    /// The highest number that was in a push that left the device.
    private(set) var sentThrough: OperationID = 0
    /// The highest number that may be on the server. Below `sentThrough` where every push that
    /// carried the operations between was answered with an error that says that nothing was stored.
    private(set) var unansweredThrough: OperationID = 0
    /// The commit sequence of the store up to which everything is captured.
    private(set) var checkpoint: UInt64 = 0
    /// The number of the last settlement whose changes are in.
    private(set) var settlement: UInt64 = 0
    /// The highest hybrid stamp given so far.
    private(set) var clock = HybridLogicalClock()

    /// The numbers of each entity's operations, in order.
    private var numbersByEntity: [EntityKey: [OperationID]] = [:]

    init() {}

    /// Creates the state that a compacted queue file starts with.
    init(
        operations: [SyncOperation], nextOperationID: OperationID, sentThrough: OperationID,
        unansweredThrough: OperationID? = nil, checkpoint: UInt64, settlement: UInt64,
        clock: HybridLogicalClock
    ) {
        self.operations = operations
        self.nextOperationID = nextOperationID
        self.sentThrough = sentThrough
        self.unansweredThrough = unansweredThrough ?? sentThrough
        self.checkpoint = checkpoint
        self.settlement = settlement
        self.clock = clock
        reindex()
    }

    var isEmpty: Bool { operations.isEmpty }

    /// Whether an operation may have reached the server and waits for its answer.
    var hasSentOperations: Bool {
        operations.first.map { $0.operationID <= unansweredThrough } ?? false
    }

    /// The operations that may have reached the server, oldest first.
    var sentOperations: ArraySlice<SyncOperation> {
        operations[..<(index(atOrAfter: unansweredThrough.next))]
    }

    /// The sent operations that are known not to be on the server once `refused` are: those, all
    /// later ones of their entities, and with each its transaction.
    ///
    /// A later edit builds on the refused one, so the server cannot have taken it; and it must not
    /// be sent without it, as a delete would be taken then. O(n) in the sent operations, times how
    /// deep transactions and entities interlock.
    func sentOperationsRefused(with refused: Set<OperationID>) -> Set<OperationID> {
        var all = refused
        var count = -1
        while !all.isEmpty, count != all.count {
            count = all.count
            var entities: Set<EntityKey> = []
            let transactions = Set(all.compactMap { operation($0)?.transactionID })
            for operation in sentOperations {
                let isAborted = operation.transactionID.map(transactions.contains) ?? false
                if all.contains(operation.operationID) || isAborted
                    || entities.contains(operation.key)
                {
                    all.insert(operation.operationID)
                    entities.insert(operation.key)
                }
            }
        }
        return all
    }

    /// The operation with this number.
    func operation(_ number: OperationID) -> SyncOperation? {
        let index = index(atOrAfter: number)
        guard index < operations.endIndex, operations[index].operationID == number else {
            return nil
        }
        return operations[index]
    }

    /// The entity's operations, oldest first.
    func operations(of key: EntityKey) -> [SyncOperation] {
        (numbersByEntity[key] ?? []).compactMap(operation)
    }

    /// Whether the entity has an edit that the server has not acknowledged.
    func hasOperations(of key: EntityKey) -> Bool { numbersByEntity[key] != nil }

    /// The entities that have operations here, in no particular order.
    var entities: some Sequence<EntityKey> { numbersByEntity.keys }

    /// The numbers of a transaction's members, in order. O(n) in the queue.
    func members(of transaction: TransactionID) -> [OperationID] {
        operations.filter { $0.transactionID == transaction }.map(\.operationID)
    }

    /// The number of the first member of `number`'s transaction; `number` itself if it has none.
    func transactionStart(of number: OperationID) -> OperationID {
        let index = index(atOrAfter: number)
        guard index < operations.endIndex, let transaction = operations[index].transactionID else {
            return number
        }
        var start = index
        while start > 0, operations[start - 1].transactionID == transaction { start -= 1 }
        return operations[start].operationID
    }

    /// The stamp of the next edit: after all given so far, and after `received`.
    func nextStamp(
        after received: HybridTimestamp, wallMilliseconds: UInt64
    ) -> HybridTimestamp {
        var clock = HybridLogicalClock(latest: max(clock.latest, received))
        return clock.stamp(wallMilliseconds: wallMilliseconds)
    }

    /// The position of the first operation whose number is not below `number`. O(log n).
    func index(atOrAfter number: OperationID) -> Int {
        var low = 0, high = operations.count
        while low < high {
            let middle = (low + high) / 2
            if operations[middle].operationID < number { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension QueueState {
    /// Applies one change. Changes that name an operation which is not there do nothing, so that a
    /// change can be replayed.
    mutating func apply(_ change: QueueChange) {
        switch change {
        case .enqueue(let added, let checkpoint):
            for operation in added { enqueue(operation) }
            self.checkpoint = max(self.checkpoint, checkpoint)
        case .noteSent(let through):
            sentThrough = max(sentThrough, through)
            unansweredThrough = max(unansweredThrough, through)
        case .noteUnstored(let after):
            unansweredThrough = min(unansweredThrough, after)
        case .remove(let numbers):
            remove(Set(numbers))
        case .rebase(let number, let base, let baseOperationID, let version):
            update(number) { operation in
                operation.base = base
                operation.baseOperationID = baseOperationID
                operation.entityVersion = version
            }
        case .replace(let operation):
            update(operation.operationID) { $0 = operation }
            clock.adopt(operation.hybridTimestamp)
        case .restamp(let number, let stamp):
            update(number) { $0.hybridTimestamp = stamp }
            clock = HybridLogicalClock(latest: stamp)
        case .renumber(let first, let device):
            renumber(from: first, as: device)
        case .regroup(let number, let transaction):
            update(number) { $0.transactionID = transaction }
        case .voidBases:
            for index in operations.indices where (operations[index].base ?? 0) > 0 {
                operations[index].base = 0
            }
        }
    }

    /// Notes that all changes of a settlement are in.
    mutating func settled(_ number: UInt64) { settlement = max(settlement, number) }

    private mutating func enqueue(_ operation: SyncOperation) {
        guard operation.operationID >= nextOperationID else { return }
        operations.append(operation)
        numbersByEntity[operation.key, default: []].append(operation.operationID)
        nextOperationID = operation.operationID.next
        clock.adopt(operation.hybridTimestamp)
    }

    private mutating func remove(_ numbers: Set<OperationID>) {
        for number in numbers {
            guard let key = operation(number)?.key else { continue }
            numbersByEntity[key]?.removeAll { $0 == number }
            if numbersByEntity[key]?.isEmpty == true { numbersByEntity[key] = nil }
        }
        operations.removeAll { numbers.contains($0.operationID) }
    }

    private mutating func update(_ number: OperationID, _ body: (inout SyncOperation) -> Void) {
        let index = index(atOrAfter: number)
        guard index < operations.endIndex, operations[index].operationID == number else { return }
        body(&operations[index])
    }

    private mutating func renumber(from first: OperationID, as device: DeviceID) {
        var replacements: [OperationID: OperationID] = [:]
        for index in self.index(atOrAfter: first)..<operations.endIndex {
            replacements[operations[index].operationID] = nextOperationID
            operations[index].operationID = nextOperationID
            operations[index].deviceID = device
            if let base = operations[index].baseOperationID {
                operations[index].baseOperationID = replacements[base] ?? base
            }
            nextOperationID = nextOperationID.next
        }
        reindex()
    }

    private mutating func reindex() {
        numbersByEntity.removeAll(keepingCapacity: true)
        for operation in operations {
            numbersByEntity[operation.key, default: []].append(operation.operationID)
        }
    }

    /// The first rule that the state breaks, in words; `nil` if it keeps them all.
    func checkInvariants() -> String? {
        var previous = OperationID(0)
        var lastOfEntity: [EntityKey: OperationID] = [:]
        var closed: Set<TransactionID> = []
        var open: TransactionID?
        for operation in operations {
            let number = operation.operationID
            if number <= previous { return "operation \(number) does not follow \(previous)" }
            if let last = lastOfEntity[operation.key], operation.baseOperationID != last {
                return "operation \(number) of \(operation.key) is not chained to \(last)"
            }
            if operation.transactionID != open {
                if let open { closed.insert(open) }
                open = operation.transactionID
                if let open, closed.contains(open) { return "transaction \(open) is broken up" }
            }
            lastOfEntity[operation.key] = number
            previous = number
        }
        return previous < nextOperationID ? nil : "number \(previous) would be given again"
    }
}

extension HybridLogicalClock {
    /// Moves past a stamp of this device's own.
    fileprivate mutating func adopt(_ stamp: HybridTimestamp?) {
        guard let stamp, stamp > latest else { return }
        self = HybridLogicalClock(latest: stamp)
    }
}
