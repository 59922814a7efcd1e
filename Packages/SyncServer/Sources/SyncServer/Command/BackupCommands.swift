// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

extension MaintenanceCommand {
    static var backup: MaintenanceCommand {
        MaintenanceCommand(
            name: "backup", summary: "copy databases, beside a server or not",
            explanation: """
                Copies databases into a new directory and verifies the copies. A server may go on
                serving: everything that it had acknowledged when the backup began is in it. A
                backup without the file `backup`, which comes last, is unfinished.
                """,
            options: [
                MaintenanceSettings.data, MaintenanceSettings.to, MaintenanceSettings.database,
                MaintenanceSettings.json,
            ],
            required: [MaintenanceSettings.data, MaintenanceSettings.to],
            run: { settings in
                reportingFailure { () throws(MaintenanceError) in
                    let line = ProgressLine()
                    defer { line.clear() }
                    let found = try Backup.make(
                        of: directory(settings.data), settings.wanted, in: settings.to,
                        nowMilliseconds: SystemClock.wallMilliseconds
                    ) { line.show($0, $1, of: $2) }
                    line.clear()
                    return report(found, isJSON: settings.isJSON)
                }
            })
    }

    static var restore: MaintenanceCommand {
        MaintenanceCommand(
            name: "restore", summary: "put a backup in place, as another log",
            explanation: """
                Puts the databases of a backup in place while no server runs. Each gets a new logId,
                so that its devices notice: they resync, and push again what the backup lacks. So
                what a device had and the backup has not is not lost.

                With --replace a database of that name is renamed, kept beside the others, and
                ignored by the server; remove it when you do not need it any more.
                """,
            options: [
                MaintenanceSettings.from, MaintenanceSettings.data, MaintenanceSettings.database,
                MaintenanceSettings.replaces, MaintenanceSettings.json,
            ],
            required: [MaintenanceSettings.from, MaintenanceSettings.data],
            run: { settings in
                reportingFailure { () throws(MaintenanceError) in
                    let line = ProgressLine()
                    defer { line.clear() }
                    var generator = SystemRandomNumberGenerator()
                    let restored = try directory(settings.data).restore(
                        from: directory(settings.from), settings.wanted,
                        replaces: settings.replaces, using: &generator
                    ) { line.show($0, $1, of: $2) }
                    line.clear()
                    return report(restored, "restored", isJSON: settings.isJSON)
                }
            })
    }

    static var newLog: MaintenanceCommand {
        MaintenanceCommand(
            name: "new-log", summary: "give a copied database another log's identity",
            explanation: """
                Gives databases new logIds while no server runs, and forgets what devices have
                applied. Do this whenever files of a database were put back by other means than
                `restore`: the server cannot see that, and without it devices would differ for good.
                Devices notice, resync, and push again what is lacking.
                """,
            options: [
                MaintenanceSettings.data, MaintenanceSettings.database, MaintenanceSettings.json,
            ],
            required: [MaintenanceSettings.data],
            run: { settings in
                reportingFailure { () throws(MaintenanceError) in
                    var generator = SystemRandomNumberGenerator()
                    let renewed = try directory(settings.data).renewLogIDs(
                        settings.wanted, using: &generator)
                    return report(renewed, "is another log now", isJSON: settings.isJSON)
                }
            })
    }

    static func directory(_ path: String) -> DataDirectory<POSIXFileSystem> {
        DataDirectory(path: path, disk: POSIXFileSystem())
    }

    private static func report(
        _ databases: [RenewedDatabase], _ what: String, isJSON: Bool
    ) -> ExitStatus {
        if isJSON {
            let rows = databases.map { database in
                JSONValue.object([
                    .init("database", .text(database.databaseID.rawValue)),
                    .init("oldLogId", .text(database.oldLogID.hexadecimal)),
                    .init("logId", .text(database.newLogID.hexadecimal)),
                    .init("replaced", database.replaced.map { .text($0) }.orNull),
                ])
            }
            Terminal.output(JSONValue.object([.init("databases", .array(rows))]).line + "\n")
            return .fine
        }
        for database in databases {
            let kept = database.replaced.map { " What was there is \($0)." } ?? ""
            Terminal.output(
                "\(database.databaseID): \(what): logId \(database.newLogID.hexadecimal), which "
                    + "was \(database.oldLogID.hexadecimal). Devices will resync.\(kept)\n")
        }
        Terminal.output("\(counted(databases.count, "database")).\n")
        return .fine
    }
}
