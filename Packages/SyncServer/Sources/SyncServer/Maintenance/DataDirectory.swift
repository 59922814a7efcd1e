// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// Why a command on a data directory could not do its work.
struct MaintenanceError: Error, Equatable, CustomStringConvertible {
    /// What the command ends with.
    var status: ExitStatus
    /// What happened and what to do, in a sentence or two.
    var description: String

    init(_ status: ExitStatus, _ description: String) {
        (self.status, self.description) = (status, description)
    }

    init(_ error: OpLogError) {
        self.init(error.code == .io ? .ioFailure : .damage, error.description)
    }

    init(_ error: FileSystemError) { self.init(.ioFailure, error.description) }
}

/// What commands end with; above 63 as in `sysexits.h`.
enum ExitStatus: Int32 {
    /// All is well.
    case fine = 0
    /// Files are damaged, the server could not start, or a token is refused.
    case damage = 1
    /// The command line makes no sense (EX_USAGE).
    case usage = 64
    /// What was named is not there (EX_NOINPUT).
    case notThere = 66
    /// What is to be made cannot be made, or is there (EX_CANTCREAT).
    case cannotMake = 73
    /// The disk failed (EX_IOERR).
    case ioFailure = 74
    /// A server uses the directory (EX_TEMPFAIL).
    case inUse = 75
}

/// A server's data directory, as commands on it see it.
struct DataDirectory<Disk: FileSystem> {
    /// A database's place in it.
    struct Place: Equatable {
        var databaseID: DatabaseID
        /// The database's directory.
        var path: String
    }

    var path: String
    var disk: Disk

    var databasesPath: String { path + "/databases" }

    /// Where a database is or would be.
    func place(of databaseID: DatabaseID) -> Place {
        Place(
            databaseID: databaseID,
            path: databasesPath + "/" + DatabaseDirectoryName.encode(databaseID))
    }

    /// The databases in the order of their names, or the one that is asked for.
    ///
    /// - Throws: `MaintenanceError` if this is no data directory, or the database is not in it.
    func places(_ wanted: DatabaseID? = nil) throws(MaintenanceError) -> [Place] {
        let names: [String]?
        do throws(FileSystemError) {
            names =
                try disk.fileExists(at: databasesPath)
                ? try disk.contentsOfDirectory(at: databasesPath) : nil
        } catch {
            throw MaintenanceError(error)
        }
        guard let names else {
            throw MaintenanceError(
                .notThere,
                "\(path) is not a data directory: there is no \(databasesPath). Name what `serve` "
                    + "was given with --data.")
        }
        let places = names.compactMap { DatabaseDirectoryName.decode($0) }.map { place(of: $0) }
        guard let wanted else { return places.sorted { $0.databaseID < $1.databaseID } }
        guard let place = places.first(where: { $0.databaseID == wanted }) else {
            let known = places.map(\.databaseID.rawValue).sorted().prefix(20)
            throw MaintenanceError(
                .notThere,
                "There is no database \(wanted) in \(path). "
                    + (known.isEmpty
                        ? "There is none at all."
                        : "There is: \(known.joined(separator: ", "))."))
        }
        return [place]
    }

    /// Takes the directory's lock.
    ///
    /// - Throws: `MaintenanceError` if a server, or another command, holds it.
    func lock() throws(MaintenanceError) -> Disk.Lock {
        let lock: Disk.Lock?
        do throws(FileSystemError) { lock = try disk.lockFile(at: path + "/lock") } catch {
            throw MaintenanceError(error)
        }
        if let lock { return lock }
        throw MaintenanceError(
            .inUse, "An entitysync-server uses the data directory \(path). Stop it first.")
    }
}
