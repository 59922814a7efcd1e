// SPDX-License-Identifier: MIT

import Foundation
import SyncTestSupport
import Testing

/// `kill -9` of the client at random moments, again and again on the same directory.
///
/// The environment variable `ENTITYSYNC_KILLS` sets how often, `ENTITYSYNC_SEED` the seed.
@Suite(.showsPrograms, .timeLimit(.minutes(30))) struct NotesKillTests {
    private static func number(_ variable: String, _ standard: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) } ?? standard
    }

    @Test func whatNotesSaidItDidSurvivesKillsAndArrivesOnce() throws {
        let seed = Self.number("ENTITYSYNC_SEED", 1)
        let killCount = Self.number("ENTITYSYNC_KILLS", 60)
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let notes = Notebook(bench: bench, name: "a", port: server.port)
        var book = KilledNotebook(notes: notes, generator: SeededGenerator(seed: seed))

        for kill in 0..<killCount {
            try book.killSomething()
            if kill % 10 == 9 { try book.check() }
        }
        try book.check()
        try notes.ask("sync")
        let observer = Notebook(bench: bench, name: "observer", port: server.port)
        let report = try observer.ask("sync")
        let written = try bench.run("entitysync", ["wal", bench.path("a"), "--json"])

        #expect(try observer.list() == notes.list())
        // The log of the notebook says how many writes there were: each came through once.
        let writeCount = written.outputText.split(separator: "\n").count
        #expect(report == "pulled \(writeCount), pushed 0")
        #expect(book.acknowledgedCount > 0)
        #expect(book.interruptedCount > 0)
        print(
            "seed \(seed): \(killCount) kills, \(book.acknowledgedCount) notes acknowledged, "
                + "\(book.interruptedCount) commands interrupted")
    }
}

/// A notebook whose commands are killed, and what is known of it.
private struct KilledNotebook {
    let notes: Notebook
    var generator: SeededGenerator
    /// What each note may say, by the id that was printed: its text and what an interrupted edit
    /// may have made of it.
    private var texts: [String: Set<String>] = [:]
    /// Every text that was ever given to `add`.
    private var added: Set<String> = []
    private var commandCount = 0
    private(set) var interruptedCount = 0

    init(notes: Notebook, generator: SeededGenerator) {
        self.notes = notes
        self.generator = generator
    }

    var acknowledgedCount: Int { texts.count }

    /// Runs a command and kills it after a random time, unless it has ended by then.
    mutating func killSomething() throws {
        commandCount += 1
        let text = "note \(commandCount)"
        switch Int.random(in: 0..<6, using: &generator) {
        case 0, 1:
            _ = try kill("sync")
        case 2:
            guard let id = texts.keys.sorted().randomElement(using: &generator) else { break }
            let result = try kill("edit", id, text)
            if result.exit == .status(0) { texts[id] = [] }
            texts[id]?.insert(text)
        default:
            added.insert(text)
            let result = try kill("add", text)
            if result.output.last == UInt8(ascii: "\n") {
                texts[String(result.outputText.dropLast())] = [text]
            }
        }
    }

    private mutating func kill(_ command: String...) throws -> Program.Captured {
        let program = try notes.bench.start("notes", notes.words + command)
        // One in four may take its time: it is killed when it has printed something, or ends.
        let isPatient = Int.random(in: 0..<4, using: &generator) == 0
        let microseconds = Int.random(in: 0...150_000, using: &generator)
        let deadline =
            Platform.seconds + (isPatient ? Program.patienceSeconds : Double(microseconds) / 1e6)
        while Platform.seconds < deadline, !program.hasPrintedOrEnded {
            let left = deadline - Platform.seconds
            program.waitForNews(milliseconds: CInt(left * 1_000) + 1)
        }
        program.kill()
        let result = program.captured
        if result.exit == .signal(9) {
            interruptedCount += 1
        } else {
            #expect(result.exit == .status(0), "\(result.errorText)")
        }
        return result
    }

    /// Everything acknowledged is there, nothing that was never added, and nothing twice.
    func check() throws {
        let list = try notes.list()
        let found = Dictionary(grouping: list, by: \.id)
        for (id, possible) in texts {
            let text = found[id]?.first?.text
            #expect(text.map(possible.contains) == true, "note \(id) was acknowledged")
        }
        let unknown = list.filter { texts[$0.id] == nil }.map(\.text)
        #expect(Set(unknown).isSubset(of: added))
        #expect(Set(unknown).count == unknown.count, "a note is there twice")
    }
}
