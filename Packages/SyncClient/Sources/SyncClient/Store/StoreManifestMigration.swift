// SPDX-License-Identifier: MIT

/// Reads the manifests of older formats as if they were of the newest.
///
/// A writer that opens a store in an older format replaces its manifest at once; a reader changes
/// nothing. Format 0 knew one segment at most and kept every delete:
///
///     body:  next collection id u32 · last checkpoint u64
///            count u32 · per collection: id u32, name length u16, name (UTF-8)
///            flag u8 · [number u32, length of the file u64, records u64]
enum StoreManifestMigration {
    static func migrated(
        _ body: [UInt8], from version: UInt16
    ) throws(ManifestFault) -> StoreManifest {
        let manifest: StoreManifest? =
            switch version {
            case 0: fromFormat0(body)
            default: nil
            }
        guard let manifest else {
            throw ManifestFault(
                offset: 12, reason: "the fields do not fill a manifest of format \(version)")
        }
        return manifest
    }

    private static func fromFormat0(_ body: [UInt8]) -> StoreManifest? {
        body.withUnsafeBytes { buffer in
            var fields = FieldReader(buffer)
            var manifest = StoreManifest()
            guard let nextCollectionID = fields.integer(UInt32.self),
                let lastCheckpoint = fields.integer(UInt64.self),
                let names = StoreManifest.parseNames(&fields),
                let flag = fields.integer(UInt8.self), flag <= 1
            else { return nil }
            manifest.nextCollectionID = nextCollectionID
            manifest.lastCheckpoint = lastCheckpoint
            manifest.names = names
            if flag == 1 {
                guard let number = fields.integer(UInt32.self),
                    let byteCount = fields.integer(UInt64.self),
                    let recordCount = fields.integer(UInt64.self)
                else { return nil }
                manifest.segments = [
                    .init(number: number, byteCount: byteCount, recordCount: recordCount)
                ]
                manifest.nextSegmentNumber = number &+ 1
            }
            return fields.remaining == 0 ? manifest : nil
        }
    }
}
