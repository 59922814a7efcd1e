// SPDX-License-Identifier: MIT

import RecordLog

/// What the manifest of a database directory tells a follower, whichever kind it is.
struct DatabaseCatalog: Sendable, Equatable {
    struct Segment: Sendable, Equatable {
        var path: String
        var format: SegmentFormat
        /// The length and number of records that our manifest promises; EntiDB's promises none.
        var promise: StoreManifest.Segment?
    }

    /// Collection names by id.
    var names: [UInt32: String] = [:]
    /// The commit sequence up to which everything is in the segments.
    var lastCheckpoint: UInt64 = 0
    /// Deletes up to this sequence may be gone from the segments.
    var tombstoneFloor: UInt64 = 0
    /// The segments, older ones first.
    var segments: [Segment] = []

    /// Reads the manifest in `directory`. A directory without one has an empty catalog.
    static func read<Disk: FileSystem>(
        _ directory: String, on disk: Disk
    ) throws(WALError) -> DatabaseCatalog {
        let path = directory + "/MANIFEST"
        let bytes = try surfacing { () throws(FileSystemError) in
            try AtomicFile.read(path, on: disk)
        }
        guard let bytes else { return DatabaseCatalog() }
        if bytes.starts(with: StoreManifest.magic) {
            switch StoreManifest.parse(bytes) {
            case .success((let manifest, _)): return DatabaseCatalog(manifest, in: directory)
            case .failure(let fault): throw fault.error(path)
            }
        }
        switch EntiDBManifest.parse(bytes) {
        case .success(let manifest):
            return DatabaseCatalog(
                names: manifest.names, lastCheckpoint: manifest.lastCheckpoint,
                segments: try entiDBSegments(directory, on: disk))
        case .failure(let fault): throw fault.error(path)
        }
    }

    private static func entiDBSegments<Disk: FileSystem>(
        _ directory: String, on disk: Disk
    ) throws(WALError) -> [Segment] {
        let folder = directory + "/SEGMENTS"
        let names = try surfacing { () throws(FileSystemError) -> [String] in
            guard try disk.fileExists(at: folder) else { return [] }
            return try disk.contentsOfDirectory(at: folder)
        }
        return names.filter {
            $0.utf8.starts(with: "seg-".utf8) && $0.utf8.suffix(4).elementsEqual(".dat".utf8)
        }.map { Segment(path: folder + "/" + $0, format: .entiDB) }
    }

    init(
        names: [UInt32: String] = [:], lastCheckpoint: UInt64 = 0, segments: [Segment] = []
    ) {
        self.names = names
        self.lastCheckpoint = lastCheckpoint
        self.segments = segments
    }

    init(_ manifest: StoreManifest, in directory: String) {
        names = manifest.names
        lastCheckpoint = manifest.lastCheckpoint
        tombstoneFloor = manifest.tombstoneFloor
        segments = manifest.segments.map {
            Segment(path: directory + "/SEGMENTS/" + $0.fileName, format: .store, promise: $0)
        }
    }
}

extension ManifestFault {
    /// The error of a manifest at `path` with this fault.
    func error(_ path: String) -> WALError {
        WALError(
            isUnsupported ? .unsupported : .damaged, path: path, offset: UInt64(offset),
            message: reason)
    }
}

extension FileSystem {
    /// Opens a file for reading, or returns `nil` if there is none.
    func openIfPresent(_ path: String) throws(FileSystemError) -> File? {
        do throws(FileSystemError) {
            return try openFile(at: path, .read)
        } catch {
            guard error.isNotFound else { throw error }
            return nil
        }
    }
}

/// Runs `body`, turning what the disk says into an error of the follower's.
func surfacing<T>(_ body: () throws(FileSystemError) -> T) throws(WALError) -> T {
    do throws(FileSystemError) { return try body() } catch { throw WALError(error) }
}
