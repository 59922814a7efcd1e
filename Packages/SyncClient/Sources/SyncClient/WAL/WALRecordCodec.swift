// SPDX-License-Identifier: MIT

import RecordLog

/// Bytes to records of a write-ahead log and back; see `WALRecord` for the layout. Pure.
enum WALRecordCodec {
    /// Bytes before the payload.
    static let headerBytes = 11
    /// Bytes that a record has beside its payload.
    static let envelopeBytes = 15
    /// The longest payload that is taken for one. A larger length is damage, so that a flipped bit
    /// in a length cannot make a reader wait for gigabytes.
    static let payloadBytesMax = 256 << 20

    /// What stands at a place in a log.
    enum Decoded: Sendable, Equatable {
        /// A whole record of so many bytes.
        case record(WALRecord, byteCount: Int)
        /// The beginning of a record, of which `byteCount` bytes are needed to say more.
        case incomplete(byteCount: Int)
        /// No record, and how many bytes on a following record may start.
        case invalid(Fault, span: Int)
    }

    /// Why bytes are no record.
    enum Fault: String, Sendable {
        case noMagic, lengthTooLarge, lengthContradiction, checksumMismatch
        // The checksum vouches for the bytes: these were written so.
        case unknownVersion, unknownType, fieldMismatch

        /// Whether such bytes may be the remains of a write that was cut short, or is still going
        /// on.
        var mayBeUnfinished: Bool {
            switch self {
            case .noMagic, .lengthTooLarge, .lengthContradiction, .checksumMismatch: true
            case .unknownVersion, .unknownType, .fieldMismatch: false
            }
        }

        /// The fault in words.
        var reason: String {
            switch self {
            case .noMagic: "no record starts here"
            case .lengthTooLarge: "a record claims more than \(payloadBytesMax) bytes"
            case .lengthContradiction: "the length of a record contradicts its fields"
            case .checksumMismatch: "the checksum of a record does not match"
            case .unknownVersion: "a record has a version that is newer than this reader"
            case .unknownType: "a record has a type that is newer than this reader"
            case .fieldMismatch: "the fields of a record do not fill it"
            }
        }
    }

    enum Kind: UInt8 {
        case begin = 1, put, delete, commit, abort, checkpoint
        case textPut = 16, textDelete, pulled, synced
    }

    static let magic: [UInt8] = [0x45, 0x57, 0x41, 0x4C]
    static let version: UInt16 = 1

    /// Decodes what stands at `offset` of `bytes`. Never reads beyond them.
    static func decode(_ bytes: [UInt8], at offset: Int = 0) -> Decoded {
        bytes.withUnsafeBytes { decode(UnsafeRawBufferPointer(rebasing: $0[offset...])) }
    }

