// SPDX-License-Identifier: MIT

import Foundation
import SyncProtocol
import SyncTestSupport
import Testing

/// `kill -9` of the server at random moments under load, again and again on the same directory.
///
/// The environment variable `ENTITYSYNC_KILLS` sets how often, `ENTITYSYNC_SEED` the seed.
@Suite(.showsPrograms, .timeLimit(.minutes(30))) struct ServerKillTests {
    private static func number(_ variable: String, _ standard: UInt64) -> UInt64 {
        ProcessInfo.processInfo.environment[variable].flatMap { UInt64($0) } ?? standard
    }

    @Test func everyAcknowledgedOperationSurvivesKillsOnceAndNothingElseAppears() throws {
        let seed = Self.number("ENTITYSYNC_SEED", 1)
        let killCount = Self.number("ENTITYSYNC_KILLS", 30)
        var generator = SeededGenerator(seed: seed)
        let bench = try Bench()
        defer { bench.end() }
        let ledger = KillLedger()
        let arena = try KillArena()
        defer { arena.abandon() }
        for index in 0..<4 as Range<UInt64> {
            let writer = KillWriter(
                device: DeviceID("writer\(index)"), seed: generator.next(), ledger: ledger)
            arena.run { arena in
                var writer = writer
                writer.run(in: arena)
            }
        }
        arena.run { arena in KillReader(ledger: ledger).run(in: arena) }

        for kill in 0..<killCount {
            if kill % 5 == 4 { try killWhileStarting(bench, &generator) }
            let server = try serve(bench)
            if kill % 10 == 9 { try check(server, ledger) }
            arena.announce(port: server.port, isLast: false)
            try arena.waitForProgress(Int.random(in: 0...25, using: &generator))
            pause(microseconds: Int.random(in: 0...3_000, using: &generator))
            server.kill()
        }
        let last = try serve(bench)
        arena.announce(port: last.port, isLast: true)

        #expect(arena.join(), "a writer did not end")
        try check(last, ledger)
        #expect(ledger.counts.acknowledged > Int(killCount) * 10)
        #expect(ledger.counts.duplicates > 0)
        #expect(try last.stop().exit == .status(0))
        let reopened = try serve(bench)
        try check(reopened, ledger)
        print(
            "seed \(seed): \(killCount) kills, \(ledger.counts.acknowledged) operations "
                + "acknowledged, \(ledger.counts.duplicates) sent again, "
                + "\(ledger.counts.lostAnswers) answers lost after the commit")
    }

    /// Small segments, so that kills also meet the moment in which one follows another.
    private func serve(_ bench: Bench) throws -> ServerProcess {
        try bench.serve("server", ["--max-segment-bytes", "65536"])
    }

    /// Kills a server that is still opening its log.
    private func killWhileStarting(
        _ bench: Bench, _ generator: inout SeededGenerator
    ) throws {
        let program = try bench.start(
            "entitysync-server",
            [
                "serve", "--data", bench.path("server"), "--port", "0", "--max-segment-bytes",
                "65536",
            ])
        pause(microseconds: Int.random(in: 0...30_000, using: &generator))
        program.kill()
    }

    private func check(_ server: ServerProcess, _ ledger: KillLedger) throws {
        let client = try ProtocolClient(port: server.port, KillWriter.databaseID, "checker")
        ledger.note(logID: try client.handshake().logID)
        ledger.checkWhole(try client.pullAll())
    }

    /// Lets a random time go by: the moment of a kill is what these tests vary.
    private func pause(microseconds: Int) {
        let deadline = Platform.seconds + Double(microseconds) / 1e6
        Platform.waitReadable([], milliseconds: CInt(microseconds / 1_000))
        while Platform.seconds < deadline {}
    }
}

/// Pulls all the time and notes what it sees, to hold the server to it later.
private struct KillReader {
    let ledger: KillLedger

    func run(in arena: KillArena) {
        var generation = 0
        var cursor = Cursor.start
        while let (server, isLast) = arena.server(after: generation) {
            generation = server.generation
            // A failed exchange is the server's death.
            try? follow(port: server.port, from: &cursor, isLast: isLast)
        }
    }

    private func follow(port: UInt16, from cursor: inout Cursor, isLast: Bool) throws {
        let client = try ProtocolClient(port: port, KillWriter.databaseID, "reader")
        ledger.note(logID: try client.handshake().logID)
        while true {
            let request = PullRequest(
                databaseID: KillWriter.databaseID, sinceCursor: cursor, limit: 50,
                waitMilliseconds: isLast ? 0 : 30_000)
            let page: PullResponse = try client.call("/v1/pull", request)
            ledger.note(page.operations, after: cursor)
            cursor = page.nextCursor
            if isLast && !page.hasMore { return }
        }
    }
}
