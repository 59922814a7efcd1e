// SPDX-License-Identifier: MIT

import RecordLog

/// The store's `MANIFEST`: what its segments and collection ids mean. Pure.
///
///     0     4  magic   45 53 4D 46  "ESMF"
///     4     2  format version u16 = 1
///     6     2  zero
///     8     4  length of the body, N (u32)
///     12    N  body
///     12+N  4  CRC-32 (IEEE) over bytes 0 ..< 12+N
///
///     body:  next collection id u32 · next segment number u32
///            last checkpoint u64        commit sequence up to which all is in the segments
///            tombstone floor u64        deletes up to this sequence may be gone from the segments
///            count u32 · per collection: id u32, name length u16, name (UTF-8)
///            count u32 · per segment: number u32, length of the file u64, records u64
///
/// Integers are little-endian. The file is only ever replaced as a whole.
struct StoreManifest: Sendable, Equatable {
    struct Segment: Sendable, Equatable {
        var number: UInt32
        var byteCount: UInt64
        var recordCount: UInt64

        var fileName: String { StoreManifest.segmentName(number) }
    }

    static let magic: [UInt8] = Array("ESMF".utf8)
    static let version: UInt16 = 1
    /// Collection ids from here up are EntiDB's own and never given to a name.
    static let reservedCollectionIDs: UInt32 = 0xFFFF_FF00

    var nextCollectionID: UInt32 = 1
    var nextSegmentNumber: UInt32 = 1
    var lastCheckpoint: UInt64 = 0
    var tombstoneFloor: UInt64 = 0
    var names: [UInt32: String] = [:]
    var segments: [Segment] = []

    /// `seg-000001.dat` for 1.
    static func segmentName(_ number: UInt32) -> String {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(0, 6 - digits.utf8.count))
        return "seg-\(zeros)\(digits).dat"
    }

    /// The bytes of the file, in the newest format.
    func encoded() -> [UInt8] {
        var body: [UInt8] = []
        body.append(littleEndian: nextCollectionID)
        body.append(littleEndian: nextSegmentNumber)
        body.append(littleEndian: lastCheckpoint)
        body.append(littleEndian: tombstoneFloor)
        body.append(littleEndian: UInt32(names.count))
        for (id, name) in names.sorted(by: { $0.key < $1.key }) {
            body.append(littleEndian: id)
            body.append(shortText: name)
        }
        body.append(littleEndian: UInt32(segments.count))
        for segment in segments {
            body.append(littleEndian: segment.number)
            body.append(littleEndian: segment.byteCount)
            body.append(littleEndian: segment.recordCount)
        }
        return Self.envelope(version: Self.version, body: body)
    }

    static func envelope(version: UInt16, body: [UInt8]) -> [UInt8] {
        var bytes = magic
        bytes.append(littleEndian: version)
        bytes.append(littleEndian: UInt16(0))
        bytes.append(littleEndian: UInt32(body.count))
        bytes.append(contentsOf: body)
        bytes.append(littleEndian: bytes.withUnsafeBytes { CRC32.checksum(of: $0) })
        return bytes
    }

    /// Reads `bytes` of this format or an older one, or says what is wrong with them and where.
    static func parse(_ bytes: [UInt8]) -> Result<(StoreManifest, version: UInt16), ManifestFault> {
        do throws(ManifestFault) {
            let (version, body) = try opened(bytes)
            if version == Self.version { return .success((try parseBody(body), version)) }
            return .success((try StoreManifestMigration.migrated(body, from: version), version))
        } catch {
            return .failure(error)
        }
    }

    private static func opened(
        _ bytes: [UInt8]
    ) throws(ManifestFault) -> (version: UInt16, body: [UInt8]) {
        let parts: (UInt16, [UInt8])? = bytes.withUnsafeBytes { buffer in
            var fields = FieldReader(buffer)
            guard fields.bytes(4) == magic, let version = fields.integer(UInt16.self),
                fields.skip(2), let length = fields.integer(UInt32.self),
                let body = fields.bytes(Int(length)), fields.remaining == 4,
                fields.integer(UInt32.self)
                    == CRC32.checksum(of: UnsafeRawBufferPointer(rebasing: buffer.dropLast(4)))
            else { return nil }
            return (version, body)
        }
        guard let (version, body) = parts else {
            throw ManifestFault(
                offset: 0,
                reason: "the file is not a whole manifest of an EntityStore; restore it "
                    + "from a backup of the directory")
        }
        guard version <= Self.version else {
            throw ManifestFault(
                offset: 4,
                reason: "the store has format version \(version), newer than this library's "
                    + "\(Self.version); update the library that opens it", isUnsupported: true)
        }
        return (version, body)
    }

    private static func parseBody(_ body: [UInt8]) throws(ManifestFault) -> StoreManifest {
        let manifest: StoreManifest? = body.withUnsafeBytes { buffer in
            var fields = FieldReader(buffer)
            var manifest = StoreManifest()
            guard let nextCollectionID = fields.integer(UInt32.self),
                let nextSegmentNumber = fields.integer(UInt32.self),
                let lastCheckpoint = fields.integer(UInt64.self),
                let tombstoneFloor = fields.integer(UInt64.self),
                let names = parseNames(&fields), let segments = parseSegments(&fields),
                fields.remaining == 0
            else { return nil }
            manifest.nextCollectionID = nextCollectionID
            manifest.nextSegmentNumber = nextSegmentNumber
            manifest.lastCheckpoint = lastCheckpoint
            manifest.tombstoneFloor = tombstoneFloor
            manifest.names = names
            manifest.segments = segments
            return manifest
        }
        guard let manifest else {
            throw ManifestFault(offset: 12, reason: "the fields do not fill the manifest")
        }
        return manifest
    }

    static func parseNames(_ fields: inout FieldReader) -> [UInt32: String]? {
        guard let count = fields.integer(UInt32.self) else { return nil }
        var names: [UInt32: String] = [:]
        for _ in 0..<count {
            guard let id = fields.integer(UInt32.self), let name = fields.shortText(),
                names.updateValue(name, forKey: id) == nil
            else { return nil }
        }
        return names
    }

    private static func parseSegments(_ fields: inout FieldReader) -> [Segment]? {
        guard let count = fields.integer(UInt32.self) else { return nil }
        var segments: [Segment] = []
        for _ in 0..<count {
            guard let number = fields.integer(UInt32.self),
                let byteCount = fields.integer(UInt64.self),
                let recordCount = fields.integer(UInt64.self)
            else { return nil }
            segments.append(
                Segment(number: number, byteCount: byteCount, recordCount: recordCount))
        }
        return segments
    }
}
