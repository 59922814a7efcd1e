// SPDX-License-Identifier: MIT

import RecordLog

extension EntityIndex {
    /// The index that the segments of our own kind in `catalog` hold.
    ///
    /// - Throws: `.damaged`, with the path of the segment, also if one is missing.
    static func loaded<Disk: FileSystem>(
        from catalog: DatabaseCatalog, on disk: Disk
    ) throws(WALError) -> EntityIndex {
        var index = EntityIndex()
        let names = catalog.names.mapValues(TextKey.init)
        for segment in catalog.segments {
            let file = try surfacing { () throws(FileSystemError) in
                try disk.openIfPresent(segment.path)
            }
            guard let file else {
                throw WALError(
                    .damaged, path: segment.path,
                    message: "the segment is missing; restore the file from a backup")
            }
            try segment.scan(file) { (record, offset, _) throws(WALError) in
                guard let name = names[record.collectionID] else {
                    throw segment.damaged(
                        at: offset, "collection \(record.collectionID) is not in the manifest")
                }
                index.set(
                    StoredEntry(
                        content: record.content, sequence: record.sequence,
                        isPulled: record.isPulled),
                    in: name, id: TextKey(record.entityID))
            }
        }
        return index
    }
}

extension WALRecord {
    /// The number of the transaction that the record belongs to.
    var txid: UInt64? {
        switch self {
        case .begin(let txid), .abort(let txid), .commit(let txid, _), .pulled(let txid, _),
            .put(let txid, _, _, _), .delete(let txid, _, _):
            txid
        case .checkpoint, .synced: nil
        }
    }
}

extension String {
    /// The directory that holds this path.
    var parentDirectory: String {
        var path = Substring(self)
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }
}
