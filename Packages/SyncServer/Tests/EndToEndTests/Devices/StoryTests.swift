// SPDX-License-Identifier: MIT

import CBOR
import Foundation
import SyncClient
import Testing

/// Devices with real stores and a real server between them.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct StoryTests {
    @Test func twoDevicesConvergeAfterOfflineEditsAndAConflict() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = try Device("a", on: bench, port: server.port)
        let b = try Device("b", on: bench, port: server.port)
        try a.put("milk", "1")
        try a.put("bread", "2")
        try await a.engine.sync()
        try await b.engine.sync()

        try a.put("oat milk", "1")
        try b.put("three bottles", "1")
        try b.put("coffee", "3")
        try b.store.delete(in: "cards", id: "2")
        try await a.engine.sync()
        let report = try await b.engine.sync()
        try await a.engine.sync()

        #expect(report.counts.conflicts == 1)
        #expect(report.counts.pushed == 2)
        #expect(try b.text("1") == "oat milk")
        #expect(try a.text("2") == nil)
        #expect(try a.text("3") == "coffee")
        #expect(a.content == b.content)
        let conflicts = try await b.engine.conflicts()
        let loser = try #require(conflicts.first?.conflict.local)
        #expect(try CBORDecoder().decode(Card.self, from: loser).text == "three bottles")
        let log = try ServerLog(port: server.port)
        log.checkLaws()
        #expect(log.content == a.content)
    }

    @Test func localWinsReachesTheOtherDevice() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = try Device("a", on: bench, port: server.port)
        let b = try Device("b", on: bench, port: server.port, resolver: .clientWins)
        try a.put("first", "1")
        try await a.engine.sync()
        try await b.engine.sync()

        try a.put("of a", "1")
        try b.put("of b", "1")
        try await a.engine.sync()
        try await b.engine.sync()
        try await a.engine.sync()

        #expect(try a.text("1") == "of b")
        #expect(a.content == b.content)
    }

    @Test func aTransactionArrivesWhole() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = try Device("a", on: bench, port: server.port)
        let b = try Device("b", on: bench, port: server.port) { $0.pullLimit = 3 }
        for number in 0..<20 {
            try a.store.transaction { transaction in
                for part in 0..<(number % 7 + 1) {
                    try transaction.put(
                        Card(text: "\(number)", count: part), in: "cards", id: "\(number)-\(part)")
                    try transaction.put(Card(text: "index"), in: "index", id: "\(number)-\(part)")
                }
            }
        }

        try await a.engine.sync()
        try await b.engine.sync()

        #expect(a.content == b.content)
        #expect(b.content.count == a.content.count)
        let log = try ServerLog(port: server.port)
        log.checkLaws()
        #expect(log.operations.allSatisfy { $0.transactionID != nil })
    }

    @Test func thousandsOfOperationsGoOutAndAFirstSyncComesInPages() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve("server", ["--max-pull-ops", "300", "--max-push-ops", "700"])
        let a = try Device("a", on: bench, port: server.port)
        for batch in 0..<300 {
            try a.store.transaction { transaction in
                for number in 0..<10 {
                    let id = "\(batch * 10 + number)"
                    try transaction.put(Card(text: "card \(id)"), in: "cards", id: id)
                }
            }
        }

        let pushed = try await a.engine.sync()
        let b = try Device("b", on: bench, port: server.port)
        let pulled = try await b.engine.sync()

        #expect(pushed.counts.pushed == 3_000)
        #expect(pulled.counts.pulled == 3_000)
        #expect(pulled.cursor == 3_000)
        #expect(a.content == b.content)
        #expect(b.content.count == 3_000)
    }

    @Test func aStartedEngineTakesWhatAnotherDevicePushes() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = try Device("a", on: bench, port: server.port)
        // Without being woken, b would learn of it after 30 s at the earliest.
        let b = try Device("b", on: bench, port: server.port) { $0.waitForOthers = .seconds(30) }
        var changes = b.store.changes(in: "cards").makeAsyncIterator()
        await b.engine.start()
        for await state in b.engine.states { if case .synced = state { break } }
        let begin = Platform.seconds

        try a.put("news", "1")
        try await a.engine.sync()
        let change = try #require(await changes.next())

        #expect(change.map(\.entityID) == ["1"])
        #expect(change.allSatisfy { $0.isPulled })
        #expect(Platform.seconds - begin < 25)
        #expect(try b.text("1") == "news")
        await b.engine.stop()
    }

    @Test func aStartedEngineSendsWhatTheAppWrites() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let a = try Device("a", on: bench, port: server.port)
        await a.engine.start()
        for await state in a.engine.states { if case .synced = state { break } }

        try a.put("mine", "1")
        for await state in a.engine.states {
            if case .synced(let report) = state, report.counts.pushed == 1 { break }
        }

        #expect(try ServerLog(port: server.port).content == a.content)
        await a.engine.stop()
    }
}
