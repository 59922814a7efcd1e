// SPDX-License-Identifier: MIT

import RecordLog

extension WALRecordCodec {
    /// The bytes of one record.
    static func encode(_ record: WALRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        append(record, to: &bytes)
        return bytes
    }

    /// Appends the bytes of one record.
    ///
    /// - Precondition: The content has at most `payloadBytesMax` bytes less its fields, and the
    ///   entity id 1 to 65,535 bytes; the store checks both before it gets here.
    static func append(_ record: WALRecord, to bytes: inout [UInt8]) {
        switch record {
        case .begin(let txid): number(txid, .begin, &bytes)
        case .abort(let txid): number(txid, .abort, &bytes)
        case .checkpoint(let sequence): number(sequence, .checkpoint, &bytes)
        case .synced(let sequence): number(sequence, .synced, &bytes)
        case .commit(let txid, let sequence):
            envelope(.commit, &bytes) {
                $0.append(littleEndian: txid)
                $0.append(littleEndian: sequence)
            }
        case .pulled(let txid, let mark):
            envelope(.pulled, &bytes) {
                $0.append(littleEndian: txid)
                $0.append(contentsOf: mark.logID)
                $0.append(littleEndian: mark.cursor)
                $0.append(littleEndian: mark.settlement)
            }
        case .put(let txid, let collectionID, let entityID, let content):
            write(txid, collectionID, entityID, content: content, &bytes)
        case .delete(let txid, let collectionID, let entityID):
            write(txid, collectionID, entityID, content: nil, &bytes)
        }
    }

    private static func number(_ value: UInt64, _ kind: Kind, _ bytes: inout [UInt8]) {
        envelope(kind, &bytes) { $0.append(littleEndian: value) }
    }

    private static func write(
        _ txid: UInt64, _ collectionID: UInt32, _ entityID: String, content: [UInt8]?,
        _ bytes: inout [UInt8]
    ) {
        let uuid = UUIDText.bytes(of: entityID)
        let kind: Kind =
            if content == nil { uuid == nil ? .textDelete : .delete } else {
                uuid == nil ? .textPut : .put
            }
        envelope(kind, &bytes) {
            $0.append(littleEndian: txid)
            $0.append(littleEndian: collectionID)
            if let uuid {
                $0.append(contentsOf: uuid)
                $0.append(0)
            } else {
                $0.append(shortText: entityID)
            }
            guard let content else { return }
            $0.append(littleEndian: UInt32(content.count))
            $0.append(contentsOf: content)
        }
    }

    private static func envelope(
        _ kind: Kind, _ bytes: inout [UInt8], _ payload: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        bytes.append(contentsOf: magic)
        bytes.append(littleEndian: version)
        bytes.append(kind.rawValue)
        bytes.append(littleEndian: UInt32(0))
        payload(&bytes)
        let length = bytes.count - start - headerBytes
        precondition(length <= payloadBytesMax, "a record is longer than any reader would take")
        bytes.store(littleEndian: UInt32(length), at: start + 7)
        let checksum = bytes.withUnsafeBytes {
            CRC32.checksum(of: UnsafeRawBufferPointer(rebasing: $0[start...]))
        }
        bytes.append(littleEndian: checksum)
    }
}
