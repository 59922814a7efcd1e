// SPDX-License-Identifier: MIT

import CBOR
import RecordLog
import SyncProtocol

/// A backup: a data directory with copies of databases, and the file `backup`, which is written
/// last and says that it is whole. No server serves it.
enum Backup {
    /// The file that makes a directory a backup.
    static func path(in directory: String) -> String { directory + "/backup" }

    /// What the file says.
    struct Contents: Equatable {
        /// When the backup was made, in milliseconds since 1970.
        var madeAtMilliseconds: UInt64
        /// The databases, with the logs that were copied.
        var databases: [Entry]

        struct Entry: Equatable {
            var databaseID: DatabaseID
            var logID: LogID
            /// The last cursor that the copy speaks for.
            var head: Cursor
        }
    }

    static func write(
        _ contents: Contents, in directory: String, on disk: some FileSystem
    ) throws(OpLogError) {
        var writer = CBORWriter()
        writer.writeArrayHeader(count: 2)
        writer.write(uint: contents.madeAtMilliseconds)
        writer.writeArrayHeader(count: contents.databases.count)
        for entry in contents.databases {
            writer.writeArrayHeader(count: 3)
            writer.write(text: entry.databaseID.rawValue)
            writer.write(bytes: entry.logID.bytes)
            writer.write(uint: entry.head.rawValue)
        }
        try ChecksummedFile.replace(
            path(in: directory), purpose: "ESBK", body: writer.bytes, on: disk)
    }

    /// Reads the file; `nil` if the directory is no backup, or an unfinished one.
    static func read(
        in directory: String, on disk: some FileSystem
    ) throws(OpLogError) -> Contents? {
        let path = path(in: directory)
        guard let body = try ChecksummedFile.read(path, purpose: "ESBK", on: disk) else {
            return nil
        }
        return try ChecksummedFile.decode(body, of: path) { reader throws(CBORError) in
            var contents = Contents(madeAtMilliseconds: 0, databases: [])
            try reader.readArray { reader, index throws(CBORError) in
                switch index {
                case 0: contents.madeAtMilliseconds = try reader.readUInt()
                case 1:
                    try reader.readArray { reader, _ throws(CBORError) in
                        contents.databases.append(try readEntry(&reader))
                    }
                default: try reader.skip()
                }
            }
            return contents
        }
    }

    private static func readEntry(
        _ reader: inout CBORReader
    ) throws(CBORError) -> Contents.Entry {
        var name: DatabaseID?
        var logID: LogID?
        var head = Cursor.start
        try reader.readArray { reader, index throws(CBORError) in
            switch index {
            case 0: name = DatabaseID(try reader.readText())
            case 1: logID = LogID(try reader.readBytes())
            case 2: head = Cursor(try reader.readUInt())
            default: try reader.skip()
            }
        }
        guard let name, name.isValid, let logID else {
            throw reader.error(.invalidValue, "A database of the backup is not whole.")
        }
        return Contents.Entry(databaseID: name, logID: logID, head: head)
    }

    /// Copies databases into a directory that is empty or not there, and verifies the copies.
    ///
    /// - Parameters:
    ///   - directory: The data directory; a server may go on using it.
    ///   - progress: Called with what is being done, the bytes done and all there are.
    /// - Returns: What was found in each copy.
    /// - Throws: `MaintenanceError`; the backup is unfinished then, and no `restore` takes it.
    static func make<Disk: FileSystem>(
        of directory: DataDirectory<Disk>, _ wanted: DatabaseID?, in destination: String,
        nowMilliseconds: UInt64,
        progress: @escaping (_ work: String, _ done: UInt64, _ total: UInt64) -> Void = { _, _, _ in
        }
    ) throws(MaintenanceError) -> [DatabaseVerification] {
        let places = try directory.places(wanted)
        let disk = directory.disk
        let target = DataDirectory(path: destination, disk: disk)
        try makeEmpty(destination, on: disk)
        var contents = Contents(madeAtMilliseconds: nowMilliseconds, databases: [])
        var found: [DatabaseVerification] = []
        do throws(OpLogError) {
            try mappingDiskErrors { () throws(FileSystemError) in
                try FileCopy.makeDirectory(target.databasesPath, on: disk)
            }
            for place in places {
                let copy = target.place(of: place.databaseID)
                let identity = try DatabaseCopy(
                    source: place.path, destination: copy.path, disk: disk,
                    progress: { progress("copying \(place.databaseID)", $0, $1) }
                ).make()
                guard let identity else { continue }
                let verified = DatabaseVerification.verify(copy, on: disk) {
                    progress("verifying \(place.databaseID)", $0, $1)
                }
                if let damage = verified.damage { throw damage }
                found.append(verified)
                contents.databases.append(
                    .init(
                        databaseID: place.databaseID, logID: identity.logID, head: verified.head))
            }
            try write(contents, in: destination, on: disk)
        } catch {
            throw MaintenanceError(
                error.code == .io ? .ioFailure : .damage,
                "The backup in \(destination) is unfinished: \(error)")
        }
        return found
    }

    private static func makeEmpty(
        _ path: String, on disk: some FileSystem
    ) throws(MaintenanceError) {
        let isEmpty: Bool
        do throws(FileSystemError) {
            let names =
                try disk.fileExists(at: path) ? try disk.contentsOfDirectory(at: path) : []
            isEmpty = names.isEmpty
            if isEmpty { try FileCopy.makeDirectory(path, on: disk) }
        } catch {
            throw MaintenanceError(.cannotMake, error.description)
        }
        guard isEmpty else {
            throw MaintenanceError(
                .cannotMake,
                "There is something in \(path). Name a new directory for each backup with --to.")
        }
    }
}
