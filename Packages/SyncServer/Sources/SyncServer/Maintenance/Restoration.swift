// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// A database that was put in place, or was given another identity.
struct RenewedDatabase: Equatable {
    var databaseID: DatabaseID
    var oldLogID: LogID
    var newLogID: LogID
    /// Where the database is now that had the name before.
    var replaced: String?
}

extension DataDirectory {
    /// Puts the databases of a backup in place, each with a new `logId`.
    ///
    /// The copy is made and verified beside the databases, and renamed when it is whole. Run again,
    /// it takes over from where it was interrupted.
    ///
    /// - Parameter replaces: Whether a database of that name may be there. It is renamed and kept.
    /// - Throws: `MaintenanceError`. The database that it names, and those after it, are as they
    ///   were.
    func restore(
        from backup: DataDirectory, _ wanted: DatabaseID?, replaces: Bool,
        using generator: inout some RandomNumberGenerator,
        progress: @escaping (_ work: String, _ done: UInt64, _ total: UInt64) -> Void = { _, _, _ in
        }
    ) throws(MaintenanceError) -> [RenewedDatabase] {
        let places = try backup.finishedPlaces(wanted)
        do throws(FileSystemError) { try FileCopy.makeDirectory(databasesPath, on: disk) } catch {
            throw MaintenanceError(.cannotMake, error.description)
        }
        let lock = try lock()
        defer { lock.release() }
        if !replaces { try requireNone(of: places) }
        var restored: [RenewedDatabase] = []
        for place in places {
            do throws(OpLogError) {
                restored.append(try restore(place, using: &generator, progress))
            } catch {
                throw MaintenanceError(
                    error.code == .io ? .ioFailure : .damage,
                    "Database \(place.databaseID) was not restored: \(error)")
            }
        }
        return restored
    }

    /// Gives databases new `logId`s, and forgets what devices have applied of the old ones.
    ///
    /// - Throws: `MaintenanceError`.
    func renewLogIDs(
        _ wanted: DatabaseID?, using generator: inout some RandomNumberGenerator
    ) throws(MaintenanceError) -> [RenewedDatabase] {
        let places = try places(wanted)
        let lock = try lock()
        defer { lock.release() }
        var renewed: [RenewedDatabase] = []
        for place in places {
            do throws(OpLogError) {
                guard let old = try DatabaseIdentity.read(in: place.path, on: disk) else {
                    continue
                }
                // First, as without the file devices count as being at the beginning.
                try mappingDiskErrors { () throws(FileSystemError) in
                    let path = DeviceCursorFile.path(in: place.path)
                    if try disk.fileExists(at: path) { try disk.removeFile(at: path) }
                    try disk.syncDirectory(at: place.path)
                }
                var new = old
                new.logID = .makeRandom(using: &generator)
                try new.write(in: place.path, on: disk)
                renewed.append(
                    RenewedDatabase(
                        databaseID: place.databaseID, oldLogID: old.logID, newLogID: new.logID))
            } catch {
                throw MaintenanceError(error)
            }
        }
        return renewed
    }

    /// The databases of a finished backup.
    private func finishedPlaces(_ wanted: DatabaseID?) throws(MaintenanceError) -> [Place] {
        let contents: Backup.Contents?
        do throws(OpLogError) { contents = try Backup.read(in: path, on: disk) } catch {
            throw MaintenanceError(error)
        }
        guard let contents else {
            throw MaintenanceError(
                .notThere,
                "\(path) is no finished backup. If it is a copy that was made by other means, with "
                    + "the server stopped, put it in place as it is and run `new-log` on it.")
        }
        let names = contents.databases.map(\.databaseID)
        if let wanted, !names.contains(wanted) {
            throw MaintenanceError(.notThere, "There is no database \(wanted) in \(path).")
        }
        return (wanted.map { [$0] } ?? names).map { place(of: $0) }
    }

    private func requireNone(of places: [Place]) throws(MaintenanceError) {
        for place in places.map({ self.place(of: $0.databaseID) }) {
            let isThere: Bool
            do throws(FileSystemError) { isThere = try disk.fileExists(at: place.path) } catch {
                throw MaintenanceError(error)
            }
            guard isThere else { continue }
            throw MaintenanceError(
                .cannotMake,
                "There is a database \(place.databaseID) in \(path). Nothing was changed. "
                    + "--replace puts the backup in its place, and keeps it under another name.")
        }
    }

    private func restore(
        _ source: Place, using generator: inout some RandomNumberGenerator,
        _ progress: @escaping (String, UInt64, UInt64) -> Void
    ) throws(OpLogError) -> RenewedDatabase {
        let place = place(of: source.databaseID)
        // Neither name is one of a database.
        let new = Place(databaseID: place.databaseID, path: place.path + "+restoring")
        guard let old = try DatabaseIdentity.read(in: source.path, on: disk) else {
            throw .damaged(source.path, at: nil, "The backup lacks this database's identity")
        }
        let logID = LogID.makeRandom(using: &generator)
        _ = try DatabaseCopy(
            source: source.path, destination: new.path, disk: disk,
            identity: { identity in
                var identity = identity
                identity.logID = logID
                return identity
            }, includesDevices: false,
            progress: { progress("copying \(place.databaseID)", $0, $1) }
        ).make()
        let found = DatabaseVerification.verify(new, on: disk) {
            progress("verifying \(place.databaseID)", $0, $1)
        }
        if let damage = found.damage { throw damage }
        let replaced = place.path + "+replaced-\(logID.hexadecimal.prefix(8))"
        let isThere = try mappingDiskErrors { () throws(FileSystemError) in
            let isThere = try disk.fileExists(at: place.path)
            if isThere { try disk.rename(place.path, to: replaced) }
            try disk.rename(new.path, to: place.path)
            try disk.syncDirectory(at: databasesPath)
            return isThere
        }
        return RenewedDatabase(
            databaseID: place.databaseID, oldLogID: old.logID, newLogID: logID,
            replaced: isThere ? replaced : nil)
    }
}
