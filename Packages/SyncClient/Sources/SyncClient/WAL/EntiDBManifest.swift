// SPDX-License-Identifier: MIT

/// What a follower needs of EntiDB's `MANIFEST`. Pure.
///
///     "EMFN" · version u16 = 2 · format u16 u16 · next collection id u32
///     count u32 · per collection: name length u16, name, id u32
///     next index id u64 · count u32 · per index: id u64, collection id u32, path count u16,
///         {length u16, bytes}…, kind u8, unique u8, created at u64
///     flag u8 · [last checkpoint u64]
///
/// The file has no checksum: what is read here is only as good as the disk.
struct EntiDBManifest: Sendable, Equatable {
    static let magic: [UInt8] = Array("EMFN".utf8)

    /// Collection names by id.
    var names: [UInt32: String] = [:]
    /// The commit sequence up to which everything is in the segments; 0 before any checkpoint.
    var lastCheckpoint: UInt64 = 0

    /// Reads `bytes`, or says what is wrong with them and where.
    static func parse(_ bytes: [UInt8]) -> Result<EntiDBManifest, ManifestFault> {
        bytes.withUnsafeBytes { buffer in
            var fields = FieldReader(buffer)
            var manifest = EntiDBManifest()
            do throws(ManifestFault) {
                try manifest.read(&fields)
                return .success(manifest)
            } catch {
                return .failure(error)
            }
        }
    }

    private mutating func read(_ fields: inout FieldReader) throws(ManifestFault) {
        guard fields.bytes(4) == Self.magic else {
            throw ManifestFault(offset: 0, reason: "the file does not start with EMFN")
        }
        guard let version = fields.integer(UInt16.self), version == 2 else {
            throw ManifestFault(
                offset: 4, reason: "only version 2 of EntiDB's manifest is understood",
                isUnsupported: true)
        }
        guard fields.skip(8), let count = fields.integer(UInt32.self) else {
            throw ManifestFault(offset: fields.offset, reason: "the file ends too early")
        }
        for _ in 0..<count {
            guard let name = fields.shortText(), let id = fields.integer(UInt32.self) else {
                throw ManifestFault(offset: fields.offset, reason: "a collection is cut short")
            }
            names[id] = name
        }
        guard fields.skip(8), let indexes = fields.integer(UInt32.self) else {
            throw ManifestFault(offset: fields.offset, reason: "the file ends too early")
        }
        for _ in 0..<indexes {
            guard fields.skip(12), let paths = fields.integer(UInt16.self) else {
                throw ManifestFault(offset: fields.offset, reason: "an index is cut short")
            }
            for _ in 0..<paths {
                guard let length = fields.integer(UInt16.self), fields.skip(Int(length)) else {
                    throw ManifestFault(offset: fields.offset, reason: "an index is cut short")
                }
            }
            guard fields.skip(10) else {
                throw ManifestFault(offset: fields.offset, reason: "an index is cut short")
            }
        }
        guard let flag = fields.integer(UInt8.self) else {
            throw ManifestFault(offset: fields.offset, reason: "the file ends too early")
        }
        guard flag != 0 else { return }
        guard let checkpoint = fields.integer(UInt64.self) else {
            throw ManifestFault(offset: fields.offset, reason: "the file ends too early")
        }
        lastCheckpoint = checkpoint
    }
}

/// What is wrong with a manifest, and where.
struct ManifestFault: Error, Sendable, Equatable {
    var offset: Int
    var reason: String
    /// Whether the file is sound, and only too new for this reader.
    var isUnsupported = false
}
