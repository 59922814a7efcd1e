// SPDX-License-Identifier: MIT

/// One or two words after `entitysync`, and what they do.
struct Command: Sendable {
    /// A flag that the command takes.
    struct Flag: Sendable {
        /// With its dashes.
        var name: String
        /// What stands for the value in the help; `nil` if the flag takes none.
        var value: String?
        /// What it does, in a line.
        var summary: String
    }

    var name: String
    /// What stands for the operands in the help, one word for each. Those in brackets may be left
    /// out and come last; a last one `[NAME...]` stands for any number.
    var operands: [String]
    /// What the command does, in a line.
    var summary: String
    /// What else one should know, in lines of at most 80 columns.
    var discussion: String
    var flags: [Flag]
    /// Does it, and returns the exit code.
    var run: @Sendable (Arguments) async throws -> Int32

    /// All commands, in the order of the help.
    static let all: [Command] = [
        .wal, .cborDiag, .cborDecode, .cborEncode, .cborCheck, .conformanceServer,
        .conformanceCodec, .conformanceAdapter, .conformanceClient, .conformanceDevice,
    ]

    var usage: String {
        let flags = flags.map { "[\($0.spelling)]" }
        // What takes any number of words takes them behind its flags.
        let isOpen = operands.last?.hasSuffix("...]") ?? false
        let words = isOpen ? flags + ["--"] + operands : operands + flags
        return (["entitysync", name] + words).joined(separator: " ")
    }

    var help: String {
        var text = "\(usage)\n\n\(summary)\n\n\(discussion)\n"
        if !flags.isEmpty {
            let width = (flags.map(\.spelling.count).max() ?? 0) + 2
            text += "\nFlags:\n"
            for flag in flags {
                let padding = String(repeating: " ", count: width - flag.spelling.count)
                text += "  \(flag.spelling)\(padding)\(flag.summary)\n"
            }
        }
        return text
    }
}

extension Command.Flag {
    var spelling: String { value.map { "\(name) \($0)" } ?? name }
}

/// Why a command failed, in a sentence. Exit code 1.
struct CommandError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
