// SPDX-License-Identifier: MIT

import RecordLog
import SyncProtocol

/// `entitysync-server device list`, `device revoke` and `device restore`.
enum DeviceCommand {
    /// What the commands were told.
    struct Settings {
        var data = ""
        var database = ""
        var device = ""
        var isJSON = false
    }

    private static var directory: CommandOption<Settings> {
        .text("data", "DIR", "the server's data directory; required", \.data)
    }
    private static var database: CommandOption<Settings> {
        .text("database", "NAME", "the database; required", \.database)
    }

    static var listOptions: OptionTable<Settings> {
        OptionTable(options: [
            directory, database,
            .flag("json", "one line of JSON on standard output", \.isJSON),
        ])
    }

    static var changeOptions: OptionTable<Settings> {
        OptionTable(options: [
            directory, database,
            .text("device", "NAME", "the device, or how its name begins and *; required", \.device),
        ])
    }

    /// Runs the command with the words behind `device`.
    static func run(
        _ arguments: [String], _ environment: [String: String]
    ) throws(UsageError) -> Int32 {
        let rest = Array(arguments.dropFirst())
        if rest.contains("--help") || rest.contains("-h") || arguments.first?.first == "-" {
            Terminal.output(help)
            return ExitStatus.fine.rawValue
        }
        guard let word = arguments.first, ["list", "revoke", "restore"].contains(word) else {
            throw UsageError(
                description: "Name what to do with devices: list, revoke or restore.")
        }
        var settings = Settings()
        try (word == "list" ? listOptions : changeOptions).parse(
            rest, environment: environment.filter { $0.key == "ENTITYSYNC_DATA" }, into: &settings)
        guard !settings.data.isEmpty, DatabaseID(settings.database).isValid else {
            throw UsageError(description: "--data DIR and --database NAME are required.")
        }
        let devices = DevicePattern(settings.device)
        let taken = settings
        if word == "list" {
            return reportingFailure { () throws(MaintenanceError) in try list(taken) }.rawValue
        }
        guard let devices else {
            throw UsageError(
                description: "--device NAME is required: a device's name, or the beginning of one "
                    + "and *.")
        }
        return reportingFailure { () throws(MaintenanceError) in
            try change(taken, devices, isRevocation: word == "revoke")
        }.rawValue
    }

    static var help: String {
        """
        entitysync-server device list --data DIR --database NAME [--json]

        Shows the devices of a database: what they have applied, when they were last heard of, and
        which of them are revoked.

        \(listOptions.help(Settings()))
        entitysync-server device revoke --data DIR --database NAME --device NAME
        entitysync-server device restore --data DIR --database NAME --device NAME

        A revoked device is refused with 403, whatever its token: its handshakes, pushes, pulls and
        cursor reports, and what it waits for ends. A server that is running notices within a
        second. Run the command as the user that the server runs as.

        A name with * at the end revokes all devices whose names begin so, and a token that is for
        no others. A device that may call itself as it likes can take another name: give each device
        a token of its own (see `token issue --device`).

        \(changeOptions.help(Settings()))
        The exit status is 0 if all is well, 1 for damage, 64 for a command line that makes no
        sense, 66 if what is named is not there, 74 if the disk fails, and 75 if another such
        command is at work.

        """
    }
}

extension DeviceCommand {
    private static func list(_ settings: Settings) throws(MaintenanceError) -> ExitStatus {
        let directory = DataDirectory(path: settings.data, disk: POSIXFileSystem())
        let place = try place(in: directory, settings)
        let known: [DeviceCursorFile.Entry]
        let revocations: Revocations
        do throws(OpLogError) {
            known = try DeviceCursorFile.read(in: place.path, on: directory.disk)
            revocations = try Revocations.read(in: settings.data, on: directory.disk)
        } catch {
            throw MaintenanceError(error)
        }
        let revoked = revocations.entries.filter { $0.databaseID == place.databaseID }
        if settings.isJSON {
            let devices = known.sorted { $0.deviceID < $1.deviceID }.map { device in
                JSONValue.object([
                    .init("deviceId", .text(device.deviceID.rawValue)),
                    .init("cursor", .number(device.cursor.rawValue)),
                    .init("lastSeenMs", .number(device.lastSeenMilliseconds)),
                    .init(
                        "revoked",
                        .bool(revocations.contains(device.deviceID, in: place.databaseID))),
                ])
            }
            let entries = revoked.map { entry in
                JSONValue.object([
                    .init("device", .text(entry.devices.text)),
                    .init("revokedAtMs", .number(entry.revokedAtMilliseconds)),
                ])
            }
            Terminal.output(
                JSONValue.object([
                    .init("devices", .array(devices)), .init("revoked", .array(entries)),
                ]).line + "\n")
            return .fine
        }
        for device in known.sorted(by: { $0.deviceID < $1.deviceID }) {
            let mark =
                revocations.contains(device.deviceID, in: place.databaseID) ? ", revoked" : ""
            Terminal.output(
                "\(device.deviceID): cursor \(device.cursor), last seen "
                    + "\(utcTime(device.lastSeenMilliseconds))\(mark)\n")
        }
        for entry in revoked {
            let time = utcTime(entry.revokedAtMilliseconds)
            Terminal.output("revoked \(entry.devices.text), \(time)\n")
        }
        return .fine
    }

    /// Where the database is. One that there is not yet may have revoked devices too.
    private static func place(
        in directory: DataDirectory<POSIXFileSystem>, _ settings: Settings
    ) throws(MaintenanceError) -> DataDirectory<POSIXFileSystem>.Place {
        let place = directory.place(of: DatabaseID(settings.database))
        if try !directory.places().contains(place) {
            Terminal.error("There is no database \(settings.database) in \(settings.data) yet.")
        }
        return place
    }

    private static func change(
        _ settings: Settings, _ devices: DevicePattern, isRevocation: Bool
    ) throws(MaintenanceError) -> ExitStatus {
        let directory = DataDirectory(path: settings.data, disk: POSIXFileSystem())
        let databaseID = try place(in: directory, settings).databaseID
        let lock: POSIXFileSystem.Lock?
        do throws(FileSystemError) {
            lock = try directory.disk.lockFile(at: Revocations.path(in: settings.data) + ".lock")
        } catch {
            throw MaintenanceError(error)
        }
        guard let lock else {
            throw MaintenanceError(.inUse, "Another command changes what is revoked. Try again.")
        }
        defer { lock.release() }
        let hasChanged: Bool
        do throws(OpLogError) {
            var revocations = try Revocations.read(in: settings.data, on: directory.disk)
            hasChanged =
                isRevocation
                ? revocations.insert(
                    .init(
                        databaseID: databaseID, devices: devices,
                        revokedAtMilliseconds: SystemClock.wallMilliseconds))
                : revocations.remove(devices, in: databaseID)
            if hasChanged { try revocations.write(in: settings.data, on: directory.disk) }
        } catch {
            throw MaintenanceError(error)
        }
        guard hasChanged || isRevocation else {
            throw MaintenanceError(
                .notThere,
                "\(devices.text) is not among what was revoked in \(databaseID). `device list` "
                    + "shows what was.")
        }
        Terminal.output(
            isRevocation
                ? "\(devices.text) may no longer sync \(databaseID).\n"
                : "\(devices.text) may sync \(databaseID) again.\n")
        return .fine
    }
}
