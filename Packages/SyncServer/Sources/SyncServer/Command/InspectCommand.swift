// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

extension MaintenanceCommand {
    static var inspect: MaintenanceCommand {
        MaintenanceCommand(
            name: "inspect", summary: "show what databases hold",
            explanation: """
                Shows each database's cursors, segments, entities and devices; or, of one database,
                the operations in its log, with what they wrote in diagnostic notation (RFC 8949).
                Operations that were compacted away are not there any more. Nothing is changed, and
                a server may go on serving.
                """,
            options: [
                MaintenanceSettings.data, MaintenanceSettings.database,
                .text("entity", "COLLECTION/ID", "the operations on one entity", \.entity),
                .text("operations", "FROM..TO", "the operations at these cursors", \.operations),
                MaintenanceSettings.json,
            ],
            required: [MaintenanceSettings.data],
            run: { settings in
                reportingFailure { () throws(MaintenanceError) in
                    let directory = directory(settings.data)
                    let places = try directory.places(settings.wanted)
                    if settings.entity.isEmpty, settings.operations.isEmpty {
                        return try inspect(places, directory.disk, settings)
                    }
                    guard places.count == 1 else {
                        throw MaintenanceError(
                            .usage, "Name one database, with --database NAME, to see its log.")
                    }
                    return try printLog(of: places[0], directory.disk, settings)
                }
            })
    }

    private static func inspect(
        _ places: [DataDirectory<POSIXFileSystem>.Place], _ disk: POSIXFileSystem,
        _ settings: MaintenanceSettings
    ) throws(MaintenanceError) -> ExitStatus {
        var rows: [JSONValue] = []
        for place in places {
            guard let look = try look(at: place, disk) else { continue }
            if settings.isJSON {
                rows.append(look.json)
            } else {
                Terminal.output(look.lines.map { $0 + "\n" }.joined())
            }
        }
        if settings.isJSON {
            Terminal.output(JSONValue.object([.init("databases", .array(rows))]).line + "\n")
        }
        return .fine
    }

    /// Prints operations as they are read, with `--json` each as one line.
    private static func printLog(
        of place: DataDirectory<POSIXFileSystem>.Place, _ disk: POSIXFileSystem,
        _ settings: MaintenanceSettings
    ) throws(MaintenanceError) -> ExitStatus {
        guard let cursors = settings.cursors else {
            throw MaintenanceError(
                .usage,
                "--operations \(settings.operations) is no range of cursors: write 1..100, 100.. "
                    + "or 100.")
        }
        guard let look = try look(at: place, disk) else { return .fine }
        do throws(OpLogError) {
            try look.log.forEachLine(
                at: cursors, of: settings.entity.isEmpty ? nil : settings.entity
            ) { line in
                Terminal.output(
                    settings.isJSON
                        ? line.json.line + "\n" : line.lines.map { $0 + "\n" }.joined())
            }
        } catch {
            throw MaintenanceError(error)
        }
        return .fine
    }

    private static func look(
        at place: DataDirectory<POSIXFileSystem>.Place, _ disk: POSIXFileSystem
    ) throws(MaintenanceError) -> DatabaseLook<POSIXFileSystem>? {
        do throws(OpLogError) { return try DatabaseLook.read(place, on: disk) } catch {
            throw MaintenanceError(error)
        }
    }
}

extension MaintenanceSettings {
    /// The cursors that `--operations` names, all without it; `nil` if it makes no sense.
    var cursors: ClosedRange<Cursor>? {
        if operations.isEmpty { return Cursor(1)...Cursor(.max) }
        let parts = operations.split(separator: ".", omittingEmptySubsequences: false)
        guard let first = UInt64(parts[0]), first > 0 else { return nil }
        if parts.count == 1 { return Cursor(first)...Cursor(first) }
        guard parts.count == 3, parts[1].isEmpty,
            let last = parts[2].isEmpty ? .max : UInt64(parts[2]), last >= first
        else { return nil }
        return Cursor(first)...Cursor(last)
    }
}
