// SPDX-License-Identifier: MIT

/// `entitysync`: finds the command and runs it.
@main
enum EntitySyncCommandLine {
    static let version = "0.1.0"

    static func main() async {
        Platform.ignoreBrokenPipes()
        Platform.exit(await run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs a command line and returns its exit code: 0, 1 for a failure that standard error
    /// describes, 64 for a command line that makes no sense.
    static func run(_ words: [String]) async -> Int32 {
        do {
            return try await dispatch(words)
        } catch {
            StandardError.write("entitysync: \(error)")
            return error is UsageError ? UsageError.exitCode : 1
        }
    }

    private static func dispatch(_ words: [String]) async throws -> Int32 {
        guard let first = words.first else { throw UsageError("no command given") }
        switch first {
        case "--help", "-h":
            return show(overview)
        case "--version":
            return show("entitysync \(version)\n")
        case "help":
            guard words.count > 1 else { return show(overview) }
            return show(try command(words[1]).help)
        default:
            let command = try command(first)
            let rest = Array(words.dropFirst())
            // Also `entitysync wal --help`, which one types before one knows better.
            if rest.contains("--help") { return show(command.help) }
            return try await command.run(try Arguments(rest, for: command))
        }
    }

    private static func command(_ name: String) throws(UsageError) -> Command {
        guard let command = Command.all.first(where: { $0.name == name }) else {
            throw UsageError("there is no command \(name)")
        }
        return command
    }

    private static func show(_ text: String) -> Int32 {
        var output = StandardOutput()
        output.write(text)
        output.flush()
        return 0
    }

    private static var overview: String {
        var text = """
            entitysync looks into what an EntitySync client keeps on disk.

            usage: entitysync COMMAND …


            """
        for command in Command.all { text += "  \(command.usage)\n      \(command.summary)\n" }
        return text + """

              entitysync help COMMAND
                  Explains a command.
              entitysync --version
                  Prints the version.

            """
    }
}
