// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `notes` as a person types it, without a server.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct NotesTests {
    private let hint = "Try: notes --help"

    @Test func addPrintsAnIDByWhichANoteIsEditedAndRemoved() throws {
        let bench = try Bench()
        defer { bench.end() }
        let notes = Notebook(bench: bench, name: "a")

        let milk = try notes.ask("add", "milk")
        let bread = try notes.ask("add", "bread and \"butter\" – été")
        try notes.ask("edit", milk, "oat milk")

        #expect(UUID(uuidString: milk) != nil)
        #expect(try notes.list().map(\.text) == ["oat milk", "bread and \"butter\" – été"])
        #expect(try notes.list().map(\.id) == [milk, bread])
        #expect(try notes.ask("list").hasPrefix("\(milk)  oat milk\n\(bread)  bread"))
        try notes.ask("rm", milk)
        #expect(try notes.list().map(\.id) == [bread])
    }

    @Test func anEmptyNotebookListsNothing() throws {
        let bench = try Bench()
        defer { bench.end() }
        let notes = Notebook(bench: bench, name: "a")

        #expect(try notes.ask("list").isEmpty)
        #expect(try notes.ask("list", "--json") == "[]")
    }

    @Test func aTextThatLooksLikeAnOptionGoesBehindTwoDashes() throws {
        let bench = try Bench()
        defer { bench.end() }
        let notes = Notebook(bench: bench, name: "a")

        try notes.ask("add", "--", "--json")

        #expect(try notes.list().map(\.text) == ["--json"])
    }

    @Test(arguments: [
        [], ["--data", "x"], ["add"], ["--data", "x", "add"], ["--data", "x", "add", "a", "b"],
        ["--data", "x", "edit", "id"], ["--data", "x", "list", "all"],
        ["--data", "x", "frobnicate"],
        ["--data"], ["--nonsense", "x", "list"], ["list"],
        ["--data", "x", "--resolver", "me", "sync"],
    ])
    func wrongUsageExitsWith64AndAHint(words: [String]) throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run("notes", words)

        #expect(result.exit == .status(64))
        #expect(result.output.isEmpty)
        #expect(result.errorText.contains(hint))
        #expect(result.errorText.hasPrefix("notes: "))
    }

    @Test(arguments: ["edit", "rm"]) func anUnknownIDIsASentence(command: String) throws {
        let bench = try Bench()
        defer { bench.end() }
        let notes = Notebook(bench: bench, name: "a")

        let result =
            command == "rm" ? try notes.run("rm", "nobody") : try notes.run("edit", "nobody", "x")

        #expect(result.exit == .status(1))
        #expect(result.errorText == "notes: There is no note nobody.\n")
    }

    @Test func helpExplainsEveryCommand() throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run("notes", ["--help"])

        #expect(result.exit == .status(0))
        for word in [
            "add TEXT", "edit ID TEXT", "rm ID", "list [--json]", "sync", "watch",
            "conflicts", "--data DIR", "--device", "--server",
        ] {
            #expect(result.outputText.contains(word))
        }
    }

    @Test func aSecondWriterIsToldWhoHasTheNotebook() throws {
        let bench = try Bench()
        defer { bench.end() }
        let notes = Notebook(bench: bench, name: "a")
        try notes.ask("add", "x")
        let watching = try bench.start("notes", notes.words + ["watch"])
        _ = try watching.line("error:")

        let result = try notes.run("add", "y")

        #expect(result.exit == .status(1))
        #expect(result.errorText.contains(bench.path("a")), "\(result.errorText)")
    }
}
