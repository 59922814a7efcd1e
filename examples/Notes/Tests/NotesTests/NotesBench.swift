// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// One device's notebook, used as a person does: by command lines.
struct Notebook {
    let bench: Bench
    let name: String
    var port: UInt16 = 1
    var flags: [String] = []

    /// The words before the command.
    var words: [String] {
        ["--data", bench.path(name), "--device", name, "--server", "http://127.0.0.1:\(port)"]
            + flags
    }

    /// Runs a command to its end.
    func run(_ command: String...) throws -> Program.Captured {
        try bench.run("notes", words + command)
    }

    /// Runs a command that must succeed, and returns what it prints, without the last line's end.
    @discardableResult
    func ask(
        _ command: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let result = try bench.run("notes", words + command)
        #expect(
            result.exit == .status(0), "\(command): \(result.errorText)",
            sourceLocation: sourceLocation)
        #expect(result.errors.isEmpty, sourceLocation: sourceLocation)
        return result.outputText.trimmingCharacters(in: .newlines)
    }

    /// One note, as `list --json` shows it.
    struct Listed: Decodable, Equatable {
        var id: String
        var text: String
        var createdAt: UInt64
    }

    /// All notes.
    func list() throws -> [Listed] {
        try JSONDecoder().decode([Listed].self, from: Data(try ask("list", "--json").utf8))
    }
}
