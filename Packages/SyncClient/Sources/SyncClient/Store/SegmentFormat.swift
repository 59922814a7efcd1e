// SPDX-License-Identifier: MIT

import RecordLog

/// One entity as a checkpoint left it in a segment.
struct SegmentRecord: Sendable, Equatable {
    var collectionID: UInt32
    var entityID: String
    /// The commit sequence of the entity's last write before the checkpoint.
    var sequence: UInt64
    /// Whether that write was pulled.
    var isPulled = false
    /// The entity's content, or `nil` for a tombstone.
    var content: [UInt8]?
    /// Whether the content is encrypted, so that only EntiDB can read it.
    var isEncrypted = false
}

/// The two layouts of segment files. Pure.
///
/// Ours starts with `45 53 53 47` "ESSG" · version u16 = 1 · zero u16; EntiDB's has no header.
/// Then records lie back to back:
///
///     ours     length u32 (whole record) · flags u8 (1 tombstone, 2 pulled) · collection id u32 ·
///              sequence u64 · id length u16 · id (UTF-8) · content · CRC-32 u32
///     EntiDB   length u32 (whole record) · collection id u32 · entity id 16 bytes ·
///              flags u8 (1 tombstone, 2 encrypted) · sequence u64 · content · CRC-32 u32
///
/// Integers are little-endian; the CRC-32 (IEEE) covers everything of the record before it.
enum SegmentFormat: Sendable {
    case store
    case entiDB

    static let magic: [UInt8] = Array("ESSG".utf8)
    static let headerBytes = 8
    static let version: UInt16 = 1
    static let recordBytesMax = WALRecordCodec.payloadBytesMax

    enum Decoded {
        case record(SegmentRecord, byteCount: Int)
        case incomplete(byteCount: Int)
        case invalid(reason: String)
    }

    /// The bytes before the first record of one of our segments.
    static var header: [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: UInt16(0))
        return bytes
    }

    /// How many bytes lie before the first record.
    var firstRecordOffset: UInt64 { self == .store ? UInt64(Self.headerBytes) : 0 }

    private var recordBytesMin: Int { self == .store ? 24 : 37 }

    /// Appends a record in our layout.
    static func append(_ record: SegmentRecord, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append(littleEndian: UInt32(0))
        bytes.append((record.content == nil ? 1 : 0) | (record.isPulled ? 2 : 0))
        bytes.append(littleEndian: record.collectionID)
        bytes.append(littleEndian: record.sequence)
        bytes.append(shortText: record.entityID)
        if let content = record.content { bytes.append(contentsOf: content) }
        bytes.store(littleEndian: UInt32(bytes.count - start + 4), at: start)
        let checksum = bytes.withUnsafeBytes {
            CRC32.checksum(of: UnsafeRawBufferPointer(rebasing: $0[start...]))
        }
        bytes.append(littleEndian: checksum)
    }

    /// Decodes the record at the start of `bytes`.
    func decode(_ bytes: UnsafeRawBufferPointer) -> Decoded {
        var fields = FieldReader(bytes)
        guard let length = fields.integer(UInt32.self) else { return .incomplete(byteCount: 4) }
        guard length >= UInt32(recordBytesMin), length <= UInt32(Self.recordBytesMax) else {
            return .invalid(reason: "a record claims to be \(length) bytes long")
        }
        let byteCount = Int(length)
        guard bytes.count >= byteCount else { return .incomplete(byteCount: byteCount) }
        let covered = UnsafeRawBufferPointer(rebasing: bytes[..<(byteCount - 4)])
        var trailer = FieldReader(bytes, from: byteCount - 4)
        guard trailer.integer(UInt32.self) == CRC32.checksum(of: covered) else {
            return .invalid(reason: "the checksum does not match")
        }
        var payload = FieldReader(covered, from: 4)
        guard let record = self == .store ? storeRecord(&payload) : entiDBRecord(&payload) else {
            return .invalid(reason: "the fields of a record do not fill it")
        }
        return .record(record, byteCount: byteCount)
    }

    private func storeRecord(_ payload: inout FieldReader) -> SegmentRecord? {
        guard let flags = payload.integer(UInt8.self), flags <= 3,
            let collectionID = payload.integer(UInt32.self),
            let sequence = payload.integer(UInt64.self),
            let entityID = payload.shortText(), let content = payload.bytes(payload.remaining)
        else { return nil }
        return SegmentRecord(
            collectionID: collectionID, entityID: entityID, sequence: sequence,
            isPulled: flags & 2 != 0, content: flags & 1 != 0 ? nil : content)
    }

    private func entiDBRecord(_ payload: inout FieldReader) -> SegmentRecord? {
        guard let collectionID = payload.integer(UInt32.self), let id = payload.bytes(16),
            let flags = payload.integer(UInt8.self), let sequence = payload.integer(UInt64.self),
            let content = payload.bytes(payload.remaining)
        else { return nil }
        return SegmentRecord(
            collectionID: collectionID, entityID: UUIDText.text(of: id), sequence: sequence,
            content: flags & 1 != 0 ? nil : content, isEncrypted: flags & 2 != 0)
    }
}
