// SPDX-License-Identifier: MIT

import CBOR
import SyncProtocol

/// One change to an offline queue, as its file records it.
enum QueueChange: Sendable, Equatable {
    /// Captured operations go to the end, and everything up to `checkpoint` is captured.
    case enqueue([SyncOperation], checkpoint: UInt64)
    /// A push with numbers up to this one is about to leave.
    case noteSent(OperationID)
    /// The server said that it stored nothing of the one push that carried what comes after this
    /// number.
    case noteUnstored(after: OperationID)
    /// Settled operations leave the queue.
    case remove([OperationID])
    /// An operation is now made on another revision.
    case rebase(OperationID, base: Cursor?, baseOperationID: OperationID?, version: EntityVersion)
    /// The operation with the same number becomes this one.
    case replace(SyncOperation)
    /// An operation gets another stamp, and the device's clock goes on from there, even backwards.
    case restamp(OperationID, HybridTimestamp)
    /// From this number on, operations take new numbers in the same order, as `device`'s.
    case renumber(from: OperationID, device: DeviceID)
    /// An operation moves to another transaction.
    case regroup(OperationID, TransactionID)
    /// No revision is known any more: every operation that names one is now made on none.
    case voidBases
}

/// A record of the queue's file: changes that take effect together, and the settlement that they
/// belong to (0 for none); or, as the first record of a compacted file, the whole state.
enum QueueRecord: Equatable {
    case changes([QueueChange], settlement: UInt64)
    case state(QueueState)
}

extension QueueRecord: WireValue {
    /// The layout's version, the first element of every record.
    private static let version: UInt64 = 1

    func encode(to writer: inout CBORWriter) {
        switch self {
        case .changes(let changes, let settlement):
            writer.writeArrayHeader(count: 3)
            writer.write(uint: Self.version)
            writer.write(uint: settlement)
            writer.writeArrayHeader(count: changes.count)
            for change in changes { change.encode(to: &writer) }
        case .state(let state):
            // The last element is seldom there, and earlier versions do not know it.
            let isAllUnanswered = state.unansweredThrough == state.sentThrough
            writer.writeArrayHeader(count: isAllUnanswered ? 7 : 8)
            writer.write(uint: Self.version)
            writer.write(uint: state.settlement)
            writer.write(uint: state.nextOperationID.rawValue)
            writer.write(uint: state.sentThrough.rawValue)
            writer.write(uint: state.checkpoint)
            writer.write(uint: state.clock.latest.rawValue)
            writer.writeArrayHeader(count: state.operations.count)
            for operation in state.operations { operation.encode(to: &writer) }
            if !isAllUnanswered { writer.write(uint: state.unansweredThrough.rawValue) }
        }
    }

    init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var numbers: [UInt64] = []
        var changes: [QueueChange] = []
        var operations: [SyncOperation] = []
        try reader.readArray { reader, index throws(CBORError) in
            guard try reader.peekType() == .array else {
                return numbers.append(try reader.readUInt())
            }
            if index == 2 {
                try reader.readArray { reader, _ throws(CBORError) in
                    changes.append(try QueueChange(from: &reader))
                }
            } else {
                try reader.readArray { reader, _ throws(CBORError) in
                    operations.append(try SyncOperation(from: &reader))
                }
            }
        }
        switch (numbers.first, numbers.count) {
        case (Self.version, 2): self = .changes(changes, settlement: numbers[1])
        case (Self.version, 6), (Self.version, 7):
            self = .state(
                QueueState(
                    operations: operations, nextOperationID: OperationID(numbers[2]),
                    sentThrough: OperationID(numbers[3]),
                    unansweredThrough: numbers.count > 6 ? OperationID(numbers[6]) : nil,
                    checkpoint: numbers[4],
                    settlement: numbers[1],
                    clock: HybridLogicalClock(latest: HybridTimestamp(numbers[5]))))
        default:
            throw CBORError(.invalidValue, at: start, message: "This is no record of a queue.")
        }
    }
}

