// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncClient
import SyncProtocol
import Testing

/// The commands for operators, as they are called.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct BackupStoryTests {
    @discardableResult
    private func run(
        _ bench: Bench, _ words: [String], status: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Program.Captured {
        let captured = try bench.run("entitysync-server", words)
        #expect(
            captured.exit == .status(status), "\(words): \(captured.errorText)",
            sourceLocation: sourceLocation)
        return captured
    }

    /// Two devices go on after a backup was made, the server loses its disk, and the backup is put
    /// in place: what they had done since comes back from them, unless they are told that a server
    /// is always right. Then it is in the conflict log.
    @Test(arguments: ["clientWins", "lastWriteWins", "serverWins"])
    func devicesThatWereAheadOfABackupLoseNothing(_ name: String) async throws {
        let resolvers: [String: any ConflictResolver] = [
            "clientWins": .clientWins, "lastWriteWins": .lastWriteWins, "serverWins": .serverWins,
        ]
        let resolver = try #require(resolvers[name])
        let bench = try Bench()
        defer { bench.end() }
        let data = bench.path("server")
        let first = try bench.serve()
        let proxy = try FaultyProxy(to: first.port) { _ in .none }
        defer { proxy.end() }
        let a = try Device("a", on: bench, port: proxy.port, resolver: resolver)
        let b = try Device("b", on: bench, port: proxy.port, resolver: resolver)
        try a.put("before", "1")
        try await a.engine.sync()
        try await b.engine.sync()

        // Beside the running server, which holds the lock.
        let backup = bench.path("backup")
        try run(bench, ["backup", "--data", data, "--to", backup])
        try run(bench, ["verify", "--data", data])
        try run(bench, ["restore", "--from", backup, "--data", data, "--replace"], status: 75)
        try a.put("after", "3")
        try await a.engine.sync()
        try b.put("of b", "4")
        try b.put("edited by b", "1")
        try await b.engine.sync()
        try await a.engine.sync()
        let logID = try ProtocolClient(port: first.port, "cards", "observer").handshake().logID
        first.kill()
        #expect(try run(bench, ["verify", "--data", data]).outputText.contains("cards: sound"))

        try run(bench, ["restore", "--from", backup, "--data", data], status: 73)
        let words = ["restore", "--from", backup, "--data", data, "--replace"]
        #expect(try run(bench, words).outputText.contains("cards: restored"))
        try run(bench, ["serve", "--data", backup, "--port", "0"], status: 1)
        let second = try bench.serve()
        proxy.redirect(to: second.port)
        let renewed = try ProtocolClient(port: second.port, "cards", "observer").handshake().logID
        #expect(renewed != logID)
        for _ in 0..<2 {
            try await a.engine.sync()
            try await b.engine.sync()
        }

        #expect(a.content == b.content)
        let (standing, lost) =
            name == "serverWins" ? ("before", "edited by b") : ("edited by b", "before")
        #expect(try a.text("1") == standing)
        let conflicts = try await a.engine.conflicts() + b.engine.conflicts()
        let losers = try conflicts.compactMap(\.lostContent).map {
            try CBORDecoder().decode(Card.self, from: $0).text
        }
        #expect(losers.contains(lost))
        #expect(try a.text("3") == "after")
        #expect(try a.text("4") == "of b")
        let log = try ServerLog(port: second.port)
        log.checkLaws()
        #expect(log.content == a.content)
    }

    @Test func damageIsReportedWithFileAndByteAndEndsWithOne() throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let client = try ProtocolClient(port: server.port, "bad", "d")
        try client.handshake()
        for number in 1...10 as ClosedRange<UInt64> {
            _ = try client.push([client.upsert(number, "\(number)", "text \(number)")])
        }
        let stats = try HTTPClient(port: server.port).get("/v1/stats")
        #expect(stats.status == 200)
        #expect(stats.text.contains(#""database":"bad""#) && stats.text.contains(#""cursor":10,"#))
        server.kill()
        let data = bench.path("server")
        let shown = try run(
            bench, ["inspect", "--data", data, "--operations", "3..4", "--database", "bad"])
        #expect(shown.outputText.contains("text 3") && shown.outputText.contains("text 4"))
        #expect(!shown.outputText.contains("text 5"))
        #expect(
            try run(bench, ["inspect", "--data", data]).outputText.contains("operations     10"))
        let name = "server/databases/bad/log/00000000000000000001.seg"
        let file = URL(fileURLWithPath: bench.path(name))
        var bytes = try Data(contentsOf: file)
        bytes[try #require(bytes.firstRange(of: Data("text 5".utf8))).lowerBound] ^= 1
        try bytes.write(to: file)

        let found = try run(bench, ["verify", "--data", data], status: 1)

        #expect(found.outputText.contains("bad: DAMAGED: \(file.path) at byte "))
        #expect(found.outputText.contains("1 database, 1 damaged."))
        let json = try run(bench, ["verify", "--data", data, "--json"], status: 1).outputText
        #expect(json.hasPrefix(#"{"sound":false,"databases":[{"database":"bad","sound":false,"#))
        #expect(try Data(contentsOf: file) == bytes)
    }

    @Test(
        arguments: [
            (["verify"], 64), (["verify", "--data"], 64), (["restore", "--data", "x"], 64),
            (["verify", "--data", "/nowhere"], 66), (["verify", "--help"], 0),
            (["help", "restore"], 0), (["help", "restor"], 64), (["bakup"], 64),
            (["inspect", "--data", "x", "--database", "a/b"], 64),
        ] as [([String], Int32)]) func exitCodesSayWhatWasWrong(words: [String], status: Int32)
        throws
    {
        let bench = try Bench()
        defer { bench.end() }
        try run(bench, words, status: status)
    }
}
