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
    /// describes, 64 for a command line that makes no sense. `conformance` has 2, too.
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
            if let group = group(words[1]), words.count == 2 { return show(group) }
            return show(try command(words[1...]).command.help)
        default:
            if let group = group(first), words.count == 1 || words[1] == "--help" {
                guard words.count > 1 else { throw UsageError("\(first) needs a second word") }
                return show(group)
            }
            let (command, rest) = try command(words[...])
            // Also `entitysync wal --help`, which one types before one knows better.
            if rest.contains("--help") { return show(command.help) }
            return try await command.run(try Arguments(Array(rest), for: command))
        }
    }

    /// The command that the words begin with, and the words behind its name.
    private static func command(
        _ words: ArraySlice<String>
    ) throws(UsageError) -> (command: Command, rest: ArraySlice<String>) {
        for command in Command.all {
            let name = command.name.split(separator: " ").map(String.init)
            if words.starts(with: name) { return (command, words.dropFirst(name.count)) }
        }
        throw UsageError("there is no command \(words.prefix(2).joined(separator: " "))")
    }

    /// The usage of the commands that begin with a word, if they are several.
    private static func group(_ name: String) -> String? {
        let commands = Command.all.filter { $0.name.hasPrefix(name + " ") }
        return commands.isEmpty ? nil : summaries(of: commands)
    }

    private static func summaries(of commands: [Command]) -> String {
        commands.map { "  \($0.usage)\n      \($0.summary)\n" }.joined()
    }

    private static func show(_ text: String) -> Int32 {
        var output = StandardOutput()
        output.write(text)
        output.flush()
        return 0
    }

    private static var overview: String {
        var text = """
            entitysync looks into what an EntitySync client keeps on disk and into CBOR, and judges
            other implementations of the protocol.

            usage: entitysync COMMAND …


            """
        text += summaries(of: Command.all)
        return text + """

              entitysync help COMMAND
                  Explains a command.
              entitysync --version
                  Prints the version.

            """
    }
}
