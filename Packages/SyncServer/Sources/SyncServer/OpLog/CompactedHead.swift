// SPDX-License-Identifier: MIT

import CBOR
import Cryptography
import SyncProtocol

// The first record of a compacted segment: two bytes FF FF, where a group has its format, and one
// CBOR array:
//
//     [first cursor, last cursor, link before, link after, oldestCursor,
//      [deviceId, [first, last, …], …]]

/// What a compacted segment says of the segments whose place it takes: what cannot be told from the
/// operations that are left.
struct CompactedHead: Equatable {
    /// The numbers of a device's operations that were accepted in the segment.
    struct Accepted: Equatable {
        var deviceID: DeviceID
        var numbers: OperationIDRanges
    }

    /// The segment speaks for the cursors from this one.
    var firstCursor: Cursor
    /// The last cursor that the segment speaks for.
    var lastCursor: Cursor
    /// The link of the group before the segment.
    var linkBefore: SHA256Digest
    /// The link that the last group had before anything was compacted: the next segment goes on
    /// from it.
    var linkAfter: SHA256Digest
    /// The highest cursor of a tombstone that was dropped from the segment; 0 if none was.
    var oldestCursor: Cursor
    var accepted: [Accepted]

    private static let mark: [UInt8] = [0xFF, 0xFF]

    /// Whether a record is the head of a compacted segment.
    static func isHead(_ payload: ArraySlice<UInt8>) -> Bool { payload.starts(with: mark) }

    /// The record's payload.
    var encoded: [UInt8] {
        var writer = CBORWriter(capacity: 160 + 40 * accepted.count)
        writer.writeArrayHeader(count: 6)
        writer.write(uint: firstCursor.rawValue)
        writer.write(uint: lastCursor.rawValue)
        writer.write(bytes: linkBefore.bytes)
        writer.write(bytes: linkAfter.bytes)
        writer.write(uint: oldestCursor.rawValue)
        writer.writeArrayHeader(count: 2 * accepted.count)
        for device in accepted {
            writer.write(text: device.deviceID.rawValue)
            let bounds = device.numbers.bounds
            writer.writeArrayHeader(count: bounds.count)
            for number in bounds { writer.write(uint: number) }
        }
        return Self.mark + writer.bytes
    }

    /// Takes a record's payload apart; `nil` if it is no head.
    init?(_ payload: ArraySlice<UInt8>) {
        guard Self.isHead(payload) else { return nil }
        let limits = CBORLimits(
            maxDepth: 4, maxItems: .max, maxStringBytes: .max, maxTotalBytes: .max)
        do throws(CBORError) {
            self = try CBORReader.read(payload.dropFirst(2), limits: limits) {
                reader throws(CBORError) in try CompactedHead(from: &reader)
            }
        } catch {
            return nil
        }
    }

    init(
        firstCursor: Cursor, lastCursor: Cursor, linkBefore: SHA256Digest, linkAfter: SHA256Digest,
        oldestCursor: Cursor, accepted: [Accepted]
    ) {
        self.firstCursor = firstCursor
        self.lastCursor = lastCursor
        self.linkBefore = linkBefore
        self.linkAfter = linkAfter
        self.oldestCursor = oldestCursor
        self.accepted = accepted
    }

    private init(from reader: inout CBORReader) throws(CBORError) {
        var cursors: [UInt64] = []
        var links: [SHA256Digest] = []
        var accepted: [Accepted] = []
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0, 1, 4: cursors.append(try reader.readUInt())
            case 2, 3: links += [try SHA256Digest(reader.readBytes())].compactMap { $0 }
            case 5: accepted = try Self.readAccepted(from: &reader)
            default: try reader.skip()
            }
        }
        guard cursors.count == 3, links.count == 2, cursors[0] > 0, cursors[0] <= cursors[1],
            cursors[1] < wireIntegerMax, cursors[2] <= cursors[1]
        else { throw reader.error(.invalidValue, "The head is not whole.") }
        self.init(
            firstCursor: Cursor(cursors[0]), lastCursor: Cursor(cursors[1]), linkBefore: links[0],
            linkAfter: links[1], oldestCursor: Cursor(cursors[2]), accepted: accepted)
    }

    private static func readAccepted(
        from reader: inout CBORReader
    ) throws(CBORError) -> [Accepted] {
        var accepted: [Accepted] = []
        var deviceID: DeviceID = ""
        try reader.readArray { reader, index throws(CBORError) in
            if index % 2 == 0 {
                deviceID = DeviceID(try reader.readText())
                return
            }
            var bounds: [UInt64] = []
            try reader.readArray { reader, _ throws(CBORError) in
                bounds.append(try reader.readUInt())
            }
            guard deviceID.isValidInLog, let numbers = OperationIDRanges(bounds: bounds) else {
                throw reader.error(.invalidValue, "A device's numbers are not in order.")
            }
            accepted.append(Accepted(deviceID: deviceID, numbers: numbers))
        }
        return accepted
    }
}

extension DeviceID {
    /// Whether it can be the author of an operation in the log: a device, or the server itself.
    var isValidInLog: Bool { isValid || rawValue.utf8.first == UInt8(ascii: "~") }
}
