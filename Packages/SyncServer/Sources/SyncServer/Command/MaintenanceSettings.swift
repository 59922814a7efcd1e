// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a command on a data directory was told.
struct MaintenanceSettings {
    var data = ""
    var database = ""
    var isJSON = false
    var to = ""
    var from = ""
    var replaces = false
    var entity = ""
    var service = ServiceConfiguration()
    var operations = ""

    typealias Option = CommandOption<MaintenanceSettings>

    static var data: Option {
        Option.text("data", "DIR", "the server's data directory; required", \.data)
    }
    static var database: Option {
        .text("database", "NAME", "this database only", \.database)
    }
    static var json: Option { Option.flag("json", "one line of JSON on standard output", \.isJSON) }

    static var to: Option { .text("to", "DIR", "a new directory, for the backup", \.to) }
    static var from: Option { .text("from", "DIR", "the backup", \.from) }
    static var replaces: Option {
        .flag("replace", "rename databases that are there, and put the backup in place", \.replaces)
    }

    /// The database that was named, if one was.
    var wanted: DatabaseID? { database.isEmpty ? nil : DatabaseID(database) }

    /// Checks what no single flag can.
    func check(_ required: [Option]) throws(UsageError) {
        for option in required where option.standard(self) == nil {
            throw UsageError(
                description: "--\(option.name) \(option.placeholder ?? "") is required: "
                    + "\(option.help).")
        }
        if let wanted, !wanted.isValid {
            throw UsageError(
                description: "--database \"\(database)\" cannot be the name of a database: they "
                    + "have 1 to 128 characters out of A-Z a-z 0-9 . _ ~ -.")
        }
    }
}

/// A command of `entitysync-server` that works on a data directory.
struct MaintenanceCommand {
    var name: String
    /// One line for the overview.
    var summary: String
    /// What the command does, for its own help.
    var explanation: String
    var options: [MaintenanceSettings.Option]
    /// Those that must be given.
    var required: [MaintenanceSettings.Option]
    /// Returns what the command ends with.
    var run: (MaintenanceSettings) -> ExitStatus

    /// Runs the command with the words behind its name.
    func callAsFunction(
        _ arguments: [String], environment: [String: String]
    ) throws(UsageError) -> Int32 {
        if arguments.contains("--help") || arguments.contains("-h") {
            Terminal.output(help)
            return ExitStatus.fine.rawValue
        }
        var settings = MaintenanceSettings()
        // What a command does is said where it is called; where the data is and how long things are
        // kept may be set for `serve` already.
        try OptionTable(options: options).parse(
            arguments, environment: environment.filter { Self.variables.contains($0.key) },
            into: &settings)
        try settings.check(required)
        return run(settings).rawValue
    }

    private static let variables: Set<String> = [
        "ENTITYSYNC_DATA", "ENTITYSYNC_COMPACT_AFTER", "ENTITYSYNC_RETENTION_DAYS",
        "ENTITYSYNC_STALE_DAYS", "ENTITYSYNC_MAX_SEGMENT_BYTES",
    ]

    var help: String {
        let words = required.map { " --\($0.name) \($0.placeholder ?? "")" }.joined()
        return """
            entitysync-server \(name)\(words) [flags]

            \(explanation)

            \(OptionTable(options: options).help(MaintenanceSettings()))
            --data can also be set in the environment, as ENTITYSYNC_DATA; so can how long things
            are kept, as for `serve`. The exit status is 0 if
            all is well, 1 for damage, 64 for a command line that makes no sense, 66 if what is
            named is not there, 73 if what is to be made is there or cannot be made, 74 if the disk
            fails, and 75 if a server uses the directory.

            """
    }

    /// All commands on a data directory.
    static var all: [MaintenanceCommand] { [verify, backup, restore, newLog, inspect, compact] }
}

/// Runs a command's body and prints why it failed, if it did.
func reportingFailure(
    _ body: () throws(MaintenanceError) -> ExitStatus
) -> ExitStatus {
    do throws(MaintenanceError) { return try body() } catch {
        Terminal.error("\(error)")
        return error.status
    }
}