    /// Decodes what stands at the start of `bytes`.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> Decoded {
        for (index, byte) in magic.enumerated() where index < bytes.count && bytes[index] != byte {
            return .invalid(.noMagic, span: 1)
        }
        var fields = FieldReader(bytes, from: magic.count)
        guard bytes.count >= headerBytes, let version = fields.integer(UInt16.self),
            let type = fields.integer(UInt8.self), let length = fields.integer(UInt32.self)
        else { return .incomplete(byteCount: headerBytes) }
        guard length <= UInt32(payloadBytesMax) else { return .invalid(.lengthTooLarge, span: 1) }
        let payloadBytes = Int(length)
        let kind = version == Self.version ? Kind(rawValue: type) : nil
        if let kind, let expected = expectedPayloadBytes(kind, bytes), expected != payloadBytes {
            return .invalid(.lengthContradiction, span: 1)
        }
        let byteCount = envelopeBytes + payloadBytes
        guard bytes.count >= byteCount else { return .incomplete(byteCount: byteCount) }
        let covered = UnsafeRawBufferPointer(rebasing: bytes[..<(headerBytes + payloadBytes)])
        var trailer = FieldReader(bytes, from: covered.count)
        guard trailer.integer(UInt32.self) == CRC32.checksum(of: covered) else {
            // Without a known type nothing speaks for the length.
            return .invalid(.checksumMismatch, span: kind == nil ? 1 : byteCount)
        }
        guard version == Self.version else { return .invalid(.unknownVersion, span: byteCount) }
        guard let kind else { return .invalid(.unknownType, span: byteCount) }
        var payload = FieldReader(covered, from: headerBytes)
        guard let record = record(kind, &payload), payload.remaining == 0 else {
            return .invalid(.fieldMismatch, span: byteCount)
        }
        return .record(record, byteCount: byteCount)
    }

    /// Whether `header` is that of a record whose length is held against its fields.
    static func isLengthChecked(_ header: ArraySlice<UInt8>) -> Bool {
        guard header.count >= headerBytes else { return true }
        return header.withUnsafeBytes {
            var fields = FieldReader($0, from: magic.count)
            return fields.integer(UInt16.self) == version
                && fields.integer(UInt8.self).flatMap(Kind.init(rawValue:)) != nil
        }
    }

    /// The payload length that the fields themselves tell, as soon as they are there: so a flipped
    /// length is found at once, and not after waiting for bytes that never come.
    private static func expectedPayloadBytes(
        _ kind: Kind, _ bytes: UnsafeRawBufferPointer
    ) -> Int? {
        var fields = FieldReader(bytes, from: headerBytes)
        switch kind {
        case .begin, .abort, .checkpoint, .synced: return 8
        case .commit: return 16
        case .pulled: return 40
        case .put, .delete:
            guard fields.skip(28), let flag = fields.integer(UInt8.self) else { return nil }
            let fixed = flag == 0 ? 29 : 61
            if kind == .delete { return fixed }
            guard fields.skip(fixed - 29), let content = fields.integer(UInt32.self) else {
                return nil
            }
            return fixed + 4 + Int(content)
        case .textPut, .textDelete:
            guard fields.skip(12), let id = fields.integer(UInt16.self) else { return nil }
            if kind == .textDelete { return 14 + Int(id) }
            guard fields.skip(Int(id)), let content = fields.integer(UInt32.self) else {
                return nil
            }
            return 18 + Int(id) + Int(content)
        }
    }

    private static func record(_ kind: Kind, _ payload: inout FieldReader) -> WALRecord? {
        guard let first = payload.integer(UInt64.self) else { return nil }
        switch kind {
        case .begin: return .begin(txid: first)
        case .abort: return .abort(txid: first)
        case .checkpoint: return .checkpoint(sequence: first)
        case .synced: return .synced(sequence: first)
        case .commit:
            return payload.integer(UInt64.self).map { .commit(txid: first, sequence: $0) }
        case .pulled:
            guard let logID = payload.bytes(16), let cursor = payload.integer(UInt64.self),
                let settlement = payload.integer(UInt64.self)
            else { return nil }
            let mark = WALPulledMark(logID: logID, cursor: cursor, settlement: settlement)
            return .pulled(txid: first, mark)
        case .put, .delete, .textPut, .textDelete:
            return write(kind, txid: first, &payload)
        }
    }

    private static func write(
        _ kind: Kind, txid: UInt64, _ payload: inout FieldReader
    ) -> WALRecord? {
        guard let collectionID = payload.integer(UInt32.self) else { return nil }
        let entityID: String
        if kind == .put || kind == .delete {
            guard let id = payload.bytes(16), let flag = payload.integer(UInt8.self), flag <= 1,
                payload.skip(flag == 1 ? 32 : 0)
            else { return nil }
            entityID = UUIDText.text(of: id)
        } else {
            guard let id = payload.shortText(), !id.utf8.isEmpty else { return nil }
            entityID = id
        }
        if kind == .delete || kind == .textDelete {
            return .delete(txid: txid, collectionID: collectionID, entityID: entityID)
        }
        guard let count = payload.integer(UInt32.self),
            let content = payload.bytes(Int(count))
        else { return nil }
        return .put(txid: txid, collectionID: collectionID, entityID: entityID, content: content)
    }
}
