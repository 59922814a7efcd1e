// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

extension MaintenanceCommand {
    static var verify: MaintenanceCommand {
        MaintenanceCommand(
            name: "verify", summary: "read everything, and say what is damaged",
            explanation: """
                Reads every operation of every database from the first to the last and checks what
                must hold: checksums, cursors, links, names, and each device's numbers; and that the
                checkpoint and the segments' indexes say what follows from them. Nothing is changed,
                and a server may go on serving.

                A torn tail, which a crash leaves, is reported and is no damage. Damage is reported
                with its file and byte.
                """,
            options: [
                MaintenanceSettings.data, MaintenanceSettings.database, MaintenanceSettings.json,
            ],
            required: [MaintenanceSettings.data],
            run: { settings in
                reportingFailure { () throws(MaintenanceError) in
                    let directory = DataDirectory(path: settings.data, disk: POSIXFileSystem())
                    return report(
                        verify(try directory.places(settings.wanted), on: directory.disk),
                        isJSON: settings.isJSON)
                }
            })
    }

    /// Verifies databases one after the other, showing how far it is.
    static func verify(
        _ places: [DataDirectory<POSIXFileSystem>.Place], on disk: POSIXFileSystem
    ) -> [DatabaseVerification] {
        let line = ProgressLine()
        defer { line.clear() }
        return places.map { place in
            DatabaseVerification.verify(place, on: disk) { done, total in
                line.show("verifying \(place.databaseID)", done, of: total)
            }
        }
    }

    /// Prints what was found.
    static func report(_ found: [DatabaseVerification], isJSON: Bool) -> ExitStatus {
        let damaged = found.count { $0.damage != nil }
        if isJSON {
            let report = JSONValue.object([
                .init("sound", .bool(damaged == 0)), .init("databases", .array(found.map(\.json))),
            ])
            Terminal.output(report.line + "\n")
        } else {
            for line in found.flatMap(\.lines) { Terminal.output(line + "\n") }
            Terminal.output("\(counted(found.count, "database")), \(damaged) damaged.\n")
        }
        if damaged == 0 { return .fine }
        return found.contains { $0.damage.map { $0.code != .io } ?? false } ? .damage : .ioFailure
    }
}