extension QueueChange: WireValue {
    func encode(to writer: inout CBORWriter) {
        switch self {
        case .enqueue(let operations, let checkpoint):
            writer.writeArrayHeader(count: 2 + operations.count)
            writer.write(uint: 0)
            writer.write(uint: checkpoint)
            for operation in operations { operation.encode(to: &writer) }
        case .noteSent(let number): writer.write(change: 1, [number.rawValue])
        case .remove(let numbers): writer.write(change: 2, numbers.map(\.rawValue))
        case .rebase(let number, let base, let baseOperationID, let version):
            writer.writeArrayHeader(count: 5)
            writer.write(uint: 3)
            writer.write(uint: number.rawValue)
            writer.write(orNull: base?.rawValue)
            writer.write(orNull: baseOperationID?.rawValue)
            writer.write(uint: version.rawValue)
        case .replace(let operation):
            writer.writeArrayHeader(count: 2)
            writer.write(uint: 4)
            operation.encode(to: &writer)
        case .renumber(let first, let device):
            writer.writeArrayHeader(count: 3)
            writer.write(uint: 5)
            writer.write(uint: first.rawValue)
            writer.write(text: device.rawValue)
        case .regroup(let number, let transaction):
            writer.write(change: 6, [number.rawValue, transaction.rawValue])
        case .voidBases: writer.write(change: 7, [])
        case .noteUnstored(let number): writer.write(change: 8, [number.rawValue])
        case .restamp(let number, let stamp):
            writer.write(change: 9, [number.rawValue, stamp.rawValue])
        }
    }

    init(from reader: inout CBORReader) throws(CBORError) {
        let start = reader.offset
        var numbers: [UInt64?] = []
        var operations: [SyncOperation] = []
        var text: String?
        try reader.readArray { reader, _ throws(CBORError) in
            switch try reader.peekType() {
            case .map: operations.append(try SyncOperation(from: &reader))
            case .text: text = try reader.readText()
            case .null:
                try reader.readNull()
                numbers.append(nil)
            default: numbers.append(try reader.readUInt())
            }
        }
        guard let change = Self(numbers, operations, text) else {
            throw CBORError(.invalidValue, at: start, message: "This is no change of a queue.")
        }
        self = change
    }

    private init?(_ numbers: [UInt64?], _ operations: [SyncOperation], _ text: String?) {
        let given = numbers.compactMap { $0 }
        switch (numbers.first ?? nil, given.count, operations.count, text) {
        case (0, 2, _, nil): self = .enqueue(operations, checkpoint: given[1])
        case (1, 2, 0, nil): self = .noteSent(OperationID(given[1]))
        case (2, _, 0, nil): self = .remove(given.dropFirst().map { OperationID($0) })
        case (3, 3..., 0, nil) where numbers.count == 5:
            guard let number = numbers[1], let version = numbers[4] else { return nil }
            self = .rebase(
                OperationID(number), base: numbers[2].map { Cursor($0) },
                baseOperationID: numbers[3].map { OperationID($0) },
                version: EntityVersion(version))
        case (4, 1, 1, nil): self = .replace(operations[0])
        case (5, 2, 0, let device?):
            self = .renumber(from: OperationID(given[1]), device: DeviceID(device))
        case (6, 3, 0, nil): self = .regroup(OperationID(given[1]), TransactionID(given[2]))
        case (7, 1, 0, nil): self = .voidBases
        case (8, 2, 0, nil): self = .noteUnstored(after: OperationID(given[1]))
        case (9, 3, 0, nil): self = .restamp(OperationID(given[1]), HybridTimestamp(given[2]))
        default: return nil
        }
    }
}

extension CBORWriter {
    fileprivate mutating func write(change code: UInt64, _ numbers: [UInt64]) {
        writeArrayHeader(count: 1 + numbers.count)
        write(uint: code)
        for number in numbers { write(uint: number) }
    }

    fileprivate mutating func write(orNull number: UInt64?) {
        if let number { write(uint: number) } else { writeNull() }
    }
}
