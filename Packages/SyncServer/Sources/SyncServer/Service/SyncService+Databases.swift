// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

// A data directory:
//
//     lock                 held by the server that uses the directory
//     databases/NAME/      one for each database, see DatabaseDirectoryName

/// Why a server could not start on its data directory.
struct ServiceStartError: Error, Equatable, CustomStringConvertible {
    /// What happened and what to do, in a sentence or two.
    var description: String
}

/// How a service's databases are.
struct ServiceStatus: Equatable {
    /// All databases.
    var databases = 0
    /// Those that are closed because of damage.
    var damaged = 0
    /// Those that take no more operations, because a write failed.
    var readOnly = 0

    /// Whether the server can do its work; damage is for an operator and not for a restart.
    var isReady: Bool { readOnly == 0 }
}

extension SyncService {
    private var databasesDirectory: String { directory + "/databases" }

    private func directory(of databaseID: DatabaseID) -> String {
        databasesDirectory + "/" + DatabaseDirectoryName.encode(databaseID)
    }

    /// How the databases are. O(n).
    var status: ServiceStatus {
        var status = ServiceStatus(databases: databases.count)
        for slot in databases.values {
            switch slot {
            case .closed: break
            case .open(let database): status.readOnly += database.log.failure == nil ? 0 : 1
            case .damaged: status.damaged += 1
            }
        }
        return status
    }

    /// The database of a request other than a handshake.
    func database(_ databaseID: DatabaseID) throws(ServiceFailure) -> Database<Disk> {
        switch databases[databaseID] {
        case .open(let database): return database
        case .damaged(let error): throw ServiceFailure(error)
        case nil: throw .databaseNotFound
        case .closed:
            let opened: Database<Disk>?
            do throws(OpLogError) {
                opened = try open(databaseID, keepsOpen: true)
            } catch {
                throw ServiceFailure(error)
            }
            guard let opened else { throw .databaseNotFound }
            return opened
        }
    }

    /// The database of a handshake, which makes one that is not known if it may.
    func databaseForHandshake(
        _ request: HandshakeRequest, mayMake: Bool
    ) throws(ServiceFailure) -> Database<Disk> {
        if databases[request.databaseID] != nil { return try database(request.databaseID) }
        // A device that has been here before knows another history; nothing is made for it.
        if request.logID != nil {
            throw .invalidCursor(
                "otherLog",
                "The server does not have this database's log. Shake hands again without logId "
                    + "and cursor, and resync.", serverCursor: .start, logID: nil)
        }
        if let cursor = request.cursor, cursor > .start {
            throw .invalidCursor(
                "ahead",
                "The server does not have this database yet. Shake hands again without logId and "
                    + "cursor, and resync.", serverCursor: .start, logID: nil)
        }
        guard mayMake else { throw .databaseNotFound }
        guard databases.count < configuration.maxDatabases else {
            throw .tooManyDatabases(configuration.maxDatabases)
        }
        do throws(OpLogError) {
            let database = try Database.create(
                request.databaseID, in: directory(of: request.databaseID), on: disk,
                configuration: configuration, nowMilliseconds: clock.wallMilliseconds(),
                using: &generator)
            databases[request.databaseID] = .open(database)
            return database
        } catch {
            tell("database \(request.databaseID) could not be made: \(error)")
            throw ServiceFailure(error)
        }
    }

    /// Opens a database and tells the operator what was found.
    ///
    /// - Throws: The fault. One of the disk may pass, so the next request tries again; any other
    ///   closes the database for good.
    private func open(
        _ databaseID: DatabaseID, keepsOpen: Bool
    ) throws(OpLogError) -> Database<Disk>? {
        do throws(OpLogError) {
            let found = try Database.open(
                databaseID, in: directory(of: databaseID), on: disk, configuration: configuration)
            guard let (database, cutBytes) = found else {
                databases[databaseID] = nil
                return nil
            }
            if cutBytes > 0 {
                tell(
                    "database \(databaseID): cut \(cutBytes) bytes of a write that a crash "
                        + "interrupted and that nobody was told of")
            }
            databases[databaseID] = keepsOpen ? .open(database) : .closed
            if keepsOpen { noteMaintenance(of: database) }
            return database
        } catch {
            tell("database \(databaseID) is closed: \(error)")
            databases[databaseID] = error.code == .io ? .closed : .damaged(error)
            throw error
        }
    }

    /// Finds the databases, and checks each.
    func openAll() throws(ServiceStartError) {
        let names: [String]
        do throws(FileSystemError) {
            try disk.createDirectory(at: databasesDirectory)
            try disk.syncDirectory(at: directory)
            try disk.syncDirectory(at: databasesDirectory)
            names = try disk.contentsOfDirectory(at: databasesDirectory)
        } catch {
            throw ServiceStartError(
                description: "The data directory \(directory) cannot be used: \(error)")
        }
        for (index, name) in names.enumerated() {
            guard let databaseID = DatabaseDirectoryName.decode(name) else {
                tell("ignored \(databasesDirectory)/\(name): not the name of a database")
                continue
            }
            let keepsOpen = index < configuration.openAtStartMax
            // The operator has been told, and the other databases are not affected.
            do throws(OpLogError) { _ = try open(databaseID, keepsOpen: keepsOpen) } catch {}
        }
    }

    /// Makes the data directory if needed, and takes its lock.
    static func lockDirectory(
        _ directory: String, on disk: Disk
    ) throws(ServiceStartError) -> Disk.Lock {
        let isBackup: Bool
        do throws(FileSystemError) {
            try FileCopy.makeDirectory(directory, on: disk)
            isBackup = try disk.fileExists(at: Backup.path(in: directory))
            if !isBackup, let lock = try disk.lockFile(at: directory + "/lock") { return lock }
        } catch {
            throw ServiceStartError(
                description: "The data directory \(directory) cannot be used: \(error)")
        }
        if isBackup {
            throw ServiceStartError(
                description: "\(directory) is a backup. Put it in place with `entitysync-server "
                    + "restore --from \(directory) --data DIR`, so that devices notice.")
        }
        throw ServiceStartError(
            description: "Another entitysync-server uses the data directory \(directory). Stop it, "
                + "or name another directory with --data.")
    }
}
