// SPDX-License-Identifier: MIT

import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// `notes` with a server.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct NotesSyncTests {
    @Test func twoNotebooksConvergeAndTheLoserIsKept() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = Notebook(bench: bench, name: "a", port: server.port)
        let b = Notebook(bench: bench, name: "b", port: server.port)
        let milk = try a.ask("add", "milk")
        #expect(try a.ask("sync") == "pulled 0, pushed 1")
        #expect(try b.ask("sync") == "pulled 1, pushed 0")

        try a.ask("edit", milk, "oat milk")
        try b.ask("edit", milk, "three bottles")
        let coffee = try b.ask("add", "coffee")
        #expect(try a.ask("sync") == "pulled 0, pushed 1")
        #expect(try b.ask("sync").contains("conflicts 1"))
        try a.ask("sync")

        #expect(try a.list() == b.list())
        #expect(try a.list().map(\.text) == ["oat milk", "coffee"])
        #expect(try a.list().map(\.id) == [milk, coffee])
        let conflicts = try b.ask("conflicts")
        #expect(conflicts.contains(milk))
        #expect(conflicts.contains("here: \"three bottles\""))
        #expect(conflicts.contains("server: \"oat milk\""))
        #expect(try a.ask("conflicts").isEmpty)
    }

    @Test func theResolverOptionLetsTheDeviceWin() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = Notebook(bench: bench, name: "a", port: server.port)
        let b = Notebook(
            bench: bench, name: "b", port: server.port, flags: ["--resolver", "client"])
        let id = try a.ask("add", "first")
        try a.ask("sync")
        try b.ask("sync")
        try a.ask("rm", id)
        try b.ask("edit", id, "of b")

        try a.ask("sync")
        try b.ask("sync")
        try a.ask("sync")

        #expect(try a.list().map(\.text) == ["of b"])
        #expect(try a.list() == b.list())
    }

    @Test func aServerThatCannotBeReachedIsNamed() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let notes = Notebook(bench: bench, name: "a", port: server.port)
        try notes.ask("add", "milk")
        server.kill()

        let result = try notes.run("sync")

        #expect(result.exit == .status(1))
        #expect(result.output.isEmpty)
        #expect(result.errorText.contains("http://127.0.0.1:\(server.port)"))
        #expect(result.errorText.contains("cannot be reached"))
        #expect(result.errorText.split(separator: "\n").count == 1, "\(result.errorText)")
        #expect(try notes.list().map(\.text) == ["milk"])
    }

    @Test(arguments: ["nonsense", "http://", "127.0.0.1:8080"])
    func anAddressThatIsNoneIsASentence(address: String) throws {
        let bench = try Bench()
        defer { bench.end() }

        let result = try bench.run(
            "notes", ["--data", bench.path("a"), "--server", address, "sync"])

        #expect(result.exit == .status(1))
        #expect(result.errorText.contains(address))
        #expect(result.errorText.contains("http://127.0.0.1:8080"))
    }

    @Test func watchShowsWhatOthersDoUntilItIsInterrupted() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = Notebook(bench: bench, name: "a", port: server.port)
        let b = Notebook(bench: bench, name: "b", port: server.port)
        let watching = try bench.start("notes", b.words + ["watch"])
        _ = try watching.line("synced")

        let id = try a.ask("add", "news")
        try a.ask("sync")
        #expect(try watching.line(id, in: .output) == "pulled  \(id)  news")
        try a.ask("rm", id)
        try a.ask("sync")
        #expect(
            try watching.line(id, in: .output, occurrence: 2) == "pulled  \(id)  (removed)")
        watching.send(SIGINT)

        #expect(try watching.end().exit == .signal(SIGINT))
        #expect(try b.list().isEmpty)
    }

    @Test func watchGoesOnWhenTheServerComesBack() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = Notebook(bench: bench, name: "a", port: server.port)
        let b = Notebook(bench: bench, name: "b", port: server.port)
        let watching = try bench.start("notes", b.words + ["watch"])
        _ = try watching.line("synced")
        server.kill()
        _ = try watching.line("error:")

        _ = try ServerProcess(
            try bench.start(
                "entitysync-server",
                ["serve", "--data", bench.path("server"), "--port", "\(server.port)"]))
        let id = try a.ask("add", "news")
        try a.ask("sync")

        #expect(try watching.line(id, in: .output) == "pulled  \(id)  news")
    }
}
