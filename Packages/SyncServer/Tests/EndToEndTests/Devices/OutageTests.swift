// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import SyncClient
import SyncTestSupport
import Testing

/// Servers that go away and answers that do not arrive.
@Suite(.showsPrograms, .timeLimit(.minutes(10))) struct OutageTests {
    @Test func everythingSurvivesAnOrderlyRestartOfTheServer() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let first = try bench.serve()
        let proxy = try FaultyProxy(to: first.port) { _ in .none }
        defer { proxy.end() }
        let a = try Device("a", on: bench, port: proxy.port)
        let b = try Device("b", on: bench, port: proxy.port)
        try a.put("before", "1")
        try await a.engine.sync()
        let logID = try ProtocolClient(port: first.port, "cards", "observer").handshake().logID

        #expect(try first.stop().exit == .status(0))
        try a.put("between", "2")
        let second = try bench.serve()
        proxy.redirect(to: second.port)
        try await a.engine.sync()
        let report = try await b.engine.sync()

        #expect(report.counts.pulled == 2)
        #expect(a.content == b.content)
        try ServerLog(port: second.port).checkLaws()
        let later = try ProtocolClient(port: second.port, "cards", "observer").handshake()
        #expect(later.logID == logID)
    }

    @Test func aServerThatIsDownIsAClearErrorAndALaterSyncWorks() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let downPort = try Socket.makeClosedPort()
        let a = try Device("a", on: bench, port: downPort)
        try a.put("patient", "1")

        let error = try await #require(throws: SyncError.self) { try await a.engine.sync() }

        #expect(error.code == .network)
        #expect(error.message.contains("http://127.0.0.1:\(downPort)"))
        #expect(error.message.contains("cannot be reached"))
        #expect(try await a.engine.pendingCount() == 1)
        a.close()
        let server = try bench.serve()
        let again = try Device("a", on: bench, port: server.port)
        #expect(try await again.engine.sync().counts.pushed == 1)
        #expect(try ServerLog(port: server.port).content == again.content)
    }

    @Test func anAnswerLostAfterTheCommitMakesNoDouble() async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let proxy = try FaultyProxy(to: server.port) { number in
            number < 12 ? .loseAnswer(to: "POST /v1/push") : .none
        }
        defer { proxy.end() }
        let a = try Device("a", on: bench, port: proxy.port) { $0.retryPolicy.attemptsMax = 0 }
        for number in 0..<5 { try a.put("card", "\(number)") }

        // The edits between the attempts wait behind what may be there.
        var failures = 0
        while failures < 20, (try? await a.engine.sync()) == nil {
            try a.put("edited \(failures)", "0")
            failures += 1
        }
        try await a.engine.sync()

        #expect(failures > 1)
        #expect(proxy.faultCount == failures)
        let log = try ServerLog(port: server.port)
        log.checkLaws()
        #expect(log.content == a.content)
        #expect(try a.text("0") == "edited \(failures - 1)")
        #expect(try await a.engine.conflicts().isEmpty)
        #expect(Set(log.operations.map(\.entityID)).count == 5)
    }

    /// Every request is cut at some byte, on one way or the other, until the budget of faults is
    /// used up; the engine's retries get through.
    @Test(arguments: 0..<6) func connectionsCutAtAnyByteLoseAndDoubleNothing(
        seed: UInt64
    ) async throws {
        let bench = try Bench()
        defer { bench.end() }
        let server = try bench.serve()
        let generator = Mutex(SeededGenerator(seed: seed))
        let proxy = try FaultyProxy(to: server.port) { number in
            generator.withLock { generator in
                if number >= 60 { return .none }
                let limit = Int.random(in: 0..<4_000, using: &generator)
                return Bool.random(using: &generator)
                    ? .cutRequest(after: limit) : .cutAnswer(after: limit)
            }
        }
        defer { proxy.end() }
        let configure = { (configuration: inout SyncConfiguration) in
            configuration.pullLimit = 20
            configuration.retryPolicy.attemptsMax = 100
        }
        let a = try Device("a", on: bench, port: proxy.port, configure: configure)
        let b = try Device("b", on: bench, port: proxy.port, configure: configure)

        for round in 0..<4 {
            for (device, name) in [(a, "a"), (b, "b")] {
                for number in 0..<15 {
                    try device.put("\(name) \(round)", "\(name)\(number)")
                    if number % 5 == 0 { try device.put("\(name) \(round)", "shared\(number)") }
                }
                try await device.engine.sync()
            }
        }
        try await a.engine.sync()
        try await b.engine.sync()
        try await a.engine.sync()

        #expect(proxy.faultCount > 3)
        #expect(a.content == b.content)
        #expect(a.content.count == 33)
        let log = try ServerLog(port: server.port)
        log.checkLaws()
        #expect(log.content == a.content)
    }
}
