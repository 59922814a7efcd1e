// SPDX-License-Identifier: MIT

/// What the program was asked to do, read from its arguments.
struct Arguments: Equatable {
    var data = ""
    var device: String?
    var server = "http://127.0.0.1:8080"
    var database = "notes"
    var resolver = "server"
    var json = false
    var command = ""
    var operands: [String] = []

    static let help = """
        notes: a notebook that works offline and syncs when it can.

        usage: notes --data DIR [options] COMMAND

        commands:
          add TEXT        write a note; prints its id
          edit ID TEXT    change a note
          rm ID           remove a note
          list [--json]   show all notes, oldest first
          sync            exchange everything with the server once
          watch           keep syncing and show what changes, until interrupted
          conflicts       show edits that met another device's, and what became of them
          help            show this

        options:
          --data DIR        where this device keeps its notes (made if it is missing)
          --device NAME     this device's name; taken at its first sync (default: made at random)
          --server URL      the server (default: http://127.0.0.1:8080)
          --database NAME   the server's database (default: notes)
          --resolver WHO    who wins a conflict: server, client or last (default: server)

        Only sync and watch need the server. Exit status: 0 done, 1 failed, 64 wrong usage.

        """

    /// A command line that cannot be understood.
    struct UsageError: Error {
        var message: String
    }

    /// How many operands each command takes.
    private static let operandCounts = [
        "add": 1, "edit": 2, "rm": 1, "list": 0, "sync": 0, "watch": 0, "conflicts": 0, "help": 0,
    ]

    init(_ arguments: [String]) throws(UsageError) {
        var words: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--help", "-h": words = ["help"]
            case "--json": json = true
            case "--": words += rest; rest = []
            case _ where word.hasPrefix("--"):
                guard let value = rest.popFirst() else {
                    throw UsageError(message: "\(word) needs a value.")
                }
                try set(word, to: value)
            default: words.append(word)
            }
        }
        command = words.first ?? ""
        operands = Array(words.dropFirst())
        try check()
    }

    private mutating func set(_ option: String, to value: String) throws(UsageError) {
        switch option {
        case "--data": data = value
        case "--device": device = value
        case "--server": server = value
        case "--database": database = value
        case "--resolver": resolver = value
        default: throw UsageError(message: "There is no option \(option).")
        }
    }

    private func check() throws(UsageError) {
        guard let count = Self.operandCounts[command] else {
            throw UsageError(
                message: command.isEmpty
                    ? "A command is missing." : "There is no command \"\(command)\".")
        }
        if command == "help" { return }
        guard operands.count == count else {
            throw UsageError(
                message: "\(command) takes \(count) argument\(count == 1 ? "" : "s"), not "
                    + "\(operands.count). A text of several words goes in quotes.")
        }
        guard !data.isEmpty else { throw UsageError(message: "--data DIR is missing.") }
        guard ["server", "client", "last"].contains(resolver) else {
            throw UsageError(message: "--resolver is server, client or last, not \(resolver).")
        }
    }
}
