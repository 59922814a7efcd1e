// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport

@testable import SyncClient

/// Values of the client's records, from a seed.
extension SeededGenerator {
    private mutating func chance() -> Bool { Bool.random(using: &self) }

    mutating func number(_ upTo: UInt64 = wireIntegerMax) -> UInt64 {
        // Small and large ones, as their encodings differ.
        chance() ? .random(in: 0...30, using: &self) : .random(in: 0...upTo, using: &self)
    }

    mutating func content() -> [UInt8]? {
        guard chance() else { return nil }
        let count = Int.random(in: 0...40, using: &self)
        return (0..<count).map { _ in .random(in: 0...255, using: &self) }
    }

    mutating func operation(number operationID: UInt64) -> SyncOperation {
        let content = content()
        var operation = SyncOperation(
            operationID: OperationID(operationID), databaseID: "db",
            deviceID: chance() ? "d" : .makeRandom(using: &self), collection: "notes",
            entityID: EntityID("e\(number(9))"), kind: content == nil ? .delete : .upsert,
            entityVersion: EntityVersion(number()), entityCBOR: content,
            timestampMilliseconds: number())
        if chance() { operation.hybridTimestamp = HybridTimestamp(number()) }
        if chance() { operation.transactionID = TransactionID(number()) }
        if chance() { operation.labels = ["tenant": .text("é"), "n": .number(number())] }
        switch Int.random(in: 0..<3, using: &self) {
        case 0: operation.base = Cursor(number())
        case 1: operation.baseOperationID = OperationID(number())
        default: break
        }
        return operation
    }

    mutating func change() -> QueueChange {
        switch Int.random(in: 0..<10, using: &self) {
        case 0:
            let count = UInt64.random(in: 0...3, using: &self)
            return .enqueue((0..<count).map { operation(number: $0 + 1) }, checkpoint: number())
        case 1: return .noteSent(OperationID(number()))
        case 2: return .remove((0..<number(4)).map { _ in OperationID(number()) })
        case 3:
            return .rebase(
                OperationID(number()), base: chance() ? Cursor(number()) : nil,
                baseOperationID: chance() ? OperationID(number()) : nil,
                version: EntityVersion(number()))
        case 4: return .replace(operation(number: number()))
        case 5: return .renumber(from: OperationID(number()), device: .makeRandom(using: &self))
        case 6: return .regroup(OperationID(number()), TransactionID(number()))
        case 7: return .noteUnstored(after: OperationID(number()))
        case 8: return .restamp(OperationID(number()), HybridTimestamp(number()))
        default: return .voidBases
        }
    }

    mutating func queueState() -> QueueState {
        let count = UInt64.random(in: 0...5, using: &self)
        return QueueState(
            operations: (0..<count).map { operation(number: $0 * 3 + 1) },
            nextOperationID: OperationID(count * 3 + 1), sentThrough: OperationID(number()),
            unansweredThrough: chance() ? OperationID(number()) : nil,
            checkpoint: number(), settlement: number(),
            clock: HybridLogicalClock(latest: HybridTimestamp(number())))
    }

    mutating func conflictRecord() -> ConflictRecord {
        let key = EntityKey("notes", EntityID("e\(number())"))
        return ConflictRecord(
            id: "00000000000\(number(9))",
            conflict: EntityConflict(
                key: key, base: content(), local: content(), remote: content(),
                localTimestamp: chance() ? HybridTimestamp(number() + 1) : nil,
                remoteTimestamp: chance() ? HybridTimestamp(number() + 1) : nil,
                localDeviceID: "d", remoteDeviceID: chance() ? "o" : nil),
            resolution: [.keepLocal, .keepRemote, .merge(content())]
                .randomElement(using: &self) ?? .keepLocal,
            resolvedAtMilliseconds: number())
    }

    mutating func baseRecord() -> BaseRecord {
        BaseRecord(
            cursor: chance() ? Cursor(number()) : nil, version: EntityVersion(number()),
            isDeleted: chance(), generation: number(), logEpoch: number(),
            shadow: chance() ? BaseRecord.Shadow(content: content()) : nil,
            oldBase: chance() ? oldBase() : nil,
            timestamp: chance() ? HybridTimestamp(number() + 1) : nil)
    }

    private mutating func oldBase() -> BaseRecord.OldBase {
        BaseRecord.OldBase(
            cursor: chance() ? Cursor(number()) : nil, version: EntityVersion(number()),
            remoteDeviceID: chance() ? "o" : nil,
            remoteTimestamp: chance() ? HybridTimestamp(number() + 1) : nil,
            timestamp: chance() ? HybridTimestamp(number() + 1) : nil)
    }

    mutating func replicaState() -> ReplicaState {
        var state = ReplicaState(databaseID: "db", deviceID: .makeRandom(using: &self))
        state.logID = chance() ? .makeRandom(using: &self) : nil
        state.cursor = Cursor(number())
        state.snapshot = chance() ? Cursor(number()) : nil
        (state.logEpoch, state.generation) = (number(), number())
        state.resync = [nil, .compacted, .otherLog, .newDevice].randomElement(using: &self) ?? nil
        (state.settlement, state.recordCount) = (number(), number())
        state.receivedTimestamp = HybridTimestamp(number())
        state.oldestCursor = Cursor(number())
        state.see(Cursor(number()))
        state.noteAccepted(OperationID(number()), of: state.deviceID)
        return state
    }
}
