// SPDX-License-Identifier: MIT

import CBOR
import Cryptography
import SyncProtocol

/// Puts a checkpoint together from its records.
struct CheckpointReading {
    private var header: CheckpointHeader?
    private var indexes = DatabaseIndexes()
    /// The author of each entity's revision is a place among devices that come later.
    private var lastDevice: UInt32 = 0
    private var isComplete = false

    /// The checkpoint, once its last record was taken.
    var checkpoint: Checkpoint? {
        guard isComplete, let header else { return nil }
        return Checkpoint(header: header, indexes: indexes)
    }

    /// Takes the next record; `false` if it is not what it must be.
    mutating func take(_ payload: ArraySlice<UInt8>) -> Bool {
        guard !isComplete else { return false }
        do throws(CBORError) {
            // What the server wrote itself is as deep as it is, and has as much as it has.
            let limits = CBORLimits(
                maxDepth: 4, maxItems: .max, maxStringBytes: .max, maxTotalBytes: .max)
            try CBORReader.read(payload, limits: limits) { reader throws(CBORError) in
                try take(&reader)
            }
            return true
        } catch {
            return false
        }
    }

    private mutating func take(_ reader: inout CBORReader) throws(CBORError) {
        var kind: UInt64?
        var fields = CheckpointHeader.Fields()
        var totals: [UInt64] = []
        try reader.readArray { reader, index throws(CBORError) in
            if index == 0 {
                kind = try reader.readUInt()
                return
            }
            switch kind {
            case 0: try fields.take(index, from: &reader)
            case 1: try takeEntity(&reader)
            case 2: try takeDevice(&reader)
            case 3: totals.append(try reader.readUInt())
            default: throw reader.error(.invalidValue, "A record of an unknown kind.")
            }
        }
        switch kind {
        case 0 where header == nil:
            guard let found = fields.header else {
                throw reader.error(.invalidValue, "The header is not whole.")
            }
            header = found
        case 1, 2: break
        case 3:
            guard totals == [UInt64(indexes.entities.count), UInt64(indexes.devices.count)],
                indexes.entities.count == 0 || Int(lastDevice) < indexes.devices.count
            else { throw reader.error(.invalidValue, "There are more or fewer rows.") }
            isComplete = true
        default: throw reader.error(.invalidValue, "A record that is not due.")
        }
    }

    private mutating func takeEntity(_ reader: inout CBORReader) throws(CBORError) {
        var collection: UnsafeRawBufferPointer?
        var entityID: UnsafeRawBufferPointer?
        var numbers = (cursor: UInt64(0), version: UInt64(0), operationID: UInt64(0))
        var device: UInt64 = 0
        var isDeleted = false
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0: collection = try reader.readLentBytes()
            case 1: entityID = try reader.readLentBytes()
            case 2: numbers.cursor = try reader.readUInt()
            case 3: numbers.version = try reader.readUInt()
            case 4: numbers.operationID = try reader.readUInt()
            case 5: device = try reader.readUInt()
            case 6: isDeleted = try reader.readBool()
            default: try reader.skip()
            }
        }
        guard let collection, let entityID, numbers.cursor > 0, let number = UInt32(exactly: device)
        else {
            throw reader.error(.invalidValue, "An entity's row is not whole.")
        }
        lastDevice = max(lastDevice, number)
        indexes.restore(
            EntityKeyBytes(collection: collection, entityID: entityID),
            EntityRevision(
                cursor: Cursor(numbers.cursor), version: EntityVersion(numbers.version),
                operationID: OperationID(numbers.operationID),
                device: DeviceNumber(index: number), isDeleted: isDeleted))
    }

    private mutating func takeDevice(_ reader: inout CBORReader) throws(CBORError) {
        var record = DeviceRecord(deviceID: "")
        var count: UInt64 = 0
        var lists: [[UInt64]] = []
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0: record = DeviceRecord(deviceID: DeviceID(try reader.readText()))
            case 2: count = try reader.readUInt()
            case 1, 3, 4: lists.append(try Self.readNumbers(from: &reader))
            default: try reader.skip()
            }
        }
        guard record.deviceID.isValidInLog, lists.count == 3,
            let accepted = OperationIDRanges(bounds: lists[0]),
            let recent = RecentOperations(ascending: lists[1], late: lists[2], count: count)
        else { throw reader.error(.invalidValue, "A device's row is not whole.") }
        record.accepted = accepted
        record.recent = recent
        guard indexes.restore(record) else {
            throw reader.error(.invalidValue, "A device is there twice.")
        }
    }

    fileprivate static func readNumbers(
        from reader: inout CBORReader
    ) throws(CBORError) -> [UInt64] {
        var numbers: [UInt64] = []
        try reader.readArray { reader, _ throws(CBORError) in
            numbers.append(try reader.readUInt())
        }
        return numbers
    }
}

extension CheckpointHeader {
    /// The elements of a header as they come.
    fileprivate struct Fields {
        private var numbers: [Int: UInt64] = [:]
        private var link: SHA256Digest?
        private var sealed: [UInt64] = []
        private var sparse = SparseIndex()

        mutating func take(_ index: Int, from reader: inout CBORReader) throws(CBORError) {
            switch index {
            case 1, 2, 4, 5, 6, 8, 9, 11: numbers[index] = try reader.readUInt()
            case 3: link = SHA256Digest(try reader.readBytes())
            case 7: sealed = try CheckpointReading.readNumbers(from: &reader)
            case 10: sparse = try SparseIndex(from: &reader)
            default: try reader.skip()
            }
        }

        var header: CheckpointHeader? {
            guard numbers[1] == CheckpointHeader.format, let link, sealed.count % 3 == 0,
                let cursor = numbers[2], let segment = numbers[4], let offset = numbers[5],
                let oldest = numbers[6], let operations = numbers[8], let committed = numbers[9],
                let identity = numbers[11]
            else { return nil }
            var activeIndex = SegmentIndex(lastCursor: Cursor(cursor))
            activeIndex.operationCount = Int(clamping: operations)
            activeIndex.lastCommittedAtMilliseconds = committed
            activeIndex.sparse = sparse
            return CheckpointHeader(
                cursor: Cursor(cursor), link: link, segment: Cursor(segment), offset: offset,
                identity: identity, oldestCursor: Cursor(oldest),
                sealed: stride(from: 0, to: sealed.count, by: 3).map {
                    Sealed(
                        firstCursor: Cursor(sealed[$0]), byteCount: sealed[$0 + 1],
                        identity: sealed[$0 + 2])
                },
                activeIndex: activeIndex)
        }
    }
}
