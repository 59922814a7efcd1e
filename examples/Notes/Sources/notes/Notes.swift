// SPDX-License-Identifier: MIT

import Foundation

/// The program: reads its arguments, does one thing, and says how it went by its exit status.
@main
struct Notes {
    static func main() async {
        do {
            let arguments = try Arguments(Array(CommandLine.arguments.dropFirst()))
            try await run(arguments)
        } catch let error as Arguments.UsageError {
            Terminal.error("notes: \(error.message)\nTry: notes --help")
            exit(64)
        } catch {
            Terminal.error("notes: \(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: Arguments) async throws {
        if arguments.command == "help" { return Terminal.output(Arguments.help) }
        let notebook = try Notebook(directory: arguments.data)
        let operands = arguments.operands
        switch arguments.command {
        case "add": Terminal.output(try notebook.add(operands[0]) + "\n")
        case "edit": try notebook.edit(operands[0], operands[1])
        case "rm": try notebook.remove(operands[0])
        case "list": Terminal.output(try notebook.list(json: arguments.json))
        case "sync": Terminal.output(try await Syncing(notebook, arguments).sync())
        case "watch": try await Syncing(notebook, arguments).watch()
        case "conflicts":
            Terminal.output(try await Syncing(notebook, arguments).conflicts())
        default: preconditionFailure("Arguments lets only known commands through.")
        }
    }
}

/// Where the program's words go, at once.
enum Terminal {
    static func output(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    }

    static func error(_ line: String) {
        try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
    }
}
