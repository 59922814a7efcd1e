// SPDX-License-Identifier: MIT

/// The command line of `entitysync-server`.
package enum ServerCommand {
    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - arguments: The words behind the program's name.
    ///   - environment: The environment variables.
    /// - Returns: The exit status.
    package static func run(_ arguments: [String], environment: [String: String]) -> Int32 {
        do throws(UsageError) {
            return try dispatch(arguments, environment)
        } catch {
            Terminal.error("\(error)\nRun entitysync-server help to see how it is used.")
            return ExitStatus.usage.rawValue
        }
    }

    private static func dispatch(
        _ arguments: [String], _ environment: [String: String]
    ) throws(UsageError) -> Int32 {
        let rest = Array(arguments.dropFirst())
        if let command = MaintenanceCommand.all.first(where: { $0.name == arguments.first }) {
            return try command(rest, environment: environment)
        }
        switch arguments.first {
        case "serve": return try ServeCommand.run(rest, environment)
        case "token": return try TokenCommand.run(rest, environment)
        case "device": return try DeviceCommand.run(rest, environment)
        case "help" where rest == ["serve"]: Terminal.output(ServeCommand.help)
        case "help" where rest == ["token"]: Terminal.output(TokenCommand.help)
        case "help" where rest == ["device"]: Terminal.output(DeviceCommand.help)
        case "help" where rest.isEmpty, "--help", "-h": Terminal.output(help)
        case "--version", "version": Terminal.output("entitysync-server \(serverVersion)\n")
        case "help" where rest.count == 1: Terminal.output(try command(rest[0]).help)
        case nil: throw UsageError(description: "Name a command: serve, or help.")
        case "help": throw UsageError(description: "Name one command to help with.")
        case let word?: throw unknown(word)
        }
        return 0
    }

    private static func command(_ name: String) throws(UsageError) -> MaintenanceCommand {
        guard let command = MaintenanceCommand.all.first(where: { $0.name == name }) else {
            throw unknown(name)
        }
        return command
    }

    private static func unknown(_ word: String) -> UsageError {
        let names = ["serve", "token", "device"] + MaintenanceCommand.all.map(\.name)
        let nearest = names.min { editDistance($0, word) < editDistance($1, word) } ?? "serve"
        return UsageError(description: "There is no command \"\(word)\". Did you mean \(nearest)?")
    }

    private static var help: String {
        let commands = MaintenanceCommand.all.map { command in
            let words = command.required.map { " --\($0.name) \($0.placeholder ?? "")" }.joined()
            let usage = "entitysync-server \(command.name)\(words) …"
            let padding = String(repeating: " ", count: max(1, 53 - usage.count))
            return "  \(usage)\(padding)\(command.summary)\n"
        }
        return """
            entitysync-server: the sync server of EntitySync.

              entitysync-server serve --data DIR [--port PORT] …   serve until SIGTERM or SIGINT
            \(commands.joined())\
              entitysync-server token issue|check …                make a token, or look at one
              entitysync-server device list|revoke|restore …       the devices that may sync
              entitysync-server help COMMAND                       what a command does, its flags
              entitysync-server --version                          the version

            """
    }
}
